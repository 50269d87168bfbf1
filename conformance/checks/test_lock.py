"""The exclusive-access lock on a maildrop, and sessions side by side (RFC 1939 section 4)."""

from collections.abc import Mapping
from hashlib import sha256

import pytest

from conformance.checks.aftermath import is_closed
from conformance.checks.failed_login import fail_to_log_in
from conformance.checks.listings import listings
from conformance.checks.patience import patiently
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import five_messages, three_messages
from conformance.maildrop.keeper import Maildrop
from conformance.marks import any_maildrop, deletes, maildrop, two_accounts, verifies
from conformance.plugin.bench import Bench
from conformance.plugin.failed_logins import FailedLogins
from conformance.plugin.fixtures import Connect, LogIn
from conformance.plugin.judging import Judge
from conformance.profile import Account
from conformance.target import LOCK_RELEASE, Facts
from conformance.verdict import BenchError, Deviation, NotApplicable, Verdict
from conformance.wire.reply import Reply
from conformance.wire.session import NoReplyError, Session


@verifies("R1939-4-LOCK-02", "R1939-7-PASS-08", "R1939-4-LOCK-04")
@any_maildrop(least=0)
def test_a_second_login_is_refused(
    transaction: Session, connection: Session, account: Account, bench: Bench, judge: Judge
) -> None:
    """While a session is open another login of its user is answered -ERR, and the first session goes on.

    The lock is there "as necessary" to protect the messages, and a server may do that in another way: +OK is a
    warning, if a session follows it, and so is the end of the first session after it. It may also let the second
    login wait for the lock, which is recorded, if the first session goes on and the wait ends with it.
    """
    reply = _second_login(connection, account, bench)
    if reply is None:
        judge.observe("a second login of a user", "waits for the end of the first session")
        transaction.noop().ok()
        transaction.quit()
        connection.reply(within=LOCK_RELEASE)
        return
    refusal = "refused with [IN-USE]" if reply.text.upper().startswith(b"[IN-USE]") else "refused"
    judge.observe("a second login of a user", "accepted" if reply.is_ok else refusal)
    if reply.is_ok:
        judge.deviates("-ERR to the second login", str(reply), "R1939-4-LOCK-02")
        stat = connection.command("STAT")
        expect_that("+OK to STAT after +OK to the login", stat, stat.is_ok, "R1939-7-PASS-08")
    try:
        transaction.noop()
    except NoReplyError as error:
        error.requirement = "R1939-4-LOCK-02" if reply.is_ok else "R1939-4-LOCK-07"
        raise


@verifies("R1939-4-LOCK-01")
@maildrop(three_messages)
@deletes
def test_no_other_session_removes_messages(
    transaction: Session, connection: Session, account: Account, bench: Bench, facts: Facts
) -> None:
    """A second session, if there can be one, deletes all messages and ends: the first one sees what it saw before.

    Numbers, sizes, unique-ids and contents of the messages stay as they are until its own end. A server that ends
    the first session instead is not told off for more than that, which is a warning.
    """
    before = _view(transaction, facts)
    reply = _second_login(connection, account, bench)
    if reply is None or not reply.is_ok:
        return
    for number in (1, 2, 3):
        connection.dele(number)
    connection.quit()
    connection.read_to_eof()
    try:
        after = _view(transaction, facts)
    except NoReplyError as error:
        if transaction.at_eof:
            error.at_most = Verdict.WARN
        raise
    expect("the maildrop in the first session", after, before)


@verifies("R1939-4-LOCK-07")
@any_maildrop(least=0)
def test_every_further_login_is_refused(
    log_in: LogIn, connect: Connect, account: Account, bench: Bench, failed_logins: FailedLogins
) -> None:
    """A server that refuses a second login for the lock refuses all that follow, by PASS and by APOP, until QUIT.

    Two more attempts on the connection that was refused, where the server leaves it open, count as much as others.
    Neither a refused login nor USER alone breaks the lock when its connection ends. After QUIT of the first session
    the next login works.
    """
    first = log_in()
    _need_refusal(second := connect(), account, bench)
    _insist(second, account, bench)
    third = connect()
    expect_that("-ERR to a third login", reply := bench.target.authenticate(third, account), reply.is_err)
    second.leave()
    third.leave()
    hesitant = connect()
    hesitant.user(account.user)
    hesitant.leave()
    fourth = connect()
    expect_that("-ERR to a fourth login", reply := bench.target.authenticate(fourth, account), reply.is_err)
    fourth.leave()
    if bench.facts.timestamp is not None:
        failed_logins.spend(account)
        expect_that("-ERR to a login by APOP", reply := bench.target.apop(connect(), account), reply.is_err)
    first.noop().ok()
    first.quit()
    first.read_to_eof()
    _logged_in(log_in, account)


@verifies("R1939-4-LOCK-07")
@maildrop(three_messages)
@deletes
def test_the_lock_outlives_the_commands_of_its_session(
    transaction: Session, connect: Connect, account: Account, bench: Bench
) -> None:
    """DELE 1, RSET, RETR 1, DELE 3 and RETR 4 of three messages, which is refused: other logins are refused as before.

    Only a server that refuses a second login before them is judged, and only while it has the first session open.
    """
    _need_refusal(second := connect(), account, bench)
    second.leave()
    for command in ("DELE 1", "RSET", "RETR 1", "DELE 3", "RETR 4", "NOOP"):
        transaction.command(command)
    third = connect()
    expect_that("-ERR to another login", reply := bench.target.authenticate(third, account), reply.is_err)


@verifies("R1939-4-LOCK-07")
@any_maildrop(least=0)
def test_a_wrong_password_does_not_break_the_lock(
    log_in: LogIn, connect: Connect, account: Account, bench: Bench, failed_logins: FailedLogins
) -> None:
    """Where a second login is refused for the lock, so is one that comes after a login with a wrong password."""
    log_in()
    _need_refusal(second := connect(), account, bench)
    second.leave()
    fail_to_log_in(guesser := connect(), account, failed_logins).err()
    guesser.leave()
    third = connect()
    expect_that("-ERR to another login", reply := bench.target.authenticate(third, account), reply.is_err)


@verifies("R1939-4-LOCK-07")
def test_apop_respects_the_lock(
    log_in: LogIn, connect: Connect, pass_account: Account, apop_account: Account, bench: Bench
) -> None:
    """Where a second login by PASS is refused for the lock, so is a second login of an account that uses APOP."""
    log_in(pass_account)
    _need_refusal(second := connect(), pass_account, bench)
    second.leave()
    if apop_account != pass_account:
        log_in(apop_account)
    bench.target.apop(connect(), apop_account).err()


@verifies("R1939-4-LOCK-06")
@any_maildrop(least=0)
@pytest.mark.parametrize("refused", ["for_its_password", "for_the_lock"])
def test_a_refused_login_leaves_no_lock(
    log_in: LogIn, connect: Connect, account: Account, bench: Bench, failed_logins: FailedLogins, refused: str
) -> None:
    """A login is refused, and its connection stays open: the right login works on another one, within five seconds.

    If the password was wrong, from then on; otherwise from the end of the session that had the lock.
    """
    if refused == "for_its_password":
        fail_to_log_in(connect(), account, failed_logins).err()
        _logged_in(log_in, account)
    else:
        first = log_in()
        _need_refusal(connect(), account, bench)
        first.quit()
        first.read_to_eof()
        _logged_in(log_in, account)


@verifies("R1939-4-LOCK-05")
@maildrop(three_messages)
@two_accounts
@deletes
def test_sessions_of_two_users(log_in: LogIn, drop: Maildrop, other_drop: Maildrop, facts: Facts) -> None:
    """Two users are logged in at once; DELE 1, and then QUIT, of the one changes nothing for the other."""
    first = log_in(drop.account)
    second = _logged_in(log_in, other_drop.account)
    before = _view(second, facts)
    first.dele(1).ok()
    expect("the maildrop of the other user after DELE 1", _view(second, facts), before)
    first.quit()
    first.read_to_eof()
    expect("the maildrop of the other user after QUIT", _view(second, facts), before)


@verifies("R1939-4-LOCK-05", "R1939-6-UPDATE-03", "R1939-6-UPDATE-09")
@maildrop(five_messages)
@two_accounts
@deletes
def test_quit_removes_only_what_its_own_session_has_marked(log_in: LogIn, drop: Maildrop, other_drop: Maildrop) -> None:
    """One user has sent DELE 1 when another, who has marked nothing, sends QUIT; then the first one breaks off.

    No QUIT confirms that DELE, so both users still have all their messages.
    """
    marking = log_in(other_drop.account)
    marking.dele(1).ok()
    quitting = _logged_in(log_in, drop.account)
    quitting.quit()
    quitting.read_to_eof()
    marking.close()
    count = log_in(drop.account).stat().count
    expect("messages of the user who sent QUIT", count, len(five_messages))
    count = log_in(other_drop.account).stat().count
    expect("messages of the user who broke off", count, len(three_messages))


@verifies("R1939-4-LOCK-05", "R1939-7-PASS-04")
@maildrop(five_messages)
@two_accounts
@deletes
def test_names_of_two_connections_are_not_mixed_up(
    connect: Connect, drop: Maildrop, other_drop: Maildrop, facts: Facts
) -> None:
    """USER of one account, USER of another on a second connection, then PASS on the first: its own maildrop opens."""
    drops = sorted((drop, other_drop), key=lambda candidate: facts.login_commands[candidate.account.user] != "PASS")
    mine, other = (candidate.account for candidate in drops)
    if facts.login_commands[mine.user] != "PASS":
        raise NotApplicable("neither account logs in by USER and PASS")

    def attempt(session: Session) -> Reply:
        session.user(mine.user).ok()
        between = connect()
        between.user(other.user)
        reply = session.pass_(mine.secret())
        between.leave()
        return reply

    count = patiently(connect, attempt).stat().count
    expect("messages in the maildrop that opens", count, len(drops[0].messages or ()))


@verifies("R1939-4-LOCK-02")
@any_maildrop(least=1)
def test_the_lock_holds_for_another_spelling_of_the_name(
    transaction: Session,
    connect: Connect,
    account: Account,
    bench: Bench,
    facts: Facts,
    failed_logins: FailedLogins,
) -> None:
    """While a session is open its user logs in with the name in upper case, where a second login is refused.

    What a name is, is the server's affair, so it may be unknown. If it opens the same maildrop, by what STAT, LIST
    and UIDL say, the lock is that of a name and not of the maildrop: a warning, as for any second session.
    """
    spelling = account.user.upper()
    if spelling == account.user or facts.login_commands[account.user] != "PASS":
        raise NotApplicable("needs an account that logs in by USER and PASS, with a name that is not in upper case")
    _need_refusal(second := connect(), account, bench)
    second.leave()
    failed_logins.spend(account)
    third = connect()
    reply = _second_login(third, account.model_copy(update={"user": spelling}), bench)
    if reply is None or reply.is_err:
        raise NotApplicable("the server does not log in by the name in upper case while a session is open")
    same = listings(third, facts) == listings(transaction, facts)
    expect_that("-ERR, or another maildrop", f"{reply}, and the same maildrop", not same)


def _second_login(session: Session, account: Account, bench: Bench) -> Reply | None:
    """Log in while another session of the user is open; None if the server lets the client wait for the lock."""
    try:
        return bench.target.authenticate(session, account)
    except NoReplyError:
        if session.at_eof:
            raise
        return None


def _need_refusal(session: Session, account: Account, bench: Bench) -> None:
    """Log in while another session of the user is open. Raises `NotApplicable` when that is not refused."""
    reply = _second_login(session, account, bench)
    if reply is None:
        raise NotApplicable("the server lets a second session of a user wait for the end of the first")
    if reply.is_ok:
        raise NotApplicable("the server admits a second session of a user")


def _insist(session: Session, account: Account, bench: Bench) -> None:
    """Log in two more times on a connection that was refused for the lock, unless the server closes it."""
    try:
        for attempt in ("second", "third"):
            reply = bench.target.authenticate(session, account)
            expect_that(f"-ERR to the {attempt} attempt on one connection", reply, reply.is_err)
    except NoReplyError:
        if not is_closed(session):
            raise


def _logged_in(log_in: LogIn, account: Account) -> Session:
    try:
        return log_in(account)
    except BenchError as error:
        raise Deviation((f"+OK to a login within {LOCK_RELEASE:g} seconds",), str(error)) from error


def _view(session: Session, facts: Facts) -> Mapping[int, tuple[int, bytes, str]]:
    """Return size, unique-id and a hash of the content of each message by its number."""
    unique_ids = session.uidl().by_number if facts.uidl else {}
    sizes = session.list().sizes
    return {
        n: (size, unique_ids.get(n, b""), sha256(session.retr(n).ok().payload).hexdigest()) for n, size in sizes.items()
    }
