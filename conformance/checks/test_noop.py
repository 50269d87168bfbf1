"""NOOP (RFC 1939 section 5)."""

from conformance.checks.listings import listings
from conformance.expect import expect
from conformance.maildrop.corpus import three_messages
from conformance.marks import any_maildrop, deletes, maildrop, verifies
from conformance.plugin.judging import Judge
from conformance.target import Facts
from conformance.wire.session import Session


@verifies("R1939-5-NOOP-01")
@any_maildrop(least=0)
def test_noop_with_an_argument(transaction: Session, judge: Judge) -> None:
    """NOOP with an argument, which it does not have, may be refused or taken as NOOP: the RFC can be read both ways."""
    reply = transaction.command("NOOP now")
    judge.observe("NOOP with an argument", "is taken as NOOP" if reply.is_ok else "is refused")


@verifies("R1939-5-NOOP-02")
def test_noop_is_refused_before_login(connection: Session) -> None:
    """NOOP before login must be refused: the command belongs to the TRANSACTION state."""
    connection.noop().err()


@verifies("R1939-5-NOOP-03")
@any_maildrop(least=1)
def test_noop_changes_nothing(transaction: Session, facts: Facts) -> None:
    """NOOP is answered with +OK, and STAT, LIST and UIDL say afterwards what they said before."""
    before = listings(transaction, facts)
    transaction.noop().ok()
    expect("the maildrop after NOOP", listings(transaction, facts), before)


@verifies("R1939-5-NOOP-03")
@maildrop(three_messages)
@deletes
def test_noop_leaves_marks_alone(transaction: Session) -> None:
    """After DELE 2 of three messages and NOOP, LIST shows 1 and 3: the mark is neither taken off nor carried out."""
    transaction.dele(2).ok()
    transaction.noop().ok()
    expect("the numbers in LIST, sorted", sorted(transaction.list().numbers), [1, 3])
