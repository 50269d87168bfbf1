"""Text that somebody else wrote, made visible."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.report.visible import visible, visible_lines

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text 123 <>&`|", "plain text 123 <>&`|"),
        ("Grüße, 日本", "Grüße, 日本"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x00\x1b[31m\x7f\x9b", "\\x00\\x1b[31m\\x7f\\x9b"),
        ("\u202eabc\u2066", "\\u{202e}abc\\u{2066}"),
        ("zero\u200bwidth\ufeff\u00ad", "zero\\u{200b}width\\u{feff}\\xad"),
        ("\U000e0041\U000e0100\ufe0f", "\\u{e0041}\\u{e0100}\\u{fe0f}"),
        ("\u3164\u2800\u00a0\u3000", "\\u{3164}\\u{2800}\\xa0\\u{3000}"),
        ("\udcff\ufffe", "\\u{dcff}\\u{fffe}"),
        ("\u2028", "\\u{2028}"),
        ("\\r\\n stays", "\\r\\n stays"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_of_a_long_text_the_middle_is_left_out() -> None:
    assert visible("a" * 90 + "b" * 30, 40) == f"{'a' * 30} [... 80 characters ...] {'b' * 10}"
    assert visible("a" * 40, 40) == "a" * 40


@given(ANY_TEXT)
def test_nothing_unseen_is_left_and_what_is_visible_stays(text: str) -> None:
    shown = visible(text)
    assert all(unicodedata.category(character)[0] not in "CZ" or character == " " for character in shown)
    assert visible(shown) == shown


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("+OK\\r\\n1 2\\r\\n.\\r\\n", ["+OK\\r\\n", "1 2\\r\\n", ".\\r\\n"]),
        ("C:\\\\new\\n", ["C:\\\\new\\n"]),
        ("no end", ["no end"]),
        ("raw\r\nline\n", ["raw\\r\\n", "line\\n"]),
        ("odd\\", ["odd\\"]),
        ("odd\\\nnext", ["odd\\\\n", "next"]),
        ("", []),
    ],
)
def test_visible_lines(text: str, lines: list[str]) -> None:
    assert visible_lines(text) == lines


@given(ANY_TEXT)
def test_lines_are_the_text_in_pieces(text: str) -> None:
    assert "".join(visible_lines(text)) == visible(text)
