"""The report's data: what a run found out, as `report.json` holds it and as every renderer reads it.

Nothing here draws, prints or opens a file. Text that came from the server is kept as it came; each renderer makes it
harmless for its own format.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, TypeAdapter

from conformance import __version__
from conformance.requirements import Requirement, Suffering
from conformance.verdict import Verdict, worst

SCHEMA = 1
"""The version of the format of `report.json`."""

NO_CHECK = "no check of this run verifies it"
"""Why a requirement was not verified that could be."""

Side = Literal["client", "server", "bench"]

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Suite:
    """What tested: this package, and the catalogue of requirements it went by."""

    name: str
    version: str
    catalogue: str

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What was tested, and what a first look at it showed.

    transports: `clear`, `stls` or `tls`.
    greeting: None where the server sent none, or could not be reached.
    implementation: what CAPA says about it (RFC 2449 section 6.9), if it does.
    capabilities: by state, the lines of CAPA; None for a state in which CAPA is refused.
    """

    name: str
    host: str
    port: int
    transports: tuple[str, ...] = ()
    greeting: str | None = None
    implementation: str | None = None
    capabilities: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)

    __pydantic_config__ = _STRICT

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Make one from what JSON can hold. Raises `ValueError` if that is something else."""
        return _TARGET_FACTS.validate_python(record)  # type: ignore[return-value]


_TARGET_FACTS = TypeAdapter(TargetFacts)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """When and how the run was made, and how it ended.

    started: ISO 8601, UTC.
    options: the options that differ from run to run, by name; `gate` is one of them.
    exit: the exit code.
    notes: what a reader must know first: why the server could not be tested, which listed deviation is gone.
    """

    started: str
    duration_s: float
    seed: int
    options: Mapping[str, str] = field(default_factory=dict)
    exit: int = 0
    notes: tuple[str, ...] = ()

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, slots=True)
class TranscriptEntry:
    """Something that one side sent, or a remark of the bench; t in seconds since the check began."""

    t: float
    side: Annotated[Side, Field(alias="from")]
    text: str

    __pydantic_config__ = _STRICT

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Make one from what JSON can hold. Raises `ValueError` if that is something else."""
        return _TRANSCRIPT_ENTRY.validate_python(record)  # type: ignore[return-value]


_TRANSCRIPT_ENTRY = TypeAdapter(TranscriptEntry)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check got, and the evidence for it.

    requirements: the ids it verifies, the one it is about first.
    violated: the ids that a deviation goes against; empty for all that the check verifies.
    expected: the alternatives, any of which would have been right.
    fingerprint: what stays the same when the same deviation is seen again.
    """

    id: str
    title: str
    verdict: Verdict
    reason: str = ""
    requirements: tuple[str, ...] = ()
    violated: tuple[str, ...] = ()
    transport: str = ""
    duration_s: float = 0.0
    transcript: tuple[TranscriptEntry, ...] = ()
    expected: tuple[str, ...] = ()
    observed: str = ""
    fingerprint: str = ""

    __pydantic_config__ = _STRICT

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Make one from what JSON can hold. Raises `ValueError` if that is something else."""
        return _CHECK_RESULT.validate_python(record)  # type: ignore[return-value]

    @property
    def named(self) -> tuple[str, ...]:
        """All the requirements it bears on, each once."""
        return tuple(dict.fromkeys((*self.requirements, *self.violated)))

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        record: dict[str, Any] = _CHECK_RESULT.dump_python(self, mode="json", by_alias=True)
        return record


_CHECK_RESULT = TypeAdapter(CheckResult)


@dataclass(frozen=True, slots=True)
class Observation:
    """What the server does where the RFC leaves it open, and the check that saw it."""

    key: str
    value: str
    check: str

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, slots=True)
class RequirementResult:
    """What one requirement got.

    testable: "yes", "partly", or "no" where nothing of it shows to a client.
    reason: why it was not verified, or whatever else there is to say about the verdict.
    url: the address of the RFC's section.
    checks: the ids of the checks that bear on it.
    clients: who suffers when it is broken.
    """

    id: str
    rfc: int
    section: str
    level: str
    topic: str
    statement: str
    testable: str
    verdict: Verdict
    reason: str = ""
    url: str = ""
    checks: tuple[str, ...] = ()
    clients: tuple[Suffering, ...] = ()

    __pydantic_config__ = _STRICT

    @property
    def part(self) -> str:
        """The part of the RFC it stands in: `section 5`, `appendix A`, or the heading of one without a number."""
        kind = "section" if self.section[:1].isdigit() else "appendix"
        return f"{kind} {self.section}" if re.fullmatch(r"(\d+|[A-Z])(\.\d+)*", self.section) else f"“{self.section}”"

    @property
    def place(self) -> str:
        """Where it stands: `RFC 1939 section 5`."""
        return f"RFC {self.rfc} {self.part}"


@dataclass(frozen=True, slots=True)
class Summary:
    """How many checks and how many requirements got each verdict; every verdict is there."""

    checks: Mapping[Verdict, int]
    requirements: Mapping[Verdict, int]

    __pydantic_config__ = _STRICT


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a run found out.

    Raises `ValueError` if a check names no requirement, or one that the report does not have.
    """

    schema: int
    suite: Suite
    target: TargetFacts
    run: RunFacts
    summary: Summary
    requirements: tuple[RequirementResult, ...]
    checks: tuple[CheckResult, ...]
    observations: tuple[Observation, ...]

    __pydantic_config__ = _STRICT

    def __post_init__(self) -> None:
        listed = {requirement.id for requirement in self.requirements}
        for check in self.checks:
            if not check.named:
                raise ValueError(f"{check.id} names no requirement")
            if unknown := [id_ for id_ in check.named if id_ not in listed]:
                raise ValueError(f"{check.id} names {', '.join(unknown)}, which is no requirement of the report")


def build_report(
    *,
    catalogue: Mapping[str, Requirement],
    digest: str,
    results: Iterable[CheckResult],
    observations: Iterable[Observation],
    target: TargetFacts,
    run: RunFacts,
) -> Report:
    """Return the report of a run; the same findings give the same report, in whatever order they came.

    catalogue: all requirements by id; those that no check names are in the report too, as not verified. One that only
    restates another is left out unless a check names it, or it would count twice.
    digest: which catalogue that is.
    Raises `ValueError` if a check names no requirement, or one that the catalogue does not have.
    """
    checks = tuple(sorted(results, key=lambda check: (check.id, check.transport)))
    by_requirement: dict[str, list[CheckResult]] = {}
    for check in checks:
        for id_ in check.named:
            by_requirement.setdefault(id_, []).append(check)
    requirements = tuple(
        _requirement_result(requirement, by_requirement.get(id_, ()))
        for id_, requirement in catalogue.items()
        if id_ in by_requirement or not requirement.restates
    )
    return Report(
        schema=SCHEMA,
        suite=Suite("pop3-conformance", __version__, digest),
        target=target,
        run=run,
        summary=Summary(_counts(checks), _counts(requirements)),
        requirements=requirements,
        checks=checks,
        observations=tuple(sorted(observations, key=lambda seen: (seen.key, seen.value, seen.check))),
    )


def capped(verdict: Verdict, cap: str) -> Verdict:
    """Return the verdict, or what the cap of a requirement leaves of it: a breach of a SHOULD cannot be a fail."""
    match cap, verdict:
        case "WARN", Verdict.FAIL:
            return Verdict.WARN
        case "INFO" | "NONE", Verdict.FAIL | Verdict.WARN | Verdict.KNOWN:
            return Verdict.INFO
    return verdict


def _requirement_result(requirement: Requirement, checks: Sequence[CheckResult]) -> RequirementResult:
    verdict, reason = _verdict(requirement, checks)
    return RequirementResult(
        id=requirement.id,
        rfc=requirement.rfc,
        section=requirement.section,
        level=requirement.level,
        topic=requirement.topic,
        statement=requirement.statement,
        testable=requirement.testable,
        verdict=verdict,
        reason=reason,
        url=requirement.url,
        checks=tuple(dict.fromkeys(check.id for check in checks)),
        clients=requirement.clients,
    )


def _verdict(requirement: Requirement, checks: Sequence[CheckResult]) -> tuple[Verdict, str]:
    """Return the worst verdict of the checks, and the reasons that were given for it."""
    if not checks:
        return Verdict.NOT_RUN, requirement.why_not if requirement.testable == "no" else NO_CHECK
    shares = [_share(check, requirement) for check in checks]
    verdict = worst(share for share, _ in shares)
    reasons = dict.fromkeys(reason for share, reason in shares if share is verdict and reason)
    return verdict, "; ".join(reasons)


def _share(check: CheckResult, requirement: Requirement) -> tuple[Verdict, str]:
    """Return what a check says about one of its requirements, and why.

    A check that came upon a deviation from another requirement may have ended there: it is no evidence for the rest.
    """
    deviates = check.verdict in (Verdict.FAIL, Verdict.WARN, Verdict.INFO, Verdict.KNOWN)
    if deviates and check.violated and requirement.id not in check.violated:
        return Verdict.NOT_RUN, f"{check.id} deviated from {', '.join(check.violated)} and tells no more"
    return capped(check.verdict, requirement.cap), check.reason


def _counts(results: Sequence[CheckResult] | Sequence[RequirementResult]) -> dict[Verdict, int]:
    return {verdict: sum(result.verdict is verdict for result in results) for verdict in Verdict}
