"""Dots, line ends and message ends at every offset where a server's buffer may end.

A server that works buffer by buffer has to know, at the start of each one, whether it is at the start of a line.
Buffers hold 512 to 65536 octets, and may hold the message as it is stored (with LF or CRLF) or as it is sent (with
stuffed dots, behind a status line or fields that delivery has added). So dot lines run on long enough before and
behind each boundary to put a dot there by any of these counts; the tests of the corpus prove it.
Found missing in practice: hivesolutions/netius#105.
"""

from conformance.maildrop.corpus.message import CRLF, Message, header, ordinary

BOUNDARIES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
"""Octets after which a buffer may end."""

_REACH = 700
"""Octets before and behind a boundary over which dot lines run."""

_SHIFTS = range(4)
"""A dot line has 3 octets, or 4 with its stuffed dot, or 2 as stored with LF: four shifts reach every offset."""

_LETTERS = b"abcdefghijklmnopqrstuvwxyz"


def _filled(start: bytes, size: int) -> bytes:
    """Return `start` with ordinary, numbered lines behind it, `size` octets in all (not one more than `start`)."""
    parts = [start]
    missing = size - len(start)
    while missing:
        # Never one octet left over: the shortest line is CRLF.
        length = missing if missing <= 1000 else min(1000, missing - 2)
        text = b"%d " % len(parts) + _LETTERS * 40
        parts.append(text[: length - 2] + CRLF)
        missing -= length
    return b"".join(parts)


def _dots_at(boundary: int, shift: int) -> Message:
    name = f"dots-at-{boundary}-shift-{shift}"
    start = header(name) + CRLF
    lead = _filled(start, max(len(start) + 2, boundary - _REACH) + shift)
    run = b"." + CRLF
    dots = run * ((boundary + _REACH - len(lead)) // len(run))
    return Message(
        name,
        lead + dots + b"An ordinary last line." + CRLF,
        f"Dot lines on all sides of octet {boundary}: a dot begins a line where a buffer begins.",
    )


def _short_lines(shift: int) -> Message:
    name = f"short-lines-shift-{shift}"
    start = header(name) + CRLF
    lead = _filled(start, len(start) + 2 + shift)
    count = (BOUNDARIES[-1] + _REACH - len(lead)) // 3
    lines = b"".join(_LETTERS[index % 26 :][:1] + CRLF for index in range(count))
    return Message(name, lead + lines, "Lines of one octet: a buffer of any size ends between a CR and its LF.")


def _ends_at(offset: int) -> Message:
    name = f"ends-at-{offset}"
    return Message(
        name,
        _filled(header(name) + CRLF, offset),
        f"It ends after octet {offset}: the end of the reply lies across the end of a buffer.",
    )


dots_at_boundaries = tuple(_dots_at(boundary, shift) for boundary in BOUNDARIES for shift in _SHIFTS)
short_lines = tuple(_short_lines(shift) for shift in range(3))
ends_at_boundaries = tuple(_ends_at(boundary + distance) for boundary in BOUNDARIES for distance in range(-3, 4))
dots_inside_long_lines = ordinary(
    "dots-inside-long-lines",
    "Long lines of dots: a buffer begins with a dot that does not begin a line, and must not be stuffed.",
    *[b"x" + b"." * 997] * 68,
)
