"""Logins whose form is what a check is about, given the time that a lock needs to go away."""

from collections.abc import Callable

from conformance.target import until_accepted
from conformance.wire.reply import Reply
from conformance.wire.session import Session


def patiently(connect: Callable[[], Session], attempt: Callable[[Session], Reply]) -> Session:
    """Return a session in which the login of `attempt` has succeeded, now or within seconds.

    Raises `Deviation` when it stays refused.
    """
    session, reply = until_accepted(connect, attempt)
    reply.ok()
    return session
