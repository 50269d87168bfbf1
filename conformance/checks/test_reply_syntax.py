"""Replies: their form, and that each command has one (RFC 1939 sections 3, 5 and 9, RFC 1957)."""

import re
from collections.abc import Iterator, Sequence

import pytest

from conformance.checks.aftermath import expect_in_step, stat_after_refusal
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import three_messages
from conformance.marks import any_maildrop, maildrop, verifies
from conformance.plugin.bench import Bench
from conformance.plugin.fixtures import Connect, LogIn
from conformance.plugin.judging import Judge
from conformance.profile import Account
from conformance.target import Facts, until_accepted
from conformance.verdict import NotApplicable, NotRun, Verdict
from conformance.wire.reply import Defect, Form, Reply
from conformance.wire.session import NoReplyError, Recorder, Session

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
@pytest.mark.parametrize(("commands", "expected"), TWO_COMMANDS.values(), ids=TWO_COMMANDS)
def test_two_commands_in_one_segment(transaction: Session, facts: Facts, commands: bytes, expected: list[str]) -> None:
    """Two commands come in one segment: each has its reply, in their order.

    RFC 1939 has client and server take turns, and promises nothing else: a server that does not announce PIPELINING
    (RFC 2449 section 6.6) and loses a command here gets a warning.
    """
    at_most = Verdict.FAIL if facts.announces("PIPELINING") else Verdict.WARN
    transaction.send(commands)
    try:
        came = [shown(transaction.reply()) for _ in expected]
    except NoReplyError as error:
        error.at_most = Verdict.WARN if error.refused else at_most
        raise
    expect("the replies", came, expected, at_most=at_most)


@verifies("R1939-3-RESP-SYNTAX-01")
@maildrop(three_messages)
def test_two_messages_in_one_segment(transaction: Session, facts: Facts) -> None:
    """RETR 1 and RETR 2 come in one segment: each message comes whole, one after the other.

    A server that does not announce PIPELINING gets a warning at the most, as above.
    """
    at_most = Verdict.FAIL if facts.announces("PIPELINING") else Verdict.WARN
    one_by_one = [transaction.retr(number).ok().content for number in (1, 2)]
    transaction.send(b"RETR 1\r\nRETR 2\r\n")
    try:
        together = [transaction.reply(Form.MESSAGE).content for _ in one_by_one]
    except NoReplyError as error:
        error.at_most = at_most
        raise
    expect_that("the two messages as they come one by one", together, together == one_by_one, at_most=at_most)


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
