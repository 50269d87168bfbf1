"""The three lines whose text RFC 1939 gives a format: drop listing, scan listing, unique-id listing.

Each reader is strict: it raises `Deviation` for a line that breaks the format, naming the requirement.
"""

import re
from dataclasses import dataclass

from conformance.verdict import Deviation
from conformance.wire.octets import visible
from conformance.wire.reply import Reply

# No number of a maildrop needs more than 20 digits, which is what 64 bits can have.
# RFC 1939 section 5, STAT: a single space before each number; what follows the second is not required to be anything.
_DROP_LISTING = re.compile(rb"\+OK (\d{1,20}) (\d{1,20})( .*)?\r?\n", re.IGNORECASE | re.DOTALL)
# RFC 1939 section 5, LIST: message-number, a single space, size; further text is tolerated.
_SCAN_LISTING = re.compile(rb"(\d{1,20}) (\d{1,20})( .*)?", re.DOTALL)
# RFC 1939 section 7, UIDL: message-number, a single space, unique-id, and nothing behind it.
_UNIQUE_ID_LISTING = re.compile(rb"(\d{1,20}) ([^ \t]+)([ \t].*)?", re.DOTALL)
_UNIQUE_ID = re.compile(rb"[\x21-\x7e]{1,70}")


@dataclass(frozen=True)
class DropListing:
    """What STAT says: the number of messages, their size in octets, and text behind it that nobody owes."""

    count: int
    size: int
    further: bytes = b""


@dataclass(frozen=True)
class ScanListing:
    """What LIST says: (message-number, size in octets) in the order of the listing, and text behind any of them."""

    rows: tuple[tuple[int, int], ...]
    further: tuple[bytes, ...] = ()

    @property
    def numbers(self) -> list[int]:
        """The message-numbers in the order of the listing."""
        return [number for number, _ in self.rows]

    @property
    def sizes(self) -> dict[int, int]:
        """Sizes in octets by message-number."""
        return dict(self.rows)


@dataclass(frozen=True)
class UniqueIds:
    """What UIDL says: (message-number, unique-id) in the order of the listing."""

    rows: tuple[tuple[int, bytes], ...]

    @property
    def numbers(self) -> list[int]:
        """The message-numbers in the order of the listing."""
        return [number for number, _ in self.rows]

    @property
    def by_number(self) -> dict[int, bytes]:
        """Unique-ids by message-number."""
        return dict(self.rows)


def drop_listing(reply: Reply) -> DropListing:
    """Read the positive reply to STAT."""
    expected = "+OK, message count and size, single spaces between"
    row = _match(_DROP_LISTING, reply.status_line, expected, "R1939-5-STAT-04")
    return DropListing(int(row[1]), int(row[2]), _further(row))


def scan_listing(reply: Reply) -> ScanListing:
    """Read the positive reply to LIST, with or without a message-number."""
    rule = "R1939-5-LIST-03" if reply.content is None else "R1939-5-LIST-07"
    rows = [_match(_SCAN_LISTING, line, "message-number, space, size", rule) for line in _lines(reply)]
    further = tuple(text for row in rows if (text := _further(row)))
    return ScanListing(tuple((int(row[1]), int(row[2])) for row in rows), further)


def unique_ids(reply: Reply) -> UniqueIds:
    """Read the positive reply to UIDL, with or without a message-number."""
    rule = "R1939-7-UIDL-03" if reply.content is None else "R1939-7-UIDL-07"
    return UniqueIds(tuple(_numbered_unique_id(line, rule) for line in _lines(reply)))


def _numbered_unique_id(line: bytes, rule: str) -> tuple[int, bytes]:
    row = _match(_UNIQUE_ID_LISTING, line, "message-number, a single space, unique-id", rule)
    if row[3]:
        raise Deviation(("nothing behind the unique-id",), visible(line), "R1939-7-UIDL-08")
    expected = "a unique-id of 1 to 70 octets from 0x21 to 0x7E"
    return int(row[1]), _match(_UNIQUE_ID, row[2], expected, "R1939-7-UIDL-09")[0]


def _lines(reply: Reply) -> tuple[bytes, ...]:
    return (reply.text,) if reply.content is None else reply.lines


def _further(row: re.Match[bytes]) -> bytes:
    return (row[3] or b"").strip()


def _match(pattern: re.Pattern[bytes], line: bytes, expected: str, requirement: str) -> re.Match[bytes]:
    match = pattern.fullmatch(line)
    if match is None:
        raise Deviation((expected,), visible(line), requirement)
    return match
