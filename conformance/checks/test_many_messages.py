"""Numbers of two digits: what holds for three messages holds for twenty-five (RFC 1939 sections 5 and 6)."""

from conformance.checks.survivors import survivors, survivors_of_update, update
from conformance.expect import expect
from conformance.maildrop.corpus import many_messages
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.numbering import numbers
from conformance.marks import deletes, maildrop, verifies
from conformance.plugin.fixtures import LogIn
from conformance.target import Facts
from conformance.verdict import NotApplicable
from conformance.wire.session import Session

ALL = list(range(1, len(many_messages) + 1))


@verifies("R1939-5-LIST-05", "R1939-4-MSGNUM-02")
@maildrop(many_messages)
def test_all_are_listed(transaction: Session) -> None:
    """LIST shows each of the numbers 1 to 25 once."""
    expect("the numbers in LIST, sorted", sorted(transaction.list().numbers), ALL)


@verifies("R1939-5-STAT-03", "R1939-5-STAT-04")
@maildrop(many_messages)
def test_stat_counts_all(transaction: Session) -> None:
    """STAT counts 25."""
    expect("the count in the drop listing", transaction.stat().count, len(many_messages))


@verifies("R1939-7-UIDL-10")
@maildrop(many_messages)
def test_unique_ids_are_all_different(transaction: Session, facts: Facts) -> None:
    """UIDL shows 25 different unique-ids for 25 different messages."""
    if not facts.uidl:
        raise NotApplicable("UIDL is not offered")
    unique_ids = transaction.uidl().by_number
    expect("the number of different unique-ids", len(set(unique_ids.values())), len(many_messages))


@verifies("R1939-5-DELE-03")
@maildrop(many_messages)
@deletes
def test_dele_marks_the_number_as_a_whole(transaction: Session) -> None:
    """DELE 10 and DELE 21 mark messages 10 and 21: not 1, 2 or 0."""
    for number in (10, 21):
        transaction.dele(number).ok()
    rest = [number for number in ALL if number not in (10, 21)]
    expect("the numbers in LIST, sorted", sorted(transaction.list().numbers), rest)


@verifies("R1939-5-STAT-10", "R1939-5-STAT-03")
@maildrop(many_messages)
@deletes
def test_stat_counts_what_is_left_after_each_deletion(transaction: Session) -> None:
    """After each DELE, of 1 to 20 and then 25, STAT counts as many messages as LIST shows."""
    for number in (*ALL[:20], 25):
        transaction.dele(number).ok()
        expect(f"the count after DELE {number}", transaction.stat().count, len(transaction.list().rows))


@verifies("R1939-5-RSET-03")
@maildrop(many_messages)
@deletes
def test_rset_unmarks_all(transaction: Session) -> None:
    """After DELE of every message and RSET, LIST shows all of them again."""
    for number in ALL:
        transaction.dele(number).ok()
    transaction.rset().ok()
    expect("the numbers in LIST, sorted", sorted(transaction.list().numbers), ALL)


@verifies("R1939-6-UPDATE-05", "R1939-6-UPDATE-09")
@maildrop(many_messages)
@deletes
def test_quit_removes_all_that_is_marked_and_nothing_else(log_in: LogIn, drop: Maildrop, facts: Facts) -> None:
    """DELE of all messages but three, then QUIT: the next session shows just those three."""
    first = log_in()
    kept = {many_messages[index].name for index in (0, 9, 24)}
    marked = {name: number for name, number in numbers(first, drop).items() if name not in kept}
    for number in sorted(marked.values()):
        first.dele(number).ok()
    update(first)
    left = survivors_of_update(log_in, drop, facts, marked)
    expect("the messages in the next session", sorted(left), sorted(kept))


@verifies("R1939-6-UPDATE-01")
@maildrop(many_messages)
def test_quit_removes_nothing_that_is_not_marked(log_in: LogIn, drop: Maildrop, facts: Facts) -> None:
    """A session in which nothing is marked ends with QUIT; the next one shows all messages, with their unique-ids."""
    first = log_in()
    before = survivors(first, drop, facts)
    update(first)
    expect("unique-ids by message in the next session", survivors(log_in(), drop, facts), before)
