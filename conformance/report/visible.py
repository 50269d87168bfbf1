"""Text that somebody else wrote, made safe to show: nothing in it moves a cursor, hides, or turns the line around.

What the octets of a transcript look like was decided when it was taken (`conformance.wire.octets`); text that is
printable already passes through here unchanged.
"""

import re
import unicodedata
from functools import cache

_SHORT = {"\r": "\\r", "\n": "\\n", "\t": "\\t"}

# Unicode calls these letters, marks or symbols, but nothing is to be seen of them (Default_Ignorable_Code_Point,
# and the blank Braille pattern).
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(code) for span in (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)) for code in span
}

# An escaped backslash is taken as a whole, so that the "n" after it is not mistaken for a line end.
_LINE = re.compile(r"(?:[^\\\n]|\\[^n\n]|\\(?=\n|\Z))*(?:\\n|\n|\Z)")


def visible(text: str, limit: int | None = None) -> str:
    """Return `text` on one line, each control, format and invisible character as an escape.

    limit: the characters that are shown at most; of a longer text the middle is left out.
    """
    if limit is not None and len(text) > limit:
        left_out = len(text) - limit
        head, tail = text[: limit * 3 // 4], text[len(text) - limit // 4 :]
        return f"{visible(head)} [... {left_out} characters ...] {visible(tail)}"
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def visible_lines(text: str, limit: int | None = None) -> list[str]:
    r"""Return `text` as `visible` does, one item per line; a line ends behind its `\n`, escaped or not.

    limit: the characters of a line that are shown at most.
    """
    return [visible(line, limit) for line in _LINE.findall(text) if line]


@cache
def _shown(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    category = unicodedata.category(character)
    if category[0] not in "CZ" and character not in _UNSEEN:
        return character
    if character == " ":
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"
