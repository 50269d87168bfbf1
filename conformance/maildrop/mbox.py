"""Seeding an mbox: all messages in one file, as RFC 4155 describes it."""

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from conformance.maildrop.corpus.message import CRLF, Message
from conformance.maildrop.mbox_lock import StillLockedError, locked
from conformance.maildrop.promise import AddedFields, LineEnds, Promise
from conformance.maildrop.store_error import store_errors
from conformance.verdict import BenchError, NotRun

_HOUR = 3600
_DAY = 24 * _HOUR
_LOCK_PATIENCE = 10.0
"""Seconds to wait for a server to let go of the file, when no session of ours is open."""

_DELIVERY_PATIENCE = 1.0
"""Seconds to wait for a server that looks into the file for a moment; one with a session open keeps it for longer."""

_QUOTABLE = re.compile(rb"^(>*From )", re.MULTILINE)
_SEPARATOR = re.compile(rb"^From ", re.MULTILINE)


class MboxSeeder:
    """Seeds an mbox, with LF line ends and "From " lines quoted by a ">".

    path: the file; it is created if it is not there.

    The file is rewritten in place, under every lock that a delivery agent takes, so that its owner, its permission bits
    and the lock of a server that waits for it stay good. Its modification time is put a day back and differs each time:
    servers tell a changed file by that, and some wait a second when it is the current one.
    """

    promise = Promise(
        line_ends=LineEnds.NORMALISED,
        added_fields=AddedFields.ANYWHERE,
        ends_last_line=True,
        quotes_from_lines=True,
        separates_by_blank_line=True,
    )
    seeds = True

    def __init__(self, path: Path) -> None:
        self._path = path

    def replace(self, messages: Sequence[Message]) -> None:
        """Make the mbox hold exactly these messages. Raises `BenchError`."""
        try:
            with self._opened(_LOCK_PATIENCE) as file:
                file.write(b"".join(_entry(message) for message in messages))
                file.truncate()
        except StillLockedError:
            raise BenchError(
                f"cannot seed the mbox {self._path}: another process has kept it locked for {_LOCK_PATIENCE:g} "
                f"seconds; end the sessions that use it, or remove {self._path}.lock if it is left over"
            ) from None

    def deliver(self, message: Message) -> None:
        """Add one message behind the others. Raises `BenchError`, and `NotRun` when a session keeps it locked.

        A server may hold the lock of the file while a session lasts (RFC 1939 section 4): then no mail arrives.
        """
        try:
            with self._opened(_DELIVERY_PATIENCE) as file:
                file.seek(0, os.SEEK_END)
                file.write(_entry(message))
        except StillLockedError:
            raise NotRun("the server keeps the mbox locked while a session is open") from None

    def count(self) -> int:
        """Return how many messages are in the mbox. Raises `BenchError`."""
        with store_errors("mbox", self._path):
            return len(_SEPARATOR.findall(self._path.read_bytes())) if self._path.exists() else 0

    @contextmanager
    def _opened(self, patience: float) -> Iterator[BinaryIO]:
        with store_errors("mbox", self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with locked(self._path, patience) as file:
                before = int(os.fstat(file.fileno()).st_mtime)
                yield file
                file.flush()
                now = int(time.time())
                after = before + 1 if now - 2 * _DAY < before < now - _HOUR else now - _DAY
                os.utime(file.fileno(), (after, after))


def _entry(message: Message) -> bytes:
    """Return the message as it stands in the file: separator line, quoted text, blank line."""
    text = _QUOTABLE.sub(rb">\1", message.octets.replace(CRLF, b"\n"))
    if text and not text.endswith(b"\n"):
        text += b"\n"
    return b"From sender@example.org Thu Jan  1 12:00:00 2026\n" + text + b"\n"
