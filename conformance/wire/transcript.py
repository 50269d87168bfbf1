"""The exact octets of a check's connections, both directions, with times; secrets are taken out on the way out."""

import re
import time
from collections import deque
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

from conformance.wire.octets import cut, visible

Side = Literal["client", "server", "bench"]

ENTRY_LIMIT = 2000
"""Octets of one entry that a report shows; the middle of longer ones is left out."""

ENTRIES_LIMIT = 400
"""Entries of one transcript that a report shows; the middle of longer ones is left out."""

_KEPT = 8 * 1024
"""Octets of the beginning and of the end of an entry that stay in memory: more than a report shows, so that a secret
can be told by what stands before it."""

_HIDDEN = b"********"
_CUT = re.compile(rb" \[\.\.\. \d+ (?:octets|entries) \.\.\.\] ")
_MASKED = re.compile(rb"\x01+")
_REST_OF_LINE = re.compile(rb"[^\n]*[^\r\n]")

# What stands behind these keywords is secret whatever it is: a wrong password is often nearly the right one.
_SECRET_ARGUMENTS = tuple(
    re.compile(rb"(?:^|(?<=\r))[ \t]*" + before + rb"(?P<secret>[^\n]*[^\r\n])", re.IGNORECASE | re.MULTILINE)
    for before in (rb"PASS[ \t\x00]", rb"APOP[ \t]+\S+[ \t]+", rb"AUTH[ \t]+\S+[ \t]+")
)

_SHORTEST_SECRET = 4
"""Octets a secret needs for us to look for it in the server's text: shorter ones would blot out ordinary words."""


@dataclass(frozen=True)
class Redactor:
    """Takes secrets out of octets and texts: those it is given, and the arguments of PASS, APOP and AUTH."""

    secrets: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, secrets: Iterable[str]) -> "Redactor":
        """Make one that hides these secrets, both as they are and as `visible` shows them."""
        long_enough = {octets for secret in secrets if len(octets := secret.encode()) >= _SHORTEST_SECRET}
        return cls(tuple(long_enough | {visible(octets, len(octets)).encode() for octets in long_enough}))

    def octets(self, octets: bytes) -> bytes:
        """Return `octets` with secrets hidden."""
        return self.pieces([octets])[0]

    def text(self, text: str) -> str:
        """Return `text` with secrets hidden."""
        return self.octets(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def pieces(self, pieces: Sequence[bytes], secret_from: Iterable[int] = ()) -> list[bytes]:
        """Return the pieces of one stream with secrets hidden, also those that stand in several pieces.

        secret_from: offsets in the stream from which the rest of the line is secret, whatever it is.
        """
        stream = b"".join(pieces)
        mask = bytearray(len(stream))
        for start, end in self._spans(stream):
            mask[start:end] = b"\x01" * (end - start)
        for offset in secret_from:
            if rest := _REST_OF_LINE.match(stream, offset):
                mask[offset : rest.end()] = b"\x01" * (rest.end() - offset)
        ends = list(accumulate(map(len, pieces)))
        return [_masked(piece, mask[end - len(piece) : end]) for piece, end in zip(pieces, ends, strict=True)]

    def _spans(self, stream: bytes) -> Iterator[tuple[int, int]]:
        for pattern in _SECRET_ARGUMENTS:
            for match in pattern.finditer(stream):
                yield match.span("secret")
        for secret in self.secrets:
            start = stream.find(secret)
            while start >= 0:
                yield start, start + len(secret)
                start = stream.find(secret, start + 1)
        # Where something was left out, half a secret may have gone with it; the other half is one still.
        for gap in _CUT.finditer(stream):
            for secret in self.secrets:
                for size in range(1, len(secret)):
                    if stream.endswith(secret[:size], 0, gap.start()):
                        yield gap.start() - size, gap.start()
                    if stream.startswith(secret[-size:], gap.end()):
                        yield gap.end(), gap.end() + size


@dataclass(slots=True)
class _Entry:
    """Octets that one side sent on a connection before another side did something."""

    at: float
    side: Side
    connection: int
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    left_out: int = 0

    def add(self, octets: bytes) -> None:
        room = _KEPT - len(self.head)
        self.head += octets[:room]
        if len(octets) > room:
            self.tail += octets[room:]
        if (surplus := len(self.tail) - _KEPT) > _KEPT:
            del self.tail[:surplus]
            self.left_out += surplus

    @property
    def asks_for_response(self) -> bool:
        """True for a challenge of SASL (RFC 5034 section 4)."""
        last_line = (self.head + self.tail).rstrip(b"\r\n").rpartition(b"\n")[2]
        return last_line == b"+" or last_line.startswith(b"+ ")

    @property
    def pieces(self) -> list[bytes]:
        return [bytes(self.head), cut(self.left_out).encode() if self.left_out else b"", bytes(self.tail)]

    def text(self, head: bytes, tail: bytes) -> str:
        """Return what a report shows, given the redacted octets."""
        if self.side == "bench":
            return (head + tail).decode("utf-8", "replace")
        if not self.left_out:
            return visible(head + tail, ENTRY_LIMIT)
        shown_head, shown_tail = head[: ENTRY_LIMIT * 3 // 4], tail[-ENTRY_LIMIT // 4 :]
        left_out = self.left_out + len(head) - len(shown_head) + len(tail) - len(shown_tail)
        return visible(shown_head, ENTRY_LIMIT) + cut(left_out) + visible(shown_tail, ENTRY_LIMIT)


class Transcript:
    """What went over the connections of one check, in order. A flood costs it no memory: it keeps both ends."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._first: list[_Entry] = []
        self._last: deque[_Entry] = deque(maxlen=ENTRIES_LIMIT // 2)
        self._left_out = 0
        self._latest: _Entry | None = None
        self._connection = 1

    def add(self, side: Side, octets: bytes, connection: int) -> None:
        """Append octets of one side of a connection; those that follow each other become one entry."""
        self._switch_to(connection)
        entry = self._latest
        if entry is None or entry.side != side:
            entry = self._append(side, connection)
        entry.add(octets)

    def note(self, text: str, connection: int | None = None) -> None:
        """Append a remark of the bench: what it did to a connection, or what it waited for."""
        if connection is not None:
            self._switch_to(connection)
        self._append("bench", self._connection).add(text.encode())

    def rendered(self, redactor: Redactor) -> list[dict[str, float | str]]:
        """Return the entries as a report holds them: printable, secrets hidden; times in seconds since the start."""
        entries = self._entries()
        responses = _responses(entries)
        shown: dict[int, str] = {}
        for side, connection in {(entry.side, entry.connection) for entry in entries}:
            # Entries that were left out may have been of any stream.
            stream = [e for e in entries if (e.side, e.connection) == (side, connection) or e.connection == 0]
            pieces = [piece for entry in stream for piece in entry.pieces]
            secret_from = _secret_from(stream, pieces, responses) if side == "client" else ()
            redacted = iter(redactor.pieces(pieces, secret_from))
            for entry, head, _, tail in zip(stream, redacted, redacted, redacted, strict=True):
                shown[id(entry)] = entry.text(head, tail)
        return [{"t": round(entry.at, 4), "from": entry.side, "text": shown[id(entry)]} for entry in entries]

    def _entries(self) -> list[_Entry]:
        if not self._left_out:
            return [*self._first, *self._last]
        gap = _Entry(self._last[0].at, "bench", 0)
        gap.add(cut(self._left_out, "entries").encode())
        return [*self._first, gap, *self._last]

    def _switch_to(self, connection: int) -> None:
        if connection != self._connection:
            self._connection = connection
            self._append("bench", connection).add(f"on connection {connection}:".encode())

    def _append(self, side: Side, connection: int) -> _Entry:
        entry = self._latest = _Entry(time.monotonic() - self._start, side, connection)
        if len(self._first) < ENTRIES_LIMIT // 2:
            self._first.append(entry)
        else:
            self._left_out += len(self._last) == self._last.maxlen
            self._last.append(entry)
        return entry


def _responses(entries: Iterable[_Entry]) -> set[int]:
    """Return the ids of the entries that a server had asked for with a challenge."""
    challenged: dict[int, bool] = {}
    responses = set()
    for entry in entries:
        if entry.side == "server":
            challenged[entry.connection] = entry.asks_for_response
        elif entry.side == "client" and challenged.get(entry.connection):
            responses.add(id(entry))
    return responses


def _secret_from(stream: Sequence[_Entry], pieces: Sequence[bytes], responses: Container[int]) -> Iterator[int]:
    """Yield where in the stream of a client lines begin, or go on, that are secret for what came before them.

    A response of SASL is; and behind something left out may stand the rest of a password.
    """
    offsets = accumulate(map(len, pieces), initial=0)
    for entry, head, _, tail in zip(stream, offsets, offsets, offsets, strict=False):
        if id(entry) in responses:
            yield head
        if entry.left_out or entry.connection == 0:
            yield tail


def _masked(piece: bytes, mask: bytearray) -> bytes:
    shown, at = b"", 0
    for run in _MASKED.finditer(mask):
        shown += piece[at : run.start()] + _HIDDEN
        at = run.end()
    return shown + piece[at:]
