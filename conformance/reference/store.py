"""The maildrops of the reference server: one Maildir per user, read into a snapshot at login."""

import hashlib
import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_BARE_LF = re.compile(rb"(?<!\r)\n")
_UNIQUE_ID = re.compile(rb"[\x21-\x7e]{1,70}")


class LineEnds(StrEnum):
    """How the lines of a stored message end."""

    EXACT = "exact"
    """The octets of the file are the octets of the wire."""
    LF = "lf"
    """A line feed without a carriage return before it stands for CRLF."""

    def to_wire(self, stored: bytes) -> bytes:
        """Return the octets that RETR transmits for a file (not byte-stuffed).

        A last line without its CRLF gets one, for the termination octet has to begin a line (RFC 1939 section 3).
        """
        octets = stored if self is LineEnds.EXACT else _BARE_LF.sub(b"\r\n", stored)
        return octets if octets.endswith(b"\r\n") or not octets else octets + b"\r\n"


@dataclass(frozen=True, slots=True)
class Message:
    """One message, as it was found when the maildrop was opened.

    size: octets that RETR transmits, without byte-stuffing and without the termination line (section 11).
    held: the octets of the file, when they are kept in memory; otherwise they are read when they are asked for.
    """

    path: Path
    line_ends: LineEnds
    size: int
    held: bytes | None = None

    @property
    def base_name(self) -> bytes:
        """The file's name without its Maildir flags: what stays the same for as long as the message exists."""
        return os.fsencode(self.path.name).partition(b":2,")[0]

    @property
    def unique_id(self) -> str:
        """One to 70 octets from 0x21 to 0x7E (section 7, UIDL), derived from the base name."""
        if _UNIQUE_ID.fullmatch(self.base_name):
            return self.base_name.decode("ascii")
        return hashlib.sha256(self.base_name).hexdigest()

    def stored(self) -> bytes:
        """Return the octets of the file; OSError when it is gone."""
        return self.path.read_bytes() if self.held is None else self.held

    def octets(self) -> bytes:
        """Return the octets that RETR transmits, not byte-stuffed; OSError when the file is gone."""
        return self.line_ends.to_wire(self.stored())

    def lines(self) -> list[bytes]:
        """Return the lines that RETR transmits, without their CRLF; OSError when the file is gone."""
        return self.octets().split(b"\r\n")[:-1]

    def remove(self) -> None:
        """Remove the message; OSError when that fails. One that is gone already counts as removed."""
        self.path.unlink(missing_ok=True)


def open_maildir(maildir: Path, line_ends: LineEnds) -> tuple[Message, ...]:
    """Return the messages of a Maildir in the order of their base names.

    A Maildir that does not exist holds no message. Raises OSError when one exists and cannot be read.
    """
    messages = []
    for path in _files(maildir):
        try:
            stored = path.read_bytes()
        except FileNotFoundError:
            # Removed, or moved from new to cur with other flags, since the directory was listed.
            continue
        messages.append(Message(path, line_ends, len(line_ends.to_wire(stored))))
    return tuple(sorted(messages, key=lambda message: message.base_name))


def _files(maildir: Path) -> list[Path]:
    found = []
    for folder in ("new", "cur"):
        try:
            found += [path for path in (maildir / folder).iterdir() if not path.name.startswith(".")]
        except FileNotFoundError:
            continue
    return found
