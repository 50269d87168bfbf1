"""STAT and the drop listing (RFC 1939 section 5)."""

from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import five_messages, three_messages
from conformance.marks import any_maildrop, deletes, maildrop, verifies
from conformance.plugin.judging import Judge
from conformance.wire.session import Session


@verifies("R1939-5-STAT-03", "R1939-5-STAT-04", "R1939-5-STAT-11")
@any_maildrop(least=1)
def test_drop_listing_has_the_required_form(transaction: Session) -> None:
    """STAT is answered with one line: +OK, the message count, the size in octets, single spaces between."""
    transaction.stat()


@verifies("R1939-5-STAT-10")
@maildrop(three_messages)
@deletes
def test_messages_marked_as_deleted_do_not_count(transaction: Session) -> None:
    """STAT after DELE 2 of three messages counts two; after RSET it counts three again."""
    before = transaction.stat()
    transaction.dele(2).ok()
    expect("the count in the drop listing after DELE 2", transaction.stat().count, before.count - 1)
    transaction.rset().ok()
    expect("the count in the drop listing after RSET", transaction.stat().count, before.count)


@verifies("R1939-5-STAT-05")
@maildrop(five_messages)
def test_size_is_the_sum_of_the_message_sizes(transaction: Session) -> None:
    """The size that STAT gives is compared with the sum of the sizes that LIST gives.

    RFC 1939 calls it the size of the maildrop and never says "sum", and RFC 6856 section 2.1 lets it be inexact: a
    difference is a warning.
    """
    expect("the size in the drop listing", transaction.stat().size, sum(transaction.list().sizes.values()))


@verifies("R1939-5-STAT-09")
@any_maildrop(least=1)
def test_nothing_follows_the_size(transaction: Session, judge: Judge) -> None:
    """STAT ends after the size: RFC 1939 allows further text there and strongly discourages it."""
    further = transaction.stat().further
    if further:
        judge.observe("STAT: text after the size", further)
    expect_that("nothing after the size", further, not further)
