"""The reply grammar of RFC 1939 section 3, sans I/O: octets in, replies out.

Every octet is kept as it came: nothing is repaired, decoded or hidden. What breaks the grammar and can still
be read is read, and noted as a `Defect` of the reply, so that one wrong line end does not blind every check.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from conformance.verdict import Deviation, Verdict
from conformance.wire.octets import visible

MAX_STATUS_LINE = 512
"""Octets of a status line, its CRLF included (RFC 1939 section 3)."""

LONGEST_COMMAND = 255
"""Octets of a command line, its CRLF included, that a server has to take (RFC 2449 section 4)."""

_UNREADABLE_STATUS_LINE = 64 * 1024
"""Octets of a status line beyond which we read no further."""

_INDICATOR = re.compile(rb"\+OK|-ERR", re.IGNORECASE)
# What a server says inside AUTH when it wants more (RFC 5034 section 4).
_CONTINUATION = re.compile(rb"\+(?=[ \r\n])")
_BARE_CR = re.compile(rb"\r(?!\n)")
_BARE_LF = re.compile(rb"(?<!\r)\n")


class Form(Enum):
    """The form of reply that a command is answered with when the answer is positive."""

    SINGLE_LINE = "a single line"
    LISTING = "a multi-line listing"
    MESSAGE = "a multi-line message"


class Defect(Enum):
    """A break of the reply grammar: what is wrong, the requirement that says so, and the worst verdict for it."""

    NOT_AN_INDICATOR = ("a status indicator other than +OK and -ERR", "R1939-3-RESP-SYNTAX-04")
    CASE = ("a status indicator that is not in upper case", "R1939-3-RESP-SYNTAX-05")
    TEXT_STUCK_TO_INDICATOR = ("text directly behind the status indicator", "R1939-3-RESP-SYNTAX-02")
    STATUS_LINE_END = ("a status line with a bare LF or a bare CR", "R1939-3-RESP-SYNTAX-03")
    STATUS_LINE_TOO_LONG = ("a status line of more than 512 octets", "R1939-3-LINE-LENGTH-02")
    # RFC 1939 has no exception for it, but no client was to send such a line (RFC 2449 section 4).
    STATUS_LINE_TOO_LONG_AFTER_LONG_COMMAND = (
        "a status line of more than 512 octets in reply to a command of more than 255",
        "R1939-3-LINE-LENGTH-02",
        Verdict.WARN,
    )
    LISTING_LINE_END = ("a line of a listing that does not end with CRLF", "R1939-3-MULTILINE-02")
    END_MARKER = ("an end of a multi-line reply other than CRLF, dot, CRLF", "R1939-3-MULTILINE-03")
    SURPLUS = ("octets that no command asked for", "R1939-3-RESP-SYNTAX-01")

    def __init__(self, what: str, requirement: str, verdict: Verdict = Verdict.FAIL) -> None:
        self.what = what
        self.requirement = requirement
        self.verdict = verdict


@dataclass(frozen=True)
class Reply:
    """One reply of the server, every octet as it came.

    status_line: the first line with its line end.
    content: the octets between the status line and the termination octet, still stuffed; None for a single line.
    end: the termination octet and what surrounds it (`.` CRLF, or what came in its place).
    segments: offsets in `raw` at which a read from the network ended.
    defects: what breaks the grammar.
    """

    status_line: bytes
    content: bytes | None = None
    end: bytes = b""
    segments: tuple[int, ...] = ()
    defects: tuple[Defect, ...] = ()

    @property
    def raw(self) -> bytes:
        """Every octet of the reply."""
        return self.status_line + (self.content or b"") + self.end

    @property
    def indicator(self) -> bytes:
        """`+OK`, `-ERR` or `+` in upper case, or nothing if the line has none of them."""
        match = _INDICATOR.match(self.status_line) or _CONTINUATION.match(self.status_line)
        return match[0].upper() if match else b""

    @property
    def is_ok(self) -> bool:
        """True for a positive status indicator."""
        return self.indicator == b"+OK"

    @property
    def is_err(self) -> bool:
        """True for a negative status indicator."""
        return self.indicator == b"-ERR"

    @property
    def text(self) -> bytes:
        """What follows the status indicator and its space, without the line end."""
        line = self.status_line.removesuffix(b"\n").removesuffix(b"\r")
        return line[len(self.indicator) :].removeprefix(b" ")

    @cached_property
    def lines(self) -> tuple[bytes, ...]:
        """The lines of the content, without their line ends, dots unstuffed (RFC 1939 section 3).

        Only a CRLF ends a line; in a listing with wrong line ends, which is its defect, any LF does.
        """
        if Defect.LISTING_LINE_END in self.defects:
            return tuple(line.removesuffix(b"\r") for line in self.payload.split(b"\n")[:-1])
        *lines, rest = self.payload.split(b"\r\n")
        return (*lines, rest) if rest else tuple(lines)

    @cached_property
    def payload(self) -> bytes:
        """The content with the stuffed dots taken off; line ends as they came (RFC 1939 section 3)."""
        return (b"\r\n" + (self.content or b"")).replace(b"\r\n.", b"\r\n")[2:]

    def ok(self) -> "Reply":
        """Return the reply if it is positive; raise `Deviation` otherwise."""
        if not self.is_ok:
            raise Deviation(("+OK",), visible(self.status_line))
        return self

    def err(self) -> "Reply":
        """Return the reply if it is negative; raise `Deviation` otherwise."""
        if not self.is_err:
            raise Deviation(("-ERR",), visible(self.status_line))
        return self

    def __str__(self) -> str:
        return visible(self.status_line)


class FloodError(Exception):
    """The server sent more octets than the reader is willing to keep."""


class ReplyReader:
    """Reads replies from octets; what it returns does not depend on how they were split into reads.

    bound: the most octets that one reply may have.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._buffer = bytearray()
        self._segments: list[int] = []
        self._searched = 0

    @property
    def pending(self) -> bytes:
        """The octets that belong to no reply yet."""
        return bytes(self._buffer)

    def feed(self, octets: bytes) -> None:
        """Take the octets of one read from the network."""
        self._buffer += octets
        self._segments.append(len(self._buffer))

    def discard(self) -> bytes:
        """Forget the pending octets, and return them."""
        octets = self.pending
        self._drop(len(octets))
        return octets

    def next_reply(self, form: Form) -> Reply | None:
        """Return the next reply of that form if all of it is here, else None. Raises `FloodError`."""
        status_end = self._buffer.find(b"\n") + 1
        if (status_end or len(self._buffer)) > _UNREADABLE_STATUS_LINE:
            raise FloodError(f"a status line of more than {_UNREADABLE_STATUS_LINE} octets")
        if status_end == 0:
            return None
        if form is Form.SINGLE_LINE or not Reply(bytes(self._buffer[:status_end])).is_ok:
            return self._take(status_end, None, b"", form)
        if self._buffer.startswith(b".\r\n", status_end):
            return self._take(status_end, status_end, b".\r\n", form)
        found = self._buffer.find(b"\r\n.\r\n", max(status_end, self._searched - 4))
        self._searched = len(self._buffer)
        if found < 0:
            self._check_bound(len(self._buffer))
            return None
        # The CRLF before the dot ends the last line of the content, so it is part of the content.
        return self._take(status_end, found + 2, b".\r\n", form)

    def looks_ended(self, form: Form) -> bool:
        """True if a lenient client would take the pending octets for a multi-line reply that has ended.

        It has a lone dot after a bare LF, or before one, at the very end of what came.
        """
        return form is not Form.SINGLE_LINE and self._buffer.endswith((b"\n.\n", b"\n.\r\n"))

    def lenient_reply(self, form: Form) -> Reply | None:
        """Return the reply that `looks_ended` sees, else None. For use when nothing more comes."""
        if not self.looks_ended(form):
            return None
        end = b".\r\n" if self._buffer.endswith(b"\r\n") else b".\n"
        return self._take(self._buffer.find(b"\n") + 1, len(self._buffer) - len(end), end, form)

    def _take(self, status_end: int, content_end: int | None, end: bytes, form: Form) -> Reply:
        size = (status_end if content_end is None else content_end) + len(end)
        self._check_bound(size)
        status_line = bytes(self._buffer[:status_end])
        content = None if content_end is None else bytes(self._buffer[status_end:content_end])
        segments = tuple(offset for offset in self._segments if offset <= size)
        self._drop(size)
        return Reply(status_line, content, end, segments, tuple(_defects(status_line, content, end, form)))

    def _check_bound(self, size: int) -> None:
        if size > self._bound:
            raise FloodError(f"a reply of more than {self._bound} octets")

    def _drop(self, size: int) -> None:
        del self._buffer[:size]
        self._segments = [offset - size for offset in self._segments if offset > size]
        self._searched = 0


def _defects(status_line: bytes, content: bytes | None, end: bytes, form: Form) -> Iterable[Defect]:
    continuation = _CONTINUATION.match(status_line)
    if indicator := _INDICATOR.match(status_line):
        if not indicator[0].isupper():
            yield Defect.CASE
        if status_line[indicator.end()] not in b" \r\n":
            yield Defect.TEXT_STUCK_TO_INDICATOR
    elif not continuation:
        yield Defect.NOT_AN_INDICATOR
    if _BARE_CR.search(status_line) or _BARE_LF.search(status_line):
        yield Defect.STATUS_LINE_END
    # RFC 5034 section 4 exempts the challenges of AUTH from the limit.
    if len(status_line) > MAX_STATUS_LINE and not continuation:
        yield Defect.STATUS_LINE_TOO_LONG
    if content is None:
        return
    # Line ends inside a message are the message's own matter; in a listing they are the server's.
    if form is Form.LISTING and (_BARE_LF.search(content) or _BARE_CR.search(content)):
        yield Defect.LISTING_LINE_END
    if end != b".\r\n" or not (content == b"" or content.endswith(b"\r\n")):
        yield Defect.END_MARKER
