"""From what happened in a check to its verdict."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pytest

from conformance.requirements import Requirement
from conformance.verdict import BenchError, Deviation, NotApplicable, NotRun, Verdict, worst
from conformance.wire.session import NoReplyError

_VERDICT_OF_CAP = {"FAIL": Verdict.FAIL, "WARN": Verdict.WARN, "INFO": Verdict.INFO, "NONE": Verdict.INFO}
SUITE_FAILED = "the suite failed"
"""How the reason of an error begins when the suite is to blame, not the bench and not the server."""

CLOSED_AFTER_REFUSAL = "the server has closed the connection, as it may after a refused login"

_VOLATILE = re.compile(r"[0-9A-Fa-f]{8,}|\d+")


@dataclass
class Judge:
    """What a check says beside passing and failing: deviations that it can go on after, and facts worth recording."""

    deviations: list[Deviation] = field(default_factory=list)
    observations: list[tuple[str, str]] = field(default_factory=list)

    def deviates(
        self, expected: str, observed: str, requirement: str | None = None, at_most: Verdict = Verdict.FAIL
    ) -> None:
        """Record a deviation without ending the check.

        The cap of the requirement says how grave it is; `at_most` where this way of breaking it is milder.
        """
        self.deviations.append(Deviation((expected,), observed, requirement, at_most))

    def observe(self, key: str, value: object) -> None:
        """Record what the server does where the RFC leaves it open."""
        self.observations.append((key, str(value)))


@dataclass(frozen=True)
class Judgement:
    """The verdict of a check and the evidence for it."""

    verdict: Verdict
    reason: str = ""
    violated: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    observed: str = ""

    @property
    def fingerprint(self) -> str:
        """What stays the same when the same deviation is seen again: numbers and long hex runs are left out."""
        if self.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.NOT_RUN):
            return ""
        text = "\n".join((*self.violated, *self.expected, self.observed))
        return hashlib.sha256(_VOLATILE.sub("#", text).encode()).hexdigest()[:12]


def judgement(
    error: BaseException | None,
    judge: Judge,
    verifies: tuple[str, ...],
    catalogue: Mapping[str, Requirement],
) -> Judgement:
    """Judge a check by the exception that ended it, if any, and by what it recorded on the way."""
    match error:
        case None:
            pass
        case NotApplicable():
            return Judgement(Verdict.NOT_APPLICABLE, str(error))
        case NotRun():
            return Judgement(Verdict.NOT_RUN, str(error))
        case pytest.skip.Exception():
            return Judgement(Verdict.NOT_RUN, error.msg or "skipped")
        case BenchError():
            return Judgement(Verdict.ERROR, str(error))
        case pytest.fail.Exception():
            # No check says so itself; it is the hard ceiling of pytest-timeout.
            return Judgement(Verdict.ERROR, f"the check was ended: {error.msg}")
        case NoReplyError() if error.ends_refused_login and not judge.deviations:
            return Judgement(Verdict.NOT_APPLICABLE, CLOSED_AFTER_REFUSAL)
        case Deviation():
            return _deviated([error, *judge.deviations], verifies, catalogue)
        case AssertionError():
            plain = Deviation(("what the check asserts",), str(error).partition("\n")[0])
            return _deviated([plain, *judge.deviations], verifies, catalogue)
        case _:
            return Judgement(Verdict.ERROR, f"{SUITE_FAILED}: {type(error).__name__}: {error}")
    return _deviated(judge.deviations, verifies, catalogue) if judge.deviations else Judgement(Verdict.PASS)


def _deviated(
    deviations: Iterable[Deviation], verifies: tuple[str, ...], catalogue: Mapping[str, Requirement]
) -> Judgement:
    """Judge deviations: the gravest gives the verdict and the evidence, all of them give what is violated."""

    def gravity(deviation: Deviation) -> Verdict:
        by_cap = worst(_VERDICT_OF_CAP[catalogue[requirement].cap] for requirement in violated_by(deviation))
        return min(by_cap, deviation.at_most, key=lambda verdict: verdict.severity)

    def violated_by(deviation: Deviation) -> tuple[str, ...]:
        return (deviation.requirement,) if deviation.requirement else verifies

    gravest = max(deviations, key=lambda deviation: gravity(deviation).severity)
    violated = dict.fromkeys(requirement for deviation in deviations for requirement in violated_by(deviation))
    return Judgement(gravity(gravest), "", tuple(violated), gravest.expected, gravest.observed)
