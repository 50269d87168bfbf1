"""QUIT, and which of the seeded messages the next session still shows."""

from collections.abc import Callable, Collection

from conformance.expect import expect, expect_that
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.numbering import numbers
from conformance.target import Facts
from conformance.wire.session import Session


def update(session: Session) -> None:
    """Send QUIT and wait for the end of the session, so that what is marked as deleted is removed.

    Raises `Deviation` when QUIT has a second reply, and when the server says by -ERR that some of it is not removed:
    RFC 1939 section 6 provides for that, and here nothing stands in the way, so it is a warning.
    """
    reply = session.quit()
    further = session.read_to_eof()
    expect("what comes after the reply to QUIT", further, b"", requirement="R1939-3-RESP-SYNTAX-01")
    claim = "+OK to QUIT: nothing stands in the way of the removal"
    expect_that(claim, reply.status_line, not reply.is_err, "R1939-6-QUIT-02")
    reply.ok()


def survivors(session: Session, drop: Maildrop, facts: Facts) -> dict[str, bytes]:
    """Return the seeded messages that the session shows: their unique-ids by name.

    session: one in TRANSACTION state in which nothing is marked as deleted. Message-numbers may differ from one
    session to the next (RFC 1939 section 4), so messages are told by their contents. Where UIDL is not offered, each
    unique-id is empty. Raises `Deviation` when LIST or UIDL cannot be read.
    """
    if not session.list().rows:
        return {}
    unique_ids = session.uidl().by_number if facts.uidl else {}
    return {name: unique_ids.get(number, b"") for name, number in numbers(session, drop).items()}


def survivors_of_update(
    log_in: Callable[[], Session], drop: Maildrop, facts: Facts, removed: Collection[str]
) -> dict[str, bytes]:
    """Return what the next session shows after QUIT, or the one after it if the next still shows what was removed.

    removed: the names of the messages that QUIT has to remove. The copies of a replicated store may lag behind; that
    the removal is to be complete when QUIT is answered (RFC 1939 section 6) is for one check to say, not for all.
    """
    session = log_in()
    shown = survivors(session, drop, facts)
    if any(name in shown for name in removed):
        session.leave()
        shown = survivors(log_in(), drop, facts)
    return shown
