"""The reply grammar of RFC 1939 section 3, sans I/O: octets in, replies out.

Every octet is kept as it came: nothing is repaired, decoded or hidden. What breaks the grammar and can still
be read is read, and noted as a `Defect` of the reply, so that one wrong line end does not blind every check.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from conformance.verdict import Deviation
from conformance.wire.octets import visible

MAX_STATUS_LINE = 512
"""Octets of a status line, its CRLF included (RFC 1939 section 3)."""

_UNREADABLE_STATUS_LINE = 64 * 1024
"""Octets without any LF after which we stop waiting for the end of a status line."""

_INDICATOR = re.compile(rb"(\+OK|-ERR)(?= |\r?\n)")
_INDICATOR_IN_ANY_CASE = re.compile(rb"(\+ok|-err)(?= |\r?\n)", re.IGNORECASE)
_INDICATOR_WITH_TEXT_STUCK_TO_IT = re.compile(rb"(\+ok|-err)", re.IGNORECASE)
_CONTINUATION = re.compile(rb"\+(?= |\r?\n)")
_BARE_CR = re.compile(rb"\r(?!\n)")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_LENIENT_END = re.compile(rb"(?:\A|(?<=\n))\.\r?\n\Z")


class Form(Enum):
    """The form of reply that a command is answered with when the answer is positive."""

    SINGLE_LINE = "a single line"
    LISTING = "a multi-line listing"
    MESSAGE = "a multi-line message"


class Defect(Enum):
    """A break of the reply grammar: what is wrong, and the requirement that says so."""

    NOT_AN_INDICATOR = ("a status indicator other than +OK and -ERR", "R1939-3-RESP-SYNTAX-04")
    CASE = ("a status indicator that is not in upper case", "R1939-3-RESP-SYNTAX-05")
    TEXT_STUCK_TO_INDICATOR = ("text directly behind the status indicator", "R1939-3-RESP-SYNTAX-02")
    STATUS_LINE_END = ("a status line with a bare LF or a bare CR", "R1939-3-RESP-SYNTAX-03")
    STATUS_LINE_TOO_LONG = ("a status line of more than 512 octets", "R1939-3-LINE-LENGTH-02")
    LISTING_LINE_END = ("a line of a listing that does not end with CRLF", "R1939-3-MULTILINE-02")
    END_MARKER = ("an end of a multi-line reply other than CRLF, dot, CRLF", "R1939-3-MULTILINE-03")
    SURPLUS = ("octets that no command asked for", "R1939-3-RESP-SYNTAX-01")

    def __init__(self, what: str, requirement: str) -> None:
        self.what = what
        self.requirement = requirement


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

    @cached_property
    def indicator(self) -> bytes:
        """`+OK`, `-ERR` or `+` in upper case, or nothing if the line has none of them."""
        match = _INDICATOR_WITH_TEXT_STUCK_TO_IT.match(self.status_line) or _CONTINUATION.match(self.status_line)
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
        return self.status_line.rstrip(b"\r\n")[len(self.indicator) :].removeprefix(b" ")

    @cached_property
    def lines(self) -> tuple[bytes, ...]:
        """The lines of the content, without their CRLF, dots unstuffed (RFC 1939 section 3)."""
        if not self.payload:
            return ()
        return tuple(self.payload.removesuffix(b"\r\n").split(b"\r\n"))

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
    """More octets came than the reader is willing to keep."""


class ReplyReader:
    """Reads replies from octets.

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
        """Take the octets of one read from the network. Raises `FloodError` when they exceed the bound."""
        self._buffer += octets
        self._segments.append(len(self._buffer))
        if len(self._buffer) > self._bound:
            raise FloodError(f"more than {self._bound} octets without the end of the reply")

    def discard(self) -> bytes:
        """Forget the pending octets, and return them."""
        octets = self.pending
        self._take(len(octets))
        return octets

    def next_reply(self, form: Form) -> Reply | None:
        """Return the next reply of that form if all of it is here, else None."""
        status_end = self._buffer.find(b"\n") + 1
        if status_end == 0:
            if len(self._buffer) > _UNREADABLE_STATUS_LINE:
                raise FloodError(f"more than {_UNREADABLE_STATUS_LINE} octets without the end of a status line")
            return None
        status_line = bytes(self._buffer[:status_end])
        if form is Form.SINGLE_LINE or not Reply(status_line).is_ok:
            return self._reply(status_line, None, b"")
        if self._buffer.startswith(b".\r\n", status_end):
            return self._reply(status_line, b"", b".\r\n")
        # The CRLF before the dot ends the last content line, so it is part of the content.
        found = self._buffer.find(b"\r\n.\r\n", max(status_end, self._searched - 4))
        self._searched = len(self._buffer)
        if found < 0:
            return None
        return self._reply(status_line, bytes(self._buffer[status_end : found + 2]), b".\r\n", form)

    def lenient_reply(self, form: Form) -> Reply | None:
        """Return what a lenient client would take for a multi-line reply that has ended, else None.

        For use when nothing more comes: a lone dot after a bare LF, or before one, at the very end of what came.
        """
        status_end = self._buffer.find(b"\n") + 1
        content = bytes(self._buffer[status_end:])
        match = _LENIENT_END.search(content)
        if form is Form.SINGLE_LINE or status_end == 0 or match is None:
            return None
        return self._reply(bytes(self._buffer[:status_end]), content[: match.start()], match[0], form)

    def looks_ended(self, form: Form) -> bool:
        """True if a lenient client would take the pending octets for a multi-line reply that has ended."""
        if form is Form.SINGLE_LINE or not self._buffer.endswith((b"\n.\n", b"\n.\r\n")):
            return False
        return self._buffer.find(b"\n") + 1 < len(self._buffer)

    def _reply(self, status_line: bytes, content: bytes | None, end: bytes, form: Form = Form.LISTING) -> Reply:
        size = len(status_line) + len(content or b"") + len(end)
        segments = tuple(offset for offset in self._segments if offset <= size)
        defects = tuple(_defects(status_line, content, end, form))
        self._take(size)
        return Reply(status_line, content, end, segments, defects)

    def _take(self, size: int) -> None:
        del self._buffer[:size]
        self._segments = [offset - size for offset in self._segments if offset > size]
        self._searched = 0


def _defects(status_line: bytes, content: bytes | None, end: bytes, form: Form) -> Iterable[Defect]:
    if not (_INDICATOR.match(status_line) or _CONTINUATION.match(status_line)):
        if _INDICATOR_IN_ANY_CASE.match(status_line):
            yield Defect.CASE
        elif _INDICATOR_WITH_TEXT_STUCK_TO_IT.match(status_line):
            yield Defect.TEXT_STUCK_TO_INDICATOR
        else:
            yield Defect.NOT_AN_INDICATOR
    if _BARE_CR.search(status_line) or _BARE_LF.search(status_line):
        yield Defect.STATUS_LINE_END
    if len(status_line) > MAX_STATUS_LINE:
        yield Defect.STATUS_LINE_TOO_LONG
    if content is None:
        return
    # Line ends inside a message are the message's own matter; in a listing they are the server's.
    if form is Form.LISTING and (_BARE_LF.search(content) or _BARE_CR.search(content)):
        yield Defect.LISTING_LINE_END
    if end != b".\r\n" or not (content == b"" or content.endswith(b"\r\n")):
        yield Defect.END_MARKER
