"""What a session is like after a command that was refused, or should have been."""

from conformance.expect import expect_that
from conformance.verdict import Verdict
from conformance.wire.listing import DropListing, drop_listing
from conformance.wire.session import NoReplyError, Session

_GRACE = 0.1
"""Seconds in which the end of a connection that is closed already shows."""

_FAREWELL = 1.0
"""Seconds after the reply to QUIT in which further octets, or the end of the connection, would come."""


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
    """Send QUIT: its one reply may come and no more, or else an earlier command had another number than one.

    A server that closed after an -ERR does not answer QUIT any more. Only for sessions that have marked nothing.
    Raises `Deviation` for R1939-3-RESP-SYNTAX-01.
    """
    try:
        session.send(b"QUIT\r\n")
        session.reply()
    except NoReplyError as error:
        if is_closed(session):
            return
        error.requirement = "R1939-3-RESP-SYNTAX-01"
        raise
    # The connection closes, as a rule, and then nothing more comes for certain.
    rest = session.silence(_FAREWELL)
    expect_that("one reply to QUIT and nothing else", rest, not rest, "R1939-3-RESP-SYNTAX-01")
