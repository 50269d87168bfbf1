"""Command lines: what the server must understand, what it must refuse, and that a refusal changes nothing.

RFC 1939 section 3.
"""

import random
import string
from collections.abc import Callable, Iterator

import pytest

from conformance.checks.aftermath import expect_in_step, is_closed, stat_after_refusal
from conformance.checks.bad_numbers import BAD_NUMBERS
from conformance.checks.patience import patiently
from conformance.checks.pipelining import in_one_segment
from conformance.checks.survivors import update
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import three_messages
from conformance.marks import any_maildrop, deletes, maildrop, verifies
from conformance.plugin.bench import Bench
from conformance.plugin.fixtures import Connect, LogIn
from conformance.plugin.judging import Judge
from conformance.plugin.run import Run
from conformance.profile import Account
from conformance.target import Facts
from conformance.verdict import NotApplicable, Verdict
from conformance.wire.listing import scan_listing
from conformance.wire.reply import Form, Reply
from conformance.wire.session import Deadlines, NoReplyError, Session, apop_digest

READING = {
    "STAT": "STAT",
    "LIST": "LIST",
    "RETR": "RETR 1",
    "NOOP": "NOOP",
    "RSET": "RSET",
    "TOP": "TOP 1 0",
    "UIDL": "UIDL",
    "CAPA": "CAPA",
}
"""By keyword, a command of the TRANSACTION state that may be given again and again, for a maildrop with a message."""

CASES: dict[str, Callable[[str], str]] = {
    "lower_case": str.lower,
    "mixed_case": lambda keyword: keyword[:1].lower() + keyword[1:].title(),
}

SPLITS = {
    "in_the_keyword": (b"LI", b"ST 1\r\n"),
    "before_the_space": (b"LIST", b" 1\r\n"),
    "behind_the_space": (b"LIST ", b"1\r\n"),
    "before_CR": (b"LIST 1", b"\r\n"),
    "between_CR_and_LF": (b"LIST 1\r", b"\n"),
}

NOT_PRINTABLE = {
    "NUL_in_the_keyword": b"ST\0AT",
    "NUL_behind_the_keyword": b"NOOP\0x",
    "NUL_in_the_argument": b"LIST 1\0",
    "control_in_the_keyword": b"NO\x01OP",
    "control_behind_the_keyword": b"NOOP\x01",
    "escape_sequence": b"\x1b[ANOOP",
    "delete_behind_the_keyword": b"NOOP\x7f",
    "8_bit_keyword": b"NOO\xd0",
    "8_bit_argument": b"LIST \xff",
}

SPACES = {
    "two_spaces": b"LIST  1",
    "tab": b"LIST\t1",
    "space_before_the_keyword": b" LIST 1",
    "space_behind_the_keyword": b"NOOP ",
    "space_behind_the_argument": b"LIST 1 ",
}

OTHER_LENGTHS = ("N", "NO", "NOO", "STA", "QUI", "NOOPX", "STATS", "RETRIEVE 1", "QUITX")
"""Words that begin like a keyword, and have more or fewer letters."""

OPTIONAL = {"TOP": "TOP 1 0", "UIDL": "UIDL", "CAPA": "CAPA"}

EXTENSIONS = ("STLS", "UTF8", "LANG")
"""Commands of later RFCs. LAST, RPOP and XTND, of earlier ones, have a file of their own."""

MISSING = {"RETR": "RETR", "DELE": "DELE", "TOP": "TOP", "TOP_without_lines": "TOP 1"}

BAD_LINE_COUNTS = {
    "negative": "-1",
    "letters": "x",
    "digit_and_letter": "1x",
    "fraction": "1.5",
    "plus_sign": "+1",
    "nothing": "",
}

SUPERFLUOUS = {
    "NOOP": "NOOP x",
    "STAT": "STAT 1",
    "RSET": "RSET all",
    "CAPA": "CAPA x",
    "LIST": "LIST 1 2",
    "RETR": "RETR 1 2",
    "TOP": "TOP 1 0 0",
    "UIDL": "UIDL 1 2",
}

REFUSED = {
    "unknown": "XQZJ",
    "empty_argument": "DELE ",
    "no_argument": "RETR",
    "no_such_message": "DELE 99",
    "no_number": "DELE x",
    "marked_already": "DELE 1",
    "wrong_state": "USER somebody",
    "wrong_state_of_PASS": "PASS nothing",
    "wrong_state_of_APOP": f"APOP somebody {'0' * 32}",
}

_BETWEEN_OCTETS = 0.003
"""Seconds in which a server on the same machine has read an octet before the next one comes."""

LINE_LENGTHS = (255, 512, 2048, 65536)
"""Octets of a line, its CRLF included; RFC 2449 section 4 has 255 as the most that a client should send."""


def log_in_saying(connect: Connect, account: Account, facts: Facts, say: Callable[[Session, str], Reply]) -> Session:
    """Log the account in with `say` to send each command line; return the session. Raises `Deviation`."""

    def attempt(session: Session) -> Reply:
        if facts.login_commands[account.user] == "APOP":
            digest = apop_digest(session.timestamp or b"", account.secret())
            return say(session, f"APOP {account.user} {digest}")
        reply = say(session, f"USER {account.user}")
        return say(session, f"PASS {account.secret()}") if reply.is_ok else reply

    return patiently(connect, attempt)


def send_octet_by_octet(session: Session, line: bytes) -> None:
    """Send the line so that each octet is likely to be read for itself; nothing comes before the last of them."""
    for octet in line[:-1]:
        session.send(bytes([octet]))
        expect("what comes before the LF", session.silence(_BETWEEN_OCTETS), b"")
    session.send(line[-1:])


def with_keyword(changed: Callable[[str], str], line: str) -> str:
    """Return the line with its keyword changed, and the arguments as they are."""
    keyword, space, arguments = line.partition(" ")
    return changed(keyword) + space + arguments


@pytest.fixture
def words(request: pytest.FixtureRequest) -> Iterator[str]:
    """Random words of four letters that no RFC has made a command: the same ones for the same seed of the run."""
    run = request.config.pluginmanager.get_plugin("pop3-run")
    assert isinstance(run, Run)
    source = random.Random(f"{run.seed} {request.node.name}")
    # No keyword that POP3 has or had begins with Z.
    return iter(lambda: "Z" + "".join(source.choices(string.ascii_uppercase, k=3)), "")


# -- a case-insensitive keyword ---------------------------------------------------------------------------------------


@verifies("R1939-3-CMD-SYNTAX-01")
@pytest.mark.parametrize("cased", CASES.values(), ids=CASES)
def test_case_does_not_matter_at_login(
    connect: Connect, account: Account, facts: Facts, deadlines: Deadlines, cased: Callable[[str], str]
) -> None:
    """The commands that log in (USER and PASS, or APOP) work with their keywords in lower or mixed case."""

    def say(session: Session, line: str) -> Reply:
        return session.command(with_keyword(cased, line), within=deadlines.failed_login)

    log_in_saying(connect, account, facts, say)


@verifies("R1939-3-CMD-SYNTAX-01")
@any_maildrop(least=1)
@pytest.mark.parametrize("cased", CASES.values(), ids=CASES)
@pytest.mark.parametrize("line", READING.values(), ids=READING)
def test_case_does_not_matter(transaction: Session, line: str, cased: Callable[[str], str]) -> None:
    """A command that is answered +OK in upper case is so in lower and mixed case."""
    if not transaction.command(line).is_ok:
        raise NotApplicable(f"{line} is refused in upper case too")
    transaction.command(with_keyword(cased, line)).ok()


@verifies("R1939-3-CMD-SYNTAX-01")
@maildrop(three_messages)
@deletes
@pytest.mark.parametrize("cased", CASES.values(), ids=CASES)
def test_case_does_not_matter_to_dele(transaction: Session, cased: Callable[[str], str]) -> None:
    """DELE 1 is answered +OK and marks the message, also in lower and mixed case."""
    transaction.command(with_keyword(cased, "DELE 1")).ok()
    expect("the count in the drop listing", transaction.stat().count, 2)


@verifies("R1939-3-CMD-SYNTAX-01", "R1939-6-UPDATE-05")
@maildrop(three_messages)
@deletes
@pytest.mark.parametrize("cased", CASES.values(), ids=CASES)
def test_case_does_not_matter_to_the_removal(transaction: Session, log_in: LogIn, cased: Callable[[str], str]) -> None:
    """DELE 1 and QUIT in lower or mixed case: the next session shows two messages."""
    transaction.dele(1).ok()
    transaction.command(cased("QUIT")).ok()
    transaction.read_to_eof()
    expect("the count in the next session's drop listing", log_in().stat().count, 2)


@verifies("R1939-3-CMD-SYNTAX-01")
@maildrop(three_messages)
@deletes
@pytest.mark.parametrize("cased", CASES.values(), ids=CASES)
def test_case_does_not_matter_to_rset(transaction: Session, cased: Callable[[str], str]) -> None:
    """DELE 1 and RSET in lower or mixed case: STAT counts three messages."""
    transaction.dele(1).ok()
    transaction.command(cased("RSET")).ok()
    expect("the count in the drop listing", transaction.stat().count, 3)


@verifies("R1939-3-CMD-SYNTAX-01")
@pytest.mark.parametrize("cased", CASES.values(), ids=CASES)
def test_case_does_not_matter_to_apop(
    connect: Connect, apop_account: Account, bench: Bench, cased: Callable[[str], str]
) -> None:
    """APOP logs in, also in lower or mixed case."""

    def attempt(session: Session) -> Reply:
        bench.target.wait_for_login_turn()
        digest = apop_digest(session.timestamp or b"", apop_account.secret())
        line = f"{cased('APOP')} {apop_account.user} {digest}"
        return session.command(line, within=bench.target.deadlines.failed_login)

    patiently(connect, attempt)


@verifies("R1939-3-CMD-SYNTAX-01")
@pytest.mark.parametrize("cased", CASES.values(), ids=CASES)
def test_case_does_not_matter_to_quit(connection: Session, cased: Callable[[str], str]) -> None:
    """QUIT is answered +OK, also in lower and mixed case."""
    connection.command(cased("QUIT")).ok()
    connection.close()


# -- possibly followed by one or more arguments -----------------------------------------------------------------------


@verifies("R1939-3-CMD-SYNTAX-02")
@any_maildrop(least=1)
@pytest.mark.parametrize(
    "line", ["STAT", "LIST", "LIST 1", "RETR 1"], ids=["none", "optional", "optional_given", "one"]
)
def test_arguments(transaction: Session, line: str) -> None:
    """Commands with no argument, with an optional one left out and given, and with one are answered +OK."""
    transaction.command(line).ok()


@verifies("R1939-3-CMD-SYNTAX-02")
@any_maildrop(least=1)
def test_two_arguments(transaction: Session, facts: Facts) -> None:
    """TOP 1 0, the only command of RFC 1939 with two arguments after login, is answered +OK."""
    if not facts.top:
        raise NotApplicable("TOP is not offered")
    transaction.top(1, 0).ok()


# -- terminated by a CRLF pair ----------------------------------------------------------------------------------------


@verifies("R1939-3-CMD-SYNTAX-03")
@any_maildrop(least=1)
@pytest.mark.parametrize(("first", "rest"), SPLITS.values(), ids=SPLITS)
def test_a_command_ends_at_crlf_and_nowhere_else(
    transaction: Session, deadlines: Deadlines, first: bytes, rest: bytes
) -> None:
    """LIST 1 comes in two segments: there is no reply to the first, and one to the whole after its LF.

    TCP is a stream of octets, in which the limits of segments mean nothing.
    """
    transaction.send(first)
    expect("what comes before the LF", transaction.silence(deadlines.quiet), b"")
    transaction.send(rest)
    expect("the number in the scan listing", scan_listing(transaction.reply().ok()).numbers, [1])


@verifies("R1939-3-CMD-SYNTAX-03")
@maildrop(three_messages)
def test_a_command_and_the_beginning_of_another(transaction: Session, facts: Facts) -> None:
    """LIST 1 and the beginning of LIST 2 come in one segment, the rest when LIST 1 is answered: each has its reply.

    It is a warning for a server that does not announce PIPELINING: a client that takes turns sends no such thing.
    """
    with in_one_segment(facts) as at_most:
        transaction.send(b"LIST 1\r\nLI")
        first = scan_listing(transaction.reply().ok())
        transaction.send(b"ST 2\r\n")
        second = transaction.reply()
    expect("the number in the first scan listing", first.numbers, [1])
    expect_that("+OK to LIST 2", second.status_line, second.is_ok, at_most=at_most)
    expect("the number in the second scan listing", scan_listing(second).numbers, [2])


@verifies("R1939-3-CMD-SYNTAX-03")
@any_maildrop(least=1)
def test_a_command_octet_by_octet(transaction: Session) -> None:
    """RETR 1 in as many segments as it has octets is answered like RETR 1 in one."""
    whole = transaction.retr(1).ok()
    send_octet_by_octet(transaction, b"RETR 1\r\n")
    pieces = transaction.reply(Form.MESSAGE).ok()
    expect("the message", pieces.content, whole.content)


@verifies("R1939-3-CMD-SYNTAX-03")
def test_a_login_octet_by_octet(connect: Connect, account: Account, facts: Facts, deadlines: Deadlines) -> None:
    """The commands that log in come in as many segments as they have octets, and log in."""

    def say(session: Session, line: str) -> Reply:
        send_octet_by_octet(session, line.encode() + b"\r\n")
        return session.reply(within=deadlines.failed_login)

    log_in_saying(connect, account, facts, say)


@verifies("R1939-3-CMD-SYNTAX-04", "R1939-5-RESP-SYNTAX-01")
def test_a_bare_lf(transaction: Session, deadlines: Deadlines, judge: Judge) -> None:
    """NOOP comes with only a LF behind it. If that has no reply, CRLF is sent, and then one must come.

    RFC 1939 does not say whether LF alone may be taken for the end of a command: which it is, is recorded.
    """
    transaction.send(b"NOOP\n")
    if transaction.silence(deadlines.quiet):
        judge.observe("LF alone", "ends a command")
        return
    transaction.send(b"\r\n")
    judge.observe("LF alone", f"does not end a command; with CRLF behind it: {transaction.reply()}")


@verifies("R1939-3-CMD-SYNTAX-05")
@maildrop(three_messages)
@deletes
def test_quit_without_crlf_is_no_quit(log_in: LogIn, deadlines: Deadlines) -> None:
    """DELE 1, then QUIT without its CRLF and FIN: the session ends without QUIT, so all messages are still there.

    Section 6 removes messages when the client issued QUIT, and a command is issued when its CRLF is there.
    """
    first = log_in()
    first.dele(1).ok()
    first.send(b"QUIT")
    first.half_close()
    first.silence(deadlines.reply)
    first.close()
    expect("the count in the next session's drop listing", log_in().stat().count, 3)


# -- printable ASCII --------------------------------------------------------------------------------------------------


@verifies("R1939-3-CMD-SYNTAX-06")
@any_maildrop(least=1)
@pytest.mark.parametrize("line", NOT_PRINTABLE.values(), ids=NOT_PRINTABLE)
def test_other_octets_than_printable_ascii_are_refused(transaction: Session, line: bytes) -> None:
    """A line with a control character or an octet above 127 gets one -ERR, and the session goes on.

    Where the octet is NUL, which many programs take for the end of a text, it is a warning to close without a reply,
    and to take the command that stands before it, unless it is the keyword that the NUL spoils.
    """
    before = transaction.stat()
    try:
        reply = transaction.command(line)
        at_most = Verdict.WARN if b" 1\0" in line else Verdict.FAIL
        expect_that("-ERR", reply.status_line, reply.is_err, at_most=at_most)
    except NoReplyError as error:
        if b"\0" in line and is_closed(transaction):
            error.at_most = Verdict.WARN
        raise
    expect("the drop listing afterwards", stat_after_refusal(transaction), before)


@verifies("R1939-3-CMD-SYNTAX-06")
def test_a_cr_within_a_command_is_refused(transaction: Session, deadlines: Deadlines) -> None:
    """NOOP, CR, x and CRLF are one line, which gets one -ERR: a CR without LF ends no command, nor is it printable.

    To take the CR for the end of a line, with a reply to what follows it or without, is a warning.
    """
    transaction.send(b"NOOP\rx\r\n")
    # A server that repeats the line in its -ERR repeats the CR, which is no fault of the status line's.
    came = b""
    while not came.endswith(b"\n") and (more := transaction.silence(deadlines.reply)):
        came += more
    came += transaction.silence(deadlines.quiet)
    one_refusal = came.startswith(b"-ERR") and came.count(b"\n") == 1
    expect_that("one reply, -ERR", came, one_refusal, at_most=Verdict.WARN)


@verifies("R1939-3-CMD-SYNTAX-06", "R1939-5-RESP-SYNTAX-01")
@pytest.mark.parametrize("name", [b"\xff\xfe", "ü".encode(), b"\x01\x1b"], ids=["8_bit", "UTF_8", "control"])
def test_a_user_name_of_any_octets_has_one_reply(connection: Session, name: bytes) -> None:
    """USER with a name that is not printable ASCII is answered once, +OK or -ERR; RFC 6856 has such names."""
    connection.command(b"USER " + name)
    expect_in_step(connection)


# -- separated by a single space --------------------------------------------------------------------------------------


@verifies("R1939-3-CMD-SYNTAX-07", "R1939-5-RESP-SYNTAX-01")
@any_maildrop(least=1)
@pytest.mark.parametrize("line", SPACES.values(), ids=SPACES)
def test_spaces(transaction: Session, judge: Judge, line: bytes) -> None:
    """Another space than the one between keyword and argument may be tolerated or refused: one reply, recorded."""
    reply = transaction.command(line)
    judge.observe(repr(line.decode()), "is accepted" if reply.is_ok else "is refused")
    stat_after_refusal(transaction)


# -- three or four characters long ------------------------------------------------------------------------------------


@verifies("R1939-3-CMD-SYNTAX-08")
@any_maildrop(least=1)
@pytest.mark.parametrize("line", OTHER_LENGTHS, ids=[line.partition(" ")[0] for line in OTHER_LENGTHS])
def test_keywords_are_not_abbreviated_or_extended(transaction: Session, line: str) -> None:
    """A word that has a keyword's beginning but another length is no command: -ERR, and the session goes on."""
    before = transaction.stat()
    transaction.command(line).err()
    expect("the drop listing afterwards", stat_after_refusal(transaction), before)


@verifies("R1939-3-CMD-SYNTAX-08")
@pytest.mark.parametrize("line", ["QUI", "QUITX", "USERX somebody"], ids=["QUI", "QUITX", "USERX"])
def test_keywords_are_not_abbreviated_or_extended_before_login(connection: Session, line: str) -> None:
    """The same in the AUTHORIZATION state: -ERR."""
    connection.command(line).err()


# -- arguments of up to 40 characters, and lines that are too long ----------------------------------------------------


@verifies("R1939-3-LINE-LENGTH-01")
def test_an_argument_of_40_characters(connection: Session, words: Iterator[str]) -> None:
    """USER with a name of 40 characters has one reply, +OK or -ERR: it is not cut, and the session is in step."""
    connection.user("".join(next(words) for _ in range(10)))
    expect_in_step(connection)


@verifies("R1939-5-RESP-SYNTAX-01", "R1939-3-RESP-SYNTAX-01")
@pytest.mark.parametrize("length", LINE_LENGTHS)
@pytest.mark.parametrize("start", [b"USER ", b"PASS ", b"X"], ids=["USER", "PASS", "unknown"])
def test_a_long_line_has_one_reply_before_login(connection: Session, start: bytes, length: int) -> None:
    """A line of so many octets has one reply; what is beyond a limit of the server is not taken for another command.

    No RFC says what happens to a command that is too long. A server that closes without a reply gets a warning.
    """
    try:
        connection.command(start.ljust(length - 2, b"x"))
    except NoReplyError as error:
        if is_closed(connection):
            error.at_most = Verdict.WARN
        raise
    expect_in_step(connection)


@verifies("R1939-5-RESP-SYNTAX-01", "R1939-3-RESP-SYNTAX-01")
@any_maildrop(least=1)
@pytest.mark.parametrize("length", LINE_LENGTHS)
@pytest.mark.parametrize("start", [b"LIST 9", b"NOOP ", b"X"], ids=["LIST", "NOOP", "unknown"])
def test_a_long_line_has_one_reply_after_login(transaction: Session, start: bytes, length: int) -> None:
    """The same in the TRANSACTION state."""
    try:
        transaction.command(start.ljust(length - 2, b"9"))
    except NoReplyError as error:
        if is_closed(transaction):
            error.at_most = Verdict.WARN
        raise
    expect_in_step(transaction)


# -- unrecognized -----------------------------------------------------------------------------------------------------


@verifies("R1939-3-CMD-SYNTAX-09")
@pytest.mark.parametrize("arguments", ["", " 1"], ids=["alone", "with_an_argument"])
def test_unknown_command_before_login(connection: Session, words: Iterator[str], arguments: str) -> None:
    """A random word, new in each run, is answered -ERR in the AUTHORIZATION state."""
    connection.command(next(words) + arguments).err()


@verifies("R1939-3-CMD-SYNTAX-09")
@pytest.mark.parametrize("arguments", ["", " 1"], ids=["alone", "with_an_argument"])
def test_unknown_command_after_login(transaction: Session, words: Iterator[str], arguments: str) -> None:
    """A random word, new in each run, is answered -ERR in the TRANSACTION state."""
    transaction.command(next(words) + arguments).err()


@verifies("R1939-3-CMD-SYNTAX-09", "R1939-3-CMD-SYNTAX-14")
def test_three_unknown_commands_in_a_row(transaction: Session, words: Iterator[str]) -> None:
    """Each of three random words is answered -ERR, and the session goes on.

    Clients send commands that a server need not know, such as LAST or UTF8, and rely on the session afterwards; that
    it may not be closed is not in the RFC, so it is a warning.
    """
    before = transaction.stat()
    for _ in range(3):
        transaction.command(next(words)).err()
        expect("the drop listing afterwards", stat_after_refusal(transaction), before)


# -- unimplemented ----------------------------------------------------------------------------------------------------


@verifies("R1939-3-CMD-SYNTAX-10", "R1939-A-CMD-SYNTAX-01")
@any_maildrop(least=1)
@pytest.mark.parametrize("line", OPTIONAL.values(), ids=OPTIONAL)
def test_an_optional_command(transaction: Session, line: str) -> None:
    """An optional command is answered +OK if it is implemented and -ERR if not, and the session goes on."""
    before = transaction.stat()
    expect("the status indicator", transaction.command(line).indicator, b"+OK", b"-ERR")
    expect("the drop listing afterwards", stat_after_refusal(transaction), before)


@verifies("R1939-3-CMD-SYNTAX-10", "R1939-A-CMD-SYNTAX-01")
@pytest.mark.parametrize("line", EXTENSIONS)
def test_an_extension_that_is_not_announced(connection: Session, facts: Facts, line: str) -> None:
    """A command that CAPA does not list is answered -ERR; +OK may mean that CAPA keeps quiet about it, a warning."""
    if facts.announces(line):
        raise NotApplicable(f"{line} is offered")
    reply = connection.command(line)
    if reply.is_ok:
        connection.close()  # after STLS nothing but a TLS handshake could follow
    expect_that("-ERR", reply.status_line, reply.is_err, at_most=Verdict.WARN)


@verifies("R1939-3-CMD-SYNTAX-10", "R1939-A-CMD-SYNTAX-01")
def test_a_mechanism_that_does_not_exist(connection: Session, words: Iterator[str]) -> None:
    """AUTH with a mechanism that nobody has is answered -ERR, whether AUTH itself is implemented or not."""
    connection.command(f"AUTH X-{next(words)}").err()


@verifies("R1939-3-CMD-SYNTAX-10", "R1939-A-CMD-SYNTAX-01")
def test_apop_without_a_timestamp(connection: Session) -> None:
    """Where the greeting has no timestamp there is no APOP: -ERR."""
    if connection.timestamp is not None:
        raise NotApplicable("the greeting has a timestamp")
    connection.command(f"APOP somebody {'0' * 32}").err()


# -- syntactically invalid --------------------------------------------------------------------------------------------


@verifies("R1939-3-CMD-SYNTAX-11")
@maildrop(three_messages)
@deletes
@pytest.mark.parametrize("line", MISSING.values(), ids=MISSING)
def test_a_missing_argument(transaction: Session, line: str) -> None:
    """A command without an argument that it needs is answered -ERR, and does nothing."""
    before = transaction.stat()
    transaction.command(line).err()
    expect("the drop listing afterwards", stat_after_refusal(transaction), before)


@verifies("R1939-3-CMD-SYNTAX-11")
@pytest.mark.parametrize("line", ["USER", "PASS", "APOP", "APOP somebody"], ids=["USER", "PASS", "APOP", "digest"])
def test_a_missing_argument_before_login(connection: Session, line: str) -> None:
    """USER, PASS and APOP without an argument that they need are answered -ERR."""
    connection.command(line).err()


@verifies("R1939-3-CMD-SYNTAX-11")
@maildrop(three_messages)
@deletes
@pytest.mark.parametrize("number", BAD_NUMBERS.values(), ids=BAD_NUMBERS)
def test_a_bad_message_number(log_in: LogIn, judge: Judge, number: str) -> None:
    """LIST, RETR, DELE, TOP and UIDL with something that is no message-number are answered -ERR, and do nothing.

    "+1" is a warning: it is no decimal digit, but some count a sign as part of a decimal number. Where the server has
    closed after several errors, the rest comes in a session of its own: that it does so is for other checks to say.
    """
    session = log_in()
    before = session.stat()
    at_most = Verdict.WARN if number.startswith("+") else Verdict.FAIL
    errors = 0
    for line in (f"LIST {number}", f"RETR {number}", f"DELE {number}", f"TOP {number} 0", f"UIDL {number}"):
        reply = session.command(line)
        errors += reply.is_err
        if not reply.is_err:
            judge.deviates(f"{line}: -ERR", f"{line}: {reply}", at_most=at_most)
        if reply.is_ok and line.startswith("DELE"):
            session.rset()
        try:
            expect("the drop listing afterwards", stat_after_refusal(session), before)
        except NoReplyError as error:
            if errors < 2 or not error.refused:
                raise
            session, errors = log_in(), 0


@verifies("R1939-3-CMD-SYNTAX-11")
@any_maildrop(least=1)
@pytest.mark.parametrize("count", BAD_LINE_COUNTS.values(), ids=BAD_LINE_COUNTS)
def test_a_bad_number_of_lines(transaction: Session, count: str) -> None:
    """TOP 1 with something that is no number of lines is answered -ERR.

    "+1" is a warning, as in a message-number, and so is nothing behind the space: some read 0 there.
    """
    at_most = Verdict.WARN if count in ("+1", "") else Verdict.FAIL
    reply = transaction.command(f"TOP 1 {count}")
    stat_after_refusal(transaction)
    expect_that("-ERR", reply.status_line, reply.is_err, at_most=at_most)


@verifies("R1939-3-CMD-SYNTAX-12")
@any_maildrop(least=2)
@pytest.mark.parametrize("line", SUPERFLUOUS.values(), ids=SUPERFLUOUS)
def test_a_superfluous_argument(transaction: Session, line: str) -> None:
    """A command with an argument too many: -ERR is right; +OK is a warning, since the RFC can be read that way too."""
    before = transaction.stat()
    reply = transaction.command(line)
    expect("the drop listing afterwards", stat_after_refusal(transaction), before)
    expect_that("-ERR", reply.status_line, reply.is_err, at_most=Verdict.WARN)


@verifies("R1939-3-CMD-SYNTAX-12")
@maildrop(three_messages)
@deletes
def test_dele_takes_one_message_number(transaction: Session) -> None:
    """DELE 1 2 never marks message 2. To refuse it is right, to mark message 1 alone is a warning."""
    reply = transaction.command("DELE 1 2")
    expect("the count in the drop listing", stat_after_refusal(transaction).count, 2 if reply.is_ok else 3)
    transaction.command("LIST 2").ok()
    expect_that("-ERR", reply.status_line, reply.is_err, at_most=Verdict.WARN)


@verifies("R1939-3-CMD-SYNTAX-12", "R1939-3-CMD-SYNTAX-14")
@maildrop(three_messages)
@deletes
def test_quit_with_an_argument_is_no_half_quit(transaction: Session, log_in: LogIn) -> None:
    """After DELE 1, QUIT x is either refused, with session and mark as they were, or a QUIT in full: a warning."""
    transaction.dele(1).ok()
    reply = transaction.command("QUIT x")
    if reply.is_err:
        expect("the count in the drop listing", stat_after_refusal(transaction).count, 2)
        return
    transaction.close()
    expect("the count in the next session's drop listing", log_in().stat().count, 2)
    expect_that("-ERR", reply.status_line, reply.is_err, "R1939-3-CMD-SYNTAX-12", Verdict.WARN)


@verifies("R1939-3-CMD-SYNTAX-13")
def test_an_empty_line_before_login(connection: Session, judge: Judge) -> None:
    """CRLF alone is no command: -ERR in the AUTHORIZATION state. A server that ignores it gets a warning."""
    send_an_empty_line(connection, judge)
    expect_in_step(connection)


@verifies("R1939-3-CMD-SYNTAX-13")
def test_an_empty_line_after_login(transaction: Session, judge: Judge) -> None:
    """CRLF alone is no command: -ERR in the TRANSACTION state. A server that ignores it gets a warning."""
    before = transaction.stat()
    send_an_empty_line(transaction, judge)
    expect("the drop listing afterwards", stat_after_refusal(transaction), before)


def send_an_empty_line(session: Session, judge: Judge) -> None:
    """Send CRLF, and expect -ERR, or silence on an open connection, which is a warning."""
    try:
        session.command("").err()
    except NoReplyError as error:
        if is_closed(session):
            raise
        judge.deviates("-ERR in reply to an empty line", error.observed, at_most=Verdict.WARN)


# -- and what a refusal leaves as it was ------------------------------------------------------------------------------


@verifies("R1939-3-CMD-SYNTAX-14", "R1939-6-UPDATE-05")
@maildrop(three_messages)
@deletes
@pytest.mark.parametrize("line", REFUSED.values(), ids=REFUSED)
def test_a_refused_command_changes_nothing(transaction: Session, log_in: LogIn, line: str) -> None:
    """After DELE 1 a command is refused: message 1 stays marked, the others stay unmarked, the session goes on.

    It is refused once more right before QUIT, which removes message 1 all the same: the next session shows two.
    """
    transaction.dele(1).ok()
    before = transaction.stat()
    transaction.command(line).err()
    expect("the drop listing afterwards", stat_after_refusal(transaction), before)
    expect("the numbers in LIST, sorted", sorted(transaction.list().numbers), [2, 3])
    transaction.command(line).err()
    update(transaction)
    expect("the count in the next session's drop listing", log_in().stat().count, 2)


@verifies("R1939-3-CMD-SYNTAX-14")
def test_login_works_after_a_refused_command(
    connect: Connect, account: Account, bench: Bench, words: Iterator[str]
) -> None:
    """An unknown command before login is answered -ERR, and the login that follows is answered +OK."""

    def attempt(session: Session) -> Reply:
        session.command(next(words)).err()
        try:
            return bench.target.authenticate(session, account)
        except NoReplyError as error:
            if is_closed(session):
                error.at_most = Verdict.WARN
            raise

    patiently(connect, attempt)
