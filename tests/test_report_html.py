"""`report.html`: whatever the server sent, nothing of it becomes part of the page."""

import base64
import hashlib
import re
import unicodedata
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html

from conformance.report import html
from conformance.report.visible import visible
from tests.report_samples import HOSTILE, hostile_report

SCRIPT = files("conformance.report").joinpath("html.js").read_text(encoding="utf-8")
STYLE = files("conformance.report").joinpath("html.css").read_text(encoding="utf-8")
BENIGN = "benign"
VOID = {"meta", "input", "br", "img", "link", "hr"}


class Outline(HTMLParser):
    """The tags of a document, and whether each is closed where it must be."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self._open: list[str] = []
        self.feed(document)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_the_server_becomes_markup(text: str) -> None:
    document = html.render(hostile_report(text))
    outline = Outline(document)
    # Lines and escapes of a transcript have elements of their own; all others stay as in a harmless report.
    varying = {"div", "span", "b", "code", "i"}
    expected = Outline(html.render(hostile_report(BENIGN))).tags
    assert [tag for tag in outline.tags if tag not in varying] == [tag for tag in expected if tag not in varying]

    page = lxml_html.document_fromstring(document)
    assert [script.text for script in page.iter("script")] == [SCRIPT]
    assert [style.text for style in page.iter("style")] == [STYLE]
    for element in page.iter():
        assert not [name for name in element.attrib if name.startswith("on") or name in ("src", "style", "action")]
        assert element.get("href", "#").startswith("#")
    assert all(unicodedata.category(character)[0] not in "CZ" or character in " \n" for character in document), (
        "an invisible character"
    )


@given(st.text(st.characters(exclude_categories=())))
@settings(deadline=None, max_examples=25)
def test_any_text_is_shown_as_what_it_is(text: str) -> None:
    page = lxml_html.document_fromstring(html.render(hostile_report(text)))
    assert page.xpath("string(//h1)") == visible(text)
    assert page.xpath("string(//*[@id='observations']//dt)") == visible(text)


def test_the_policy_allows_our_own_style_and_script_only() -> None:
    page = lxml_html.document_fromstring(html.render(hostile_report(BENIGN)))
    policy = page.xpath("string(//meta[@http-equiv='Content-Security-Policy']/@content)")

    def source(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src {source(STYLE)}",
        f"script-src {source(SCRIPT)}",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_nothing_is_loaded() -> None:
    document = html.render(hostile_report(BENIGN))
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|//[a-z]", document)


def test_every_link_inside_the_page_has_a_target() -> None:
    page = lxml_html.document_fromstring(html.render(hostile_report(BENIGN)))
    targets = page.xpath("//@id")
    assert len(targets) == len(set(targets))
    links = [href[1:] for href in page.xpath("//a/@href")]
    assert len(links) > 10
    assert set(links) <= set(targets)


@pytest.mark.parametrize(
    ("url", "linked"),
    [
        ("https://www.rfc-editor.org/rfc/rfc1939#section-5", True),
        ("http://www.rfc-editor.org/rfc/rfc1939", False),
        ("javascript:alert(1)//https://www.rfc-editor.org", False),
        ("https://a b", False),
    ],
)
def test_only_addresses_are_linked(url: str, linked: bool) -> None:
    page = lxml_html.document_fromstring(html.render(hostile_report(url)))
    assert (url in page.xpath("//a/@href")) is linked


def test_no_verdict_is_told_by_colour_alone() -> None:
    page = lxml_html.document_fromstring(html.render(hostile_report(BENIGN)))
    chips = page.find_class("chip")
    assert len(chips) > 20
    for chip in chips:
        verdict = next(name for name in chip.get("class").split() if name.startswith("v-")).removeprefix("v-")
        assert chip.text_content().split()[1:] == [verdict]


def test_the_line_that_was_observed_is_marked() -> None:
    page = lxml_html.document_fromstring(html.render(hostile_report("+OK what\\r\\n")))
    marked = page.xpath("//article//div[contains(@class, 'marked')]")
    assert [" ".join(line.text_content().split()) for line in marked] == ["0.000S: +OK what\\r\\nobserved"] * 2


def test_the_same_report_gives_the_same_page() -> None:
    assert html.render(hostile_report(BENIGN)) == html.render(hostile_report(BENIGN))
