"""Multi-line replies: their lines, their end, and byte-stuffing (RFC 1939 section 3)."""

import re

import pytest

from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import (
    Message,
    bare_line_ends,
    conforming,
    dots,
    dots_at_boundaries,
    empty,
    long_lines,
    malformed,
    pick,
    short_lines,
    three_messages,
)
from conformance.maildrop.corpus.boundaries import BOUNDARIES
from conformance.maildrop.fidelity import Fidelity, expect_nothing_lost, expect_unaltered, fidelity
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.numbering import number_of
from conformance.maildrop.promise import Promise, first_difference
from conformance.marks import any_maildrop, deletes, maildrop, verifies
from conformance.plugin.judging import Judge
from conformance.target import Facts
from conformance.verdict import Deviation, NotApplicable, NotRun, Verdict
from conformance.wire.reply import Form, Reply
from conformance.wire.session import Deadlines, NoReplyError, Session

MULTI_LINE = (
    pytest.param("LIST", id="LIST"),
    pytest.param("UIDL", id="UIDL"),
    pytest.param("RETR 1", id="RETR", marks=verifies("R1939-5-RETR-03")),
    pytest.param("TOP 1 0", id="TOP", marks=verifies("R1939-7-TOP-04")),
    pytest.param("CAPA", id="CAPA"),
)
SINGLE_LINE = ("STAT", "LIST 1", "UIDL 1", "NOOP", "RSET")
REFUSED = ("LIST 0", "UIDL 0", "RETR 0", "TOP 0 0", "DELE 0", "NOSUCH")

DOTS_INSIDE_LINES = pick("dot-not-first", "dots-inside-long-lines")
DOT_LINES = (
    *(message for message in dots if message.conforms and message not in DOTS_INSIDE_LINES),
    *pick("long-text"),
)
(LONG_LINE_OF_DOTS,) = pick("long-line-of-dots")
MORE_LINES_THAN_ANY = 99999999
UNTERMINATED = tuple(message for message in malformed if not message.terminated)

DOTS_BEHIND_BARE_LINE_ENDS = tuple(message for message in bare_line_ends if b"." in message.body)

BARE_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
LONE_DOT_TO_LENIENT_CLIENTS = re.compile(rb"(?m)^\.\r?\n")


def offered(reply: Reply, command: str, facts: Facts) -> Reply:
    """Return the reply if it is positive; commands that the server need not have may be refused."""
    optional = {"UIDL": facts.uidl, "TOP 1 0": facts.top, "CAPA": facts.capabilities_after is not None}
    if not optional.get(command, True):
        raise NotApplicable(f"{command.partition(' ')[0]} is not offered")
    return reply.ok()


def expect_nothing_more(session: Session, deadlines: Deadlines) -> None:
    """Send QUIT: the reply to it must be the next that comes, and the last."""
    session.send(b"QUIT\r\n")
    session.reply().ok()
    expect("what comes behind the reply to QUIT", session.silence(deadlines.quiet), b"")


def expect_stuffed(promise: Promise, message: Message, reply: Reply) -> None:
    """Raise `Deviation` unless the message comes, with a dot more in each line that begins with one and in no other."""
    expect_nothing_lost(promise, message, reply.payload)
    stuffed = (b"\r\n" + reply.payload).replace(b"\r\n.", b"\r\n..")[2:]
    if reply.content != stuffed:
        raise Deviation(("no dot more than needed",), first_difference(stuffed, reply.content or b""))


# Which replies are multi-line.


@pytest.mark.parametrize("command", SINGLE_LINE, ids=str)
@verifies("R1939-3-MULTILINE-01")
@any_maildrop(least=1)
def test_reply_is_a_single_line(transaction: Session, deadlines: Deadlines, command: str) -> None:
    """The command, then QUIT: each has one line of reply, and the connection ends behind the second."""
    transaction.send(command.encode() + b"\r\n")
    transaction.reply(Form.SINGLE_LINE)
    expect_nothing_more(transaction, deadlines)


@pytest.mark.parametrize("command", REFUSED, ids=str)
@verifies("R1939-3-MULTILINE-01")
@any_maildrop(least=1)
def test_refusal_is_a_single_line(transaction: Session, deadlines: Deadlines, command: str) -> None:
    """A command that must be refused, then QUIT: the refusal is one line, whatever the command's positive reply is.

    A server that closes behind the refusal has sent one line as well.
    """
    transaction.send(command.encode() + b"\r\n")
    transaction.reply(Form.SINGLE_LINE).err()
    try:
        expect_nothing_more(transaction, deadlines)
    except NoReplyError:
        if not (transaction.at_eof or transaction.was_reset):
            raise


@verifies("R1939-3-MULTILINE-01")
@maildrop(three_messages)
@deletes
def test_reply_to_dele_is_a_single_line(transaction: Session, deadlines: Deadlines) -> None:
    """DELE 1, RSET, QUIT: three lines of reply, and the connection ends behind the third."""
    transaction.dele(1).ok()
    transaction.send(b"RSET\r\n")
    transaction.reply().ok()
    expect_nothing_more(transaction, deadlines)


@pytest.mark.parametrize("command", MULTI_LINE)
@verifies("R1939-3-MULTILINE-03")
@any_maildrop(least=1)
def test_multi_line_reply_ends_with_a_lone_dot(
    transaction: Session, facts: Facts, deadlines: Deadlines, command: str
) -> None:
    """The last line of the reply is a dot and CRLF; the reply to QUIT comes next, and then nothing more."""
    reply = offered(transaction.command(command), command, facts)
    expect("the last line of the reply", reply.end, b".\r\n")
    expect_nothing_more(transaction, deadlines)


# The lines of a multi-line reply.


@pytest.mark.parametrize("command", MULTI_LINE)
@verifies("R1939-3-MULTILINE-02")
@maildrop(three_messages)
def test_each_line_ends_with_crlf(transaction: Session, facts: Facts, command: str) -> None:
    """No CR and no LF stands alone in the reply; the messages have none of them either."""
    reply = offered(transaction.command(command), command, facts)
    expect("the line ends that are not CRLF", BARE_LINE_END.findall(reply.raw), [])


@pytest.mark.parametrize("message", DOT_LINES, ids=str)
@verifies("R1939-3-MULTILINE-05", "R1939-5-RETR-06")
@maildrop(conforming)
def test_retr_stuffs_lines_that_begin_with_a_dot(transaction: Session, drop: Maildrop, message: Message) -> None:
    """RETR of a message with dots at the start of lines: without the stuffed dots it is as it was seeded.

    A server that forgets one loses a dot, or ends the reply too early, which leaves the rest to be taken for replies.
    """
    reply = transaction.retr(number_of(transaction, drop, message)).ok()
    expect_stuffed(drop.promise, message, reply)


@pytest.mark.parametrize("message", DOT_LINES, ids=str)
@verifies("R1939-7-TOP-09", "R1939-3-MULTILINE-05")
@maildrop(conforming)
def test_top_stuffs_lines_that_begin_with_a_dot(
    transaction: Session, drop: Maildrop, facts: Facts, message: Message
) -> None:
    """TOP of the whole message is stuffed as RETR is: servers have other code for it (axllent/mailpit#299)."""
    reply = top_of_all(transaction, drop, facts, message)
    expect_stuffed(drop.promise, message, reply)


@pytest.mark.parametrize("message", DOTS_INSIDE_LINES, ids=str)
@verifies("R1939-3-MULTILINE-04", "R1939-5-RETR-06")
@maildrop(conforming)
def test_retr_leaves_dots_inside_lines_alone(transaction: Session, drop: Maildrop, message: Message) -> None:
    """RETR of a message whose dots are all inside or at the end of lines: none of them is doubled.

    A server that takes the start of a buffer for the start of a line doubles some of them.
    """
    reply = transaction.retr(number_of(transaction, drop, message)).ok()
    expect_stuffed(drop.promise, message, reply)


@pytest.mark.parametrize("command", ["RETR", "TOP"])
@verifies("R1939-3-MULTILINE-04", "R1939-5-RETR-06")
@maildrop(long_lines)
def test_dots_inside_a_long_line_stay_alone(transaction: Session, drop: Maildrop, facts: Facts, command: str) -> None:
    """RETR, or TOP with 99999999 lines, of a message with a line of x and 70000 dots: no dot more, and none less.

    A server that reads such a line in pieces may take a piece for a line. It may also break the line, since it has
    more than 998 octets (RFC 5322 section 2.1.1); then its parts are lines, and stuffed as such.
    """
    if command == "TOP" and not facts.top:
        raise NotApplicable("TOP is not offered")
    number = number_of(transaction, drop, LONG_LINE_OF_DOTS)
    reply = transaction.retr(number) if command == "RETR" else transaction.top(number, MORE_LINES_THAN_ANY)
    expect_nothing_lost(drop.promise, LONG_LINE_OF_DOTS, reply.ok().payload)


# Where the buffers of a server end.


@pytest.mark.parametrize("boundary", BOUNDARIES)
@verifies("R1939-3-MULTILINE-05", "R1939-3-MULTILINE-04", "R1939-5-RETR-06")
@maildrop(conforming)
def test_retr_stuffs_across_buffers(transaction: Session, drop: Maildrop, boundary: int) -> None:
    """RETR of messages with dot lines around the offset where a buffer may end (hivesolutions/netius#105)."""
    for message in dots_at_boundaries:
        if message.name.startswith(f"dots-at-{boundary}-"):
            reply = transaction.retr(number_of(transaction, drop, message)).ok()
            expect_stuffed(drop.promise, message, reply)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@verifies("R1939-7-TOP-09", "R1939-3-MULTILINE-05", "R1939-3-MULTILINE-04")
@maildrop(conforming)
def test_top_stuffs_across_buffers(transaction: Session, drop: Maildrop, facts: Facts, boundary: int) -> None:
    """TOP of the whole of the same messages."""
    for message in dots_at_boundaries:
        if message.name.startswith(f"dots-at-{boundary}-"):
            reply = top_of_all(transaction, drop, facts, message)
            expect_stuffed(drop.promise, message, reply)


@pytest.mark.parametrize("message", short_lines, ids=str)
@verifies("R1939-3-MULTILINE-02", "R1939-5-RETR-04")
@maildrop(conforming)
def test_line_end_across_buffers(transaction: Session, drop: Maildrop, message: Message) -> None:
    """RETR of thousands of lines of one octet: every CRLF comes, also where CR and LF are in different buffers."""
    reply = transaction.retr(number_of(transaction, drop, message)).ok()
    expect_nothing_lost(drop.promise, message, reply.payload)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@verifies("R1939-3-MULTILINE-06", "R1939-5-RETR-04")
@maildrop(conforming)
def test_end_of_the_reply_across_buffers(transaction: Session, drop: Maildrop, boundary: int) -> None:
    """RETR of messages that end near the end of a buffer: nothing is lost and nothing is added before the dot."""
    for message in pick(*(f"ends-at-{boundary + distance}" for distance in range(-3, 4))):
        reply = transaction.retr(number_of(transaction, drop, message)).ok()
        expect_unaltered(drop.promise, message, reply.payload, Fidelity.FIELDS_ADDED)


# Dots behind what is no line end.


@pytest.mark.parametrize("message", DOTS_BEHIND_BARE_LINE_ENDS, ids=str)
@verifies("R1939-3-MULTILINE-05", "R1939-3-MULTILINE-04", "R1939-5-RETR-06")
@maildrop(malformed)
def test_dot_behind_a_bare_line_end(
    transaction: Session, drop: Maildrop, judge: Judge, deadlines: Deadlines, message: Message
) -> None:
    """RETR of a message with a dot behind a bare CR or LF, which is no line end: the reply goes on to its real end.

    A server may make CRLF of a bare CR or LF, and then has to stuff the dot; if it leaves the one alone, it should
    leave the other. That much is a warning, for such a message breaks RFC 5322. A client that takes LF for a line end
    may see the reply end early, which is recorded.
    """
    if reason := drop.promise.carries(message):
        raise NotRun(reason)
    reply = transaction.retr(number_of(transaction, drop, message)).ok()
    expect_nothing_more(transaction, deadlines)
    if LONE_DOT_TO_LENIENT_CLIENTS.search(reply.content or b""):
        judge.observe("a client that takes LF for a line end", f"sees {message.name} end early")
    if fidelity(drop.promise, message, reply.payload) is Fidelity.ALTERED:
        found = drop.promise.difference(message, reply.payload)
        judge.deviates(f"{message.name} as it was seeded", found, at_most=Verdict.WARN)


# The end of a multi-line reply.


@pytest.mark.parametrize("message", UNTERMINATED, ids=str)
@verifies("R1939-3-MULTILINE-06")
@maildrop(malformed)
def test_last_line_gets_its_line_end(
    transaction: Session, drop: Maildrop, deadlines: Deadlines, message: Message
) -> None:
    """RETR of a message whose last line has no CRLF: the server supplies it, or the lone dot would not begin a line.

    Without it a client waits for ever (fetchmail FAQ, S2). That the CRLF is not the message's own is no deviation.
    """
    if reason := drop.promise.carries(message):
        raise NotRun(reason)
    reply = transaction.retr(number_of(transaction, drop, message)).ok()
    expect("the end of the reply", reply.raw[-5:], b"\r\n.\r\n")
    expect_nothing_more(transaction, deadlines)


@verifies("R1939-3-MULTILINE-06", "R1939-7-TOP-07", "R1939-7-TOP-10")
@maildrop(malformed)
def test_last_line_gets_its_line_end_from_top(
    transaction: Session, drop: Maildrop, facts: Facts, deadlines: Deadlines
) -> None:
    """TOP of all of a message whose last line has no CRLF ends with CRLF, dot, CRLF as well, and has that line."""
    (message,) = pick("unterminated")
    if reason := drop.promise.carries(message):
        raise NotRun(reason)
    reply = top_of_all(transaction, drop, facts, message)
    expect("the end of the reply", reply.raw[-5:], b"\r\n.\r\n", requirement="R1939-3-MULTILINE-06")
    if fidelity(drop.promise, message, reply.payload) is Fidelity.ALTERED:
        raise Deviation((f"all of {message.name}",), drop.promise.difference(message, reply.payload), "R1939-7-TOP-10")
    expect_nothing_more(transaction, deadlines)


@pytest.mark.parametrize("command", ["LIST", "UIDL"])
@verifies("R1939-3-MULTILINE-06")
@maildrop(empty)
def test_reply_without_content_is_its_end_alone(transaction: Session, facts: Facts, command: str) -> None:
    """LIST and UIDL of an empty maildrop: the status line, whose CRLF comes before the dot, and no blank line."""
    reply = offered(transaction.command(command), command, facts)
    expect_that("the status line, then a line with a dot", reply.raw, reply.content == b"" and reply.end == b".\r\n")


def top_of_all(session: Session, drop: Maildrop, facts: Facts, message: Message) -> Reply:
    """Return the reply to TOP with as many lines as the whole message has."""
    if not facts.top:
        raise NotApplicable("TOP is not offered")
    return session.top(number_of(session, drop, message), message.octets.count(b"\n")).ok()
