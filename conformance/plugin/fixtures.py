"""The fixtures that checks ask for: sessions in each state, maildrops, and a way to say more than pass or fail."""

import secrets
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from conformance.maildrop.corpus import three_messages
from conformance.maildrop.keeper import Maildrop
from conformance.plugin.bench import Bench
from conformance.plugin.failed_logins import FailedLogins
from conformance.plugin.idle import SlowLane, Timeline, Watch
from conformance.plugin.judging import Judge
from conformance.plugin.run import STATE, CheckState, Run
from conformance.profile import Account
from conformance.target import LOCK_RELEASE, Facts, until_accepted
from conformance.verdict import BenchError, NotApplicable, NotRun, Verdict
from conformance.wire.session import Deadlines, Recorder, Session

Connect = Callable[[], Session]
LogIn = Callable[..., Session]


@pytest.fixture(scope="session")
def bench(request: pytest.FixtureRequest) -> Bench:
    """The server under test, surveyed, and its maildrops."""
    run = request.config.pluginmanager.get_plugin("pop3-run")
    assert isinstance(run, Run)
    assert run.bench is not None
    return run.bench


@pytest.fixture(scope="session")
def facts(bench: Bench) -> Facts:
    """What a look at the server has shown."""
    return bench.facts


@pytest.fixture(scope="session")
def deadlines(bench: Bench) -> Deadlines:
    """How long the bench waits, in seconds."""
    return bench.target.deadlines


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judge:
    """Records deviations that a check can go on after, and facts worth recording."""
    state: CheckState = request.node.stash[STATE]
    return state.judge


@pytest.fixture
def recorder(request: pytest.FixtureRequest) -> Recorder:
    """What the sessions of this check leave behind."""
    state: CheckState = request.node.stash[STATE]
    return state.recorder


@pytest.fixture
def _sessions() -> Iterator[list[Session]]:
    """The sessions of this check; those still open at its end are left politely, the last one first."""
    sessions: list[Session] = []
    yield sessions
    for session in reversed(sessions):
        session.leave()


@pytest.fixture
def open_connection(bench: Bench, recorder: Recorder, _sessions: list[Session]) -> Connect:
    """Opens connections whose greeting is still to be read."""

    def open_() -> Session:
        _see_to_limit(_sessions, bench)
        _sessions.append(bench.target.open(recorder))
        return _sessions[-1]

    return open_


@pytest.fixture
def connect(bench: Bench, recorder: Recorder, _sessions: list[Session]) -> Connect:
    """Opens connections and reads the greeting: sessions in AUTHORIZATION state."""

    def connect_() -> Session:
        _see_to_limit(_sessions, bench)
        _sessions.append(bench.target.connect(recorder))
        return _sessions[-1]

    return connect_


@pytest.fixture
def connection(connect: Connect) -> Session:
    """A session in AUTHORIZATION state."""
    return connect()


@pytest.fixture
def drop(request: pytest.FixtureRequest, bench: Bench) -> Iterator[Maildrop]:
    """The maildrop of this check, holding what its `maildrop` or `any_maildrop` mark asks for."""
    exact = request.node.get_closest_marker("maildrop")
    least = request.node.get_closest_marker("any_maildrop")
    deletes = request.node.get_closest_marker("deletes") is not None
    maildrop = None
    try:
        maildrop = bench.keeper.holding(exact.args[0] if exact else three_messages)
    except NotRun:
        if exact is None and not deletes:
            maildrop = bench.keeper.as_found()
        if maildrop is None:
            raise
    if least and maildrop.messages is not None and len(maildrop.messages) < least.args[0]:
        maildrop.fill(three_messages)
    yield maildrop
    # A server that deviates may have changed what it should not have: that is not to spoil the checks that follow.
    state: CheckState = request.node.stash[STATE]
    deviates = state.judgement is None or state.judgement.verdict not in (Verdict.PASS, Verdict.INFO)
    maildrop.dirty = maildrop.dirty or deletes or deviates


@pytest.fixture
def other_drop(bench: Bench, drop: Maildrop) -> Iterator[Maildrop]:
    """The maildrop of a second account, holding three messages."""
    maildrop = bench.keeper.holding(three_messages, besides=[drop])
    yield maildrop
    maildrop.dirty = True


@pytest.fixture
def log_in(bench: Bench, recorder: Recorder, drop: Maildrop, _sessions: list[Session]) -> LogIn:
    """Logs in over new connections: sessions in TRANSACTION state, by default of the account of `drop`."""

    def log_in_(account: Account | None = None, within: float = LOCK_RELEASE) -> Session:
        _see_to_limit(_sessions, bench)
        try:
            _sessions.append(bench.target.log_in(recorder, account or drop.account, within))
        except BenchError:
            # Nobody gets into this maildrop any more (a lock that stays, say): one check says so, the others go on.
            if not _sessions and account is None:
                bench.keeper.retire(drop)
            raise
        return _sessions[-1]

    return log_in_


@pytest.fixture
def transaction(request: pytest.FixtureRequest, drop: Maildrop, log_in: LogIn) -> Session:
    """A session in TRANSACTION state."""
    session = log_in()
    least = request.node.get_closest_marker("any_maildrop")
    if least and drop.messages is None and (count := session.stat().count) < least.args[0]:
        raise NotRun(f"needs {least.args[0]} messages, and the maildrop as found has {count}")
    return session


@pytest.fixture
def account(drop: Maildrop) -> Account:
    """The account that this check uses."""
    return drop.account


@pytest.fixture(scope="session")
def pass_account(bench: Bench) -> Account:
    """An account that logs in by USER and PASS."""
    commands = bench.facts.login_commands
    for account in bench.keeper.accounts:
        if commands[account.user] == "PASS":
            return account
    raise NotApplicable("no account of the profile logs in by USER and PASS")


@pytest.fixture(scope="session")
def apop_account(bench: Bench, failed_logins: FailedLogins) -> Account:
    """An account that logs in by APOP."""
    for account in bench.apop_candidates:
        # For one that is known to log in so, a refusal can only mean that its maildrop is still locked.
        patience = LOCK_RELEASE if bench.facts.login_commands.get(account.user) == "APOP" else 0.0
        connect, attempt = partial(bench.target.connect, Recorder()), partial(bench.target.apop, account=account)
        session, reply = until_accepted(connect, attempt, patience)
        session.leave()
        if reply.is_ok:
            return account
        failed_logins.spend(account)
    raise NotApplicable("no account of the profile is seen to log in by APOP")


@pytest.fixture(scope="session")
def unknown_user(bench: Bench) -> str:
    """A name that no account has, of the form that the accounts of the profile have."""
    _, at, domain = bench.profile.accounts[0].user.partition("@")
    return f"nobody-{secrets.token_hex(4)}{at}{domain}"


@pytest.fixture(scope="session")
def failed_logins(bench: Bench) -> FailedLogins:
    """Counts the logins that fail on purpose, and keeps them within the limit of the profile."""
    return FailedLogins(bench.profile.limits.failed_logins)


@pytest.fixture
def idle_in_transaction(slow_lane: SlowLane, recorder: Recorder) -> Timeline:
    """DELE 1, and then silence in TRANSACTION state, broken twice, until the server closes."""
    return _timeline(slow_lane, recorder, Watch.TRANSACTION)


@pytest.fixture
def idle_before_login(slow_lane: SlowLane, recorder: Recorder) -> Timeline:
    """Silence in AUTHORIZATION state."""
    return _timeline(slow_lane, recorder, Watch.AUTHORIZATION)


@pytest.fixture
def slow_transfer(slow_lane: SlowLane, recorder: Recorder) -> Timeline:
    """RETR of a large message that is read slowly."""
    return _timeline(slow_lane, recorder, Watch.SLOW_TRANSFER)


@pytest.fixture
def slow_lane(request: pytest.FixtureRequest) -> SlowLane:
    """The watches that last for minutes, kept beside the other checks."""
    run = request.config.pluginmanager.get_plugin("pop3-run")
    assert isinstance(run, Run)
    assert run.slow_lane is not None
    return run.slow_lane


def _see_to_limit(sessions: list[Session], bench: Bench) -> None:
    """Raise `NotRun` if one more connection would be one too many for the server, by what the profile says."""
    limit = bench.profile.limits.connections
    if sum(session.is_open and not session.at_eof for session in sessions) >= limit:
        raise NotRun(f"needs {limit + 1} connections at once; the profile allows {limit}")


def _timeline(lane: SlowLane, recorder: Recorder, watch: Watch) -> Timeline:
    timeline = lane.timeline(watch)
    # What the check judges happened before it ran.
    recorder.transcript, recorder.defects = timeline.recorder.transcript, timeline.recorder.defects
    return timeline
