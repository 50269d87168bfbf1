"""From results to a report: verdicts, counts, findings, gaps, headline."""

import random

import pytest

from conformance.report.data import (
    NO_CHECK,
    CheckResult,
    Observation,
    Report,
    RunFacts,
    TargetFacts,
    TranscriptEntry,
    build_report,
    capped,
)
from conformance.report.evidence import excerpt, transcript_lines
from conformance.report.findings import findings
from conformance.report.headline import Standing, headline
from conformance.report.unverified import UNSEEN, gaps
from conformance.requirements import catalogue_digest, load_catalogue
from conformance.verdict import Verdict
from tests.report_samples import A, B, C, report_of, requirement, result

FAIL, WARN, INFO, PASS = Verdict.FAIL, Verdict.WARN, Verdict.INFO, Verdict.PASS
KNOWN, ERROR, NOT_RUN, NOT_APPLICABLE = Verdict.KNOWN, Verdict.ERROR, Verdict.NOT_RUN, Verdict.NOT_APPLICABLE


def verdict_of(report: Report, id_: str) -> tuple[Verdict, str]:
    return next((entry.verdict, entry.reason) for entry in report.requirements if entry.id == id_)


@pytest.mark.parametrize(
    ("cap", "expected"),
    [
        ("FAIL", {FAIL: FAIL, WARN: WARN, KNOWN: KNOWN}),
        ("WARN", {FAIL: WARN, WARN: WARN, KNOWN: KNOWN}),
        ("INFO", {FAIL: INFO, WARN: INFO, KNOWN: INFO}),
        ("NONE", {FAIL: INFO, WARN: INFO, KNOWN: INFO}),
    ],
)
def test_a_cap_softens_deviations_and_nothing_else(cap: str, expected: dict[Verdict, Verdict]) -> None:
    assert {verdict: capped(verdict, cap) for verdict in Verdict} == {v: v for v in Verdict} | expected


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([PASS, FAIL, WARN], FAIL),
        ([PASS, WARN], WARN),
        ([PASS, INFO], INFO),
        ([PASS, NOT_RUN], PASS),
        ([PASS, NOT_APPLICABLE], PASS),
        ([PASS, ERROR], ERROR),
        ([WARN, ERROR], ERROR),
        ([FAIL, ERROR], FAIL),
        ([PASS, KNOWN], KNOWN),
        ([NOT_RUN, NOT_APPLICABLE], NOT_RUN),
        ([NOT_APPLICABLE], NOT_APPLICABLE),
    ],
)
def test_a_requirement_gets_the_worst_of_its_checks(verdicts: list[Verdict], expected: Verdict) -> None:
    report = report_of(*(result(f"topic/check_{n}", verdict, A) for n, verdict in enumerate(verdicts)))
    assert verdict_of(report, A)[0] is expected


@pytest.mark.parametrize("verdict", [FAIL, WARN, INFO, KNOWN])
def test_a_deviation_counts_for_what_it_violates_only(verdict: Verdict) -> None:
    report = report_of(result("topic/check", verdict, A, B, violated=(B,)))
    assert verdict_of(report, B) == (verdict, "")
    assert verdict_of(report, A) == (NOT_RUN, f"topic/check deviated from {B} and tells no more")


def test_a_pass_elsewhere_outweighs_a_check_that_ended_on_something_else() -> None:
    report = report_of(result("topic/one", FAIL, A, B, violated=(B,)), result("topic/two", PASS, A))
    assert verdict_of(report, A) == (PASS, "")


def test_a_deviation_that_names_nothing_counts_for_all_that_the_check_verifies() -> None:
    report = report_of(
        result("topic/check", FAIL, A, B), catalogue=(requirement(A), requirement(B, cap="WARN"), requirement(C))
    )
    assert [verdict_of(report, id_)[0] for id_ in (A, B)] == [FAIL, WARN]


def test_a_deviation_counts_for_a_requirement_that_the_check_is_not_about() -> None:
    report = report_of(result("topic/check", FAIL, A, violated=(C,)))
    assert verdict_of(report, C)[0] is FAIL
    assert report.requirements[2].checks == ("topic/check",)


def test_what_has_no_check_says_why() -> None:
    report = report_of(
        result("topic/check", PASS, A),
        catalogue=(requirement(A), requirement(B, testable="no", why_not="it is inside"), requirement(C)),
    )
    assert verdict_of(report, B) == (NOT_RUN, "it is inside")
    assert verdict_of(report, C) == (NOT_RUN, NO_CHECK)


def test_reasons_are_kept_once_and_only_those_of_the_verdict() -> None:
    report = report_of(
        result("topic/a", NOT_RUN, A, reason="one account only"),
        result("topic/b", NOT_RUN, A, reason="one account only"),
        result("topic/c", NOT_RUN, A, reason="the slow lane is off"),
        result("topic/d", NOT_APPLICABLE, A, B, reason="no TOP"),
        result("topic/e", ERROR, C, reason="seeding failed"),
    )
    assert verdict_of(report, A) == (NOT_RUN, "one account only; the slow lane is off")
    assert verdict_of(report, B) == (NOT_APPLICABLE, "no TOP")
    assert verdict_of(report, C) == (ERROR, "seeding failed")


def test_a_restating_requirement_is_there_only_if_a_check_names_it() -> None:
    catalogue = (requirement(A), requirement(B, restates=True), requirement(C, restates=True))
    report = report_of(result("topic/check", PASS, A, C), catalogue=catalogue)
    assert [entry.id for entry in report.requirements] == [A, C]


@pytest.mark.parametrize(("names", "message"), [(("R1-1-X-01",), "topic/check names R1-1-X-01"), ((), "names no req")])
def test_a_check_must_name_requirements_that_there_are(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        report_of(result("topic/check", PASS, *names))


def test_the_summary_counts_every_verdict() -> None:
    report = report_of(result("topic/a", FAIL, A, B, violated=(A,)), result("topic/b", PASS, A))
    assert report.summary.checks == dict.fromkeys(Verdict, 0) | {FAIL: 1, PASS: 1}
    assert report.summary.requirements == dict.fromkeys(Verdict, 0) | {FAIL: 1, NOT_RUN: 2}


def test_the_order_of_the_results_does_not_matter() -> None:
    results = [result(f"topic/{n}", verdict, A, B) for n, verdict in enumerate(Verdict)]
    seen = [Observation("key", value, "topic/0") for value in "abc"]

    def build(shuffle: random.Random) -> Report:
        return build_report(
            catalogue={id_: requirement(id_) for id_ in (A, B)},
            digest="",
            results=shuffle.sample(results, len(results)),
            observations=shuffle.sample(seen, len(seen)),
            target=TargetFacts("", "", 1),
            run=RunFacts("", 0.0, 0),
        )

    assert build(random.Random(1)) == build(random.Random(2))


def test_the_whole_catalogue_makes_a_report() -> None:
    report = build_report(
        catalogue=load_catalogue(),
        digest=catalogue_digest(),
        results=(),
        observations=(),
        target=TargetFacts("", "", 1),
        run=RunFacts("", 0.0, 0),
    )
    places = {entry.id: entry.place for entry in report.requirements}
    assert places["R1939-5-DELE-03"] == "RFC 1939 section 5"
    assert places["R1939-A-USER-01"] == "RFC 1939 appendix A"
    assert places["R1082-x-OBSOLETE-02"] == "RFC 1082 “The XTND Command”"


def test_a_result_survives_the_way_from_a_worker() -> None:
    check = result(
        "topic/check",
        FAIL,
        A,
        violated=(A,),
        transcript=(TranscriptEntry(0.5, "client", "NOOP\\r\\n"),),
        expected=("x",),
    )
    assert check.to_dict()["transcript"] == [{"t": 0.5, "from": "client", "text": "NOOP\\r\\n"}]
    assert CheckResult.from_dict(check.to_dict()) == check


@pytest.mark.parametrize(
    "record", [{"id": "a/b", "title": "", "verdict": "green"}, {"id": "a/b", "title": "", "verdict": "pass", "x": 1}]
)
def test_a_record_that_is_no_result_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="CheckResult"):
        CheckResult.from_dict(record)


# -- findings --------------------------------------------------------------------------------------------------------


def test_one_broken_rule_is_one_finding_however_many_checks_show_it() -> None:
    short = (TranscriptEntry(0.0, "server", "short"),)
    long = (TranscriptEntry(0.0, "server", "much longer"),)
    report = report_of(
        result("topic/a", FAIL, A, transcript=long),
        result("topic/b", FAIL, A, transcript=short),
        result("topic/c", FAIL, A),
        result("topic/d", PASS, A),
    )
    (finding,) = findings(report)
    assert finding.requirement.id == A
    assert [check.id for check in finding.checks] == ["topic/b", "topic/a", "topic/c"]


def test_fails_come_before_warns_and_both_in_the_order_of_the_catalogue() -> None:
    catalogue = (requirement(A, cap="WARN"), requirement(B), requirement(C))
    report = report_of(
        result("topic/a", WARN, A), result("topic/b", FAIL, C), result("topic/c", FAIL, B), catalogue=catalogue
    )
    assert [(finding.verdict, finding.requirement.id) for finding in findings(report)] == [
        (FAIL, B),
        (FAIL, C),
        (WARN, A),
    ]


def test_a_finding_is_led_by_the_first_requirement_that_is_as_grave_as_the_check() -> None:
    catalogue = (requirement(A, cap="WARN"), requirement(B), requirement(C))
    (finding,) = findings(report_of(result("topic/a", FAIL, A, B, C), catalogue=catalogue))
    assert finding.requirement.id == B
    assert [other.id for other in finding.also] == [A, C]


def test_a_fail_is_a_better_example_than_a_warn() -> None:
    (finding,) = findings(report_of(result("topic/a", WARN, A), result("topic/b", FAIL, A)))
    assert finding.verdict is FAIL
    assert finding.example.id == "topic/b"


@pytest.mark.parametrize("verdict", sorted(set(Verdict) - {FAIL, WARN}))
def test_no_other_verdict_is_a_finding(verdict: Verdict) -> None:
    assert findings(report_of(result("topic/a", verdict, A))) == ()


# -- what was not verified -------------------------------------------------------------------------------------------


def test_gaps_are_grouped_by_reason() -> None:
    hidden = [requirement(f"R1939-8-RETENTION-0{n}", testable="no", why_not=f"why {n}") for n in (1, 2)]
    report = report_of(
        result("topic/a", ERROR, A, reason="seeding failed"),
        result("topic/b", NOT_APPLICABLE, B, reason="no LIST"),
        catalogue=(requirement(A), requirement(B), requirement(C), *hidden),
    )
    assert [(gap.verdict, gap.reason, gap.size) for gap in gaps(report)] == [
        (ERROR, "seeding failed", 1),
        (NOT_RUN, UNSEEN, 2),
        (NOT_RUN, NO_CHECK, 1),
        (NOT_APPLICABLE, "no LIST", 1),
    ]


# -- headline --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("results", "exit", "standing", "title"),
    [
        ([PASS, INFO, KNOWN, NOT_RUN], 0, Standing.CONFORMS, "Conforms"),
        ([PASS, WARN], 0, Standing.WARNINGS, "Conforms, with 1 warning"),
        ([PASS, FAIL, ERROR], 1, Standing.VIOLATIONS, "1 violation"),
        ([PASS, ERROR], 3, Standing.UNTESTED, "Not fully tested"),
        ([PASS], 130, Standing.UNTESTED, "Not fully tested"),
        ([PASS], 4, Standing.UNTESTED, "Not fully tested"),
        ([NOT_RUN, NOT_APPLICABLE], 0, Standing.UNTESTED, "Could not be tested"),
        ([ERROR], 3, Standing.UNTESTED, "Could not be tested"),
        ([], 0, Standing.UNTESTED, "Could not be tested"),
    ],
)
def test_headline(results: list[Verdict], exit: int, standing: Standing, title: str) -> None:
    head = headline(report_of(*(result(f"topic/{n}", v, A) for n, v in enumerate(results)), exit=exit))
    assert (head.standing, head.title) == (standing, title)


def test_the_headline_says_how_much_was_looked_at() -> None:
    report = report_of(result("topic/a", FAIL, A, B), result("topic/b", ERROR, C))
    assert headline(report).detail == (
        "2 of 3 requirements could be verified in 2 checks. 2 requirements are violated."
        " 1 check could not be carried out."
    )


# -- evidence --------------------------------------------------------------------------------------------------------

LISTING = (
    TranscriptEntry(0.1, "client", "LIST\\r\\n"),
    TranscriptEntry(0.2, "server", "+OK\\r\\n1 120\\r\\nC:\\\\new\\n.\\r\\n"),
    TranscriptEntry(0.3, "bench", "closed"),
)


def test_a_transcript_is_read_line_by_line() -> None:
    lines = transcript_lines(result("topic/a", PASS, A, transcript=LISTING), 6)
    assert [(line.speaker, line.text, line.at) for line in lines] == [
        ("C:", "LIST\\r\\n", 0.1),
        ("S:", "+OK\\r\\n", 0.2),
        ("S:", "1 120\\r\\n", None),
        ("S:", "C:\\\\new\\n", None),
        ("S:", ".\\r\\n", None),
        ("--", "closed", 0.3),
    ]


@pytest.mark.parametrize(
    ("observed", "marked"),
    [
        ("1 120\\r\\n", ["1 120\\r\\n"]),
        ("1 120", ["1 120\\r\\n"]),
        ("the scan listing: 1 120", ["1 120\\r\\n"]),
        ("the client said: LIST", []),
        ("11 120", []),
        ("the numbers: [1]", []),
        ("", []),
    ],
)
def test_only_a_whole_line_of_the_server_that_was_observed_is_marked(observed: str, marked: list[str]) -> None:
    lines = transcript_lines(result("topic/a", FAIL, A, transcript=LISTING, observed=observed), 6)
    assert [line.text for line in lines if line.marked] == marked


def test_an_excerpt_leads_to_the_marked_line() -> None:
    check = result("topic/a", FAIL, A, transcript=LISTING, observed="1 120")
    assert [line.text for line in excerpt(check, 3)] == ["+OK\\r\\n", "1 120\\r\\n", "C:\\\\new\\n"]


def test_an_excerpt_without_a_marked_line_is_the_last_exchange() -> None:
    check = result("topic/a", FAIL, A, transcript=LISTING, observed="something else")
    assert [line.text for line in excerpt(check, 2)] == ["LIST\\r\\n", "+OK\\r\\n"]
    assert excerpt(result("topic/a", FAIL, A), 2) == []


def test_of_a_very_long_transcript_the_middle_is_left_out() -> None:
    flood = (TranscriptEntry(0.0, "server", "".join(f"{n}\\n" for n in range(10_000))),)
    check = result("topic/a", FAIL, A, transcript=flood, observed="5000\\n")
    lines = [line.text for line in transcript_lines(check, 500)]
    assert lines[249:252] == ["249\\n", "[... 9500 lines ...]", "9750\\n"]
    assert [line.text for line in excerpt(check, 3)] == ["4999\\n", "5000\\n", "5001\\n"]
