"""LIST and the scan listing (RFC 1939 section 5)."""

import pytest

from conformance.checks.bad_numbers import NO_SUCH_MESSAGE
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import conforming, empty, five_messages, three_messages
from conformance.marks import any_maildrop, deletes, maildrop, verifies
from conformance.verdict import Verdict
from conformance.wire.session import Session


@verifies("R1939-5-LIST-03", "R1939-5-LIST-07")
@any_maildrop(least=1)
def test_one_message_is_listed_on_the_status_line(transaction: Session) -> None:
    """LIST 1 is answered with a single line: +OK, the number that was asked for, the size in octets."""
    expect("the number in the scan listing", transaction.list(1).numbers, [1])


@verifies("R1939-5-LIST-04", "R1939-5-LIST-05")
@maildrop(five_messages)
def test_every_message_has_a_line(transaction: Session) -> None:
    """LIST is answered with a multi-line reply: one scan listing for each of the five messages, and no other."""
    expect("the numbers in LIST, sorted", sorted(transaction.list().numbers), [1, 2, 3, 4, 5])


@verifies("R1939-5-LIST-05", "R1939-5-STAT-03")
@any_maildrop(least=1)
def test_there_are_as_many_lines_as_stat_counts(transaction: Session) -> None:
    """LIST has as many lines as STAT counts messages."""
    expect("the number of lines in LIST", len(transaction.list().rows), transaction.stat().count)


@verifies("R1939-5-LIST-07")
@any_maildrop(least=1)
def test_scan_listings_have_the_required_form(transaction: Session) -> None:
    """Each line of LIST is the message-number, a single space, the size in octets; further text is another matter."""
    transaction.list()


@verifies("R1939-5-LIST-07")
@maildrop(conforming)
def test_scan_listings_of_all_sizes_have_the_required_form(transaction: Session) -> None:
    """The form is the same for messages of a few octets and of a mebibyte, and for numbers of three digits."""
    expect("the number of lines in LIST", len(transaction.list().rows), len(conforming))


@verifies("R1939-5-LIST-11", "R1939-5-LIST-08", "R1939-5-LIST-09", "R1939-5-LIST-10")
@any_maildrop(least=1)
def test_nothing_follows_the_size(transaction: Session) -> None:
    """LIST and LIST 1 end after the size: RFC 1939 allows further text there and strongly discourages it."""
    further = transaction.list().further + transaction.list(1).further
    expect_that("nothing after the size in a scan listing", b", ".join(further), not further)


@verifies("R1939-5-LIST-06", "R1939-A-LIST-01")
@maildrop(empty)
def test_an_empty_maildrop_has_an_empty_listing(transaction: Session) -> None:
    """LIST in an empty maildrop is answered with +OK and the terminating line, not with -ERR."""
    expect("the lines of LIST", transaction.list().rows, ())


@verifies("R1939-5-LIST-12")
@maildrop(three_messages)
@deletes
def test_a_deleted_message_leaves_the_scan_listing(transaction: Session) -> None:
    """After DELE 2 of three messages, LIST shows exactly 1 and 3, with the sizes that they had."""
    before = transaction.list().sizes
    transaction.dele(2).ok()
    expect("numbers and sizes in LIST", transaction.list().sizes, {1: before[1], 3: before[3]})


@verifies("R1939-5-LIST-12")
@maildrop(three_messages)
@deletes
def test_the_listing_is_empty_when_all_is_deleted(transaction: Session) -> None:
    """After DELE of every message, LIST has no lines.

    -ERR in place of the empty listing is a warning: the RFC has +OK for an empty maildrop, and leaves it to the
    reader whether one with nothing but marked messages is that.
    """
    for number in (1, 2, 3):
        transaction.dele(number).ok()
    reply = transaction.command("LIST")
    expect_that("+OK and no lines", reply.status_line, reply.is_ok, at_most=Verdict.WARN)
    expect("the lines of LIST", reply.lines, ())


@verifies("R1939-5-LIST-01", "R1939-5-DELE-05")
@maildrop(three_messages)
@deletes
def test_a_deleted_message_cannot_be_listed(transaction: Session) -> None:
    """LIST 2 after DELE 2 is answered with -ERR."""
    transaction.dele(2).ok()
    transaction.command("LIST 2").err()


@verifies("R1939-5-LIST-13")
@maildrop(three_messages)
@pytest.mark.parametrize("number", NO_SUCH_MESSAGE.values(), ids=NO_SUCH_MESSAGE)
def test_no_message_of_that_number(transaction: Session, number: str) -> None:
    """LIST with a number that none of three messages has is answered with -ERR; huge numbers do not wrap around."""
    transaction.command(f"LIST {number}").err()
