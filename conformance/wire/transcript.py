"""The exact octets of a check's connections, both directions, with times; secrets are taken out on the way out."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from conformance.wire.octets import visible

Side = Literal["client", "server", "bench"]

ENTRY_LIMIT = 2000
"""Octets of one entry that a report shows; the middle of longer ones is left out."""

ENTRIES_LIMIT = 400
"""Entries of one transcript that a report shows; the middle of longer ones is left out."""

_HIDDEN = b"********"

# What stands behind these keywords is secret whatever it is: a wrong password is often nearly the right one.
_SECRET_ARGUMENTS = (
    re.compile(rb"(?im)^([ \t]*PASS[ \t\x00])([^\r\n]+)"),
    re.compile(rb"(?im)^([ \t]*APOP[ \t]+\S+[ \t]+)([^\r\n]+)"),
    re.compile(rb"(?im)^([ \t]*AUTH[ \t]+\S+[ \t]+)([^\r\n]+)"),
)

_SHORTEST_SECRET = 4
"""Octets a secret needs for us to look for it in the server's text: shorter ones would blot out ordinary words."""


@dataclass(frozen=True)
class Redactor:
    """Takes secrets out of octets and texts."""

    secrets: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, secrets: Iterable[str]) -> "Redactor":
        """Make one that hides these secrets, longest first so that none leaves a rest of another."""
        encoded = {secret.encode() for secret in secrets}
        return cls(tuple(sorted((s for s in encoded if len(s) >= _SHORTEST_SECRET), key=len, reverse=True)))

    def octets(self, octets: bytes) -> bytes:
        """Return `octets` with secrets hidden."""
        for pattern in _SECRET_ARGUMENTS:
            octets = pattern.sub(rb"\1" + _HIDDEN, octets)
        for secret in self.secrets:
            octets = octets.replace(secret, _HIDDEN)
        return octets

    def text(self, text: str) -> str:
        """Return `text` with secrets hidden."""
        return self.octets(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


@dataclass
class Transcript:
    """What went over the connections of one check, in order."""

    _start: float = field(default_factory=time.monotonic)
    _entries: list[tuple[float, Side, bytearray]] = field(default_factory=list)
    _connection: int = 1

    def add(self, side: Side, octets: bytes, connection: int) -> None:
        """Append octets of one side of a connection.

        Octets of the same side that follow each other are one entry. Long entries keep their beginning and their
        end only, so that a flood costs no memory.
        """
        if connection != self._connection:
            self._connection = connection
            self._append("bench", f"on connection {connection}:".encode())
        if not (self._entries and self._entries[-1][1] == side):
            self._append(side, b"")
        entry = self._entries[-1][2]
        entry += octets
        if len(entry) > 16 * ENTRY_LIMIT:
            left_out = len(entry) - 8 * ENTRY_LIMIT
            entry[4 * ENTRY_LIMIT : -4 * ENTRY_LIMIT] = f" [... {left_out} octets ...] ".encode()

    def note(self, text: str) -> None:
        """Append a remark of the bench: what it did to a connection, or what it waited for."""
        self._append("bench", text.encode())

    def rendered(self, redactor: Redactor) -> list[dict[str, float | str]]:
        """Return the entries as a report holds them: printable, secrets hidden; times in seconds since the start."""
        return [
            {"t": round(at, 4), "from": side, "text": _text(side, redactor.octets(bytes(octets)))}
            for at, side, octets in self._entries
        ]

    def _append(self, side: Side, octets: bytes) -> None:
        self._entries.append((time.monotonic() - self._start, side, bytearray(octets)))
        if len(self._entries) > 2 * ENTRIES_LIMIT:
            del self._entries[ENTRIES_LIMIT // 2 : -ENTRIES_LIMIT // 2]
            self._entries.insert(ENTRIES_LIMIT // 2, (0.0, "bench", bytearray(b"[... entries left out ...]")))


def _text(side: Side, octets: bytes) -> str:
    return octets.decode("utf-8", "replace") if side == "bench" else visible(octets, ENTRY_LIMIT)
