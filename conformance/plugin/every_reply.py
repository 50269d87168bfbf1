"""The reply grammar, judged on every reply of the whole run.

A defect of one reply seldom is that reply's own: a server that ends its lines with LF does so everywhere. So each
kind of defect is one check over all replies, and not a failure of every check that met it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from conformance.plugin.judging import Judgement
from conformance.report.data import CheckResult
from conformance.report.headline import counted
from conformance.requirements import Requirement
from conformance.verdict import Verdict
from conformance.wire.reply import Defect


def check_id(defect: Defect) -> str:
    """Return the id of the check about a kind of defect."""
    return f"every_reply/{defect.name.lower()}"


def title(defect: Defect) -> str:
    """Return what the check claims."""
    return f"No reply in the whole run has {defect.what}."


def judge_every_reply(
    defects: Iterable[tuple[str, str, str]], results: Sequence[CheckResult], catalogue: Mapping[str, Requirement]
) -> Iterator[CheckResult]:
    """Yield one result for each kind of defect.

    defects: (name of the defect, id of the check that met it, the reply that has it).
    results: the results of all checks, for their transcripts.
    """
    if not any(result.transcript for result in results):
        return
    seen: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, check, where in defects:
        seen[name].append((check, where))
    transcripts = {result.id: result.transcript for result in results}
    for defect in Defect:
        found = Judgement(Verdict.PASS)
        first = ""
        if places := seen[defect.name]:
            first, where = min(places, key=lambda place: len(transcripts.get(place[0], ())))
            checks = counted(len({check for check, _ in places}), "check")
            observed = f"{where}; {counted(len(places), 'time')} in {checks}, among them {first}"
            expected = (title(defect),)
            found = Judgement(defect.verdict, "", (defect.requirement,), expected, observed)
        yield CheckResult(
            id=check_id(defect),
            title=title(defect),
            verdict=found.verdict,
            reason="",
            requirements=(defect.requirement,),
            violated=found.violated,
            transport=next((result.transport for result in results), "clear"),
            duration_s=0.0,
            transcript=transcripts.get(first, ()),
            expected=found.expected,
            observed=found.observed,
            fingerprint=found.fingerprint,
        )
