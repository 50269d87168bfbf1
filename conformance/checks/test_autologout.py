"""The inactivity autologout timer (RFC 1939 section 3).

These checks judge sessions that were silent for minutes while the other checks ran (conformance/plugin/idle.py).
"""

import ipaddress

from conformance.expect import expect, expect_that
from conformance.marks import slow, verifies
from conformance.plugin.bench import Bench
from conformance.plugin.idle import End, SlowLane, Timeline, Wait
from conformance.plugin.judging import Judge
from conformance.verdict import NotApplicable, NotRun, Verdict
from conformance.wire.octets import visible
from conformance.wire.session import Deadlines


@slow
@verifies("R1939-3-AUTOLOGOUT-02", "R1939-3-AUTOLOGOUT-01")
def test_a_session_outlives_ten_minutes_of_silence(idle_in_transaction: Timeline, bench: Bench, judge: Judge) -> None:
    """After login and DELE 1 nothing is sent for ten minutes less a margin of ten seconds: NOOP is still answered +OK.

    A server without any timer is as good. A reset, or no answer at all, may come from something on the path to a
    server that is not on this machine, and is a warning there.
    """
    expiry = idle_in_transaction.expiry
    judge.observe("autologout after login", f"after {expiry.seconds:.0f} seconds" if expiry else "not seen")
    first = idle_in_transaction.waits[0]
    survives = first.reply is not None and first.reply.is_ok
    at_most = Verdict.WARN if first.end is not End.CLOSED and _path_may_interfere(bench) else Verdict.FAIL
    expect_that("+OK to NOOP after the silence", first, survives, "R1939-3-AUTOLOGOUT-02", at_most)


@slow
@verifies("R1939-3-AUTOLOGOUT-03")
def test_a_client_may_be_silent_before_login(idle_before_login: Timeline, judge: Judge) -> None:
    """After the greeting nothing is sent for as long: QUIT is still answered.

    A warning at most, since "autologout" supposes a login: many servers are less patient before it.
    """
    wait = idle_before_login.waits[0]
    judge.observe("autologout before login", f"after {wait.seconds:.0f} seconds" if wait.is_over_early else "not seen")
    expect_that("a reply to QUIT after the silence", wait, wait.reply is not None)


@slow
@verifies("R1939-3-AUTOLOGOUT-04")
def test_a_command_restarts_the_timer(idle_in_transaction: Timeline, slow_lane: SlowLane) -> None:
    """NOOP after the first silence, and a second one as long: the session, twice as old as the timer, is there.

    A warning otherwise: a bound on the length of a whole session is no inactivity timer, but has the same effect.
    """
    second = _wait(idle_in_transaction, 1)
    expect_that(f"an answer after {slow_lane.silence:.0f} seconds of silence", second, second.end is End.ANSWERED)


@slow
@verifies("R1939-3-AUTOLOGOUT-04")
def test_a_refused_command_restarts_the_timer(
    idle_in_transaction: Timeline, slow_lane: SlowLane, deadlines: Deadlines
) -> None:
    """An unknown command, and silence until the server closes: that takes ten minutes from the refusal on.

    The RFC has "any command"; whether that means one that is refused can be doubted, which is why it is a warning.
    """
    third = _wait(idle_in_transaction, 2)
    if third.is_over_early and third.seconds < deadlines.quiet:
        raise NotApplicable("the server closes after an unknown command")
    lasts = not third.is_over_early or third.seconds >= slow_lane.silence
    expect_that(f"{slow_lane.silence:.0f} seconds until the timer runs out", third, lasts)


@slow
@verifies("R1939-3-AUTOLOGOUT-05")
def test_a_slow_transfer_is_not_cut_off(slow_transfer: Timeline) -> None:
    """A large message is read so slowly that RETR takes twenty minutes: it arrives whole, and NOOP is answered.

    A warning at most: whether a client is inactive while it reads is left open.
    """
    wait = slow_transfer.waits[0]
    if wait.end is End.SILENT:
        raise NotRun(f"needs a server that begins to send a large message in time: {wait}")
    whole = wait.reply is not None and wait.reply.is_ok
    expect_that("the whole message, then +OK to NOOP", wait, whole)


@slow
@verifies("R1939-3-AUTOLOGOUT-06")
def test_autologout_removes_nothing(idle_in_transaction: Timeline) -> None:
    """DELE 1, and silence until the server closes: the next session shows every message, with its unique-id."""
    _expiry(idle_in_transaction)
    if idle_in_transaction.messages_after is None:
        raise NotRun(f"the maildrop cannot be looked into: {idle_in_transaction.refusal or 'closed at once'}")
    kept, had = idle_in_transaction.messages_after, idle_in_transaction.messages_before
    missing = [visible(message) for message, count in had.items() if kept.get(message, 0) < count]
    expect("messages that are gone after autologout", missing, [])


@slow
@verifies("R1939-3-AUTOLOGOUT-07")
def test_autologout_closes_the_connection(idle_in_transaction: Timeline, slow_lane: SlowLane) -> None:
    """Silence until the server closes, for 35 minutes at most: then NOOP is answered, or the connection is closed.

    A session that is neither alive nor closed is a warning, and so is a maildrop that nobody can open afterwards.
    """
    last = idle_in_transaction.waits[-1]
    if last.reply is not None and last.reply.is_ok:
        raise NotApplicable(f"no autologout within {slow_lane.longest_wait:.0f} seconds")
    expect_that("the connection closed by the server", last, last.is_over_early)
    refusal = idle_in_transaction.refusal
    expect_that("a maildrop that can be opened again", refusal, not refusal)


@slow
@verifies("R1939-3-AUTOLOGOUT-08")
def test_autologout_sends_nothing(idle_in_transaction: Timeline) -> None:
    """Until the server closes the silent session it sends no octet. Many say -ERR first, which is a warning."""
    expect("octets before the server closed", _expiry(idle_in_transaction).unasked, b"")


def _expiry(timeline: Timeline) -> Wait:
    if timeline.expiry is None:
        raise NotApplicable(f"no autologout: {timeline.waits[-1]}")
    return timeline.expiry


def _wait(timeline: Timeline, index: int) -> Wait:
    if len(timeline.waits) <= index:
        raise NotRun(f"the session did not last until then: {timeline.waits[-1]}")
    return timeline.waits[index]


def _path_may_interfere(bench: Bench) -> bool:
    """Routers and firewalls forget connections on which nothing happens; on loopback there are none."""
    host = bench.profile.endpoint.host
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"
