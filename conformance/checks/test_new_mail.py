"""Mail that arrives while a session is open (RFC 1939 section 8)."""

import pytest

from conformance.checks.listings import listings
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import five_messages, three_messages
from conformance.maildrop.fidelity import expect_nothing_lost
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.numbering import numbers
from conformance.marks import deletes, maildrop, verifies
from conformance.plugin.fixtures import LogIn
from conformance.target import Facts
from conformance.wire.reply import Form
from conformance.wire.session import Session

NEW = five_messages[4]


@pytest.mark.parametrize("command", ["STAT", "NOOP", "RSET", "RETR 1"], ids=lambda command: command.replace(" ", "_"))
@verifies("R1939-8-MSGNUM-01")
@maildrop(three_messages)
@deletes
def test_new_mail_is_not_shown(transaction: Session, drop: Maildrop, facts: Facts, command: str) -> None:
    """A message arrives, another command is sent: STAT, LIST and UIDL say what they said before.

    Nor has the message a number: LIST 4, UIDL 4 and DELE 4 are answered with -ERR.

    POP3 has no polling of an open session. To show the message behind the others is no clear violation, so it is a
    warning; that the others keep their numbers is the matter of another check.
    """
    before = listings(transaction, facts)
    drop.deliver(NEW)
    transaction.command(command).ok()
    expect(f"the maildrop after new mail and {command}", listings(transaction, facts), before)
    for question in ("LIST 4", "UIDL 4", "DELE 4"):
        reply = transaction.command(question, Form.SINGLE_LINE)
        expect_that(f"-ERR to {question} after new mail and {command}", reply, reply.is_err)


@verifies("R1939-4-MSGNUM-02", "R1939-5-STAT-03")
@maildrop(three_messages)
@deletes
def test_new_mail_is_there_in_the_next_session(log_in: LogIn, drop: Maildrop) -> None:
    """A message arrives during a session that ends with QUIT: the next one counts four and retrieves the new one.

    The others are told by their contents, so it is the one that is none of them.
    """
    session = log_in()
    drop.deliver(NEW)
    session.quit()
    session.read_to_eof()
    later = log_in()
    listed = later.list().numbers
    expect("the numbers in LIST, sorted", sorted(listed), [1, 2, 3, 4])
    (new,) = set(listed) - set(numbers(later, drop).values())
    expect_nothing_lost(drop.promise, NEW, later.retr(new).ok().payload)
