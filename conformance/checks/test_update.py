"""The UPDATE state: what QUIT removes, and that nothing else removes anything (RFC 1939 sections 5 and 6)."""

from collections.abc import Callable

import pytest

from conformance.checks.pipelining import in_one_segment
from conformance.checks.survivors import survivors, survivors_of_update, update
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import conforming, five_messages, look_alikes, malformed, pick, three_messages, twins
from conformance.maildrop.fidelity import expect_nothing_lost
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.numbering import number_of, numbers
from conformance.marks import deletes, maildrop, verifies
from conformance.plugin.fixtures import LogIn
from conformance.plugin.judging import Judge
from conformance.target import Facts
from conformance.verdict import NotApplicable, Verdict
from conformance.wire.session import Session

MARKED = {
    "none": (),
    "the_first": (1,),
    "the_middle": (2,),
    "the_last": (3,),
    "the_first_and_the_last": (1, 3),
    "the_last_and_the_middle": (3, 2),
    "all": (1, 2, 3),
}

BETWEEN = {
    "state": ("STAT", "NOOP"),
    "listings": ("LIST", "LIST 2", "UIDL", "UIDL 2"),
    "optional": ("TOP 2 0", "CAPA"),
}
"""Commands that may come between DELE 1 and QUIT and change nothing, with three messages."""

with_a_long_message = pick("small-first", "small-second", "line-of-1048576")
"""The last one does not fit into the buffers between server and client: its transfer can be broken off."""

MOMENT = 1.0
"""Seconds after which a session that has sent nothing and does not close is left alone."""


# QUIT removes what is marked, and nothing else.


@pytest.mark.parametrize("marked", MARKED.values(), ids=MARKED)
@verifies("R1939-6-UPDATE-01", "R1939-6-UPDATE-05", "R1939-6-UPDATE-09")
@maildrop(three_messages)
@deletes
def test_exactly_the_marked_messages_are_removed(
    log_in: LogIn, drop: Maildrop, facts: Facts, marked: tuple[int, ...]
) -> None:
    """DELE of some of three messages and QUIT: the next session shows the others, with the same unique-ids."""
    session = log_in()
    before = survivors(session, drop, facts)
    removed = {name for name, number in numbers(session, drop).items() if number in marked}
    for number in marked:
        session.dele(number).ok()
    update(session)
    after = survivors_of_update(log_in, drop, facts, removed)
    others = {name: unique_id for name, unique_id in before.items() if name not in removed}
    lost = sorted(others.keys() - after.keys())
    expect("marked messages that are still there", sorted(removed & after.keys()), [], requirement="R1939-6-UPDATE-05")
    expect("other messages that are gone", lost, [], requirement="R1939-6-UPDATE-09")
    expect("the other messages in the next session", after, others, requirement="R1939-7-UIDL-11")


@verifies("R1939-6-UPDATE-09")
@maildrop(five_messages)
@deletes
def test_the_other_messages_are_unaltered(log_in: LogIn, drop: Maildrop) -> None:
    """DELE of two of five messages and QUIT: RETR of the others in the next session loses nothing.

    Nothing is retrieved before that QUIT: some sites remove what has been retrieved (RFC 1939 section 8).
    """
    session = log_in()
    for number in [number_of(session, drop, message) for message in five_messages[1::2]]:
        session.dele(number).ok()
    update(session)
    later = log_in()
    for message in five_messages[::2]:
        reply = later.retr(number_of(later, drop, message)).ok()
        expect_nothing_lost(drop.promise, message, reply.payload)


@verifies("R1939-6-UPDATE-07", "R1939-6-QUIT-02")
@maildrop(three_messages)
@deletes
def test_the_reply_tells_the_outcome(log_in: LogIn, judge: Judge) -> None:
    """DELE of all messages, QUIT, and a login as soon as the server has closed.

    After +OK all of them are gone. After -ERR, which is a warning, some may be left, and one is. What is there at once
    and no longer in the session after that is a warning: the copies of a replicated store may lag behind.
    """
    session = log_in()
    for number in (1, 2, 3):
        session.dele(number).ok()
    reply = session.quit()
    session.read_to_eof()
    next_session = log_in()
    left = next_session.stat().count
    next_session.leave()
    if reply.is_err:
        judge.deviates("+OK to QUIT: nothing stands in the way of the removal", str(reply), "R1939-6-QUIT-02")
        expect_that("a message left after -ERR to QUIT", "none is left", left > 0, requirement="R1939-6-UPDATE-07")
    elif left:
        at_most = Verdict.FAIL if log_in().stat().count else Verdict.WARN
        expect("messages left at once after +OK to QUIT", left, 0, requirement="R1939-6-UPDATE-07", at_most=at_most)


@verifies("R1939-6-UPDATE-05")
@maildrop(three_messages)
@deletes
def test_a_removed_message_does_not_come_back(log_in: LogIn, drop: Maildrop, facts: Facts) -> None:
    """DELE of the second message and QUIT, then a session with QUIT alone: the one after that shows the other two."""
    session = log_in()
    before = survivors(session, drop, facts)
    removed = three_messages[1]
    session.dele(number_of(session, drop, removed)).ok()
    update(session)
    second = log_in()
    second.quit()
    second.read_to_eof()
    expected = {name: unique_id for name, unique_id in before.items() if name != removed.name}
    expect("messages in the third session", survivors(log_in(), drop, facts), expected)


@verifies("R1939-6-UPDATE-09")
@maildrop(three_messages)
@deletes
def test_new_mail_survives(log_in: LogIn, drop: Maildrop) -> None:
    """DELE of all messages, a new one arrives, QUIT: the next session shows the new one, and RETR loses nothing of it.

    A server that empties the maildrop here loses mail that nobody has seen.
    """
    session = log_in()
    for number in (1, 2, 3):
        session.dele(number).ok()
    drop.deliver(five_messages[4])
    update(session)
    later = log_in()
    if later.stat().count > 1:  # the copies of a replicated store may lag behind
        later.leave()
        later = log_in()
    expect("the count in the next session", later.stat().count, 1)
    expect_nothing_lost(drop.promise, five_messages[4], later.retr(1).ok().payload)


@pytest.mark.parametrize(
    "messages",
    [pytest.param("twins", marks=maildrop(twins)), pytest.param("look_alikes", marks=maildrop(look_alikes))],
)
@verifies("R1939-6-UPDATE-09", "R1939-6-UPDATE-05")
@deletes
def test_one_of_two_that_are_alike_is_removed(log_in: LogIn, facts: Facts, messages: str) -> None:
    """DELE 1 of two messages and QUIT: the next session shows one, with the unique-id of the other.

    The two have the same octets, or the same size: a mark belongs to a message, not to what it looks like.
    """
    first = log_in()
    kept = first.uidl().by_number[2] if facts.uidl else b""
    first.dele(1).ok()
    update(first)
    later = log_in()
    left = later.stat().count
    expect_that("message 2 is still there", left, left > 0, requirement="R1939-6-UPDATE-09")
    expect("the count in the next session's drop listing", left, 1, requirement="R1939-6-UPDATE-05")
    if facts.uidl:
        expect("the unique-id in the next session", later.uidl().by_number[1], kept, requirement="R1939-7-UIDL-11")


@verifies("R1939-6-UPDATE-06")
@maildrop(three_messages)
@deletes
def test_commands_behind_quit_are_not_executed(log_in: LogIn, drop: Maildrop, facts: Facts) -> None:
    """QUIT, DELE 1 and STAT in one write: no reply but that to QUIT, and the next session shows all messages.

    The server may close with RST, since it leaves octets unread.
    """
    session = log_in()
    before = survivors(session, drop, facts)
    session.send(b"QUIT\r\nDELE 1\r\nSTAT\r\n")
    octets = session.read_to_eof()
    expect_that("no reply but that to QUIT", octets, octets.count(b"\n") <= 1)
    expect("messages in the next session", survivors(log_in(), drop, facts), before)


@verifies("R1939-6-UPDATE-05", "R1939-3-RESP-SYNTAX-01")
@maildrop(three_messages)
@deletes
def test_marks_and_quit_in_one_segment(log_in: LogIn, drop: Maildrop, facts: Facts) -> None:
    """DELE of the first two messages and QUIT come in one segment: the next session shows the third alone.

    A command without a reply is a warning where PIPELINING is not announced. One that was answered +OK was taken.
    """
    session = log_in()
    before = survivors(session, drop, facts)
    removed = {message.name: number_of(session, drop, message) for message in three_messages[:2]}
    with in_one_segment(facts) as at_most:
        session.send(b"".join(b"DELE %d\r\n" % number for number in removed.values()) + b"QUIT\r\n")
        marked, quit_reply = [session.reply().indicator for _ in removed], session.reply()
    expect("the replies to DELE", marked, [b"+OK"] * 2, requirement="R1939-3-RESP-SYNTAX-01", at_most=at_most)
    claim = "+OK to QUIT: nothing stands in the way of the removal"
    expect_that(claim, quit_reply.status_line, quit_reply.is_ok, "R1939-6-QUIT-02")
    further = session.read_to_eof()
    expect("what comes after the reply to QUIT", further, b"", requirement="R1939-3-RESP-SYNTAX-01")
    expected = {name: unique_id for name, unique_id in before.items() if name not in removed}
    after = survivors_of_update(log_in, drop, facts, removed)
    expect("messages in the next session", after, expected, requirement="R1939-6-UPDATE-05")


# Nothing but QUIT removes anything.


def half_closed(session: Session) -> None:
    """End the session by a FIN of the client's, and wait for that of the server."""
    session.half_close()
    session.silence(MOMENT)
    session.close()


def in_the_midst_of_retr(end: Callable[[Session], None]) -> Callable[[Session], None]:
    """Return an ending that comes when the first octets of a long message have been read."""

    def ending(session: Session) -> None:
        session.send(b"RETR 3\r\n")
        session.silence(MOMENT)
        end(session)

    return ending


def quit_without_crlf(session: Session) -> None:
    """End the session by FIN behind the four letters of QUIT: without its CRLF it is no command."""
    session.send(b"QUIT")
    half_closed(session)


WITHOUT_QUIT: dict[str, Callable[[Session], None]] = {
    "fin": Session.close,
    "rst": Session.reset,
    "half_closed": half_closed,
    "closed_in_the_midst_of_retr": in_the_midst_of_retr(Session.close),
    "rst_in_the_midst_of_retr": in_the_midst_of_retr(Session.reset),
    "quit_without_crlf": quit_without_crlf,
}
NOT_QUIT = {"QUI": b"QUI", "QUITX": b"QUITX", "QUITS_now": b"QUITS now"}


@pytest.mark.parametrize("ending", WITHOUT_QUIT.values(), ids=WITHOUT_QUIT)
@verifies("R1939-6-UPDATE-03", "R1939-5-DELE-06")
@maildrop(with_a_long_message)
@deletes
def test_a_session_without_quit_removes_nothing(
    log_in: LogIn, drop: Maildrop, facts: Facts, ending: Callable[[Session], None]
) -> None:
    """DELE 1 and DELE 2, then an end without QUIT: the next session shows all messages, with the same unique-ids."""
    session = log_in()
    before = survivors(session, drop, facts)
    session.dele(1).ok()
    session.dele(2).ok()
    ending(session)
    expect("messages in the next session", survivors(log_in(), drop, facts), before)


@pytest.mark.parametrize("command", NOT_QUIT.values(), ids=NOT_QUIT)
@verifies("R1939-6-UPDATE-04")
@maildrop(three_messages)
@deletes
def test_a_word_like_quit_removes_nothing(log_in: LogIn, drop: Maildrop, facts: Facts, command: bytes) -> None:
    """DELE 1, then a word that is not QUIT, and FIN: it must be refused, and the next session shows all messages."""
    session = log_in()
    before = survivors(session, drop, facts)
    session.dele(1).ok()
    session.command(command).err()
    half_closed(session)
    expect("messages in the next session", survivors(log_in(), drop, facts), before)


@pytest.mark.parametrize("ending", ["close", "reset"])
@verifies("R1939-6-UPDATE-03", "R1939-4-STATE-03")
@maildrop(three_messages)
@deletes
def test_marks_end_with_their_session(log_in: LogIn, drop: Maildrop, facts: Facts, ending: str) -> None:
    """DELE 1 and an end without QUIT; then a session with QUIT alone: the one after that shows all messages.

    A server that keeps the marks in its store lets the QUIT of one client carry out the DELE of another.
    """
    session = log_in()
    before = survivors(session, drop, facts)
    session.dele(1).ok()
    getattr(session, ending)()
    second = log_in()
    second.quit()
    second.read_to_eof()
    expect("messages in the third session", survivors(log_in(), drop, facts), before)


@verifies("R1939-4-STATE-03", "R1939-6-UPDATE-03")
@maildrop(three_messages)
@deletes
def test_marks_are_not_handed_on_to_the_next_session(log_in: LogIn, drop: Maildrop, facts: Facts) -> None:
    """DELE 1, and the connection breaks off; a second session ends with QUIT; the third shows all messages."""
    first = log_in()
    before = survivors(first, drop, facts)
    first.dele(1).ok()
    first.close()
    update(log_in())
    expect("unique-ids by message in the third session", survivors(log_in(), drop, facts), before)


@verifies("R1939-6-UPDATE-05")
@pytest.mark.parametrize(
    "messages",
    [pytest.param("conforming", marks=maildrop(conforming)), pytest.param("malformed", marks=maildrop(malformed))],
)
@deletes
def test_messages_of_all_sizes_are_removed(log_in: LogIn, messages: str) -> None:
    """DELE of every message, some of which are large and some empty, then QUIT: the next session shows none."""
    first = log_in()
    for number in first.list().numbers:
        first.dele(number).ok()
    update(first)
    expect("the numbers in the next session's LIST", log_in().list().numbers, [])


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN)
@verifies("R1939-6-UPDATE-05")
@maildrop(three_messages)
@deletes
def test_other_commands_between_dele_and_quit_change_nothing(log_in: LogIn, between: tuple[str, ...]) -> None:
    """DELE 1, commands that mark and unmark nothing, and QUIT: the next session shows two messages.

    The commands are the group of NOOP and STAT, or that of the listings, with UIDL, TOP and CAPA where they are
    offered. Those that are refused are the matter of a check on refused commands.
    """
    first = log_in()
    first.dele(1).ok()
    for line in between:
        # Optional commands may be refused.
        expect("the status indicator", first.command(line).indicator, b"+OK", b"-ERR")
    update(first)
    expect("the count in the next session's drop listing", log_in().stat().count, 2)


@verifies("R1939-6-UPDATE-09")
@maildrop(three_messages)
@deletes
def test_what_was_retrieved_stays_when_another_message_is_removed(log_in: LogIn, drop: Maildrop, facts: Facts) -> None:
    """RETR of the first message, DELE of the second and QUIT: the next session shows the first and the third.

    They are told by their contents: a header field in which the server notes that one has been read makes no other of
    it. A site may delete what has been retrieved (RFC 1939 section 8); one that does not announce it is warned of.
    """
    if facts.deletes_what_was_retrieved:
        raise NotApplicable("EXPIRE 0: the server deletes what has been retrieved")
    first = log_in()
    retrieved, removed, other = three_messages
    of_retrieved, of_removed = (number_of(first, drop, message) for message in (retrieved, removed))
    first.retr(of_retrieved).ok()
    first.dele(of_removed).ok()
    update(first)
    left = survivors_of_update(log_in, drop, facts, [removed.name])
    at_most = Verdict.FAIL if facts.announces("EXPIRE") else Verdict.WARN
    expect("the messages in the next session", sorted(left), sorted((retrieved.name, other.name)), at_most=at_most)
