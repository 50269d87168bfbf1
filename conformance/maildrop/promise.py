"""What a way of seeding can promise, and so which octets a lawful RETR may give.

The maildrop is seeded behind the server's back, so a difference between what went in and what came out may be the
store's and not the server's. A promise says which differences a way of seeding brings with it; the rest is the
server's own doing.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from conformance.maildrop.corpus.message import CRLF, Message
from conformance.wire.octets import visible

_BARE_LF = re.compile(rb"(?<!\r)\n")
_BARE_CR = re.compile(rb"\r(?!\n)")
_FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)
_UNQUOTED_FROM_LINE = re.compile(rb"^From ", re.MULTILINE)
_FIELD = re.compile(rb"(?P<name>[!-9;-~]+)[ \t]*:[^\n]*\r\n(?:[ \t][^\n]*\r\n)*")
_LONGEST_LINE = 998
"""Octets of a line without its CRLF (RFC 5322 section 2.1.1)."""

_STORES_OWN = frozenset(
    {b"status", b"x-status", b"x-keywords", b"x-uid", b"x-uidl", b"x-imap", b"x-imapbase", b"content-length"}
)
"""Header fields in which an mbox keeps its own records: written, changed and taken out as the server likes."""


class LineEnds(Enum):
    """How the store keeps line ends."""

    EXACT = "exact"
    """As they are."""
    NORMALISED = "normalised"
    """As LF, each of which reads as CRLF again: a bare LF is no longer one. A bare CR stays."""


class AddedFields(Enum):
    """Header fields that get into the message on its way."""

    NONE = "none"
    IN_FRONT = "in front"
    """Trace fields in front of the message, as mail transfer adds them (RFC 5321 section 4.4)."""
    ANYWHERE = "anywhere"
    """The records of an mbox (Status, X-UID and others), anywhere in the header section."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a seeder promises of the octets that it puts in.

    line_ends: how the store keeps line ends.
    added_fields: where header fields may be added.
    ends_last_line: the store gives each message a line end at its end, so none is ever unterminated.
    quotes_from_lines: a line that begins with "From " is stored with a ">" before it, and may come out so.
    separates_by_blank_line: a blank line follows each message in the store, and may come out with it.
    carries_nul, carries_eight_bit: such octets get through.
    """

    line_ends: LineEnds = LineEnds.EXACT
    added_fields: AddedFields = AddedFields.NONE
    ends_last_line: bool = False
    quotes_from_lines: bool = False
    separates_by_blank_line: bool = False
    carries_nul: bool = True
    carries_eight_bit: bool = True

    def carries(self, message: Message) -> str | None:
        """Return why what the message is about does not get into the store, or None if it does."""
        if message.has_bare_lf and self.line_ends is LineEnds.NORMALISED:
            return "a bare LF becomes a line end in this store"
        if not message.terminated and self.ends_last_line:
            return "this store gives the last line a line end"
        if b"\0" in message.octets and not self.carries_nul:
            return "NUL does not get through to this store"
        if not message.octets.isascii() and not self.carries_eight_bit:
            return "8-bit octets do not get through to this store"
        return None

    def expected(self, message: Message) -> tuple[bytes, ...]:
        """Return every octet string, unstuffed, that a lawful RETR may give; the most faithful one first.

        Where fields may be added these are what is left without them; `accepts` knows about both.
        """
        candidates: Iterable[bytes] = _line_end_readings(message.octets, self.line_ends)
        for readings in (_repairs, self._from_line_readings, _endings, self._separator_readings):
            candidates = [reading for candidate in candidates for reading in readings(candidate)]
        return tuple(dict.fromkeys(candidates))

    def accepts(self, message: Message, received: bytes) -> bool:
        """True if `received`, the unstuffed content of a reply to RETR, is a lawful form of the message."""
        return any(self._is_form_of(expected, received) for expected in self.expected(message))

    def difference(self, message: Message, received: bytes) -> str:
        """Return in a few words where `received` departs from the lawful form that is nearest to it."""
        without_added = self._without_added_fields(message, received)
        nearest = max(self.expected(message), key=lambda expected: agreement(expected, without_added))
        return first_difference(nearest, without_added)

    def _is_form_of(self, expected: bytes, received: bytes) -> bool:
        if received == expected or _is_folded_form_of(expected, received):
            return True
        match self.added_fields:
            case AddedFields.NONE:
                return False
            case AddedFields.IN_FRONT:
                in_front = received[: len(received) - len(expected)]
                return received.endswith(expected) and _fields(in_front) is not None
            case AddedFields.ANYWHERE:
                return _differs_by_added_fields(expected, received)

    def _without_added_fields(self, message: Message, received: bytes) -> bytes:
        if self.added_fields is AddedFields.NONE:
            return received
        first_line = message.octets.partition(CRLF)[0] + CRLF
        start = max(0, (CRLF + received).find(CRLF + first_line))
        return received if _fields(received[:start]) is None else received[start:]

    def _from_line_readings(self, octets: bytes) -> Iterator[bytes]:
        """A store may hold "From " lines quoted by several rules, and undo it or not (RFC 4155 appendix A)."""
        yield octets
        if self.quotes_from_lines:
            yield _FROM_LINE.sub(rb">\1", octets)
            yield _UNQUOTED_FROM_LINE.sub(rb">From ", octets)

    def _separator_readings(self, octets: bytes) -> Iterator[bytes]:
        yield octets
        if self.separates_by_blank_line:
            yield octets + CRLF


def _line_end_readings(octets: bytes, line_ends: LineEnds) -> Iterator[bytes]:
    """A bare LF or CR is nothing that RFC 5322 knows: a server may make CRLF of it, or leave it alone."""
    with_crlf = _BARE_LF.sub(CRLF, octets)
    for reading in (octets, with_crlf) if line_ends is LineEnds.EXACT else (with_crlf,):
        yield reading
        yield _BARE_CR.sub(CRLF, reading)


def _repairs(octets: bytes) -> Iterator[bytes]:
    """NUL is not allowed in a message (RFC 5322 section 4), and some servers replace it, by 0x80 in Dovecot."""
    yield octets
    yield octets.replace(b"\0", b"\x80")


def _endings(octets: bytes) -> Iterator[bytes]:
    """What may be at the end of a message, given that the content of a reply ends with CRLF or is empty.

    RFC 1939 section 3: the last line ends with CRLF whether or not the store has one. A message without its blank
    line may get one, since clients wait for it, and so may a message without any octet.
    """
    terminated = octets if not octets or octets.endswith(CRLF) else octets + CRLF
    yield terminated
    if not terminated.startswith(CRLF) and CRLF + CRLF not in terminated:
        yield terminated + CRLF


def _is_folded_form_of(expected: bytes, received: bytes) -> bool:
    """True if lines beyond the limit of RFC 5322 are broken into several, and nothing else differs."""
    lines = expected.removesuffix(CRLF).split(CRLF)
    if all(len(line) <= _LONGEST_LINE for line in lines):
        return False
    position = 0
    for line in lines:
        if len(line) <= _LONGEST_LINE:
            if not received.startswith(line + CRLF, position):
                return False
            position += len(line) + len(CRLF)
            continue
        while line:
            piece = received[position:].partition(CRLF)[0]
            if not piece or not line.startswith(piece):
                return False
            line = line[len(piece) :]
            position += len(piece) + len(CRLF)
    return position == len(received)


def _fields(octets: bytes) -> list[tuple[bytes, bytes]] | None:
    """Return the name, in lower case, and the octets of each header field; None if there is anything else."""
    fields, position = [], 0
    while position < len(octets):
        found = _FIELD.match(octets, position)
        if found is None:
            return None
        fields.append((found["name"].lower(), found[0]))
        position = found.end()
    return fields


def _split(octets: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return the header fields, and the octets behind them; no field if the header section holds anything else."""
    head, blank_line, _ = (CRLF + octets).partition(CRLF + CRLF)
    header_section = (head + CRLF)[len(CRLF) :] if blank_line else octets
    fields = _fields(header_section)
    return ([], octets) if fields is None else (fields, octets[len(header_section) :])


def _differs_by_added_fields(expected: bytes, received: bytes) -> bool:
    """True if the bodies are equal, and the expected fields stand unaltered and in order among the received."""
    expected_fields, expected_rest = _split(expected)
    received_fields, received_rest = _split(received)
    if expected_rest != received_rest:
        return False
    remaining = iter(received_fields)
    return all(field in remaining for field in expected_fields if field[0] not in _STORES_OWN)


def agreement(one: bytes, other: bytes) -> int:
    """Return how many octets are the same from the start."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _quoted(octets: bytes) -> str:
    return f'"{visible(octets)}"' if octets else "the end"


def first_difference(expected: bytes, received: bytes) -> str:
    """Return in a few words where `received` first differs from `expected`, with the octets around that place."""
    if expected == received:
        return "no difference"
    offset = agreement(expected, received)
    line = expected.count(b"\n", 0, offset) + 1
    where = f"after {offset} octets, in line {line}"
    if offset:
        where += f", behind {_quoted(expected[max(0, offset - 24) : offset])}"
    wanted, came = _quoted(expected[offset : offset + 32]), _quoted(received[offset : offset + 32])
    return f"{where}: expected {wanted}, received {came} ({len(expected)} octets expected, {len(received)} received)"
