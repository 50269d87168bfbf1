"""From the octets of a connection to command lines, with a bound on what is kept."""

from collections.abc import Iterator
from enum import Enum


class Flaw(Enum):
    """What a line has instead of a content."""

    TOO_LONG = "too long"


class CommandLines:
    """Cut octets into lines at CRLF and nothing else (RFC 1939 section 3).

    limit: octets of a line with its CRLF. A longer one is given as `Flaw.TOO_LONG` when its CRLF has come, and is
    not kept meanwhile.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pending = b""
        self._too_long = False

    def feed(self, octets: bytes) -> Iterator[bytes | Flaw]:
        """Take octets, give the lines that they complete, without their CRLF."""
        *complete, self._pending = (self._pending + octets).split(b"\r\n")
        for line in complete:
            flawed, self._too_long = self._too_long or len(line) + 2 > self._limit, False
            yield Flaw.TOO_LONG if flawed else line
        if len(self._pending) >= self._limit:
            # Nothing of it is needed any more, but for an octet that may be the CR of its end.
            self._pending, self._too_long = self._pending[-1:], True

    def rest(self) -> bytes:
        """Return the octets that no CRLF has ended."""
        return self._pending
