"""Seeding a Maildir: one file for each message, written in tmp and moved to new."""

import itertools
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from conformance.maildrop.corpus.message import CRLF, Message
from conformance.maildrop.promise import LineEnds, Promise
from conformance.maildrop.store_error import store_errors

_DAY = 24 * 3600
_DELIVERIES = itertools.count(1)


class MaildirSeeder:
    """Seeds a Maildir.

    path: the Maildir, which holds (or gets) `tmp`, `new` and `cur`.
    line_ends: "lf" for a server whose files hold LF, which it turns into CRLF; "exact" for octets as they are.
    mode: permission bits of the files, whatever the umask. Directories that are created get the same for entering.

    Servers number the messages by file name, by the number before its first dot, or by modification time; so all of
    these grow with each message. That number is a time in seconds, as the Maildir convention has it, and lies a day
    back, which leaves room to grow without running into the future. What follows it is never used again, so that no
    server takes a new message for an old one.
    """

    seeds = True

    def __init__(self, path: Path, line_ends: Literal["lf", "exact"] = "lf", mode: int = 0o644) -> None:
        self._path = path
        self._line_ends = line_ends
        self._mode = mode
        self._latest_second = 0

    @property
    def promise(self) -> Promise:
        """What can be promised of the octets."""
        return Promise(line_ends=LineEnds.EXACT if self._line_ends == "exact" else LineEnds.NORMALISED)

    def replace(self, messages: Sequence[Message]) -> None:
        """Make the Maildir hold exactly these messages; the server's own files stay. Raises `BenchError`."""
        with store_errors("Maildir", self._path):
            self._make_directories()
            self._catch_up()
            written = [self._write(message) for message in messages]
            # A server moves files from new to cur, never back: in this order none slips through.
            for directory in ("new", "cur"):
                for file in self._files(directory):
                    file.unlink(missing_ok=True)
            for file in written:
                file.rename(self._path / "new" / file.name)

    def deliver(self, message: Message) -> None:
        """Add one message behind the others. Raises `BenchError`."""
        with store_errors("Maildir", self._path):
            self._make_directories()
            self._catch_up()
            file = self._write(message)
            file.rename(self._path / "new" / file.name)

    def count(self) -> int:
        """Return how many messages are in the Maildir. Raises `BenchError`."""
        with store_errors("Maildir", self._path):
            return len({file.name.partition(":")[0] for name in ("new", "cur") for file in self._files(name)})

    def _make_directories(self) -> None:
        searchable = self._mode | (self._mode & 0o444) >> 2
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for directory in (self._path, *(self._path / name for name in ("tmp", "new", "cur"))):
            if not directory.is_dir():
                directory.mkdir()
                directory.chmod(searchable)

    def _files(self, directory: str) -> Iterator[Path]:
        path = self._path / directory
        return (file for file in list(path.iterdir()) if not file.is_dir()) if path.is_dir() else iter(())

    def _catch_up(self) -> None:
        """Let the next file come behind all that are there, and not more than a day back."""
        now = int(time.time())
        numbers = (file.name.partition(".")[0] for name in ("new", "cur") for file in self._files(name))
        # Names that others have given need not begin with a time.
        seconds = (int(number) for number in numbers if number.isdecimal() and int(number) < now + _DAY)
        self._latest_second = max(now - _DAY, self._latest_second, *seconds)

    def _write(self, message: Message) -> Path:
        second = self._latest_second = self._latest_second + 1
        name = f"{second}.M{time.time_ns()}P{os.getpid()}Q{next(_DELIVERIES)}.pop3-conformance"
        file = self._path / "tmp" / name
        octets = message.octets if self._line_ends == "exact" else message.octets.replace(CRLF, b"\n")
        file.write_bytes(octets)
        file.chmod(self._mode)
        os.utime(file, (second, second))
        return file
