"""`report.md`: server text cannot leave its code span, and our own words mean just themselves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from conformance.report import markdown
from conformance.report.data import CheckResult, Report
from conformance.report.visible import visible
from conformance.verdict import Verdict
from tests.report_samples import HOSTILE, hostile_report, report_of, requirement, result

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def parsed(report: Report) -> list[Token]:
    return PARSER.parse(markdown.render(report))


def inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or ()]


def blocks(tokens: list[Token]) -> list[tuple[str, str]]:
    return [(token.type, token.tag) for token in tokens]


def assert_tame(text: str) -> None:
    tokens = parsed(hostile_report(text))
    assert blocks(tokens) == blocks(parsed(hostile_report("benign")))
    assert {token.type for token in inline(tokens)} <= {
        "text",
        "code_inline",
        "strong_open",
        "strong_close",
        "softbreak",
    }


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_changes_nothing_of_the_document(text: str) -> None:
    assert_tame(f"{text[:2000]}x")


@given(st.text(st.characters(exclude_categories=())) | st.text("`|*_#<>[]()!\\~-+=:/.1 \nx"))
@settings(deadline=None)
def test_any_text_changes_nothing_of_the_document(text: str) -> None:
    assert_tame(f"{text}x")


@given(st.text(st.sampled_from("` ab\\"), min_size=1))
@settings(deadline=None)
def test_a_code_span_holds_the_text_as_it_is(text: str) -> None:
    codes = [token.content for token in inline(parsed(hostile_report(text))) if token.type == "code_inline"]
    assert codes[0] == visible(text)


def test_the_document_stays_small_enough_for_a_summary_page() -> None:
    requirements = [requirement(f"R1939-5-DELE-{n:02}", statement="s" * 5000) for n in range(1, 100)]
    results: list[CheckResult] = [
        result(f"topic/{n}", Verdict.FAIL, entry.id, expected=("e" * 10_000,) * 3, observed="o" * 10_000)
        for n, entry in enumerate(requirements)
    ]
    text = markdown.render(report_of(*results, catalogue=tuple(requirements)))
    assert len(text) < 1024 * 1024
    assert text.count("\n#### ") == markdown.DETAILED
    assert "`R1939-5-DELE-99`" in text


def test_the_address_of_the_section_is_linked() -> None:
    text = markdown.render(report_of(result("topic/a", Verdict.FAIL, "R1939-5-DELE-03")))
    assert (
        "fail: `R1939-5-DELE-03`, [RFC 1939 section 5](https://www.rfc-editor.org/rfc/rfc1939#section-5), MUST" in text
    )
