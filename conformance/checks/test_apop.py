"""APOP: the timestamp in the greeting, and the digest (RFC 1939 sections 7 and 13).

Which accounts log in by APOP the server does not say, and section 13 wants it to be those that do not log in by PASS.
So a right digest that is refused proves nothing until another one lets the account in.
"""

import re
from collections.abc import Callable

import pytest

from conformance.checks.closing import unless_closed
from conformance.checks.failed_login import WRONG_PASSWORD
from conformance.checks.patience import patiently
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import five_messages, three_messages
from conformance.marks import verifies
from conformance.plugin.bench import Bench
from conformance.plugin.failed_logins import FailedLogins
from conformance.plugin.fixtures import Connect, LogIn
from conformance.plugin.judging import Judge
from conformance.profile import Account
from conformance.target import Facts
from conformance.verdict import NotApplicable, NotRun, Verdict
from conformance.wire.octets import visible
from conformance.wire.reply import Reply
from conformance.wire.session import Session, apop_digest

# RFC 822 appendix D: msg-id = "<" addr-spec ">"; no white space between its parts, which the digest would depend on.
_ATOM = rb"[^\x00-\x20\x7f-\xff()<>@,;:\\\".\[\]]+"
_WORD = rb'(?:%s|"(?:[^"\\\r\x80-\xff]|\\[\x00-\x7f])*")' % _ATOM
_SUB_DOMAIN = rb"(?:%s|\[(?:[^\[\]\\\r\x80-\xff]|\\[\x00-\x7f])*\])" % _ATOM
MSG_ID = re.compile(rb"<%(w)s(?:\.%(w)s)*@%(s)s(?:\.%(s)s)*>" % {b"w": _WORD, b"s": _SUB_DOMAIN})

GREETINGS = 130
"""How many timestamps are compared: what is made of a process id, the time or a small counter is soon seen twice."""

CONNECTIONS_FOR_A_ZERO = 80
"""One digest in sixteen begins with a zero: of two hundred runs one finds none in so many timestamps."""

Digest = Callable[[bytes, str], str]
"""From a timestamp and a secret to what is sent as the digest."""


def _in_upper_case(timestamp: bytes, secret: str) -> str:
    return apop_digest(timestamp, secret).upper()


def _without_brackets(timestamp: bytes, secret: str) -> str:
    return apop_digest(timestamp[1:-1], secret)


WRONG_DIGESTS: dict[str, Digest] = {
    "with_another_last_digit": lambda timestamp, secret: _with_another_end(apop_digest(timestamp, secret), 1),
    "with_another_first_digit": lambda timestamp, secret: _with_another_start(apop_digest(timestamp, secret)),
    "with_another_second_half": lambda timestamp, secret: _with_another_end(apop_digest(timestamp, secret), 16),
    "of_another_secret": lambda timestamp, secret: apop_digest(timestamp, f"{secret}x"),
    "of_the_secret_alone": lambda _, secret: apop_digest(b"", secret),
    "of_the_timestamp_alone": lambda timestamp, _: apop_digest(timestamp, ""),
    "without_the_brackets": _without_brackets,
    "in_upper_case": _in_upper_case,
    "of_31_digits": lambda timestamp, secret: apop_digest(timestamp, secret)[:-1],
    "of_33_digits": lambda timestamp, secret: apop_digest(timestamp, secret) + "0",
    "with_what_is_no_digit": lambda timestamp, secret: apop_digest(timestamp, secret)[:-1] + "g",
    "that_is_the_secret": lambda _, secret: secret,
}

CONTRARY_DIGESTS: dict[str, Digest] = {
    "in upper case": _in_upper_case,
    "of the timestamp without its brackets": _without_brackets,
}
"""What only a server accepts that computes the digest in another way than the RFC."""


# -- the timestamp ----------------------------------------------------------------------------------------------------


@verifies("R1939-7-APOP-03")
def test_a_timestamp_announces_apop(
    connect: Connect, bench: Bench, request: pytest.FixtureRequest, failed_logins: FailedLogins, judge: Judge
) -> None:
    """Where APOP logs in the greeting has a timestamp, and where it has one APOP logs in.

    Without a timestamp APOP, with a digest of the secret alone, is answered -ERR. With one that no account of the
    profile can use it may be that none of them has APOP, which is recorded; it is a warning if what looks like a
    timestamp is the same in each greeting, or if an account cannot log in at all.
    """
    session = connect()
    if session.timestamp is None:
        account = bench.keeper.accounts[0]
        failed_logins.spend(account)
        session.apop(account.user, apop_digest(b"", account.secret())).err()
        return
    try:
        request.getfixturevalue("apop_account")
    except NotApplicable:
        idle = session.timestamp == connect().timestamp or bench.facts.refused
        observed = f"{visible(session.timestamp)} in the greeting, and no account of the profile logs in by APOP"
        expected = "a timestamp in the greeting only if APOP can be used"
        judge.deviates(expected, observed, at_most=Verdict.WARN if idle else Verdict.INFO)


@verifies("R1939-7-APOP-04")
def test_the_timestamp_is_a_msg_id(connection: Session, facts: Facts, bench: Bench) -> None:
    """What stands in angle brackets in the greeting is a msg-id of RFC 822: a local part, @, and a domain.

    Quoted strings, domain literals and domains without a dot are in order. A warning where APOP is not seen to work,
    since the brackets may then mean something else; so it is where the closing one is missing.
    """
    line = facts.greeting.status_line if facts.greeting else b""
    if connection.timestamp is None and not re.search(rb"<[^<>\s]+@[^<>\s]*\s*$", line):
        raise NotApplicable("the greeting has no timestamp")
    stamp = connection.timestamp or line[line.rindex(b"<") :]
    usable = "APOP" in bench.facts.login_commands.values()
    holds = MSG_ID.fullmatch(stamp) is not None
    expect_that("a msg-id of RFC 822", stamp, holds, at_most=Verdict.FAIL if usable else Verdict.WARN)


@verifies("R1939-7-APOP-05")
def test_each_greeting_has_another_timestamp(open_connection: Connect, bench: Bench, facts: Facts) -> None:
    """In 130 greetings, of connections several of which are opened at the same moment, no timestamp comes twice.

    A warning where APOP is not seen to work: what stands in the brackets may be no timestamp.
    """
    if facts.timestamp is None:
        raise NotApplicable("the greeting has no timestamp")
    at_once = min(10, bench.profile.limits.connections)
    stamps: list[bytes | None] = []
    while len(stamps) < GREETINGS:
        sessions = [open_connection() for _ in range(at_once)]
        greeted = [session for session in sessions if session.greeting().is_ok]
        if not greeted:
            raise NotRun(f"the server refuses {at_once} connections at once")
        stamps += [session.timestamp for session in greeted]
        for session in sessions:
            session.close()
    twice = sorted({visible(stamp or b"none") for stamp in stamps if stamps.count(stamp) > 1})
    usable = "APOP" in facts.login_commands.values()
    claim = "timestamps that came in more than one greeting"
    expect(claim, twice, [], at_most=Verdict.FAIL if usable else Verdict.WARN)


# -- the command ------------------------------------------------------------------------------------------------------


@verifies("R1939-7-APOP-01")
@pytest.mark.parametrize("arguments", ["none", "only_a_name"])
def test_missing_arguments(connection: Session, bench: Bench, failed_logins: FailedLogins, arguments: str) -> None:
    """APOP without arguments, or with a name and no digest, is answered -ERR."""
    _need_timestamp(connection)
    account = bench.apop_candidates[0]
    failed_logins.spend(account)
    connection.command("APOP" if arguments == "none" else f"APOP {account.user}").err()


@verifies("R1939-7-APOP-02")
def test_apop_after_login(log_in: LogIn, apop_account: Account) -> None:
    """APOP in the TRANSACTION state, with the right digest, is answered -ERR."""
    session = log_in(apop_account)
    _apop(session, apop_account).err()


@verifies("R1939-7-APOP-02", "R1939-4-STATE-04")
@pytest.mark.parametrize("before", ["a_refused_USER", "a_failed_PASS", "a_successful_USER"])
def test_apop_after_other_commands(
    connect: Connect, apop_account: Account, unknown_user: str, judge: Judge, before: str
) -> None:
    """APOP with the right digest is answered +OK after a USER or a PASS that was refused.

    Whether it may follow a successful USER the RFC does not say; what the server does is recorded.
    """

    def attempt(session: Session) -> Reply:
        session.command("USER" if before == "a_refused_USER" else f"USER {unknown_user}")
        if before == "a_failed_PASS":
            session.pass_(WRONG_PASSWORD)
        with unless_closed(session):
            return _apop(session, apop_account)

    if before == "a_successful_USER":
        accepted = attempt(connect()).is_ok
        judge.observe("APOP after a successful USER", "is accepted" if accepted else "is refused")
    else:
        patiently(connect, attempt)


@verifies("R1939-7-APOP-06", "R1939-7-APOP-11")
def test_the_name_means_what_it_means_to_user(connect: Connect, apop_account: Account, bench: Bench) -> None:
    """APOP opens the maildrop of the user that it names: five messages were put into it, and STAT counts five."""
    drop = bench.keeper.of(apop_account)
    if not drop.can_be_seeded:
        raise NotRun("needs a disposable account with a seeder that logs in by APOP")
    drop.fill(five_messages)
    session = patiently(connect, lambda session: _apop(session, apop_account))
    expect("messages in the maildrop", session.stat().count, 5)


@verifies("R1939-7-APOP-06")
def test_the_name_of_user_is_not_that_of_apop(connect: Connect, apop_account: Account, bench: Bench) -> None:
    """USER with another name, then APOP: if that is answered +OK, it is the maildrop that APOP names which opens.

    The RFC does not say whether APOP may follow a successful USER.
    """
    own = bench.keeper.of(apop_account)
    others = [bench.keeper.of(account) for account in bench.keeper.accounts if account != apop_account]
    other = next((drop for drop in others if drop.can_be_seeded), None)
    if other is None or not own.can_be_seeded:
        raise NotRun("needs two disposable accounts with a seeder, one of which logs in by APOP")
    own.fill(five_messages)
    other.fill(three_messages)
    session = connect()
    with unless_closed(session):
        if not (session.user(other.account.user).is_ok and _apop(session, apop_account).is_ok):
            raise NotApplicable("APOP after a successful USER is refused")
    expect("messages in the maildrop that APOP names", session.stat().count, 5)


# -- the digest -------------------------------------------------------------------------------------------------------


@verifies("R1939-7-APOP-07", "R1939-7-APOP-11")
def test_the_right_digest_logs_in(connect: Connect, bench: Bench, failed_logins: FailedLogins) -> None:
    """APOP with the MD5 of timestamp and secret, in lower-case digits, is answered +OK, and then STAT is answered.

    Where no account gets in that way, one that gets in by a digest in upper case, of the timestamp without its
    brackets, or of the timestamp of an earlier connection, has APOP: the right digest should have let it in.
    """
    _need_timestamp(earlier := connect())
    for account in bench.apop_candidates:
        session = connect()
        if _apop(session, account).is_ok:
            session.stat()
            return
        failed_logins.spend(account)
    failed_logins.spend(account := bench.apop_candidates[0], len(CONTRARY_DIGESTS) + 1)
    for what, digest in CONTRARY_DIGESTS.items():
        session = connect()
        reply = session.apop(account.user, digest(session.timestamp or b"", account.secret()))
        expect_that("+OK to the right digest", f"-ERR, but +OK to one {what}", not reply.is_ok)
    earlier.close()
    reply = connect().apop(account.user, _right_digest(earlier, account))
    expect_that("+OK to the right digest", "-ERR, but +OK to that of another connection", not reply.is_ok)
    raise NotApplicable("no account of the profile is seen to log in by APOP")


@verifies("R1939-7-APOP-07", "R1939-7-APOP-11")
def test_a_digest_may_begin_with_zero(connect: Connect, apop_account: Account) -> None:
    """APOP with a right digest whose first digit is 0 is answered +OK: printed as a number it would be too short.

    Connections are opened until the timestamp of one makes such a digest.
    """

    def connect_for_a_zero() -> Session:
        for _ in range(CONNECTIONS_FOR_A_ZERO):
            session = connect()
            if _right_digest(session, apop_account).startswith("0"):
                return session
            session.close()
        raise NotRun(f"needs a digest that begins with 0; {CONNECTIONS_FOR_A_ZERO} timestamps made none")

    patiently(connect_for_a_zero, lambda session: _apop(session, apop_account))


@verifies("R1939-7-APOP-11", "R1939-7-APOP-07")
def test_the_timestamp_is_that_of_the_connection(connect: Connect, apop_account: Account) -> None:
    """Two connections, then APOP over the first, with the digest of its own timestamp: +OK."""

    def attempt(first: Session) -> Reply:
        second = connect()
        reply = _apop(first, apop_account)
        second.close()
        return reply

    patiently(connect, attempt)


@verifies("R1939-7-APOP-10", "R1939-7-APOP-12", "R1939-7-APOP-09")
@pytest.mark.parametrize("wrong", WRONG_DIGESTS.values(), ids=WRONG_DIGESTS)
def test_a_wrong_digest_is_refused(
    connection: Session, apop_account: Account, failed_logins: FailedLogins, wrong: Digest
) -> None:
    """APOP with what is not quite the digest of this connection is answered -ERR.

    The right digest in upper case is another matter: lower case binds the client, and what the server makes of it is
    recorded.
    """
    failed_logins.spend(apop_account)
    reply = connection.apop(apop_account.user, wrong(connection.timestamp or b"", apop_account.secret()))
    expect_that("-ERR", reply, reply.is_err, "R1939-7-APOP-09" if wrong is _in_upper_case else "R1939-7-APOP-10")


@verifies("R1939-7-APOP-10", "R1939-7-APOP-12")
def test_a_digest_cannot_be_replayed(connect: Connect, apop_account: Account, failed_logins: FailedLogins) -> None:
    """The digest that has opened one session does not open the next: -ERR, since the timestamp is another."""
    failed_logins.spend(apop_account)
    first = patiently(connect, lambda session: _apop(session, apop_account))
    first.leave()
    second = connect()
    if second.timestamp == first.timestamp:
        raise NotRun("needs two greetings with different timestamps")
    second.apop(apop_account.user, _right_digest(first, apop_account)).err()


@verifies("R1939-7-APOP-10", "R1939-7-APOP-12")
@pytest.mark.parametrize("secret", ["that_of_a_user", "an_empty_one"])
def test_an_unknown_name_logs_nobody_in(
    connection: Session, apop_account: Account, unknown_user: str, secret: str
) -> None:
    """APOP with a name that nobody has is answered -ERR, whether the secret in the digest is a user's or empty."""
    digest = apop_digest(connection.timestamp or b"", "" if secret == "an_empty_one" else apop_account.secret())
    connection.apop(unknown_user, digest).err()


@verifies("R1939-7-APOP-10", "R1939-7-APOP-12")
def test_the_secret_of_another_account_is_refused(
    connection: Session, apop_account: Account, bench: Bench, failed_logins: FailedLogins
) -> None:
    """APOP with the name of one account, and a digest of the secret of another, is answered -ERR."""
    secrets = [account.secret() for account in bench.profile.accounts]
    another = next((secret for secret in secrets if secret != apop_account.secret()), None)
    if another is None:
        raise NotRun("needs another account, with another password")
    failed_logins.spend(apop_account)
    connection.apop(apop_account.user, apop_digest(connection.timestamp or b"", another)).err()


@verifies("R1939-7-APOP-12")
def test_a_wrong_digest_opens_nothing(connection: Session, apop_account: Account, failed_logins: FailedLogins) -> None:
    """After APOP with a wrong digest STAT is answered -ERR: the session is still in the AUTHORIZATION state."""
    failed_logins.spend(apop_account)
    connection.apop(apop_account.user, "0" * 32).err()
    with unless_closed(connection):
        connection.command("STAT").err()


@verifies("R1939-7-APOP-10", "R1939-7-APOP-12")
def test_a_wrong_digest_stays_wrong(connection: Session, apop_account: Account, failed_logins: FailedLogins) -> None:
    """APOP with a wrong digest twice over one connection is answered -ERR each time, unless the server closes."""
    failed_logins.spend(apop_account, 2)
    connection.apop(apop_account.user, "0" * 32).err()
    with unless_closed(connection):
        connection.apop(apop_account.user, "1" * 32).err()


@verifies("R1939-7-PASS-02", "R1939-7-APOP-12")
def test_pass_after_a_failed_apop(connection: Session, pass_account: Account, failed_logins: FailedLogins) -> None:
    """APOP with a wrong digest, then PASS with the password of that account, is answered -ERR: no USER came before."""
    _need_timestamp(connection)
    failed_logins.spend(pass_account, 2)
    connection.apop(pass_account.user, "0" * 32).err()
    with unless_closed(connection):
        connection.pass_(pass_account.secret()).err()


@verifies("R1939-4-STATE-04", "R1939-7-APOP-12")
def test_apop_after_a_failed_apop(connect: Connect, apop_account: Account, failed_logins: FailedLogins) -> None:
    """After APOP with a wrong digest the right one, of the same timestamp, is answered +OK."""

    def attempt(session: Session) -> Reply:
        failed_logins.spend(apop_account)
        session.apop(apop_account.user, "0" * 32).err()
        with unless_closed(session):
            return _apop(session, apop_account)

    patiently(connect, attempt)


@verifies("R1939-7-USER-03", "R1939-4-STATE-04")
def test_user_after_a_failed_apop(connect: Connect, pass_account: Account, failed_logins: FailedLogins) -> None:
    """After APOP with a wrong digest USER and PASS are answered +OK: any authentication command may follow."""

    def attempt(session: Session) -> Reply:
        _need_timestamp(session)
        failed_logins.spend(pass_account)
        session.apop(pass_account.user, "0" * 32).err()
        with unless_closed(session):
            session.user(pass_account.user).ok()
            return session.pass_(pass_account.secret())

    patiently(connect, attempt)


# -- section 13: security ---------------------------------------------------------------------------------------------


@verifies("R1939-13-APOP-01", "R1939-A-APOP-01")
def test_a_user_has_one_method(connection: Session, apop_account: Account, failed_logins: FailedLogins) -> None:
    """USER and PASS of an account that logs in by APOP are refused: its secret should not cross the net in clear.

    A warning otherwise; RFC 1725 had "must" where RFC 1939 has "should".
    """
    failed_logins.spend(apop_account)
    if connection.user(apop_account.user).is_ok:
        connection.pass_(apop_account.secret()).err()


def _need_timestamp(session: Session) -> None:
    if session.timestamp is None:
        raise NotApplicable("the greeting has no timestamp")


def _apop(session: Session, account: Account) -> Reply:
    return session.apop(account.user, _right_digest(session, account))


def _right_digest(session: Session, account: Account) -> str:
    return apop_digest(session.timestamp or b"", account.secret())


def _with_another_start(digest: str) -> str:
    """Replace the first digit by another."""
    return _others(digest[:1]) + digest[1:]


def _with_another_end(digest: str, length: int) -> str:
    """Replace the last digits by others."""
    return digest[:-length] + _others(digest[-length:])


def _others(digits: str) -> str:
    """Return as many digits, each of which is another one than it was."""
    return "".join(f"{15 - int(digit, 16):x}" for digit in digits)
