"""TOP (RFC 1939 section 7), an optional command."""

import pytest

from conformance.expect import expect
from conformance.maildrop.corpus import Message, conforming, long_lines, pick, three_messages, without_body
from conformance.maildrop.fidelity import Fidelity, expect_nothing_lost, expect_unaltered, top_of
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.numbering import number_of, numbers
from conformance.marks import any_maildrop, deletes, maildrop, verifies
from conformance.plugin.fixtures import LogIn
from conformance.plugin.judging import Judge
from conformance.target import Facts
from conformance.verdict import Deviation, NotApplicable, NotRun, Verdict
from conformance.wire.session import Session

(NUMBERED_LINES, MANY_HEADERS, LONG_HEADER, WHITE_LINE, MULTIPART, LONG_TEXT, DIRECTIVES) = pick(
    "numbered-lines",
    "many-headers",
    "long-header",
    "white-line-in-header",
    "nested-multipart",
    "long-text",
    "format-directives",
)
LONG_SECOND_LINES = pick("line-of-998", "line-of-1000", "line-of-8192", "line-of-65537")
BODY_LINES = NUMBERED_LINES.body.count(b"\n")
DOT_LINES = [number for number, line in enumerate(NUMBERED_LINES.body.split(b"\r\n"), 1) if line.startswith(b".")]

BAD_ARGUMENTS = {"none": "", "no-lines": " 1", "negative": " 1 -1", "letter": " 1 x", "digit-and-letter": " 1 1x"}
MORE_THAN_ANY_MESSAGE_HAS = 99999999
"""What fetchmail asks for in place of RETR."""
HUGE = (2**31 - 1, 2**31, 2**32, 2**32 + 1, 2**63, 2**64)


@pytest.fixture
def transaction(transaction: Session, facts: Facts) -> Session:
    """A session in TRANSACTION state, of a server that has TOP."""
    if not facts.top:
        raise NotApplicable("TOP is not offered")
    return transaction


@verifies("R1939-7-TOP-01", "R1957-x-TOP-01", "R1939-8-TOP-01")
def test_top_and_uidl_are_offered(facts: Facts, judge: Judge, log_in: LogIn) -> None:
    """Optional commands are strongly encouraged, and clients depend on TOP and UIDL (RFC 1957).

    A server that deletes what has been retrieved (it says EXPIRE 0) may well do without TOP (RFC 1939 section 8).
    """
    missing = [command for command, offered in (("TOP", facts.top), ("UIDL", facts.uidl)) if not offered]
    if missing == ["TOP"] and facts.deletes_what_was_retrieved:
        judge.observe("TOP is not offered", "EXPIRE 0")
    elif missing == ["TOP"] and log_in().stat().count == 0:
        raise NotRun("needs a message to ask TOP for")
    elif missing:
        raise Deviation(("TOP and UIDL",), f"no {' and no '.join(missing)}", "R1939-7-TOP-01")


# Arguments and restrictions.


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
@verifies("R1939-7-TOP-02")
@any_maildrop(least=1)
def test_top_refuses(transaction: Session, arguments: str) -> None:
    """TOP needs a message-number and a number of lines that is not negative; anything less must be refused."""
    transaction.command(f"TOP{arguments}").err()


@verifies("R1939-7-TOP-02")
@maildrop(three_messages)
@deletes
def test_a_deleted_message_has_no_top(transaction: Session) -> None:
    """DELE 2, then TOP 2 0: the number may not refer to a message marked as deleted."""
    transaction.dele(2).ok()
    transaction.top(2, 0).err()


@verifies("R1939-7-TOP-03")
def test_top_is_refused_before_login(connection: Session) -> None:
    """TOP 1 0 before login must be refused: the command belongs to the TRANSACTION state."""
    connection.top(1, 0).err()


@pytest.mark.parametrize("number", ["0", "-1", str(2**32 + 1), str(2**64 + 1)])
@verifies("R1939-7-TOP-11")
@any_maildrop(least=1)
def test_no_message_has_that_number(transaction: Session, number: str) -> None:
    """TOP with a number that no message has must be refused; messages are numbered 1 to n (section 4)."""
    transaction.command(f"TOP {number} 0").err()


@verifies("R1939-7-TOP-11")
@any_maildrop(least=1)
def test_no_message_behind_the_last(transaction: Session) -> None:
    """TOP with the number that follows the last message's must be refused."""
    transaction.top(transaction.stat().count + 1, 0).err()


# Header section, blank line, so many lines of the body.


def expect_top(session: Session, drop: Maildrop, message: Message, *counts: int) -> None:
    """Raise `Deviation` unless TOP gives what it has to of that message, for each number of lines.

    That a server adds header fields is for the checks about RETR to judge.
    """
    number = number_of(session, drop, message)
    for lines in counts:
        reply = session.top(number, lines).ok()
        expect_unaltered(drop.promise, top_of(message, lines), reply.payload, Fidelity.FIELDS_ADDED)


@verifies("R1939-7-TOP-06", "R1939-7-TOP-08")
@maildrop(conforming)
def test_lines_are_lines_of_the_body(transaction: Session, drop: Maildrop) -> None:
    """TOP of a message with twenty lines in its body, with 0 to 21 lines: header section, blank line, so many lines.

    Blank lines count, and lines that begin with a dot count once. Of more than twenty lines the message has twenty.
    """
    expect_top(transaction, drop, NUMBERED_LINES, *range(BODY_LINES + 2))


@pytest.mark.parametrize("message", [MANY_HEADERS, LONG_HEADER], ids=str)
@verifies("R1939-7-TOP-06", "R1939-7-TOP-08")
@maildrop(conforming)
def test_lines_of_the_header_do_not_count(transaction: Session, drop: Maildrop, message: Message) -> None:
    """TOP of a message whose header section has 96 lines, or 70 kB: all comes, however few lines are asked for."""
    expect_top(transaction, drop, message, 0, 1, 3)


@pytest.mark.parametrize("message", LONG_SECOND_LINES, ids=str)
@verifies("R1939-7-TOP-08", "R1939-7-TOP-06")
@maildrop(long_lines)
def test_a_long_line_is_one_line(transaction: Session, drop: Maildrop, message: Message) -> None:
    """TOP with 1 to 3 lines of a message whose second line is long, and RETR: so many lines come as asked for.

    A server may break a line of more than 998 octets (RFC 5322 section 2.1.1). What RETR shows as several lines may
    count as several.
    """
    number = number_of(transaction, drop, message)
    retrieved = Message(message.name, transaction.retr(number).ok().payload, "")
    for lines in (1, 2, 3):
        top = transaction.top(number, lines).ok().payload
        if Message(message.name, top, "").body != top_of(retrieved, lines).body:
            expect_unaltered(drop.promise, top_of(message, lines), top, Fidelity.FIELDS_ADDED)


@verifies("R1939-7-TOP-06", "R1939-7-TOP-08")
@maildrop(conforming)
def test_parts_of_a_multipart_are_lines_of_the_body(transaction: Session, drop: Maildrop) -> None:
    """TOP of a message with nested parts: their boundaries, header fields and blank lines are lines like any other."""
    expect_top(transaction, drop, MULTIPART, 0, 5, 8)


@verifies("R1939-7-TOP-06")
@maildrop(conforming)
def test_white_line_does_not_end_the_header(transaction: Session, drop: Maildrop) -> None:
    """TOP 0 of a message with a line of one space inside a folded field: the fields behind it belong to the header.

    Such a line is obsolete syntax (RFC 5322 section 4.2), and stores take it for the end: a warning.
    """
    try:
        expect_top(transaction, drop, WHITE_LINE, 0)
    except Deviation as deviation:
        raise Deviation(deviation.expected, deviation.observed, at_most=Verdict.WARN) from deviation


@verifies("R1939-7-TOP-09")
@maildrop(conforming)
def test_dot_line_before_the_end(transaction: Session, drop: Maildrop) -> None:
    """TOP whose last line begins with a dot: it is stuffed, and the lone dot behind it ends the reply."""
    expect_top(transaction, drop, NUMBERED_LINES, *DOT_LINES)


@pytest.mark.parametrize("message", without_body, ids=str)
@verifies("R1939-7-TOP-07")
@maildrop(conforming)
def test_message_without_a_body(transaction: Session, drop: Maildrop, message: Message) -> None:
    """TOP of a message without a body: the header section comes and the reply ends.

    Where the message has no blank line the server may send one or not: clients know both.
    """
    expect_top(transaction, drop, message, 0, 10)


@verifies("R1939-7-TOP-06")
@maildrop(conforming)
def test_header_is_that_of_retr(transaction: Session, drop: Maildrop) -> None:
    """TOP 0 and RETR of every message: the same header section, on which clients rely (jakartaee/mail-api#613)."""
    for name, number in numbers(transaction, drop).items():
        header = Message(name, transaction.top(number, 0).ok().payload, "").header
        retrieved = Message(name, transaction.retr(number).ok().payload, "").header
        expect(f"the header section of {name} by TOP", header, retrieved)


@verifies("R1939-7-TOP-06")
@any_maildrop(least=1)
def test_top_is_the_same_again(transaction: Session) -> None:
    """TOP 1 5 twice: the second reply has the same content as the first."""
    first = transaction.top(1, 5).ok().payload
    expect("the content of the second reply", transaction.top(1, 5).ok().payload, first)


@verifies("R1939-7-TOP-06", "R1939-5-RETR-04")
@maildrop(conforming)
def test_top_and_retr_in_turn(transaction: Session, drop: Maildrop) -> None:
    """TOP n 2, RETR n, TOP n 2, TOP n 0, RETR n of one message: neither depends on what came before it."""
    number = number_of(transaction, drop, NUMBERED_LINES)
    for lines in (2, None, 2, 0, None):
        if lines is None:
            expect_nothing_lost(drop.promise, NUMBERED_LINES, transaction.retr(number).ok().payload)
        else:
            top = transaction.top(number, lines).ok().payload
            expect_unaltered(drop.promise, top_of(NUMBERED_LINES, lines), top, Fidelity.FIELDS_ADDED)


# More lines than there are.


@pytest.mark.parametrize("message", [NUMBERED_LINES, LONG_TEXT, DIRECTIVES, *without_body], ids=str)
@verifies("R1939-7-TOP-10")
@maildrop(conforming)
def test_more_lines_than_there_are(transaction: Session, drop: Maildrop, message: Message) -> None:
    """TOP with 99999999 lines gives the whole message: fetchmail uses it in place of RETR, and deletes then."""
    expect_top(transaction, drop, message, MORE_THAN_ANY_MESSAGE_HAS)


@verifies("R1939-7-TOP-10")
@maildrop(long_lines)
def test_whole_message_of_a_megabyte(transaction: Session, drop: Maildrop) -> None:
    """TOP with 99999999 lines gives all of a message with a line of 1 MiB; some servers stop at 64 kB."""
    expect_top(transaction, drop, long_lines[-1], MORE_THAN_ANY_MESSAGE_HAS)


@pytest.mark.parametrize("lines", HUGE)
@verifies("R1939-7-TOP-10")
@maildrop(conforming)
def test_huge_number_of_lines(transaction: Session, drop: Maildrop, lines: int) -> None:
    """TOP with a number of lines around the limits of 32 and 64 bits gives the whole message.

    To refuse it as out of range is a warning: the RFC sets no limit, and a client can do with less.
    """
    reply = transaction.top(number_of(transaction, drop, NUMBERED_LINES), lines)
    if reply.is_err:
        raise Deviation(("the whole message",), str(reply), at_most=Verdict.WARN)
    expect_unaltered(drop.promise, NUMBERED_LINES, reply.ok().payload, Fidelity.FIELDS_ADDED)


# What TOP does not do.


@verifies("R1939-7-TOP-05")
@any_maildrop(least=1)
def test_top_leaves_the_counts_alone(transaction: Session) -> None:
    """STAT and LIST say the same before and after TOP."""
    before = transaction.stat(), sorted(transaction.list().rows)
    transaction.top(1, 1).ok()
    expect("STAT and LIST, sorted, after TOP 1 1", (transaction.stat(), sorted(transaction.list().rows)), before)


@verifies("R1939-4-MSGNUM-01", "R1939-7-TOP-06")
@maildrop(three_messages)
@deletes
def test_a_number_means_the_same_message_after_dele(transaction: Session) -> None:
    """TOP 2 1 and TOP 3 1 give the same after DELE 1 as before it."""
    before = [transaction.top(number, 1).ok().payload for number in (2, 3)]
    transaction.dele(1).ok()
    expect("the tops of messages 2 and 3", [transaction.top(number, 1).ok().payload for number in (2, 3)], before)


@verifies("R1939-7-TOP-05")
@maildrop(three_messages)
def test_messages_stay_after_top(transaction: Session, log_in: LogIn) -> None:
    """TOP of all messages with all their lines, then QUIT and a new login: they are still there.

    A retention policy may count TOP as retrieval (RFC 2449 section 6.7), so this is a warning.
    """
    before = transaction.list().rows
    for number, _ in before:
        transaction.top(number, MORE_THAN_ANY_MESSAGE_HAS).ok()
    transaction.quit()
    transaction.read_to_eof()
    expect("the count in the next session", log_in().stat().count, len(before))
