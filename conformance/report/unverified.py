"""What a report does not say anything about, and why: a skip is never green."""

from dataclasses import dataclass

from conformance.report.data import Report, RequirementResult
from conformance.verdict import Verdict

UNVERIFIED = (Verdict.ERROR, Verdict.NOT_RUN, Verdict.NOT_APPLICABLE)
"""The verdicts that say nothing about the server."""


UNSEEN = "nothing of it shows to a client"
"""The reason of all requirements that no check can verify; each has its own words for why."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Requirements that were not verified for the same reason."""

    verdict: Verdict
    reason: str
    requirements: tuple[RequirementResult, ...]

    @property
    def size(self) -> int:
        """How many requirements there are in it."""
        return len(self.requirements)


def gaps(report: Report) -> tuple[Gap, ...]:
    """Return the requirements that were not verified, by verdict and reason, those with the most first."""
    groups: dict[tuple[Verdict, str], list[RequirementResult]] = {}
    for requirement in report.requirements:
        if requirement.verdict in UNVERIFIED:
            unseen = requirement.testable == "no" and not requirement.checks
            reason = UNSEEN if unseen else requirement.reason
            groups.setdefault((requirement.verdict, reason), []).append(requirement)
    found = [Gap(verdict, reason, tuple(members)) for (verdict, reason), members in groups.items()]
    return tuple(sorted(found, key=lambda gap: (UNVERIFIED.index(gap.verdict), -gap.size, gap.reason)))
