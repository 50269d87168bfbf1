"""Reports to draw: one of a quiet server, and one in which every text is whatever a hostile server likes."""

from conformance.report.data import (
    CheckResult,
    Observation,
    Report,
    RequirementResult,
    RunFacts,
    Suite,
    Summary,
    TargetFacts,
    TranscriptEntry,
    build_report,
)
from conformance.requirements import Requirement, Suffering
from conformance.verdict import Verdict

HOSTILE = (
    "<script>alert(1)</script>",
    "'\"><img src=x onerror=alert(1)>",
    "</code></pre></style></script><!-- ",
    "{{ 7 * 7 }} {% raw %}",
    "]]><failure/>&amp;&#0;",
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "one\r\ntwo\nthree\u2028four\u2029five\x0bsix\x0cseven\x85",
    "` `` ``` ~~~~ | a | b |\n```\n# heading\n| --- |\n",
    "![x](https://example.org/x.png) [y](javascript:alert(1)) <https://example.org>",
    "# heading",
    "1. item",
    "- item",
    "> quotation",
    "    indented",
    "***",
    "---",
    "nul \x00 and del \x7f",
    "\u202egnp.\u2066exe\u200f\u200b\ufeff\u00ad\U000e0041",
    "\udcff\ud800 lone surrogates \ufffe\uffff",
    "\\r\\n \\\\n \\x41",
    "x" * 100 * 1024,
    "a b " * 25 * 1024,
    "\n" * 5000,
    "",
    "   ",
)


A, B, C = "R1939-5-DELE-03", "R1939-5-LIST-07", "R1939-7-TOP-02"
"""Requirements to give verdicts to."""


def requirement(id_: str = "R1939-5-DELE-03", **changes: object) -> Requirement:
    """Make a requirement of the catalogue."""
    fields: dict[str, object] = {
        "id": id_,
        "section": id_.split("-")[1],
        "line": 1,
        "level": "MUST",
        "statement": f"The statement of {id_}.",
        "cap": "FAIL",
    }
    return Requirement(**(fields | changes))  # type: ignore[arg-type]


def result(id_: str, verdict: Verdict, *requirements: str, **changes: object) -> CheckResult:
    """Make the result of a check."""
    fields: dict[str, object] = {"title": f"What {id_} does.", "requirements": requirements}
    return CheckResult(id=id_, verdict=verdict, **(fields | changes))  # type: ignore[arg-type]


def report_of(
    *results: CheckResult, catalogue: tuple[Requirement, ...] = (), exit: int = 0, notes: tuple[str, ...] = ()
) -> Report:
    """Make a report of these results."""
    requirements = catalogue or (requirement(A), requirement(B), requirement(C))
    return build_report(
        catalogue={entry.id: entry for entry in requirements},
        digest="0123456789ab",
        results=results,
        observations=(),
        target=TargetFacts("A server", "127.0.0.1", 110),
        run=RunFacts("2026-01-02T03:04:05Z", 1.0, 7, {"gate": "must"}, exit, notes),
    )


def hostile_report(text: str, gate: str = "must") -> Report:
    """Make a report that has every verdict, and `text` wherever there is room for one."""
    requirements = tuple(
        RequirementResult(
            id=f"{verdict} {text}",
            rfc=1939,
            section=text,
            level=text,
            topic=text,
            statement=text,
            testable="yes",
            verdict=verdict,
            reason=text,
            url=text,
            checks=(f"{verdict}/{text}",),
            clients=(Suffering(text, text, text),),
        )
        for verdict in Verdict
    )
    checks = tuple(
        CheckResult(
            id=f"{verdict}/{text}",
            title=text,
            verdict=verdict,
            reason=text,
            requirements=(f"{verdict} {text}",),
            violated=(f"{verdict} {text}",),
            transport=text,
            duration_s=0.5,
            transcript=(
                TranscriptEntry(0.0, "server", text),
                TranscriptEntry(0.1, "client", text),
                TranscriptEntry(0.2, "bench", text),
            ),
            expected=(text, text),
            observed=text,
            fingerprint=text,
        )
        for verdict in Verdict
    )
    return Report(
        schema=1,
        suite=Suite(text, text, text),
        target=TargetFacts(text, text, 110, (text,), text, text, {text: (text,), f"{text}.": None}),
        run=RunFacts(text, 1.5, 1, {"gate": gate, f"{text}.": text}, 1, (text,)),
        summary=Summary(dict.fromkeys(Verdict, 1), dict.fromkeys(Verdict, 1)),
        requirements=requirements,
        checks=checks,
        observations=(Observation(text, text, text), Observation(text, text, checks[0].id)),
    )
