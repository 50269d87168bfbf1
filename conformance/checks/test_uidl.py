"""UIDL and unique-ids (RFC 1939 section 7)."""

import pytest

from conformance.checks.bad_numbers import NO_SUCH_MESSAGE
from conformance.checks.survivors import update
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import (
    empty,
    five_messages,
    forged_unique_ids,
    inbox,
    late_look_alikes,
    look_alikes,
    malformed,
    message_ids,
    three_messages,
    twins,
)
from conformance.maildrop.keeper import Maildrop
from conformance.marks import any_maildrop, deletes, maildrop, verifies
from conformance.plugin.bench import Bench
from conformance.plugin.fixtures import Connect, LogIn
from conformance.plugin.judging import Judge
from conformance.target import Facts
from conformance.verdict import NotApplicable
from conformance.wire.session import Session


@pytest.fixture(autouse=True)
def _uidl_is_offered(facts: Facts) -> None:
    """UIDL is optional."""
    if not facts.uidl:
        raise NotApplicable("UIDL is not offered")


def by_size(session: Session) -> dict[int, bytes]:
    """Return the unique-ids by the size of their messages: the drops of these checks hold no two of one size.

    Message-numbers do not outlive a session, contents do, and a size is a content's cheapest mark.
    """
    unique_ids = session.uidl().by_number
    return {size: unique_ids.get(number, b"") for number, size in session.list().rows}


# -- form ---------------------------------------------------------------------------------------------------------


@verifies("R1939-7-UIDL-03")
@any_maildrop(least=1)
def test_one_unique_id_stands_on_the_status_line(transaction: Session) -> None:
    """UIDL 1 is answered with a single line: +OK, the number that was asked for, the unique-id."""
    expect("the number in the unique-id listing", transaction.uidl(1).numbers, [1])


@verifies("R1939-7-UIDL-04")
@any_maildrop(least=1)
def test_every_message_has_a_line(transaction: Session) -> None:
    """UIDL is answered with a multi-line reply that has the same numbers as LIST."""
    expect("the numbers in UIDL, sorted", sorted(transaction.uidl().numbers), sorted(transaction.list().numbers))


@verifies("R1939-7-UIDL-07", "R1939-7-UIDL-08", "R1939-7-UIDL-09", "R1939-A-UIDL-01")
@any_maildrop(least=1)
def test_unique_id_listings_have_the_required_form(transaction: Session) -> None:
    """Each line of UIDL is the message-number, a single space, 1 to 70 octets from 0x21 to 0x7E, and no more."""
    transaction.uidl()


@verifies("R1939-7-UIDL-09", "R1939-7-UIDL-10")
@maildrop(message_ids)
def test_message_ids_make_no_odd_unique_ids(transaction: Session) -> None:
    """Message-IDs that are missing, empty, very long, shared or with spaces do not show in unique-ids."""
    unique_ids = transaction.uidl().by_number
    expect("the number of lines in UIDL", len(unique_ids), len(message_ids))
    different = len(set(unique_ids.values()))
    expect("the number of different unique-ids", different, len(message_ids), requirement="R1939-7-UIDL-10")


@verifies("R1939-7-UIDL-09")
@maildrop(malformed)
def test_every_message_has_a_unique_id(transaction: Session) -> None:
    """Messages that are empty, or without a header or a body, have unique-ids of the same form as others."""
    expect("the numbers in UIDL, sorted", sorted(transaction.uidl().numbers), sorted(transaction.list().numbers))


@verifies("R1939-7-UIDL-05")
@any_maildrop(least=2)
def test_single_and_multi_line_listings_agree(transaction: Session) -> None:
    """UIDL n says for each n what UIDL says."""
    listing = transaction.uidl().by_number
    expect("UIDL n of each n in UIDL", {n: transaction.uidl(n).by_number.get(n) for n in listing}, listing)


@verifies("R1939-7-UIDL-05", "R1939-4-MSGNUM-01")
@maildrop(five_messages)
@deletes
def test_single_and_multi_line_listings_agree_after_a_deletion(transaction: Session) -> None:
    """After DELE 2 of five messages, UIDL n says for each n what UIDL says."""
    transaction.dele(2).ok()
    listing = transaction.uidl().by_number
    expect("UIDL n of each n in UIDL", {n: transaction.uidl(n).by_number.get(n) for n in listing}, listing)


@verifies("R1939-7-UIDL-06")
@maildrop(empty)
def test_an_empty_maildrop_has_an_empty_listing(transaction: Session) -> None:
    """UIDL in an empty maildrop is answered with +OK and the terminating line.

    The RFC says so of LIST; that it holds for UIDL follows from "each message" only, so -ERR is a warning.
    """
    reply = transaction.command("UIDL")
    expect_that("+OK and no lines", reply.status_line, reply.is_ok and not reply.lines)


@verifies("R1939-7-UIDL-17")
@maildrop(three_messages)
@pytest.mark.parametrize("number", NO_SUCH_MESSAGE.values(), ids=NO_SUCH_MESSAGE)
def test_no_message_of_that_number(transaction: Session, number: str) -> None:
    """UIDL with a number that none of three messages has is answered with -ERR; huge numbers do not wrap around."""
    transaction.command(f"UIDL {number}").err()


# -- messages marked as deleted -----------------------------------------------------------------------------------


@verifies("R1939-7-UIDL-15")
@maildrop(three_messages)
@deletes
def test_a_deleted_message_leaves_the_listing(transaction: Session) -> None:
    """After DELE 2 of three messages, UIDL shows exactly 1 and 3, with the unique-ids that they had."""
    before = transaction.uidl().by_number
    transaction.dele(2).ok()
    expect("numbers and unique-ids in UIDL", transaction.uidl().by_number, {1: before[1], 3: before[3]})


@verifies("R1939-7-UIDL-01", "R1939-5-DELE-05")
@maildrop(three_messages)
@deletes
def test_a_deleted_message_has_no_unique_id(transaction: Session) -> None:
    """UIDL 2 after DELE 2 is answered with -ERR."""
    transaction.dele(2).ok()
    transaction.command("UIDL 2").err()


# -- unique -------------------------------------------------------------------------------------------------------


@verifies("R1939-7-UIDL-10")
@any_maildrop(least=2)
def test_different_messages_have_different_unique_ids(transaction: Session) -> None:
    """No two messages of different size have the same unique-id.

    Identical copies may share one, so messages of the same size are left out: they may be copies.
    """
    unique_ids, sizes = transaction.uidl().by_number, transaction.list().sizes
    distinct = {(sizes.get(number), unique_id) for number, unique_id in unique_ids.items()}
    expect_that(
        "a unique-id of its own for each message",
        transaction.uidl().rows,
        len({unique_id for _, unique_id in distinct}) == len(distinct),
    )


@verifies("R1939-7-UIDL-10")
@maildrop(forged_unique_ids)
def test_a_header_field_of_the_sender_does_not_make_the_unique_id(transaction: Session) -> None:
    """Two different messages with the same X-UIDL field, which any sender can write, have different unique-ids."""
    unique_ids = transaction.uidl().by_number
    expect("the number of different unique-ids", len(set(unique_ids.values())), len(forged_unique_ids))


@verifies("R1939-7-UIDL-10")
@maildrop(look_alikes)
def test_messages_that_differ_in_one_word_have_different_unique_ids(transaction: Session) -> None:
    """Two messages with the same header and the same size, of which one word differs, have different unique-ids."""
    expect("the number of different unique-ids", len(set(transaction.uidl().by_number.values())), len(look_alikes))


@verifies("R1939-7-UIDL-10")
@maildrop(late_look_alikes)
def test_messages_that_differ_at_their_end_have_different_unique_ids(transaction: Session) -> None:
    """Two messages of the same size, 10 kB, that are the same up to the last word have different unique-ids."""
    different = len(set(transaction.uidl().by_number.values()))
    expect("the number of different unique-ids", different, len(late_look_alikes))


@verifies("R1939-7-UIDL-16")
@maildrop(twins)
def test_identical_messages_may_share_a_unique_id(transaction: Session, judge: Judge) -> None:
    """Two identical messages have two unique-ids or share one: RFC 1939 allows unique-ids made from the content."""
    shared = len(set(transaction.uidl().by_number.values())) < len(twins)
    judge.observe("UIDL: identical messages", "share a unique-id" if shared else "have unique-ids of their own")


# -- persistent ---------------------------------------------------------------------------------------------------


@verifies("R1939-7-UIDL-05")
@maildrop(three_messages)
@deletes
def test_unique_ids_stay_within_the_session(transaction: Session, facts: Facts) -> None:
    """UIDL says the same after RETR, after TOP, after DELE and RSET, and when it is asked twice."""
    before = sorted(transaction.uidl().rows)
    expect("UIDL asked again, sorted", sorted(transaction.uidl().rows), before)
    transaction.retr(1).ok()
    expect("UIDL after RETR 1, sorted", sorted(transaction.uidl().rows), before)
    if facts.top:
        transaction.top(1, 1).ok()
        expect("UIDL after TOP 1 1, sorted", sorted(transaction.uidl().rows), before)
    transaction.dele(2).ok()
    expect("UIDL after DELE 2, sorted", sorted(transaction.uidl().rows), [row for row in before if row[0] != 2])
    transaction.rset().ok()
    expect("UIDL after DELE 2 and RSET, sorted", sorted(transaction.uidl().rows), before)


@verifies("R1939-7-UIDL-11")
@any_maildrop(least=1)
def test_unique_ids_persist_across_sessions(log_in: LogIn) -> None:
    """UIDL in a second session, after QUIT in the first, shows the same unique-ids."""
    first = log_in()
    before = sorted(first.uidl().by_number.values())
    first.quit()
    first.read_to_eof()
    expect("the unique-ids in the second session, sorted", sorted(log_in().uidl().by_number.values()), before)


@verifies("R1939-7-UIDL-11")
@maildrop(five_messages)
@deletes
def test_unique_ids_persist_when_other_messages_are_deleted(log_in: LogIn) -> None:
    """DELE 1, DELE 3 and QUIT in one session; in the next one the others have the unique-ids that they had."""
    first = log_in()
    before, sizes = by_size(first), first.list().sizes
    for number in (1, 3):
        first.dele(number).ok()
        del before[sizes[number]]
    update(first)
    expect("unique-ids by message size in the second session", by_size(log_in()), before)


@verifies("R1939-7-UIDL-11")
@maildrop(three_messages)
@deletes
def test_unique_ids_persist_when_new_mail_arrives(log_in: LogIn, drop: Maildrop) -> None:
    """A message arrives between two sessions; the others have the unique-ids that they had."""
    first = log_in()
    before = by_size(first)
    first.quit()
    first.read_to_eof()
    drop.deliver(five_messages[4])
    after = by_size(log_in())
    expect("unique-ids by message size, of those seen before", {size: after.get(size) for size in before}, before)


@verifies("R1939-7-UIDL-12")
@maildrop(three_messages)
@deletes
@pytest.mark.parametrize("ending", ["close", "reset"])
def test_unique_ids_persist_when_the_session_ends_without_quit(log_in: LogIn, drop: Maildrop, ending: str) -> None:
    """The first session that new messages ever see ends by FIN or RST; the next one shows the same unique-ids."""
    drop.fill(three_messages)
    first = log_in()
    before = by_size(first)
    first.retr(1).ok()
    getattr(first, ending)()
    expect("unique-ids by message size in the second session", by_size(log_in()), before)


@verifies("R1939-7-UIDL-13")
@any_maildrop(least=1)
def test_unique_ids_do_not_depend_on_the_login_command(
    log_in: LogIn, connect: Connect, drop: Maildrop, bench: Bench, facts: Facts
) -> None:
    """UIDL shows the same unique-ids after APOP as after USER and PASS."""
    if facts.timestamp is None or facts.login_commands[drop.account.user] != "PASS":
        raise NotApplicable("there is only one login command")
    first = log_in()
    before = sorted(first.uidl().by_number.values())
    first.leave()
    second = connect()
    if bench.target.apop(second, drop.account).is_err:
        raise NotApplicable("the account does not log in with APOP")
    expect("the unique-ids after APOP, sorted", sorted(second.uidl().by_number.values()), before)


@verifies("R1939-7-UIDL-14")
@maildrop(three_messages)
@deletes
def test_unique_ids_are_not_used_again(log_in: LogIn, drop: Maildrop) -> None:
    """All messages are deleted and different ones arrive; none of the old unique-ids comes back.

    "As long as the entity using the unique-id exists" can be read in more than one way, so this is a warning.
    """
    first = log_in()
    before = set(first.uidl().by_number.values())
    for number in first.list().numbers:
        first.dele(number).ok()
    update(first)
    # Other messages than those that were deleted: a unique-id may be made of the content.
    for message in (*five_messages[3:], *inbox[:1]):
        drop.deliver(message)
    again = sorted(before & set(log_in().uidl().by_number.values()))
    expect("unique-ids of deleted messages that came back", again, [])


@verifies("R1939-7-UIDL-14")
@maildrop(three_messages)
@deletes
@pytest.mark.parametrize("kept", [0, 2], ids=["all_are_deleted", "the_last_is_deleted"])
def test_unique_ids_are_not_used_again_after_a_session_in_between(log_in: LogIn, drop: Maildrop, kept: int) -> None:
    """Messages are deleted, a session asks UIDL, a different message arrives, twice: no old unique-id comes back.

    A count that is made anew from what the maildrop holds forgets in that session what it had given away. As for the
    check before, this is a warning.
    """
    gone: set[bytes] = set()
    again: set[bytes] = set()
    for message in five_messages[3:]:
        session = log_in()
        unique_ids = session.uidl().by_number
        again |= gone & set(unique_ids.values())
        for number in sorted(unique_ids)[kept:]:
            session.dele(number).ok()
            gone.add(unique_ids[number])
        update(session)
        between = log_in()
        between.uidl()
        update(between)
        drop.deliver(message)
    again |= gone & set(log_in().uidl().by_number.values())
    expect("unique-ids of deleted messages that came back", sorted(again), [])
