"""DELE (RFC 1939 section 5). That the messages go away is the matter of the checks on the UPDATE state."""

import pytest

from conformance.checks.bad_numbers import NO_SUCH_MESSAGE
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import empty, five_messages, three_messages
from conformance.marks import deletes, maildrop, verifies
from conformance.target import Facts
from conformance.verdict import NotApplicable, Verdict
from conformance.wire.session import Session

NOT_A_NUMBER = {
    "missing": "DELE",
    "negative": "DELE -1",
    "with_a_plus_sign": "DELE +1",
    "hexadecimal": "DELE 0x1",
    "a_fraction": "DELE 1.5",
    "with_a_letter": "DELE 1x",
    "a_word": "DELE all",
    "a_range": "DELE 1-3",
    "a_list": "DELE 1,2",
    "a_wildcard": "DELE *",
}


# Arguments and restrictions.


@pytest.mark.parametrize("command", NOT_A_NUMBER.values(), ids=NOT_A_NUMBER)
@verifies("R1939-5-DELE-01")
@maildrop(three_messages)
@deletes
def test_dele_needs_a_message_number(transaction: Session, command: str) -> None:
    """DELE without a number in decimal digits must be refused, and marks nothing.

    A plus sign in front of it is a warning: it is read as part of a number by much that reads numbers.
    """
    before = transaction.list().sizes
    reply = transaction.command(command)
    expect_that("-ERR", reply, reply.is_err, at_most=Verdict.WARN if "+" in command else Verdict.FAIL)
    expect(f"numbers and sizes in LIST after {command}", transaction.list().sizes, before)


@verifies("R1939-5-DELE-01", "R1939-5-DELE-05")
@maildrop(three_messages)
@deletes
def test_a_message_is_not_deleted_twice(transaction: Session) -> None:
    """DELE 2 again after DELE 2 must be refused, and leaves the mark where it is."""
    transaction.dele(2).ok()
    left = transaction.list().sizes
    transaction.dele(2).err()
    expect("numbers and sizes in LIST after the second DELE 2", transaction.list().sizes, left)


@verifies("R1939-5-DELE-02")
def test_dele_is_refused_before_login(connection: Session) -> None:
    """DELE 1 before login must be refused: the command belongs to the TRANSACTION state."""
    connection.dele(1).err()


# What DELE does.


@pytest.mark.parametrize("number", [1, 2, 3])
@verifies("R1939-5-DELE-03")
@maildrop(three_messages)
@deletes
def test_dele_marks_exactly_that_message(transaction: Session, number: int) -> None:
    """DELE of one of three messages is answered with +OK; LIST shows the other two as they were, STAT counts two."""
    others = {other: size for other, size in transaction.list().rows if other != number}
    transaction.dele(number).ok()
    expect(f"numbers and sizes in LIST after DELE {number}", transaction.list().sizes, others)
    expect(f"the count in the drop listing after DELE {number}", transaction.stat().count, 2)


@verifies("R1939-5-DELE-03")
@maildrop(five_messages)
@deletes
def test_marks_add_up(transaction: Session) -> None:
    """DELE 4, DELE 1 and DELE 5 of five messages: LIST shows 2 and 3; other commands between them undo no mark."""
    transaction.dele(4).ok()
    transaction.retr(2).ok()
    transaction.dele(1).ok()
    transaction.stat()
    transaction.dele(5).ok()
    expect("the numbers in LIST, sorted", sorted(transaction.list().numbers), [2, 3])


@verifies("R1939-5-DELE-03")
@maildrop(three_messages)
@deletes
def test_the_other_messages_are_still_retrieved(transaction: Session) -> None:
    """RETR 1 and RETR 3 after DELE 2 give what they gave before."""
    before = {number: transaction.retr(number).ok().payload for number in (1, 3)}
    transaction.dele(2).ok()
    for number, content in before.items():
        expect(f"the content of message {number}", transaction.retr(number).ok().payload, content)


@verifies("R1939-5-DELE-03", "R1939-3-CMD-SYNTAX-12")
@maildrop(three_messages)
@deletes
def test_a_second_number_deletes_nothing(transaction: Session) -> None:
    """DELE 1 2 never marks message 2, for DELE has one argument; and when it is refused it marks none at all.

    Whether a command with an argument too many must be refused is the matter of another check.
    """
    reply = transaction.command("DELE 1 2")
    left = sorted(transaction.list().numbers)
    expect_that("no mark by a refused DELE 1 2", left, reply.is_ok or left == [1, 2, 3])
    expect_that("no mark by DELE 1 2 but that of message 1", left, {2, 3} <= set(left))


@pytest.mark.parametrize("command", ["LIST 2", "UIDL 2", "RETR 2", "TOP 2 0", "DELE 2"], ids=str)
@verifies("R1939-5-DELE-05")
@maildrop(three_messages)
@deletes
def test_a_deleted_message_is_not_referred_to(transaction: Session, facts: Facts, command: str) -> None:
    """After DELE 2 every reference to message 2 must be refused, also when other commands came between."""
    if not {"UIDL 2": facts.uidl, "TOP 2 0": facts.top}.get(command, True):
        raise NotApplicable(f"{command.partition(' ')[0]} is not offered")
    transaction.dele(2).ok()
    transaction.command(command).err()
    transaction.stat()
    transaction.retr(1).ok()
    transaction.command(command).err()


@pytest.mark.parametrize("number", NO_SUCH_MESSAGE.values(), ids=NO_SUCH_MESSAGE)
@verifies("R1939-5-DELE-07")
@maildrop(three_messages)
@deletes
def test_no_message_of_that_number(transaction: Session, number: str) -> None:
    """DELE with a number that none of three messages has must be refused, and marks nothing.

    Huge numbers do not wrap around: the message that such a DELE hits is lost.
    """
    before = transaction.list().sizes
    transaction.command(f"DELE {number}").err()
    expect(f"numbers and sizes in LIST after DELE {number}", transaction.list().sizes, before)


@verifies("R1939-5-DELE-07")
@maildrop(empty)
@deletes
def test_an_empty_maildrop_has_nothing_to_delete(transaction: Session) -> None:
    """DELE 1 in an empty maildrop must be refused."""
    transaction.dele(1).err()
