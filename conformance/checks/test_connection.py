"""Connections: how they are opened, how they end, and what an abort leaves behind (RFC 1939 sections 3, 4, 6, 10)."""

import time
from collections.abc import Callable

import pytest

from conformance.checks.failed_login import fail_to_log_in
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import pick
from conformance.marks import any_maildrop, deletes, maildrop, verifies
from conformance.plugin.bench import Bench
from conformance.plugin.failed_logins import FailedLogins
from conformance.plugin.fixtures import Connect, LogIn
from conformance.plugin.judging import Judge
from conformance.profile import Account
from conformance.target import LOCK_RELEASE, Facts
from conformance.verdict import BenchError, Deviation, NotApplicable, NotRun, Verdict
from conformance.wire.connection import Deadline
from conformance.wire.reply import Reply
from conformance.wire.session import Deadlines, NoReplyError, Session

ABORTS: dict[str, Callable[[Session], None]] = {"FIN": Session.close, "RST": Session.reset}

BEFORE_LOGIN = {
    "after_the_greeting": (),
    "in_a_command_line": (b"USER some",),
    "after_USER": (b"USER somebody\r\n",),
}
AFTER_LOGIN = {
    "between_commands": (),
    "in_a_command_line": (b"RET",),
    "in_a_listing": (b"LIST\r\n",),
    "in_a_message": (b"RETR 1\r\n",),
    "after_DELE": (b"DELE 1\r\n",),
}
one_large_message = pick("line-of-1048576")
"""More than the buffers between client and server take in: when its first octets come, most are still to be sent."""

_BETWEEN_ATTEMPTS = 0.2
"""Seconds until a refused connection is tried again."""

_REFUSED_SERVICE_ENDS = 1.0
"""Seconds after a greeting with -ERR in which a server that refuses service has closed."""

PARALLEL = 5
"""Connections at once that a server is expected to take from one client."""


def served(open_session: Callable[[], Session]) -> Session:
    """Return a new session, logged in or not; a server that refuses it for seconds has failed the check."""
    deadline = Deadline(LOCK_RELEASE)
    while True:
        try:
            return open_session()
        except (BenchError, NoReplyError) as error:
            if not deadline.remaining():
                claim = f"a session like the one before, within {LOCK_RELEASE:g} seconds"
                raise Deviation((claim,), str(error)) from error
        time.sleep(deadline.sooner(_BETWEEN_ATTEMPTS))


# -- section 3: the connection is established -----------------------------------------------------------------------


@verifies("R1939-3-CONN-01")
def test_the_port_of_the_service(open_connection: Connect, bench: Bench, judge: Judge) -> None:
    """The clear-text service greets on the port that the profile names; 110 is the usual one, none is demanded."""
    if bench.target.transport == "tls":
        raise NotRun("needs the clear-text port")
    open_connection().greeting()
    judge.observe("port", bench.target.endpoint.port)


# -- section 3: until the connection is closed or aborted -------------------------------------------------------------


@verifies("R1939-3-CONN-02")
@pytest.mark.parametrize("abort", ABORTS.values(), ids=ABORTS)
def test_abort_in_the_greeting_does_no_harm(
    open_connection: Connect, connect: Connect, abort: Callable[[Session], None]
) -> None:
    """A client goes away before it has read the greeting; the next connection must be served."""
    abort(open_connection())
    served(connect).quit()


@verifies("R1939-3-CONN-02")
@pytest.mark.parametrize("abort", ABORTS.values(), ids=ABORTS)
@pytest.mark.parametrize("sent", BEFORE_LOGIN.values(), ids=BEFORE_LOGIN)
def test_abort_before_login_does_no_harm(
    connect: Connect, deadlines: Deadlines, sent: tuple[bytes, ...], abort: Callable[[Session], None]
) -> None:
    """A client goes away in the AUTHORIZATION state; the next connection must be served."""
    aborted = connect()
    aborted.send(*sent)
    aborted.silence(deadlines.quiet)
    abort(aborted)
    served(connect).quit()


@verifies("R1939-3-CONN-02")
@maildrop(one_large_message)
@pytest.mark.parametrize("abort", ABORTS.values(), ids=ABORTS)
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(sent, id=name, marks=[deletes] if name == "after_DELE" else [])
        for name, sent in AFTER_LOGIN.items()
    ],
)
def test_abort_after_login_does_no_harm(
    log_in: LogIn, deadlines: Deadlines, sent: tuple[bytes, ...], abort: Callable[[Session], None]
) -> None:
    """A client goes away in the TRANSACTION state: within five seconds the maildrop opens again, nothing missing.

    Nor is a message missing that was marked as deleted, since there was no QUIT.
    """
    aborted = log_in()
    aborted.send(*sent)
    aborted.silence(deadlines.quiet)
    abort(aborted)
    expect("the count in the next session's drop listing", served(log_in).stat().count, 1)


@verifies("R1939-3-CONN-02")
@any_maildrop(least=1)
@pytest.mark.parametrize("sent", [(), (b"RET",)], ids=["between_commands", "in_a_command_line"])
def test_half_closed_session_gives_the_maildrop_back(log_in: LogIn, sent: tuple[bytes, ...]) -> None:
    """A client says by FIN that no command will come any more, and goes on reading: the maildrop opens again soon."""
    half_closed = log_in()
    half_closed.send(*sent)
    half_closed.half_close()
    served(log_in).stat()


@verifies("R1939-3-RESP-SYNTAX-01", "R1939-3-CONN-02")
@any_maildrop(least=1)
def test_command_before_a_half_close_is_answered(transaction: Session) -> None:
    """NOOP and then FIN, as from a script that has no more to say: the reply comes, then the server closes.

    No RFC speaks of a client that closes one direction only: that the reply is dropped is no more than recorded. A
    connection that the server keeps open is a warning.
    """
    transaction.send(b"NOOP\r\n")
    transaction.half_close()
    try:
        transaction.reply()
    except NoReplyError as error:
        error.at_most = Verdict.INFO if transaction.at_eof else Verdict.WARN
        raise
    try:
        transaction.read_to_eof()
    except NoReplyError as error:
        error.at_most = Verdict.WARN
        raise


@verifies("R1939-3-CONN-02")
@any_maildrop(least=1)
@pytest.mark.parametrize("abort", ABORTS.values(), ids=ABORTS)
def test_abort_leaves_other_sessions_alone(connect: Connect, log_in: LogIn, abort: Callable[[Session], None]) -> None:
    """A session that was open when another one was aborted goes on: QUIT is answered +OK."""
    other = connect()
    try:
        aborted = log_in()
    except (BenchError, NoReplyError) as error:
        raise NotRun("needs two sessions at once") from error
    abort(aborted)
    served(log_in).quit()
    other.quit().ok()


# -- section 4: the server may close after a failed login -------------------------------------------------------------


@verifies("R1939-4-CONN-02", "R1939-4-CONN-01")
def test_wrong_password_is_answered_before_the_connection_closes(
    connection: Session, account: Account, failed_logins: FailedLogins, deadlines: Deadlines, judge: Judge
) -> None:
    """A wrong PASS is answered -ERR; whether the connection closes after that is recorded, since both are allowed."""
    fail_to_log_in(connection, account, failed_logins).err()
    connection.silence(deadlines.quiet)
    judge.observe("connection after a failed login", "closed" if connection.at_eof else "open")


@verifies("R1939-4-CONN-02")
def test_wrong_digest_is_answered_before_the_connection_closes(
    connection: Session, account: Account, failed_logins: FailedLogins
) -> None:
    """APOP with a wrong digest is answered -ERR, where the greeting offers APOP."""
    if connection.timestamp is None:
        raise NotApplicable("APOP is not offered")
    failed_logins.spend(account)
    connection.apop(account.user, "0" * 32).err()


# -- sections 3 and 6: the server closes after QUIT -------------------------------------------------------------------


@verifies("R1939-3-CONN-03")
def test_the_server_closes_after_quit_before_login(connection: Session) -> None:
    """After the reply to QUIT the server closes the connection; we do not close first. A reset closes as well."""
    connection.quit()
    expect("what follows the reply to QUIT", connection.read_to_eof(), b"", requirement="R1939-3-RESP-SYNTAX-01")


@verifies("R1939-6-CONN-01", "R1939-3-CONN-03")
def test_the_server_closes_after_quit_after_login(transaction: Session) -> None:
    """After the reply to QUIT in the TRANSACTION state the server closes the connection."""
    transaction.quit()
    expect("what follows the reply to QUIT", transaction.read_to_eof(), b"", requirement="R1939-3-RESP-SYNTAX-01")


# -- section 10: one session after the other, and several at once -----------------------------------------------------


@verifies("R1939-10-CONN-01")
def test_the_next_session_is_served_after_quit(log_in: LogIn) -> None:
    """After QUIT and the end of the connection, the same user can log in again."""
    first = log_in()
    first.quit()
    first.read_to_eof()
    served(log_in).stat()


@verifies("R1939-10-CONN-01", "R1939-4-GREETING-02")
def test_several_connections_can_be_open(open_connection: Connect, bench: Bench) -> None:
    """Five connections (fewer if the profile says so) are greeted while all are open, and each answers QUIT.

    A greeting with -ERR, and then the end of the connection, is a limit of the installation, not a fault. A session
    that goes on after it has had the wrong greeting: it is given a second to end before NOOP is sent.
    """
    sessions: list[Session] = []
    for count in range(min(PARALLEL, bench.profile.limits.connections)):
        sessions.append(served(open_connection))
        if (greeting := sessions[-1].greeting()).is_err:
            reply = _reply_after_refused_service(sessions[-1])
            claim = "the end of the connection after a greeting with -ERR"
            expect_that(claim, f"{reply} in reply to NOOP", reply is None, "R1939-4-GREETING-02")
            raise NotRun(f"the server takes {count} connections at once: {greeting}")
    for session in sessions:
        session.quit().ok()


def _reply_after_refused_service(session: Session) -> Reply | None:
    """Return the reply to NOOP after a greeting with -ERR; None if the connection ends, or nothing is answered."""
    session.silence(_REFUSED_SERVICE_ENDS)
    if session.at_eof:
        return None
    try:
        return session.noop()
    except NoReplyError:
        return None


# -- section 13: security ---------------------------------------------------------------------------------------------


@verifies("R1939-13-PLAINTEXT-POLICY-01")
def test_passwords_on_a_clear_channel(
    transaction: Session, bench: Bench, facts: Facts, account: Account, judge: Judge
) -> None:
    """Whether USER and PASS log in where everybody can listen is recorded: RFC 1939 warns of it and permits it."""
    if bench.target.transport == "tls":
        raise NotApplicable("the channel is not in clear text")
    transaction.stat()
    accepted = facts.login_commands[account.user] == "PASS"
    judge.observe("password in clear text", "logs in" if accepted else "does not log in")
