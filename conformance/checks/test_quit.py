"""QUIT: its replies, and the end of the session (RFC 1939 sections 3, 4 and 6)."""

import pytest

from conformance.checks.survivors import survivors
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import empty, three_messages
from conformance.maildrop.keeper import Maildrop
from conformance.marks import any_maildrop, deletes, maildrop, verifies
from conformance.plugin.bench import Bench
from conformance.plugin.fixtures import Connect, LogIn
from conformance.plugin.judging import Judge
from conformance.profile import Account
from conformance.target import LOCK_RELEASE, Facts
from conformance.verdict import BenchError, Deviation
from conformance.wire.session import Session

# In the AUTHORIZATION state (section 4).


@verifies("R1939-4-QUIT-01")
def test_quit_with_an_argument_before_login(connection: Session, judge: Judge) -> None:
    """QUIT with an argument may be refused or taken as QUIT; if it is taken as QUIT, the server closes."""
    reply = connection.command("QUIT now")
    judge.observe("QUIT with an argument before login", "is taken as QUIT" if reply.is_ok else "is refused")
    if reply.is_ok:
        connection.read_to_eof()


@verifies("R1939-4-QUIT-03", "R1939-4-QUIT-02", "R1939-6-UPDATE-02", "R1939-3-CONN-03")
def test_quit_after_the_greeting(connection: Session) -> None:
    """QUIT right after the greeting is answered with +OK, the only reply it has there, and the server closes."""
    connection.quit().ok()
    connection.read_to_eof()


@verifies("R1939-4-QUIT-02", "R1939-4-QUIT-03")
@any_maildrop(least=0)
def test_quit_after_user(account: Account, connection: Session) -> None:
    """QUIT between USER and PASS is answered with +OK, and the server closes."""
    connection.user(account.user)
    connection.quit().ok()
    connection.read_to_eof()


@verifies("R1939-4-QUIT-02", "R1939-4-QUIT-03")
def test_quit_after_user_with_an_unknown_name(connection: Session, unknown_user: str) -> None:
    """QUIT after USER with a name that nobody has is answered with +OK, whether USER was refused or not."""
    connection.user(unknown_user)
    connection.quit().ok()
    connection.read_to_eof()


@verifies("R1939-6-UPDATE-02")
@maildrop(three_messages)
@deletes
def test_quit_before_login_removes_nothing(log_in: LogIn, connect: Connect, drop: Maildrop, facts: Facts) -> None:
    """DELE 1 in a session that is closed without QUIT, then USER and QUIT over a second connection.

    That QUIT does not enter the UPDATE state: the next session shows all messages.
    """
    session = log_in()
    before = survivors(session, drop, facts)
    session.dele(1).ok()
    session.close()
    second = connect()
    second.user(drop.account.user)
    second.quit().ok()
    second.read_to_eof()
    expect("messages in the next session", survivors(log_in(), drop, facts), before)


# In the TRANSACTION state (section 6).


@verifies("R1939-6-QUIT-01", "R1939-6-UPDATE-04")
@maildrop(three_messages)
@deletes
def test_quit_with_an_argument_is_not_half_done(log_in: LogIn, drop: Maildrop, facts: Facts, judge: Judge) -> None:
    """DELE of all messages, then QUIT with an argument: it may be refused or taken as QUIT, but nothing in between.

    After +OK the server closes and the messages are gone; after -ERR and the end of the connection all are there.
    """
    session = log_in()
    before = survivors(session, drop, facts)
    for number in (1, 2, 3):
        session.dele(number).ok()
    reply = session.command("QUIT now")
    judge.observe("QUIT with an argument", "is taken as QUIT" if reply.is_ok else "is refused")
    if reply.is_ok:
        session.read_to_eof()
        expect("messages in the next session", survivors(log_in(), drop, facts), {}, requirement="R1939-6-UPDATE-05")
    else:
        session.close()
        expect(
            "messages in the next session", survivors(log_in(), drop, facts), before, requirement="R1939-6-UPDATE-04"
        )


@verifies("R1939-3-QUIT-01", "R1939-3-CONN-03", "R1939-6-CONN-01", "R1939-6-QUIT-02", "R1939-A-QUIT-01")
@pytest.mark.parametrize(
    "messages",
    [pytest.param("any", marks=any_maildrop(least=0)), pytest.param("none", marks=maildrop(empty))],
)
def test_quit_is_answered_and_the_server_closes(transaction: Session, judge: Judge, messages: str) -> None:
    """QUIT with nothing marked is answered with a reply, and then the server closes the connection.

    -ERR says that messages could not be removed. There are none to remove, so it is a warning.
    """
    reply = transaction.quit()
    if reply.is_err:
        judge.deviates("+OK to QUIT when nothing is marked", str(reply), "R1939-6-QUIT-02")
    transaction.read_to_eof()


@pytest.mark.parametrize("marked", [(), (2,)], ids=["nothing_marked", "a_message_marked"])
@verifies("R1939-3-QUIT-01", "R1939-6-LOCK-01", "R1939-A-QUIT-01")
@maildrop(three_messages)
@deletes
def test_the_maildrop_is_free_after_quit(log_in: LogIn, drop: Maildrop, bench: Bench, marked: tuple[int, ...]) -> None:
    """After QUIT and the end of the connection the same account logs in again.

    The lock may take some seconds to go, since the server releases it after its reply. If not even the look at the
    server before the checks got into a maildrop twice, that says it all.
    """
    claim = f"a login within {LOCK_RELEASE:g} seconds after the end of the session"
    expect_that(claim, bench.facts.reopening, not bench.facts.reopening)
    session = log_in()
    for number in marked:
        session.dele(number).ok()
    session.quit()
    session.read_to_eof()
    try:
        log_in()
    except BenchError as error:
        bench.keeper.retire(drop)
        raise Deviation((claim,), str(error)) from error
