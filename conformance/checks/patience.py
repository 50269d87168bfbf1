"""Logins whose form is what a check is about, given the time that a lock needs to go away."""

from collections.abc import Callable

from conformance.target import LOCK_RELEASE
from conformance.wire.connection import Deadline
from conformance.wire.reply import Reply
from conformance.wire.session import Session

_FIRST_PAUSE = 0.1
"""Seconds between the first two attempts; each further pause is twice as long."""


def patiently(connect: Callable[[], Session], attempt: Callable[[Session], Reply]) -> Session:
    """Return a session in which the login of `attempt` has succeeded.

    A refusal is tried again over new connections for a few seconds: the session before may have been of the same
    account, and RFC 1939 section 6 does not say how soon after it the lock is gone. Raises `Deviation` when it stays.
    """
    deadline = Deadline(LOCK_RELEASE)
    pause = _FIRST_PAUSE
    while True:
        session = connect()
        reply = attempt(session)
        if reply.is_ok or not deadline.remaining():
            reply.ok()
            return session
        session.silence(min(pause, deadline.remaining()))
        session.close()
        pause *= 2
