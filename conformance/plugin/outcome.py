"""How a run ended: its exit code, and what a reader of the report must know first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from conformance.plugin.judging import SUITE_FAILED
from conformance.profile import Known
from conformance.report.baseline import NO_BASELINE, Baseline
from conformance.report.data import CheckResult
from conformance.verdict import Verdict


class Exit(IntEnum):
    """Exit codes of a run."""

    CONFORMS = 0
    FINDINGS = 1
    USAGE = 2
    CANNOT_TEST = 3
    SUITE_FAILED = 4
    INTERRUPTED = 130


_STOPPED = {
    "must": frozenset({Verdict.FAIL}),
    "should": frozenset({Verdict.FAIL, Verdict.WARN}),
    "never": frozenset[Verdict](),
}

_OBSERVED = frozenset({Verdict.PASS, Verdict.FAIL, Verdict.WARN, Verdict.INFO, Verdict.KNOWN})


@dataclass(frozen=True, slots=True)
class Gate:
    """Which findings make a run fail.

    name: "must" for violated MUSTs, "should" for SHOULDs as well, "never".
    baseline: the findings that pass it, since they were there before.
    """

    name: str
    baseline: Baseline = NO_BASELINE

    def stops(self, check: str, transport: str, verdict: Verdict, fingerprint: str) -> bool:
        """True if that finding makes the run fail."""
        return verdict in _STOPPED[self.name] and not self.baseline.has(check, transport, verdict, fingerprint)


def exit_code(results: Sequence[CheckResult], gate: Gate, gone: Sequence[Known], interrupted: bool) -> Exit:
    """Return the exit code of a run that got as far as its checks.

    gone: listed deviations that are no longer there; they fail the gate until the list is updated.
    """
    verdicts = {result.verdict for result in results}
    if interrupted:
        return Exit.INTERRUPTED
    if any(result.verdict is Verdict.ERROR and result.reason.startswith(SUITE_FAILED) for result in results):
        return Exit.SUITE_FAILED
    stopped = any(gate.stops(result.id, result.transport, result.verdict, result.fingerprint) for result in results)
    if stopped or (gone and gate.name != "never"):
        return Exit.FINDINGS
    if Verdict.ERROR in verdicts or not verdicts & _OBSERVED:
        return Exit.CANNOT_TEST
    return Exit.CONFORMS


def notes(results: Sequence[CheckResult], gone: Iterable[Known], interrupted: bool) -> tuple[str, ...]:
    """Return what a reader must know first."""
    lines = []
    if interrupted:
        lines.append("The run was interrupted; checks that had not run by then are not in this report.")
    if not any(result.verdict in _OBSERVED for result in results):
        lines.append("No check ran: nothing can be said about the server.")
    lines += [
        f"The profile lists {entry.check} as a known deviation, but it passed: remove the entry." for entry in gone
    ]
    return tuple(lines)
