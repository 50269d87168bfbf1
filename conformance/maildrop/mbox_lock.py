"""The locks of an mbox, as a delivery agent takes them: all that a server may use, together."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO


class StillLockedError(Exception):
    """Another process has kept the mbox locked for as long as we were ready to wait."""


@contextmanager
def locked(path: Path, patience: float) -> Iterator[BinaryIO]:
    """Open an mbox, creating it if it is not there, and have it locked while it is open.

    No RFC says how an mbox is locked: sites use PATH.lock, fcntl, flock, or several of them.
    patience: seconds to wait for others to let go. Raises `StillLockedError`, and OSError when it cannot be opened.
    """
    deadline = time.monotonic() + patience
    while (opened := _opened_if_free(path)) is None:
        if time.monotonic() > deadline:
            raise StillLockedError
        time.sleep(0.05)  # none of these locks knows a deadline
    held, file = opened
    with held:
        yield file


def _opened_if_free(path: Path) -> tuple[ExitStack, BinaryIO] | None:
    """Return the open file with all its locks, which end with the stack; None, and none is held, if one is taken."""
    with ExitStack() as held:
        if not held.enter_context(_dot_lock(path)):
            return None
        file = held.enter_context(os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b"))
        return (held.pop_all(), file) if _lock(file) else None


@contextmanager
def _dot_lock(path: Path) -> Iterator[bool]:
    """Have PATH.lock, if nobody else has it, and say whether that is so."""
    lock = path.with_name(path.name + ".lock")
    try:
        os.close(os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    except FileExistsError:
        yield False
        return
    except PermissionError:
        # In many a spool directory nobody but the delivery agent may create files: the other locks have to do.
        yield True
        return
    try:
        yield True
    finally:
        lock.unlink(missing_ok=True)


def _lock(file: BinaryIO) -> bool:
    """Take the locks that end when the file is closed; return whether both could be had."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
