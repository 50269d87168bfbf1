"""The findings of a report: one for each broken rule, however many checks it shows in."""

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.report.data import CheckResult, Report, RequirementResult
from conformance.verdict import Verdict, worst


@dataclass(frozen=True, slots=True)
class Finding:
    """A requirement that is violated, and where that shows.

    verdict: FAIL or WARN.
    example: the check that shows it best.
    others: further checks that show it.
    also: further requirements that these checks found violated.
    """

    verdict: Verdict
    requirement: RequirementResult
    example: CheckResult
    others: tuple[CheckResult, ...] = ()
    also: tuple[RequirementResult, ...] = ()

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """All checks that show it, the best example first."""
        return (self.example, *self.others)


def findings(report: Report) -> tuple[Finding, ...]:
    """Return the fails, then the warns, each in the order of the RFCs' texts.

    Each check that deviates stands in one finding: that of the first requirement it names as violated with the
    gravity of its own verdict.
    """
    requirements = {requirement.id: requirement for requirement in report.requirements}
    shown_by: dict[str, list[CheckResult]] = {}
    for check in report.checks:
        if check.verdict in (Verdict.FAIL, Verdict.WARN):
            broken = _violated(check)
            lead = next((id_ for id_ in broken if requirements[id_].verdict is check.verdict), broken[0])
            shown_by.setdefault(lead, []).append(check)
    found = [_finding(requirements, id_, shown_by[id_]) for id_ in requirements if id_ in shown_by]
    return tuple(sorted(found, key=lambda finding: finding.verdict is not Verdict.FAIL))


def _violated(check: CheckResult) -> tuple[str, ...]:
    return check.violated or check.requirements


def _finding(requirements: dict[str, RequirementResult], lead: str, checks: Iterable[CheckResult]) -> Finding:
    example, *others = sorted(checks, key=_clarity)
    broken = {id_ for check in (example, *others) for id_ in _violated(check)} - {lead}
    return Finding(
        verdict=worst(check.verdict for check in (example, *others)),
        requirement=requirements[lead],
        example=example,
        others=tuple(others),
        also=tuple(
            requirement
            for requirement in requirements.values()
            if requirement.id in broken and requirement.verdict in (Verdict.FAIL, Verdict.WARN)
        ),
    )


def _clarity(check: CheckResult) -> tuple[int, bool, int, str]:
    """Sort key: the gravest first, and of these the one with the shortest transcript, if there is any."""
    length = sum(len(entry.text) for entry in check.transcript)
    return -check.verdict.severity, not check.transcript, length, check.id
