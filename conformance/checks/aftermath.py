"""What a session is like after a command that was refused, or should have been."""

from conformance.expect import expect_that
from conformance.verdict import Verdict
from conformance.wire.listing import DropListing, drop_listing
from conformance.wire.session import NoReplyError, Session

_GRACE = 0.1
"""Seconds in which the end of a connection that is closed already shows."""


def is_closed(session: Session) -> bool:
    """True if the server has closed or reset the connection. What it sent before is thrown away."""
    session.silence(_GRACE)
    return session.at_eof


def stat_after_refusal(session: Session) -> DropListing:
    """Return what STAT says after an -ERR; only a session that is in step, in TRANSACTION state, has an answer.

    RFC 1939 does not say in so many words that the session goes on after an -ERR: closing is a warning.
    Raises `Deviation` for R1939-3-CMD-SYNTAX-14.
    """
    try:
        reply = session.command("STAT")
    except NoReplyError as error:
        error.requirement = "R1939-3-CMD-SYNTAX-14"
        if is_closed(session):
            error.at_most = Verdict.WARN
        raise
    claim = "+OK and a drop listing in reply to STAT: the session goes on"
    expect_that(claim, reply.status_line, reply.is_ok, "R1939-3-CMD-SYNTAX-14")
    return drop_listing(reply)


def expect_in_step(session: Session) -> None:
    """Send QUIT and read to the end: at most its one reply may come, or else an earlier command had more than one.

    The end of the stream is the only place where "nothing more comes" is certain without waiting. A server that
    closed after an -ERR does not answer QUIT any more. Only for sessions that have marked nothing.
    """
    try:
        session.send(b"QUIT\r\n")
    except NoReplyError as error:
        if is_closed(session):
            return
        raise error
    rest = session.read_to_eof()
    claim = "the reply to QUIT and nothing else, up to the end of the connection"
    expect_that(claim, rest, rest.count(b"\n") <= 1, "R1939-3-RESP-SYNTAX-01")
