"""RETR (RFC 1939 section 5)."""

import pytest

from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import Message, boundaries, conforming, dots, long_lines, three_messages
from conformance.maildrop.fidelity import expect_unaltered
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.numbering import number_of
from conformance.marks import any_maildrop, deletes, maildrop, verifies
from conformance.plugin.fixtures import LogIn
from conformance.plugin.judging import Judge
from conformance.target import Facts
from conformance.verdict import NotApplicable, Verdict
from conformance.wire.session import Session

# Messages about dots and buffers are the matter of the checks on byte-stuffing.
ORDINARY = tuple(message for message in conforming if message not in (*dots, *boundaries))

# The first two are beside 1 to n; the others are 1 to a server that wraps numbers at 32 or 64 bits.
NO_MESSAGE = ("0", "-1", str(2**32 + 1), str(2**64 + 1))


# Arguments and restrictions.


@verifies("R1939-5-RETR-01")
@any_maildrop(least=1)
def test_retr_needs_a_message_number(transaction: Session) -> None:
    """RETR without an argument must be refused: the message-number is required."""
    transaction.command("RETR").err()


@verifies("R1939-5-RETR-01")
@maildrop(three_messages)
@deletes
def test_a_deleted_message_is_not_retrieved(transaction: Session) -> None:
    """DELE 2, then RETR 2: the number may not refer to a message marked as deleted."""
    transaction.dele(2).ok()
    transaction.retr(2).err()


@verifies("R1939-5-RETR-02")
def test_retr_is_refused_before_login(connection: Session) -> None:
    """RETR 1 before login must be refused: the command belongs to the TRANSACTION state."""
    connection.retr(1).err()


@pytest.mark.parametrize("number", NO_MESSAGE)
@verifies("R1939-5-RETR-07")
@any_maildrop(least=1)
def test_no_message_has_that_number(transaction: Session, number: str) -> None:
    """RETR with a number that no message has must be refused; messages are numbered 1 to n (section 4)."""
    transaction.command(f"RETR {number}").err()


@verifies("R1939-5-RETR-07")
@any_maildrop(least=1)
def test_no_message_behind_the_last(transaction: Session) -> None:
    """RETR with the number that follows the last message's must be refused."""
    transaction.retr(transaction.stat().count + 1).err()


# The message.


@pytest.mark.parametrize("message", ORDINARY, ids=str)
@verifies("R1939-5-RETR-04")
@maildrop(conforming)
def test_message_comes_unaltered(transaction: Session, drop: Maildrop, message: Message) -> None:
    """RETR of a message that conforms to RFC 5322: the octets are those that were seeded.

    What the way of seeding may have changed is accepted. A blank line or header fields more are a warning.
    """
    reply = transaction.retr(number_of(transaction, drop, message)).ok()
    expect_unaltered(drop.promise, message, reply.payload)


@pytest.mark.parametrize("message", long_lines, ids=str)
@verifies("R1939-5-RETR-04")
@maildrop(long_lines)
def test_long_line_loses_no_octet(transaction: Session, drop: Maildrop, message: Message) -> None:
    """RETR of a message with a long line: each octet comes, in its order.

    Up to 998 octets (RFC 5322 section 2.1.1) the line must come in one piece. A longer one should not exist; if it
    does, it may be broken into several lines.
    """
    reply = transaction.retr(number_of(transaction, drop, message)).ok()
    expect_unaltered(drop.promise, message, reply.payload)


@verifies("R1939-5-RETR-04")
@any_maildrop(least=1)
def test_message_is_the_same_when_retrieved_again(transaction: Session) -> None:
    """RETR 1 twice in a session: the second reply has the same content as the first."""
    first = transaction.retr(1).ok().payload
    expect("the content of the second reply", transaction.retr(1).ok().payload, first)


@verifies("R1939-5-RETR-04", "R1939-5-RETR-05")
@any_maildrop(least=1)
def test_message_is_the_same_in_a_later_session(
    transaction: Session, log_in: LogIn, judge: Judge, facts: Facts
) -> None:
    """RETR of a message, and again after QUIT and a new login: the same content, told by its unique-id.

    A difference is a warning only, for a server may note in a header field that the message has been read.
    """
    if not facts.uidl:
        raise NotApplicable("UIDL is not offered, and without it a message is not known again")
    if facts.deletes_what_was_retrieved:
        raise NotApplicable("EXPIRE 0: the server deletes what has been retrieved")
    (_, unique_id), *_ = transaction.uidl(1).rows
    first = transaction.retr(1).ok().payload
    transaction.leave()
    later = log_in()
    found = {id_: number for number, id_ in later.uidl().rows}
    expect_that("the unique-id of the message in UIDL", list(found), unique_id in found, "R1939-5-RETR-05")
    if later.retr(found[unique_id]).ok().payload != first:
        judge.deviates("the content of the session before", "another one", "R1939-5-RETR-04", Verdict.WARN)


# What RETR does not do.


@verifies("R1939-5-RETR-05")
@any_maildrop(least=1)
def test_retr_leaves_the_counts_alone(transaction: Session) -> None:
    """STAT and LIST say the same before and after RETR: it neither removes the message nor alters its size."""
    before = transaction.stat(), sorted(transaction.list().rows)
    transaction.retr(1).ok()
    expect("STAT and LIST, sorted, after RETR 1", (transaction.stat(), sorted(transaction.list().rows)), before)


@verifies("R1939-4-MSGNUM-01", "R1939-5-RETR-04")
@maildrop(three_messages)
@deletes
def test_a_number_means_the_same_message_after_dele(transaction: Session) -> None:
    """RETR 2 and RETR 3 give the same after DELE 1 as before it."""
    before = [transaction.retr(number).ok().payload for number in (2, 3)]
    transaction.dele(1).ok()
    expect("messages 2 and 3", [transaction.retr(number).ok().payload for number in (2, 3)], before)


@verifies("R1939-5-RETR-05")
@maildrop(three_messages)
def test_retrieved_messages_stay(transaction: Session, log_in: LogIn, facts: Facts) -> None:
    """RETR of all messages, then QUIT and a new login: they are still there, for only DELE removes.

    A site may delete what has been retrieved (RFC 1939 section 8); if it announces that by EXPIRE 0 (RFC 2449
    section 6.7), this check does not apply, and without CAPA or EXPIRE to announce anything, it only warns.
    """
    if facts.deletes_what_was_retrieved:
        raise NotApplicable("EXPIRE 0: the server deletes what has been retrieved")
    before = transaction.list().rows
    for number, _ in before:
        transaction.retr(number).ok()
    transaction.quit()
    transaction.read_to_eof()
    at_most = Verdict.FAIL if facts.announces("EXPIRE") else Verdict.WARN
    expect("the count in the next session", log_in().stat().count, len(before), at_most=at_most)
