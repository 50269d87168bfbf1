"""Message-numbers (RFC 1939 section 4, and the restriction on arguments in section 5)."""

from conformance.checks.survivors import update
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import conforming, five_messages, three_messages
from conformance.maildrop.keeper import Maildrop
from conformance.marks import any_maildrop, deletes, maildrop, verifies
from conformance.plugin.fixtures import LogIn
from conformance.plugin.judging import Judge
from conformance.target import Facts
from conformance.verdict import NotApplicable
from conformance.wire.octets import visible
from conformance.wire.session import Session


@verifies("R1939-4-MSGNUM-02")
@any_maildrop(least=3)
def test_messages_are_numbered_from_one_without_gaps(transaction: Session, judge: Judge) -> None:
    """LIST right after login shows the numbers 1 to n, n being what STAT counts; their order is not stated."""
    numbers = transaction.list().numbers
    expect("the numbers in LIST, sorted", sorted(numbers), list(range(1, transaction.stat().count + 1)))
    judge.observe("LIST: order of the lines", "ascending" if numbers == sorted(numbers) else "not ascending")


@verifies("R1939-4-MSGNUM-02")
@maildrop(five_messages)
@deletes
def test_numbers_have_no_gaps_after_an_earlier_session_deleted(log_in: LogIn) -> None:
    """DELE 2, DELE 4 and QUIT in one session; the next one numbers the three that are left 1, 2, 3."""
    first = log_in()
    first.dele(2).ok()
    first.dele(4).ok()
    update(first)
    expect("the numbers in LIST, sorted", sorted(log_in().list().numbers), [1, 2, 3])


@verifies("R1939-4-MSGNUM-01")
@maildrop(five_messages)
@deletes
def test_numbers_stay_when_another_message_is_deleted(transaction: Session) -> None:
    """DELE 1, then DELE 3 of five messages: LIST keeps the numbers and sizes of the others.

    A server that renumbers here makes a client that lists again delete or fetch the wrong message.
    """
    sizes = transaction.list().sizes
    for number in (1, 3):
        transaction.dele(number).ok()
        del sizes[number]
        expect(f"numbers and sizes in LIST after DELE {number}", transaction.list().sizes, sizes)


@verifies("R1939-4-MSGNUM-01")
@maildrop(five_messages)
@deletes
def test_unique_ids_stay_with_their_numbers_when_another_message_is_deleted(transaction: Session, facts: Facts) -> None:
    """DELE 1, then DELE 3 of five messages: UIDL keeps the numbers and unique-ids of the others."""
    if not facts.uidl:
        raise NotApplicable("UIDL is not offered")
    unique_ids = transaction.uidl().by_number
    for number in (1, 3):
        transaction.dele(number).ok()
        del unique_ids[number]
        expect(f"numbers and unique-ids in UIDL after DELE {number}", transaction.uidl().by_number, unique_ids)


@verifies("R1939-4-MSGNUM-01", "R1939-5-LIST-03")
@maildrop(five_messages)
@deletes
def test_single_and_multi_line_listings_agree_after_a_deletion(transaction: Session) -> None:
    """After DELE 2 of five messages, LIST n says for each n what LIST says."""
    transaction.dele(2).ok()
    listing = transaction.list().sizes
    expect("LIST n of each n in LIST", {n: transaction.list(n).sizes.get(n) for n in listing}, listing)


@verifies("R1939-4-MSGNUM-01")
@maildrop(three_messages)
@deletes
def test_new_mail_renumbers_nothing(transaction: Session, drop: Maildrop) -> None:
    """A message that arrives during the session leaves the numbers and sizes of the others as they were."""
    before = transaction.list().sizes
    drop.deliver(five_messages[4])
    transaction.noop().ok()
    after = transaction.list().sizes
    expect("numbers and sizes of the first three in LIST", {n: after.get(n) for n in before}, before)


@verifies("R1939-4-MSGNUM-03")
@maildrop(conforming)
def test_numbers_are_decimal(transaction: Session, judge: Judge) -> None:
    """LIST shows message-numbers and sizes in decimal digits; leading zeros are a warning, since they still are."""
    lines = transaction.command("LIST").ok().lines
    padded = [line for line in lines if any(field.startswith(b"0") and field != b"0" for field in line.split(b" ")[:2])]
    fields = [field for line in lines for field in line.split(b" ")[:2]]
    expect_that("decimal digits only in LIST", visible(b", ".join(lines)), all(field.isdigit() for field in fields))
    if padded:
        judge.deviates("numbers without leading zeros", visible(padded[0]), "R1939-5-MSGNUM-01")


@verifies("R1939-4-MSGNUM-03")
@any_maildrop(least=1)
def test_a_hexadecimal_number_is_no_message_number(transaction: Session) -> None:
    """LIST 0x1 is answered with -ERR."""
    transaction.command("LIST 0x1").err()


@verifies("R1939-5-MSGNUM-01")
@any_maildrop(least=1)
def test_a_number_with_a_leading_zero(transaction: Session, judge: Judge) -> None:
    """LIST 01 may be message 1 or an error: decimal notation allows the zero, nothing demands the short form."""
    reply = transaction.command("LIST 01")
    judge.observe("LIST 01", "is taken as 1" if reply.is_ok else "is refused")
    if reply.is_ok:
        expect("the size in LIST 01", reply.text.split(b" ")[1:2], [str(transaction.list(1).sizes[1]).encode()])
