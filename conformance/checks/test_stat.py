"""STAT and the drop listing (RFC 1939 section 5)."""

from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import conforming, empty, five_messages, three_messages
from conformance.marks import any_maildrop, deletes, maildrop, verifies
from conformance.plugin.judging import Judge
from conformance.verdict import NotApplicable
from conformance.wire.session import Session


@verifies("R1939-5-STAT-03", "R1939-5-STAT-04", "R1939-5-STAT-11")
@any_maildrop(least=1)
def test_drop_listing_has_the_required_form(transaction: Session) -> None:
    """STAT is answered with one line: +OK, the message count, the size in octets, single spaces between."""
    transaction.stat()


@verifies("R1939-5-STAT-04", "R1939-5-STAT-11")
@maildrop(empty)
def test_an_empty_maildrop_has_no_messages_and_no_octets(transaction: Session) -> None:
    """STAT in an empty maildrop is answered with +OK 0 0."""
    listing = transaction.stat()
    expect("count and size in the drop listing", (listing.count, listing.size), (0, 0))


@verifies("R1939-5-STAT-03")
@maildrop(three_messages)
def test_count_is_the_number_of_messages(transaction: Session) -> None:
    """STAT counts three where three messages were put in."""
    expect("the count in the drop listing", transaction.stat().count, 3)


@verifies("R1939-5-STAT-05")
@maildrop(five_messages)
def test_size_is_the_sum_of_the_message_sizes(transaction: Session) -> None:
    """The size that STAT gives is compared with the sum of the sizes that LIST gives.

    RFC 1939 calls it the size of the maildrop and never says "sum", and RFC 6856 section 2.1 lets it be inexact: a
    difference is a warning.
    """
    expect("the size in the drop listing", transaction.stat().size, sum(transaction.list().sizes.values()))


@verifies("R1939-5-STAT-05")
@maildrop(conforming)
def test_size_is_the_sum_of_many_sizes(transaction: Session) -> None:
    """The same for all well-formed messages of the corpus: the sum, nearly two million octets, must not be cut off.

    As before a difference is a warning.
    """
    expect("the size in the drop listing", transaction.stat().size, sum(transaction.list().sizes.values()))


@verifies("R1939-5-STAT-05")
@maildrop(five_messages)
@deletes
def test_size_is_the_sum_of_the_sizes_that_are_left(transaction: Session) -> None:
    """The size that STAT gives after DELE 2, and after DELE 4, is compared with the sum of the sizes in LIST then.

    Where they were equal before DELE, a server adds up the messages: a difference is a warning.
    """
    if transaction.stat().size != sum(transaction.list().sizes.values()):
        raise NotApplicable("the size in the drop listing is not the sum of the message sizes")
    for number in (2, 4):
        transaction.dele(number).ok()
        left = sum(transaction.list().sizes.values())
        expect(f"the size in the drop listing after DELE {number}", transaction.stat().size, left)


@verifies("R1939-5-STAT-09", "R1939-5-STAT-06", "R1939-5-STAT-07", "R1939-5-STAT-08")
@any_maildrop(least=1)
def test_nothing_follows_the_size(transaction: Session) -> None:
    """STAT ends after the size: RFC 1939 allows further text there and strongly discourages it."""
    further = transaction.stat().further
    expect_that("nothing after the size in the drop listing", further, not further)


@verifies("R1939-5-STAT-01")
@any_maildrop(least=1)
def test_an_argument(transaction: Session) -> None:
    """STAT 1 may be refused or answered as STAT: which it is, is recorded."""
    transaction.command("STAT 1").err()


@verifies("R1939-5-STAT-10")
@maildrop(three_messages)
@deletes
def test_messages_marked_as_deleted_do_not_count(transaction: Session, judge: Judge) -> None:
    """STAT after DELE 2 of three messages counts two, and the size has shrunk; after RSET all is as before.

    By how much the size shrinks is not judged, since STAT need not be the sum of the message sizes.
    """
    before = transaction.stat()
    transaction.dele(2).ok()
    after = transaction.stat()
    expect("the count in the drop listing after DELE 2", after.count, 2)
    if after.size >= before.size:
        judge.deviates(f"a size of less than {before.size} after DELE 2", str(after.size), "R1939-5-STAT-05")
    transaction.rset().ok()
    expect("the drop listing after RSET", transaction.stat(), before)


@verifies("R1939-5-STAT-10")
@maildrop(three_messages)
@deletes
def test_nothing_counts_when_all_is_marked_as_deleted(transaction: Session) -> None:
    """STAT after DELE of every message counts none, with a size of no octets."""
    for number in (1, 2, 3):
        transaction.dele(number).ok()
    listing = transaction.stat()
    expect("the count in the drop listing", listing.count, 0)
    expect("the size in the drop listing", listing.size, 0, requirement="R1939-5-STAT-05")
