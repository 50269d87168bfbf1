"""A saved report that a later run is compared with: what it found already is no news."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from conformance.report.data import CheckResult, Report
from conformance.report.headline import counted
from conformance.report.json_ import from_json
from conformance.verdict import Verdict

_FINDINGS = (Verdict.FAIL, Verdict.WARN)
_NEW, _OTHER, _GONE = "New since", "Other than in", "Gone since"

NAMED = 5
"""Checks that a note names; of further ones it gives the number."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The findings of a report, by check and transport: the verdict of each, and its fingerprint."""

    found: Mapping[tuple[str, str], tuple[Verdict, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, report: Report) -> Self:
        """Return what a report found: its fails and warns, and the deviations that its profile listed."""
        return cls(
            {
                (check.id, check.transport): (check.verdict, check.fingerprint)
                for check in report.checks
                if check.verdict in (*_FINDINGS, Verdict.KNOWN)
            }
        )

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return the findings of a `report.json`. Raises `ValueError` with one line if it is none."""
        try:
            return cls.of(from_json(file.read_bytes()))
        except OSError as error:
            raise ValueError(f"cannot read the baseline {file}: {error.strerror or error}") from error
        except ValueError as error:
            raise ValueError(f"the baseline {file} cannot be used: {error}") from error

    def has(self, check: str, transport: str, verdict: Verdict, fingerprint: str) -> bool:
        """True if the report had that finding, with the same evidence and no milder a verdict."""
        before, evidence = self.found.get((check, transport), (Verdict.PASS, ""))
        return evidence == fingerprint and (before is Verdict.KNOWN or before.severity >= verdict.severity)

    def notes(self, results: Iterable[CheckResult]) -> Iterator[str]:
        """Yield what has changed since: findings that are new or other than they were, and those that are gone."""
        changes: dict[str, list[str]] = defaultdict(list)
        for result in results:
            if change := self._change(result):
                changes[change].append(result.id)
        for change in (_NEW, _OTHER, _GONE):
            if checks := sorted(changes[change]):
                yield f"{change} the baseline: {_listed(checks)}."
        if not any(changes.values()):
            yield "Nothing has changed since the baseline."

    def _change(self, result: CheckResult) -> str | None:
        known_before = (result.id, result.transport) in self.found
        if result.verdict in _FINDINGS:
            if self.has(result.id, result.transport, result.verdict, result.fingerprint):
                return None
            return _OTHER if known_before else _NEW
        return _GONE if known_before and result.verdict in (Verdict.PASS, Verdict.INFO) else None


NO_BASELINE = Baseline()


def _listed(checks: list[str]) -> str:
    rest = len(checks) - NAMED
    return ", ".join(checks[:NAMED]) + (f" and {counted(rest, 'more check')}" if rest > 0 else "")
