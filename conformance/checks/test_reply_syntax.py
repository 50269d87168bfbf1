"""Replies: their form, and that each command has one (RFC 1939 sections 3, 5 and 9, RFC 1957)."""

import re
from collections.abc import Iterator, Sequence
from itertools import cycle, islice

import pytest

from conformance.checks.aftermath import expect_in_step, stat_after_refusal
from conformance.checks.pipelining import in_one_segment
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import pick, three_messages
from conformance.marks import any_maildrop, deletes, maildrop, verifies
from conformance.plugin.bench import Bench
from conformance.plugin.fixtures import Connect, LogIn
from conformance.plugin.judging import Judge
from conformance.profile import Account
from conformance.target import Facts, until_accepted
from conformance.verdict import NotApplicable, NotRun, Verdict
from conformance.wire.reply import Defect, Form, Reply
from conformance.wire.session import NoReplyError, Recorder, Session, form_of

LONG = 255 - len("\r\n")
"""Octets of the longest command without its CRLF (RFC 2449 section 4): a server may repeat it in its -ERR."""

BEFORE_LOGIN = (
    "CAPA",
    "USER somebody",
    "USER",
    "PASS",
    "APOP",
    "APOP somebody",
    "AUTH NO-SUCH-MECHANISM",
    "STAT",
    "LIST",
    "LIST 1",
    "RETR 1",
    "DELE",
    "NOOP",
    "RSET",
    "TOP 1 0",
    "UIDL",
    "LAST",
    "ZQXJ",
    "USER ".ljust(LONG, "u"),
    "STAT ".ljust(LONG, "s"),
    "ZQXJ ".ljust(LONG, "z"),
    "Z".ljust(LONG, "Z"),
)
AFTER_LOGIN = (
    "STAT",
    "STAT 1",
    "LIST",
    "LIST 1",
    "LIST 0",
    "LIST x",
    "RETR 1",
    "RETR 99",
    "RETR",
    "DELE 99",
    "DELE",
    "NOOP",
    "NOOP x",
    "RSET",
    "TOP 1 0",
    "TOP 1",
    "TOP 99 0",
    "UIDL",
    "UIDL 1",
    "UIDL 99",
    "CAPA",
    "USER somebody",
    "PASS",
    "APOP somebody",
    "LAST",
    "ZQXJ",
    "LIST ".ljust(LONG, "9"),
    "RETR ".ljust(LONG, "9"),
    "DELE ".ljust(LONG, "x"),
    "TOP 1 ".ljust(LONG, "x"),
    "NOOP ".ljust(LONG, "n"),
    "ZQXJ ".ljust(LONG, "z"),
    "Z".ljust(LONG, "Z"),
)

GRAMMAR = {
    Defect.NOT_AN_INDICATOR: ("R1939-3-RESP-SYNTAX-04",),
    Defect.CASE: ("R1939-3-RESP-SYNTAX-05", "R1939-A-RESP-SYNTAX-01"),
    Defect.TEXT_STUCK_TO_INDICATOR: ("R1939-3-RESP-SYNTAX-02",),
    Defect.STATUS_LINE_END: ("R1939-3-RESP-SYNTAX-03",),
    Defect.STATUS_LINE_TOO_LONG: ("R1939-3-LINE-LENGTH-02", "R1939-A-LINE-LENGTH-01"),
}
"""What can be wrong with a status line, and the requirements that say so."""

of_a_status_line = verifies(*(requirement for requirements in GRAMMAR.values() for requirement in requirements))

ERRORS_IN_ONE_SESSION = 4
"""Servers lose patience with a client that makes many errors, and may close."""

MULTI_LINE = {"LIST": "LIST", "UIDL": "UIDL", "RETR": "RETR 1", "TOP": "TOP 1 0", "CAPA": "CAPA"}

SINGLE_LINE = {
    "STAT": "STAT",
    "LIST_of_one_message": "LIST 1",
    "UIDL_of_one_message": "UIDL 1",
    "NOOP": "NOOP",
    "RSET": "RSET",
    "refused_LIST": "LIST 99",
    "refused_RETR": "RETR 99",
    "refused_DELE": "DELE 99",
    "refused_TOP": "TOP 99 0",
    "unknown": "ZQXJ",
}

MIXED = (
    "NOOP",
    "RETR 2",
    "ZQXJ",
    "TOP 1 0",
    "RSET",
    "RETR 99",
    "LIST",
    "STAT",
    "UIDL",
    "DELE 99",
    "CAPA",
    "USER somebody",
    "UIDL 3",
    "RETR",
)
"""Commands whose replies differ in form and status, none of which changes anything."""

TWO_COMMANDS = {
    "both_valid": (b"LIST 1\r\nLIST 2\r\n", ["+OK 1", "+OK 2"]),
    "first_refused": (b"LIST 99\r\nLIST 2\r\n", ["-ERR", "+OK 2"]),
}


SILENCE = 1.0
"""Seconds in which nobody says anything; a server that speaks unasked does so at once, or when a timer fires."""

MANY = 150
"""Commands in one segment: about 1000 octets, which every buffer holds."""

with_a_long_text = pick("small-first", "long-text")


def shown(reply: Reply) -> str:
    """Return what tells one reply to LIST n from another: the status indicator, and the number if it is positive."""
    number = reply.text.partition(b" ")[0]
    return f"+OK {int(number)}" if reply.is_ok and number.isdigit() else reply.indicator.decode()


# -- section 3: the first line of a response --------------------------------------------------------------------------


@of_a_status_line
def test_status_lines_before_login(connect: Connect, judge: Judge) -> None:
    """Every command that a client may try in the AUTHORIZATION state, wrong and long ones among them, has a reply.

    It begins with +OK or -ERR in upper case, apart from any text, and is a line of up to 512 octets that ends with
    CRLF.
    """
    for line in BEFORE_LOGIN:
        # Servers lose patience with a client that makes several errors before it has logged in.
        session = connect()
        judge_status_line(session, line, judge)
        session.leave()


@of_a_status_line
@verifies("R1939-5-RESP-SYNTAX-01")
@any_maildrop(least=1)
def test_status_lines_after_login(log_in: LogIn, judge: Judge) -> None:
    """Every command that a client may try in the TRANSACTION state, wrong and long ones among them, has a reply.

    It begins with +OK or -ERR in upper case, apart from any text, in a line of up to 512 octets that ends with CRLF.
    """
    for lines in batched(AFTER_LOGIN, ERRORS_IN_ONE_SESSION):
        session = log_in()
        for line in lines:
            judge_status_line(session, line, judge)
        session.leave()


def judge_status_line(session: Session, line: str, judge: Judge) -> None:
    """Send the line, and record what breaks the grammar of a status line in its reply."""
    try:
        reply = session.command(line)
    except NoReplyError as error:
        if len(line) == LONG and session.at_eof and not error.refused:
            # That a server takes so long a line is RFC 2449's rule, and RFC 1939 has none.
            error.at_most = Verdict.WARN
        if not error.refused:
            error.requirement = "R1939-5-RESP-SYNTAX-01"
        raise
    for defect in reply.defects:
        for requirement in GRAMMAR.get(defect, ()):
            judge.deviates(f"no reply with {defect.what}", str(reply), requirement)


def batched(lines: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Cut a sequence into pieces of that size; the last may be shorter."""
    return (lines[start : start + size] for start in range(0, len(lines), size))


@verifies("R1957-x-RESP-SYNTAX-01", "R1939-3-RESP-SYNTAX-02")
@any_maildrop(least=1)
def test_text_behind_the_status_indicator_is_optional(transaction: Session, judge: Judge) -> None:
    """Behind +OK to NOOP and RSET there is a space and text, a space, or nothing: which it is, is recorded."""
    for line in ("NOOP", "RSET"):
        reply = transaction.command(line)
        behind = reply.status_line.rstrip(b"\r\n")[len(reply.indicator) :]
        judge.observe(f"behind the status of {line}", "text" if behind.strip() else "a space" if behind else "nothing")
        expect_that("a space or CRLF behind the status indicator", reply.status_line, behind[:1] in (b"", b" "))


# -- section 3: single-line and multi-line responses ------------------------------------------------------------------


@verifies("R1939-3-MULTILINE-01")
@any_maildrop(least=1)
@pytest.mark.parametrize("line", MULTI_LINE.values(), ids=MULTI_LINE)
def test_multi_line_reply(transaction: Session, line: str) -> None:
    """LIST, RETR and the optional UIDL, TOP, CAPA have further lines behind +OK, up to a line of a single dot."""
    if not transaction.command(line).is_ok:
        raise NotApplicable(f"{line} is refused")
    stat_after_refusal(transaction)


@verifies("R1939-3-MULTILINE-01", "R1939-3-RESP-SYNTAX-01")
@any_maildrop(least=1)
@pytest.mark.parametrize("line", SINGLE_LINE.values(), ids=SINGLE_LINE)
def test_single_line_reply(transaction: Session, line: str) -> None:
    """The reply is one line, whether +OK or -ERR: after it nothing comes but the reply to QUIT."""
    transaction.command(line)
    expect_in_step(transaction)


# -- sections 3 and 5: one response for each command, in order --------------------------------------------------------


@verifies("R1939-3-RESP-SYNTAX-01")
@maildrop(three_messages)
def test_each_command_has_one_response_in_order(transaction: Session, recorder: Recorder) -> None:
    """Commands of all kinds, each followed by LIST n with another n: the reply to it must name that n.

    A reply too many or too few moves all that follow; at the end QUIT has its reply, and then the stream ends.
    """
    for turn, line in enumerate(MIXED):
        number = turn % 3 + 1
        transaction.command(line)
        listing = shown(transaction.command(f"LIST {number}"))
        expect(f"the reply to LIST {number}, which follows {line}", listing, f"+OK {number}")
    expect_in_step(transaction)
    unasked = [where for defect, where in recorder.defects if defect is Defect.SURPLUS]
    expect("octets that no command asked for", unasked, [])


@verifies("R1939-3-RESP-SYNTAX-01")
@maildrop(three_messages)
@deletes
def test_nothing_comes_unasked(connection: Session, transaction: Session) -> None:
    """A client that has been greeted and one that has sent DELE 1 say nothing for a second: nothing comes to either."""
    transaction.dele(1).ok()
    expect("what comes after DELE 1 in a second of silence", transaction.silence(SILENCE), b"")
    expect("what comes after the greeting in as long a silence", connection.silence(0), b"")


@verifies("R1939-3-RESP-SYNTAX-01")
@maildrop(three_messages)
@pytest.mark.parametrize(("commands", "expected"), TWO_COMMANDS.values(), ids=TWO_COMMANDS)
def test_two_commands_in_one_segment(transaction: Session, facts: Facts, commands: bytes, expected: list[str]) -> None:
    """Two commands come in one segment: each has its reply, in their order.

    RFC 1939 has client and server take turns, and promises nothing else: a server that does not announce PIPELINING
    (RFC 2449 section 6.6) and loses a command here gets a warning.
    """
    with in_one_segment(facts) as at_most:
        transaction.send(commands)
        came = [shown(transaction.reply()) for _ in expected]
    expect("the replies", came, expected, at_most=at_most)


@verifies("R1939-3-RESP-SYNTAX-01")
@maildrop(three_messages)
def test_many_commands_in_one_segment(transaction: Session, facts: Facts) -> None:
    """150 commands, LIST n, NOOP, STAT and UIDL n in turn, come in one segment: each has its reply, in their order.

    The replies to all but NOOP are told apart by what they list, and must be those that came one by one. A server
    that does not announce PIPELINING gets a warning at the most, as above.
    """
    lines = list(islice(cycle(of_single_lines(facts)), MANY))
    one_by_one = {line: listed(line, transaction.command(line).ok()) for line in set(lines)}
    with in_one_segment(facts) as at_most:
        transaction.send("".join(f"{line}\r\n" for line in lines).encode())
        for place, line in enumerate(lines, start=1):
            came = listed(line, transaction.reply())
            expect(f"the reply to {line}, command {place} of {MANY}", came, one_by_one[line], at_most=at_most)


def of_single_lines(facts: Facts) -> list[str]:
    """Return commands with one line for a reply, which change nothing, for a maildrop of three messages."""
    uidl = "UIDL {}" if facts.uidl else "LIST {}"
    return [line.format(number) for number in (1, 2, 3) for line in ("LIST {}", "NOOP", "STAT", uidl)]


def listed(line: str, reply: Reply) -> bytes:
    """Return the status of the reply, with the two fields of its listing unless the command is NOOP."""
    return b" ".join([reply.indicator, *([] if line == "NOOP" else reply.text.split(b" ")[:2])])


@verifies("R1939-3-RESP-SYNTAX-01")
@any_maildrop(least=1)
@pytest.mark.parametrize("line", MULTI_LINE.values(), ids=MULTI_LINE)
def test_a_command_behind_a_multi_line_reply(transaction: Session, facts: Facts, line: str) -> None:
    """A command with a multi-line reply and STAT come in one segment: both replies are those that come one by one.

    A server that does not announce PIPELINING gets a warning at the most, as above.
    """
    alone = transaction.command(line)
    if not alone.is_ok:
        raise NotApplicable(f"{line} is refused")
    drop_listing = transaction.command("STAT").ok()
    with in_one_segment(facts) as at_most:
        transaction.send(f"{line}\r\nSTAT\r\n".encode())
        together = transaction.reply(form_of(line.encode())), transaction.reply()
    before, came = alone.lines, together[0].lines
    if form_of(line.encode()) is Form.LISTING:
        before, came = tuple(sorted(before)), tuple(sorted(came))  # no order is stated for them (section 5)
    expect(f"the lines of the reply to {line}", came, before, at_most=at_most)
    expect("the reply to STAT", listed("STAT", together[1]), listed("STAT", drop_listing), at_most=at_most)


@verifies("R1939-3-RESP-SYNTAX-01")
@maildrop(three_messages)
def test_two_messages_in_one_segment(transaction: Session, facts: Facts) -> None:
    """RETR 1 and RETR 2 come in one segment: each message comes whole, one after the other.

    A server that does not announce PIPELINING gets a warning at the most, as above.
    """
    expect_messages_in_one_segment(transaction, facts, 1, 2)


@verifies("R1939-3-RESP-SYNTAX-01")
@maildrop(with_a_long_text)
def test_two_long_messages_in_one_segment(transaction: Session, facts: Facts) -> None:
    """The same with RETR of a message of some 190,000 octets, twice: more than the buffers of a server hold."""
    sizes = transaction.list().sizes
    longest = max(sizes, key=sizes.__getitem__)
    expect_messages_in_one_segment(transaction, facts, longest, longest)


def expect_messages_in_one_segment(session: Session, facts: Facts, *numbers: int) -> None:
    """Send RETR for each number in one segment, and expect the messages as they come one by one."""
    one_by_one = [session.retr(number).ok().payload for number in numbers]
    with in_one_segment(facts) as at_most:
        session.send("".join(f"RETR {number}\r\n" for number in numbers).encode())
        together = [session.reply(Form.MESSAGE).payload for _ in numbers]
    claim = f"the messages as they come one by one, with {[len(message) for message in one_by_one]} octets"
    expect_that(claim, [len(message) for message in together], together == one_by_one, at_most=at_most)


@verifies("R1939-3-RESP-SYNTAX-01")
def test_a_login_and_stat_in_one_segment(connect: Connect, pass_account: Account, bench: Bench) -> None:
    """USER, PASS and STAT come in one segment: each has its reply, and that to STAT is what it is later, too.

    A server that does not announce PIPELINING before login gets a warning at the most. So does one that refuses the
    login here: it may take what comes early for an attempt to get around something.
    """
    lines = f"USER {pass_account.user}\r\nPASS {pass_account.secret()}\r\nSTAT\r\n".encode()

    def attempt(session: Session) -> Reply:
        bench.target.wait_for_login_turn()
        session.send(lines)
        reply = session.reply()
        return session.reply(within=bench.target.deadlines.failed_login) if reply.is_ok else reply

    with in_one_segment(bench.facts, before_login=True) as at_most:
        session, reply = until_accepted(connect, attempt)
        expect_that("+OK to PASS", reply.status_line, reply.is_ok, at_most=Verdict.WARN)
        stat = session.reply()
    later = session.command("STAT").ok()
    expect("the reply to STAT", listed("STAT", stat), listed("STAT", later), at_most=at_most)


# -- section 9: the text is for people --------------------------------------------------------------------------------


@verifies("R1939-9-RESP-SYNTAX-01")
def test_a_count_in_the_reply_to_the_login_is_right(bench: Bench, connect: Connect, account: Account) -> None:
    """If the reply to PASS or APOP speaks of a number of messages, it is that of STAT.

    Its text means nothing to a client that keeps to the RFC; Perl's Net::POP3 takes the count from it.
    """
    session, reply = until_accepted(connect, lambda session: bench.target.authenticate(session, account))
    if not reply.is_ok:
        raise NotRun("the login is refused")
    said = re.search(rb"(\d+)\s+message", reply.text, re.IGNORECASE)
    if said is None:
        raise NotApplicable("the reply to the login speaks of no number of messages")
    expect("the number of messages in the reply to the login", int(said[1]), session.stat().count)
