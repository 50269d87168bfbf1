"""The states of a session, and which command is answered in which (RFC 1939 sections 3, 4, 5, 7 and 9)."""

import pytest

from conformance.checks.aftermath import is_closed
from conformance.checks.closing import unless_closed
from conformance.checks.failed_login import WRONG_PASSWORD, fail_to_log_in
from conformance.checks.patience import patiently
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import one_message, three_messages
from conformance.maildrop.keeper import Maildrop
from conformance.marks import any_maildrop, deletes, maildrop, two_accounts, verifies
from conformance.plugin.bench import Bench
from conformance.plugin.failed_logins import FailedLogins
from conformance.plugin.fixtures import Connect, LogIn
from conformance.plugin.judging import Judge
from conformance.profile import Account
from conformance.target import Facts
from conformance.verdict import NotApplicable, NotRun
from conformance.wire.reply import Reply
from conformance.wire.session import NoReplyError, Session

_reveals = verifies("R1939-3-STATE-02", "R1939-4-STATE-01")

TRANSACTION_ONLY = (
    pytest.param("STAT", marks=(_reveals, verifies("R1939-5-STAT-02")), id="STAT"),
    pytest.param("LIST", marks=(_reveals, verifies("R1939-5-LIST-02")), id="LIST"),
    pytest.param("LIST 1", marks=(_reveals, verifies("R1939-5-LIST-02")), id="LIST_n"),
    pytest.param("RETR 1", marks=_reveals, id="RETR"),
    pytest.param("DELE 1", marks=(_reveals, deletes), id="DELE"),
    pytest.param("NOOP", id="NOOP"),
    pytest.param("RSET", id="RSET"),
    pytest.param("TOP 1 0", marks=_reveals, id="TOP"),
    pytest.param("UIDL", marks=(_reveals, verifies("R1939-7-UIDL-02")), id="UIDL"),
)
"""Commands that are refused before login; those that need the maildrop must not show or touch it either."""

AUTHORIZATION_ONLY = {
    "USER": "USER {user}",
    "USER_of_another_name": "USER somebody-else",
    "PASS": "PASS " + WRONG_PASSWORD,
    "APOP": "APOP {user} " + "0" * 32,
    "AUTH": "AUTH PLAIN",
    "AUTH_without_mechanism": "AUTH",
    "STLS": "STLS",
    "UTF8": "UTF8",
}

MINIMAL = (
    pytest.param("STAT", id="STAT"),
    pytest.param("LIST", id="LIST"),
    pytest.param("LIST 1", id="LIST_n"),
    pytest.param("RETR 1", id="RETR"),
    pytest.param("DELE 1", marks=deletes, id="DELE"),
    pytest.param("NOOP", id="NOOP"),
    pytest.param("RSET", id="RSET"),
    pytest.param("QUIT", id="QUIT"),
)
"""What every server supports in the TRANSACTION state (section 7)."""


# -- the AUTHORIZATION state ------------------------------------------------------------------------------------------


@verifies("R1939-3-STATE-05", "R1939-3-STATE-01")
@any_maildrop(least=1)
@pytest.mark.usefixtures("drop")
@pytest.mark.parametrize("line", TRANSACTION_ONLY)
def test_refused_before_login(connection: Session, line: str) -> None:
    """A command of the TRANSACTION state is answered -ERR right after the greeting."""
    connection.command(line).err()


@verifies("R1939-3-STATE-05")
@any_maildrop(least=1)
@pytest.mark.parametrize("line", TRANSACTION_ONLY)
def test_refused_after_user(connection: Session, account: Account, line: str) -> None:
    """A command of the TRANSACTION state is answered -ERR between USER and PASS: a name identifies nobody."""
    if not connection.user(account.user).is_ok:
        raise NotApplicable("USER is refused")
    connection.command(line).err()


@verifies("R1939-3-STATE-05", "R1939-3-STATE-02", "R1939-4-STATE-01")
@any_maildrop(least=1)
@pytest.mark.parametrize("line", ["STAT", "RETR 1"], ids=["STAT", "RETR"])
def test_refused_after_a_failed_login(
    connection: Session, account: Account, failed_logins: FailedLogins, line: str
) -> None:
    """After a wrong password a command of the TRANSACTION state is answered -ERR; the server may also close."""
    fail_to_log_in(connection, account, failed_logins)
    try:
        connection.command(line).err()
    except NoReplyError:
        if not is_closed(connection):
            raise


@verifies("R1939-3-STATE-07")
def test_pass_without_user(connection: Session) -> None:
    """PASS right after the greeting is answered -ERR."""
    connection.pass_(WRONG_PASSWORD).err()


@verifies("R1939-3-STATE-07")
def test_pass_without_user_even_if_the_password_is_right(connection: Session, account: Account) -> None:
    """PASS with the password of an account, and without its name, is answered -ERR."""
    connection.pass_(account.secret()).err()


@verifies("R1939-3-STATE-07")
def test_pass_after_a_refused_user(connection: Session) -> None:
    """PASS after a USER without a name, which is refused, is answered -ERR."""
    if not connection.command("USER").is_err:
        raise NotRun("needs a USER that is refused")
    connection.pass_(WRONG_PASSWORD).err()


# -- from AUTHORIZATION to TRANSACTION --------------------------------------------------------------------------------


@verifies("R1939-3-STATE-03", "R1939-4-STATE-02", "R1939-9-STATE-01")
def test_a_login_leads_to_the_transaction_state(
    transaction: Session, facts: Facts, account: Account, judge: Judge
) -> None:
    """After a login, by whatever command the server has for it, STAT is answered +OK."""
    judge.observe("login", facts.login_commands[account.user])
    transaction.command("STAT").ok()


@verifies("R1939-4-STATE-03")
@maildrop(three_messages)
@deletes
def test_a_session_starts_without_marks(log_in: LogIn) -> None:
    """DELE 1, and the connection breaks off: in the next session STAT counts, and LIST shows, all messages."""
    first = log_in()
    first.dele(1).ok()
    first.close()
    second = log_in()
    expect("the count in the drop listing", second.stat().count, 3)
    expect("the numbers in LIST, sorted", sorted(second.list().numbers), [1, 2, 3])


@verifies("R1939-4-STATE-04")
def test_login_after_a_failed_login(
    connect: Connect, account: Account, bench: Bench, failed_logins: FailedLogins
) -> None:
    """After a wrong password the right one logs in, over the same connection unless the server has closed it."""

    def attempt(session: Session) -> Reply:
        fail_to_log_in(session, account, failed_logins)
        with unless_closed(session):
            return bench.target.authenticate(session, account)

    patiently(connect, attempt).command("STAT").ok()


@verifies("R1939-4-STATE-05")
@maildrop(one_message)
@two_accounts
def test_a_failed_login_leaves_nothing_of_its_user(
    connect: Connect, account: Account, other_drop: Maildrop, bench: Bench, failed_logins: FailedLogins
) -> None:
    """A wrong password for one user, who has one message; then another user, who has three, logs in and has three."""

    def attempt(session: Session) -> Reply:
        fail_to_log_in(session, account, failed_logins)
        with unless_closed(session):
            return bench.target.authenticate(session, other_drop.account)

    expect("the count in the drop listing", patiently(connect, attempt).stat().count, 3)


# -- the TRANSACTION state --------------------------------------------------------------------------------------------


@verifies("R1939-5-STATE-02", "R1939-7-STATE-01", "R1939-9-STATE-01")
@any_maildrop(least=1)
@pytest.mark.parametrize("line", MINIMAL)
def test_accepted_after_login(transaction: Session, line: str) -> None:
    """A command that every server has is answered +OK in the TRANSACTION state."""
    transaction.command(line).ok()


@verifies("R1939-3-STATE-06")
@any_maildrop(least=1)
@pytest.mark.parametrize("line", AUTHORIZATION_ONLY.values(), ids=AUTHORIZATION_ONLY)
def test_refused_after_login(transaction: Session, account: Account, line: str) -> None:
    """A command of the AUTHORIZATION state is answered -ERR after login, as if it were unknown or because of the state.

    The session goes on as it was: same state, same maildrop.
    """
    before = transaction.stat()
    transaction.command(line.format(user=account.user)).err()
    after = transaction.command("STAT")
    expect_that("+OK in reply to STAT afterwards", after.status_line, after.is_ok)
    expect("the drop listing afterwards", transaction.stat(), before)


@verifies("R1939-5-STATE-01")
@any_maildrop(least=2)
def test_commands_can_be_repeated_in_any_order(transaction: Session, facts: Facts) -> None:
    """RETR, STAT, LIST and the others are given in one order, then in the reverse: each says the same again.

    The lines of LIST and UIDL may come in another order, since none is stated (section 5).
    """
    optional = ("TOP 1 0",) * facts.top + ("UIDL",) * facts.uidl
    lines = ("RETR 2", "STAT", "LIST", "NOOP", "LIST 1", "RETR 1", "LIST 2", *optional, "RSET")
    first = {line: transaction.command(line) for line in lines}
    again = {line: transaction.command(line) for line in reversed(lines)}
    for line in lines:
        expect(f"the status of {line}", again[line].indicator, first[line].indicator)
        expect(f"the content of {line}", _content(again[line], line), _content(first[line], line))
    for line in ("STAT", "LIST 1", "LIST 2"):
        expect(f"the data of {line}", again[line].text, first[line].text)


def _content(reply: Reply, line: str) -> bytes | None:
    """Return the content of a reply; that of a listing with its lines sorted, whose order is the server's choice."""
    if line not in ("LIST", "UIDL") or reply.content is None:
        return reply.content
    return b"".join(sorted(reply.content.splitlines(keepends=True)))


# -- from TRANSACTION to UPDATE ---------------------------------------------------------------------------------------


@verifies("R1939-3-STATE-04")
@maildrop(three_messages)
@deletes
def test_quit_leads_to_the_update_state(log_in: LogIn) -> None:
    """DELE 1, then QUIT: in the next session the message is gone, the two others are there."""
    first = log_in()
    first.dele(1).ok()
    first.quit().ok()
    first.close()
    expect("the count in the next session's drop listing", log_in().stat().count, 2)
