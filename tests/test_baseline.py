"""A saved report, and what a later run has to say beside it."""

import re
from pathlib import Path

import pytest

from conformance.plugin.outcome import Exit, Gate, exit_code
from conformance.report.baseline import Baseline
from conformance.report.data import CheckResult
from conformance.report.json_ import to_json
from conformance.verdict import Verdict
from tests.report_samples import A, report_of, result


def found(id_: str, verdict: Verdict = Verdict.FAIL, fingerprint: str = "aa") -> CheckResult:
    return result(id_, verdict, A, transport="clear", fingerprint=fingerprint)


BEFORE = (found("dele/one"), found("list/two", Verdict.WARN), found("retr/three", Verdict.KNOWN))


@pytest.mark.parametrize(
    ("now", "gate", "code", "note"),
    [
        (BEFORE, "should", Exit.CONFORMS, "Nothing has changed since the baseline."),
        ((*BEFORE, found("noop/new")), "must", Exit.FINDINGS, "New since the baseline: noop/new."),
        ((found("dele/one", fingerprint="bb"),), "must", Exit.FINDINGS, "Other than in the baseline: dele/one."),
        ((found("list/two"),), "must", Exit.FINDINGS, "Other than in the baseline: list/two."),
        ((found("dele/one", Verdict.WARN),), "should", Exit.CONFORMS, "Nothing has changed since the baseline."),
        ((found("retr/three"),), "must", Exit.CONFORMS, "Nothing has changed since the baseline."),
        ((found("dele/one", Verdict.PASS, ""),), "must", Exit.CONFORMS, "Gone since the baseline: dele/one."),
        ((found("dele/one", Verdict.NOT_RUN, ""),), "must", Exit.CANNOT_TEST, "Nothing has changed"),
        (
            [found(f"uidl/{number}") for number in range(7)],
            "must",
            Exit.FINDINGS,
            "New since the baseline: uidl/0, uidl/1, uidl/2, uidl/3, uidl/4 and 2 more checks.",
        ),
    ],
)
def test_what_the_baseline_has_is_no_news(now: tuple[CheckResult, ...], gate: str, code: Exit, note: str) -> None:
    baseline = Baseline.of(report_of(*BEFORE))
    assert exit_code(now, Gate(gate, baseline), (), interrupted=False) == code
    (line,) = baseline.notes(now)
    assert line.startswith(note)


def test_without_a_baseline_every_finding_is_news() -> None:
    assert exit_code(BEFORE, Gate("must"), (), interrupted=False) == Exit.FINDINGS


def test_a_baseline_is_a_report_file(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(to_json(report_of(*BEFORE)))
    assert Baseline.read(file) == Baseline.of(report_of(*BEFORE))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read the baseline FILE: No such file or directory"),
        ("{}", "the baseline FILE cannot be used: not a report: it has no schema number"),
        ("nothing", "the baseline FILE cannot be used: not a report: Expecting value"),
    ],
)
def test_a_file_that_is_no_report(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "report.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ValueError, match=re.escape(message.replace("FILE", str(file)))):
        Baseline.read(file)
