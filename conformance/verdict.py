"""Verdicts, and the ways in which a check says that it reached one."""

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What a check or a requirement got."""

    PASS = "pass"
    """The claim was observed to hold."""
    FAIL = "fail"
    """A MUST, hard grammar or prose with one possible reading is violated."""
    WARN = "warn"
    """A SHOULD, or the strict reading of an ambiguous text, is violated."""
    INFO = "info"
    """The RFC leaves it open; what the server does is recorded and never judged."""
    NOT_APPLICABLE = "not-applicable"
    """The optional feature is not offered."""
    NOT_RUN = "not-run"
    """A precondition is missing."""
    ERROR = "error"
    """The bench failed; never blamed on the server."""
    KNOWN = "known"
    """A deviation that the profile lists, still there."""

    @property
    def severity(self) -> int:
        """Rank in "the worst of": the higher, the worse."""
        return _SEVERITY[self]


# A check that observed something outranks one that could not: a requirement with one pass and one not-run
# was verified in part, and its pass is what was seen.
_SEVERITY = {
    Verdict.NOT_APPLICABLE: 0,
    Verdict.NOT_RUN: 1,
    Verdict.PASS: 2,
    Verdict.INFO: 3,
    Verdict.KNOWN: 4,
    Verdict.WARN: 5,
    Verdict.ERROR: 6,
    Verdict.FAIL: 7,
}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of `verdicts`; NOT_RUN when there is none."""
    return max(verdicts, key=lambda verdict: verdict.severity, default=Verdict.NOT_RUN)


class Deviation(AssertionError):  # noqa: N818 - what a check found, not an error of the program
    """The server did something else than what was expected.

    expected: the alternatives, any of which would have been right.
    observed: what came.
    requirement: the id of the requirement that is violated; None for all that the check verifies.
    at_most: the worst verdict that this deviation deserves, where that is milder than the requirement's cap.
    """

    def __init__(
        self,
        expected: tuple[str, ...],
        observed: str,
        requirement: str | None = None,
        at_most: Verdict = Verdict.FAIL,
    ) -> None:
        super().__init__(f"expected {' or '.join(expected)}; observed {observed}")
        self.expected = expected
        self.observed = observed
        self.requirement = requirement
        self.at_most = at_most


class NotApplicable(Exception):  # noqa: N818 - an outcome, not an error
    """The server does not offer the optional feature that the check is about."""


class NotRun(Exception):  # noqa: N818 - an outcome, not an error
    """A precondition of the check is missing; the message says which."""


class BenchError(Exception):
    """The bench failed (unreachable, login refused, seeding failed): nothing can be said about the server."""
