"""RSET (RFC 1939 section 5)."""

import pytest

from conformance.checks.listings import listings
from conformance.checks.survivors import survivors, survivors_of_update, update
from conformance.expect import expect
from conformance.maildrop.corpus import empty, five_messages, three_messages
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.numbering import number_of
from conformance.marks import any_maildrop, deletes, maildrop, verifies
from conformance.plugin.fixtures import LogIn
from conformance.plugin.judging import Judge
from conformance.target import Facts
from conformance.wire.session import Session


@verifies("R1939-5-RSET-01")
@any_maildrop(least=0)
def test_rset_with_an_argument(transaction: Session, judge: Judge) -> None:
    """RSET with an argument, which it does not have, may be refused or taken as RSET: the RFC can be read both ways."""
    reply = transaction.command("RSET all")
    judge.observe("RSET with an argument", "is taken as RSET" if reply.is_ok else "is refused")


@verifies("R1939-5-RSET-02")
def test_rset_is_refused_before_login(connection: Session) -> None:
    """RSET before login must be refused: the command belongs to the TRANSACTION state."""
    connection.rset().err()


@pytest.mark.parametrize("marked", [(1,), (3,), (1, 2), (1, 2, 3)], ids=lambda marked: "_".join(map(str, marked)))
@verifies("R1939-5-RSET-03")
@maildrop(three_messages)
@deletes
def test_rset_unmarks_all_messages(transaction: Session, facts: Facts, marked: tuple[int, ...]) -> None:
    """After some DELE and RSET all messages are listed again, with the same numbers, sizes and unique-ids.

    STAT, LIST and UIDL also come between DELE and RSET: what they showed there is of no account any more.
    """
    before = listings(transaction, facts)
    for number in marked:
        transaction.dele(number).ok()
    listings(transaction, facts)
    transaction.rset().ok()
    expect("the maildrop after RSET", listings(transaction, facts), before)


@verifies("R1939-5-RSET-03")
@maildrop(three_messages)
@deletes
def test_rset_works_again(transaction: Session, facts: Facts) -> None:
    """DELE 1 and RSET, DELE 2 and RSET: all messages are listed again."""
    before = listings(transaction, facts)
    for number in (1, 2):
        transaction.dele(number).ok()
        transaction.rset().ok()
    expect("the maildrop after the second RSET", listings(transaction, facts), before)


@verifies("R1939-5-RSET-03", "R1939-4-MSGNUM-01")
@maildrop(three_messages)
@deletes
def test_rset_renumbers_nothing(transaction: Session, drop: Maildrop) -> None:
    """DELE 1, a new message arrives, RSET: the three messages have the numbers and sizes that they had.

    A server that opens the maildrop anew here may number it differently; hMailServer does open it anew. That the new
    message does not show up is the matter of another check.
    """
    before = transaction.list().sizes
    transaction.dele(1).ok()
    drop.deliver(five_messages[4])
    transaction.rset().ok()
    after = transaction.list().sizes
    expect("numbers and sizes of the first three in LIST", {n: after.get(n) for n in before}, before)


@verifies("R1939-5-RSET-03")
@maildrop(three_messages)
@deletes
def test_an_unmarked_message_is_retrieved_again(transaction: Session) -> None:
    """RETR 2 after DELE 2 and RSET gives what it gave before."""
    content = transaction.retr(2).ok().payload
    transaction.dele(2).ok()
    transaction.rset().ok()
    expect("the content of message 2", transaction.retr(2).ok().payload, content)


@verifies("R1939-5-RSET-03")
@maildrop(three_messages)
@deletes
def test_quit_after_rset_removes_nothing(log_in: LogIn, drop: Maildrop, facts: Facts) -> None:
    """DELE of all messages, RSET, QUIT: the next session shows all of them, with the same unique-ids."""
    session = log_in()
    before = survivors(session, drop, facts)
    for number in (1, 2, 3):
        session.dele(number).ok()
    session.rset().ok()
    session.quit()
    session.read_to_eof()
    expect("messages in the next session", survivors(log_in(), drop, facts), before)


@verifies("R1939-5-RSET-03", "R1939-6-UPDATE-05")
@maildrop(three_messages)
@deletes
def test_what_is_marked_after_rset_is_removed(log_in: LogIn, drop: Maildrop, facts: Facts) -> None:
    """DELE 1, DELE 2, RSET, DELE 2, QUIT: the next session lacks message 2 and shows the others."""
    session = log_in()
    before = survivors(session, drop, facts)
    first, second = (number_of(session, drop, message) for message in three_messages[:2])
    session.dele(first).ok()
    session.dele(second).ok()
    session.rset().ok()
    session.dele(second).ok()
    update(session)
    removed = three_messages[1].name
    expected = {name: unique_id for name, unique_id in before.items() if name != removed}
    expect("messages in the next session", survivors_of_update(log_in, drop, facts, [removed]), expected)


@verifies("R1939-5-RSET-04")
@any_maildrop(least=1)
def test_rset_with_nothing_marked(transaction: Session) -> None:
    """RSET is answered with +OK also when no message is marked, and when it comes twice."""
    transaction.rset().ok()
    transaction.rset().ok()


@verifies("R1939-5-RSET-04")
@maildrop(empty)
def test_rset_in_an_empty_maildrop(transaction: Session) -> None:
    """RSET in an empty maildrop is answered with +OK."""
    transaction.rset().ok()
