"""Logging in by USER and PASS (RFC 1939 section 7)."""

import re
from collections.abc import Callable

import pytest

from conformance.checks.closing import unless_closed
from conformance.checks.failed_login import fail_to_log_in
from conformance.checks.patience import patiently
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import Message, five_messages, three_messages
from conformance.maildrop.keeper import Maildrop
from conformance.marks import deletes, maildrop, two_accounts, verifies
from conformance.plugin.bench import Bench
from conformance.plugin.failed_logins import FailedLogins
from conformance.plugin.fixtures import Connect, LogIn
from conformance.plugin.judging import Judge
from conformance.profile import Account
from conformance.target import until_accepted
from conformance.verdict import BenchError, NotApplicable, NotRun, Verdict
from conformance.wire.reply import Reply
from conformance.wire.session import Session

Alter = Callable[[str], str]
"""From a password to another one."""

WRONG_PASSWORDS: dict[str, Alter] = {
    "another_one": lambda password: f"not-{password[::-1]}",
    "an_empty_one": lambda _: "",
    "without_its_last_character": lambda password: password[:-1],
    "with_a_character_more": lambda password: f"{password}x",
    "with_upper_and_lower_case_swapped": str.swapcase,
    "with_another_last_character": lambda password: password[:-1] + _another(password[-1:]),
    "with_another_first_character": lambda password: _another(password[:1]) + password[1:],
    "behind_a_space": lambda password: f" {password}",
    "with_a_space_behind_it": lambda password: f"{password} ",
}

WITH_A_SPACE_MORE = {WRONG_PASSWORDS[name] for name in ("behind_a_space", "with_a_space_behind_it")}
"""What a server that takes spaces for separators may see no password in but the right one."""

CUT_AT_SPACES: dict[str, Alter] = {
    "its_first_word": lambda password: password.split()[0],
    "without_spaces_before_and_after": str.strip,
    "without_spaces_before": str.lstrip,
    "without_spaces_after": str.rstrip,
    "with_single_spaces": lambda password: re.sub(" +", " ", password),
    "without_spaces": lambda password: password.replace(" ", ""),
    "with_another_word_behind_it": lambda password: f"{password} x",
}
"""What becomes of a password that is cut or mended at its spaces."""

LENIENT_CUTS = {
    CUT_AT_SPACES[name]
    for name in (
        "without_spaces_before_and_after",
        "without_spaces_before",
        "without_spaces_after",
        "with_single_spaces",
        "with_another_word_behind_it",
    )
}
"""What a server that splits lines at spaces may make of the password that it gets, and of the one that it knows."""

PLACES_OF_SPACES = {"inside": r"\S +\S", "before": r"^ ", "after": r" $"}

IN_BETWEEN = (
    pytest.param("CAPA", id="CAPA"),
    pytest.param("NOOP", id="NOOP"),
    pytest.param("XYZZY", id="an_unknown_command"),
    pytest.param("USER", id="a_refused_USER", marks=verifies("R1939-7-PASS-02")),
)


# -- USER -------------------------------------------------------------------------------------------------------------


@verifies("R1939-7-USER-01")
@pytest.mark.parametrize("line", ["USER", "USER "], ids=["nothing", "only_a_space"])
def test_user_without_a_name_is_refused(connection: Session, line: str) -> None:
    """USER without an argument is answered -ERR.

    A space with nothing behind it can be read as an empty name; +OK to that is a warning.
    """
    reply = connection.command(line)
    expect_that("-ERR", reply, reply.is_err, at_most=Verdict.WARN if line.endswith(" ") else Verdict.FAIL)


@verifies("R1939-7-USER-03")
def test_user_after_login(log_in: LogIn, pass_account: Account) -> None:
    """USER in the TRANSACTION state, with the name that is logged in, is answered -ERR."""
    log_in(pass_account).user(pass_account.user).err()


@verifies("R1939-7-USER-03", "R1939-4-STATE-04")
def test_user_after_a_failed_pass(connect: Connect, pass_account: Account, failed_logins: FailedLogins) -> None:
    """USER and a wrong PASS, then USER and the right PASS: the session starts again and gets its login."""

    def attempt(session: Session) -> Reply:
        fail_to_log_in(session, pass_account, failed_logins).err()
        with unless_closed(session):
            return _user_and_pass(session, pass_account)

    patiently(connect, attempt)


@verifies("R1939-7-USER-03", "R1939-7-PASS-04")
@two_accounts
@deletes
def test_user_after_user(connection: Session, bench: Bench, judge: Judge) -> None:
    """USER of one account, then USER and PASS of another: it is not the maildrop of the first that opens.

    USER after a successful USER is not among what the RFC lists: it may replace the name, or be refused.
    """
    first, second = _two_pass_accounts(bench)
    _seed(bench, first, five_messages)
    _seed(bench, second, three_messages)
    connection.user(first.user).ok()
    with unless_closed(connection):
        connection.user(second.user)
        replaced = connection.pass_(second.secret()).is_ok
    judge.observe("USER after a successful USER", "replaces the name" if replaced else "does not replace the name")
    if replaced:
        expect("messages in the maildrop of the second", connection.stat().count, 3, requirement="R1939-7-PASS-04")


@verifies("R1939-7-USER-04")
def test_quit_after_user(connection: Session, pass_account: Account) -> None:
    """After USER and its +OK the client may send QUIT in place of PASS: +OK."""
    connection.user(pass_account.user).ok()
    connection.quit().ok()


@verifies("R1939-7-USER-05", "R1939-4-STATE-04")
@pytest.mark.parametrize("then", ["login", "QUIT"])
@pytest.mark.parametrize("refused", ["without_a_name", "of_an_unknown_name"])
def test_after_a_refused_user(
    connect: Connect, pass_account: Account, unknown_user: str, refused: str, then: str
) -> None:
    """After a USER that was answered -ERR both a whole login and QUIT are answered +OK."""

    def attempt(session: Session) -> Reply:
        reply = session.command("USER" if refused == "without_a_name" else f"USER {unknown_user}")
        if not reply.is_err:
            raise NotApplicable(f"USER {refused.replace('_', ' ')} is not refused")
        with unless_closed(session):
            return _user_and_pass(session, pass_account) if then == "login" else session.quit()

    patiently(connect, attempt)


# -- PASS -------------------------------------------------------------------------------------------------------------


@verifies("R1939-7-PASS-06", "R1939-4-LOCK-03", "R1939-7-USER-06", "R1939-A-USER-01")
def test_the_right_password_logs_in(connect: Connect, pass_account: Account, bench: Bench, judge: Judge) -> None:
    """USER and PASS are answered +OK, and STAT is answered in the session that they open.

    A server need not have USER and PASS, nor take them on every channel; that it does is recorded. An account of the
    profile that no command logs in is an error of the bench.
    """
    session, reply = until_accepted(connect, lambda session: _user_and_pass(session, pass_account))
    expect_that("+OK to the right password", reply, reply.is_ok, "R1939-4-LOCK-03")
    reply = session.command("STAT")
    expect_that("+OK to STAT after it", reply, reply.is_ok, "R1939-7-PASS-06")
    judge.observe("USER and PASS", f"log in, transport {bench.target.transport}")
    if bench.facts.refused:
        raise BenchError("; ".join(bench.facts.refused.values()))


@verifies("R1939-7-PASS-01")
def test_pass_without_a_password_is_refused(
    connection: Session, pass_account: Account, failed_logins: FailedLogins
) -> None:
    """USER, then PASS without an argument, is answered -ERR."""
    failed_logins.spend(pass_account)
    connection.user(pass_account.user).ok()
    connection.command("PASS").err()


@verifies("R1939-7-PASS-02", "R1939-A-PASS-01")
def test_pass_without_user(connection: Session, pass_account: Account) -> None:
    """PASS as the first command, with the password of an account, is answered -ERR."""
    connection.pass_(pass_account.secret()).err()


@verifies("R1939-7-PASS-02", "R1939-A-PASS-01")
def test_pass_after_a_refused_user(connection: Session, pass_account: Account) -> None:
    """PASS with the password of an account, after a USER that was refused because it has no name: -ERR."""
    if not connection.command("USER").is_err:
        raise NotApplicable("USER without a name is not refused")
    with unless_closed(connection):
        connection.pass_(pass_account.secret()).err()


@verifies("R1939-7-PASS-02", "R1939-A-PASS-01")
def test_pass_after_a_failed_pass(connection: Session, pass_account: Account, failed_logins: FailedLogins) -> None:
    """USER, a wrong PASS, then the right one is answered -ERR: the command before it is no USER.

    Section 4 lets the client "start again" after a failure, which is with USER.
    """
    failed_logins.spend(pass_account)
    fail_to_log_in(connection, pass_account, failed_logins).err()
    with unless_closed(connection):
        connection.pass_(pass_account.secret()).err()


@verifies("R1939-7-PASS-03")
@pytest.mark.parametrize("line", IN_BETWEEN)
def test_pass_after_another_command(
    connection: Session, pass_account: Account, failed_logins: FailedLogins, line: str
) -> None:
    """USER, another command, then the right PASS is answered -ERR, since PASS comes "immediately after" USER.

    +OK is a warning: many servers remember the name, and some clients send CAPA there.
    """
    failed_logins.spend(pass_account)
    connection.user(pass_account.user).ok()
    connection.command(line)
    with unless_closed(connection):
        reply = connection.pass_(pass_account.secret())
    expect_that("-ERR to PASS", reply, reply.is_err, at_most=Verdict.WARN)


@verifies("R1939-7-PASS-07", "R1939-7-PASS-04")
@pytest.mark.parametrize("wrong", WRONG_PASSWORDS.values(), ids=WRONG_PASSWORDS)
def test_a_wrong_password_is_refused(
    connection: Session, pass_account: Account, failed_logins: FailedLogins, wrong: Alter
) -> None:
    """USER, then PASS with what is not quite the password of that account, is answered -ERR.

    To take no notice of a space before or behind the password is a warning: if spaces separate arguments, they are not
    part of it.
    """
    password = wrong(pass_account.secret())
    if password == pass_account.secret():
        raise NotApplicable("the password has no letters")
    failed_logins.spend(pass_account)
    connection.user(pass_account.user).ok()
    reply = connection.pass_(password)
    expect_that("-ERR", reply, reply.is_err, at_most=Verdict.WARN if wrong in WITH_A_SPACE_MORE else Verdict.FAIL)


@verifies("R1939-7-PASS-07")
def test_a_wrong_password_stays_wrong(connection: Session, pass_account: Account, failed_logins: FailedLogins) -> None:
    """USER and a wrong PASS three times over one connection: each PASS is answered -ERR, unless the server closes."""
    fail_to_log_in(connection, pass_account, failed_logins).err()
    for _ in range(2):
        with unless_closed(connection):
            fail_to_log_in(connection, pass_account, failed_logins).err()


@verifies("R1939-7-PASS-04", "R1939-7-PASS-07")
@two_accounts
def test_the_password_of_another_account_is_refused(
    connection: Session, pass_account: Account, bench: Bench, failed_logins: FailedLogins
) -> None:
    """USER of one account, then PASS with the password of another, is answered -ERR."""
    others = [account for account in bench.profile.accounts if account.secret() != pass_account.secret()]
    if not others:
        raise NotRun("needs another account, with another password")
    failed_logins.spend(pass_account)
    connection.user(pass_account.user).ok()
    connection.pass_(others[0].secret()).err()


@verifies("R1939-7-PASS-04")
@maildrop(five_messages)
@two_accounts
def test_each_account_opens_its_own_maildrop(log_in: LogIn, drop: Maildrop, other_drop: Maildrop) -> None:
    """Of two accounts one has five messages and the other three: after a login STAT counts those of its user."""
    first = log_in(drop.account)
    expect("messages of the first", first.stat().count, 5)
    first.leave()
    expect("messages of the second", log_in(other_drop.account).stat().count, 3)


@verifies("R1939-7-PASS-05")
def test_another_word_behind_the_password(
    connection: Session, pass_account: Account, failed_logins: FailedLogins
) -> None:
    """USER, then PASS with the password, a space and another word, is answered -ERR.

    If the space belongs to the password, this is not the right one; if it separates two arguments, there is one too
    many, and to overlook that is a warning, as it is with other commands.
    """
    failed_logins.spend(pass_account)
    connection.user(pass_account.user).ok()
    reply = connection.pass_(f"{pass_account.secret()} x")
    expect_that("-ERR", reply, reply.is_err, at_most=Verdict.WARN)


@verifies("R1939-7-PASS-05")
@pytest.mark.parametrize("pattern", PLACES_OF_SPACES.values(), ids=PLACES_OF_SPACES)
def test_a_password_may_have_spaces(connect: Connect, bench: Bench, judge: Judge, pattern: str) -> None:
    """USER, then PASS with a password that has spaces: +OK.

    The RFC says "may": a server that takes them for separators refuses the login, which is no more than recorded.
    """
    account = next((account for account in bench.spaced_accounts if re.search(pattern, account.secret())), None)
    if account is None:
        raise NotRun("needs an account whose password has spaces in that place")
    session = _named(connect, account)
    reply = session.pass_(account.secret())
    if not reply.is_ok:
        judge.deviates("+OK, where passwords may have spaces", str(reply), at_most=Verdict.INFO)


@verifies("R1939-7-PASS-05", "R1939-7-PASS-07")
@pytest.mark.parametrize("cut", CUT_AT_SPACES.values(), ids=CUT_AT_SPACES)
def test_a_password_with_spaces_counts_as_a_whole(
    connect: Connect, bench: Bench, failed_logins: FailedLogins, cut: Alter
) -> None:
    """For each account whose password has spaces: PASS with only a part of it, or with more, is answered -ERR.

    A server need not have such passwords; one that lets a part of them in has weaker ones than its users think. To
    take more spaces than one for one, none at the ends into account, or no notice of a further word, is a warning.
    """
    wrong = {account.user: cut(account.secret()) for account in bench.spaced_accounts}
    accounts = [account for account in bench.spaced_accounts if wrong[account.user] != account.secret()]
    if not accounts:
        raise NotRun("needs an account whose password has spaces that make a difference here")
    for account in accounts:
        failed_logins.spend(account)
        session = _named(connect, account)
        reply = session.pass_(wrong[account.user])
        expect_that("-ERR", reply, reply.is_err, at_most=Verdict.WARN if cut in LENIENT_CUTS else Verdict.FAIL)
        session.leave()


def _another(character: str) -> str:
    return "y" if character == "x" else "x"


def _user_and_pass(session: Session, account: Account) -> Reply:
    session.user(account.user).ok()
    return session.pass_(account.secret())


def _named(connect: Connect, account: Account) -> Session:
    """Return a session in which USER has named the account. Raises `NotApplicable` where USER is refused."""
    session = connect()
    if session.user(account.user).is_err:
        raise NotApplicable("USER is refused")
    return session


def _two_pass_accounts(bench: Bench) -> tuple[Account, Account]:
    commands = bench.facts.login_commands
    accounts = [account for account in bench.keeper.accounts if commands[account.user] == "PASS"]
    if len(accounts) < 2:
        raise NotRun("needs two accounts that log in by USER and PASS")
    return accounts[0], accounts[1]


def _seed(bench: Bench, account: Account, messages: tuple[Message, ...]) -> None:
    drop = bench.keeper.of(account)
    if not drop.can_be_seeded:
        raise NotRun("needs disposable accounts with a seeder")
    drop.fill(messages)
