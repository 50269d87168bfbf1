"""Messages that nobody thought of: RETR, TOP and LIST of generated ones (RFC 1939 sections 3, 5, 7 and 11).

The corpus has a message for each mistake that we know of; these are made at random, from the run's seed.
"""

from collections.abc import Callable
from operator import itemgetter

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from conformance.expect import expect, shown
from conformance.maildrop.corpus import Message, three_messages
from conformance.maildrop.fidelity import Fidelity, expect_nothing_lost, fidelity, top_of
from conformance.maildrop.generated import generated_maildrops
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.numbering import number_of
from conformance.marks import maildrop, verifies
from conformance.plugin.fixtures import LogIn
from conformance.target import Facts
from conformance.verdict import BenchError, Deviation, NotApplicable
from conformance.wire.connection import Deadline
from conformance.wire.session import Session

MAILDROPS = 20
MESSAGES = 8
MOST_SECONDS = 30.0
"""For all maildrops of a check together, with the search for the smallest message that fails."""

Claim = Callable[[Session, Message, int], None]
Verify = Callable[[Claim], None]


@pytest.fixture
def for_each_generated_message(request: pytest.FixtureRequest, drop: Maildrop, log_in: LogIn) -> Verify:
    """Verifies a claim in generated maildrops, and raises the deviation of the smallest message that it finds.

    The claim gets a session, a message of the maildrop and a number of lines, and raises `Deviation`.
    """
    failures: list[tuple[int, Deviation | BenchError]] = []
    deadline = Deadline(MOST_SECONDS)

    def verify_in_maildrop(claim: Claim, messages: tuple[Message, ...], lines: int) -> None:
        drop.fill(messages)
        session = log_in()
        try:
            for message in messages:
                try:
                    claim(session, message, lines)
                except Deviation as deviation:
                    observed = f"{deviation.observed}; the message: {shown(message.octets)}"
                    smaller = Deviation(deviation.expected, observed, deviation.requirement, deviation.at_most)
                    failures.append((len(message.octets), smaller))
                    raise smaller from None
        finally:
            session.leave()

    def verify(claim: Claim) -> None:
        @seed(request.config.option.pop3_seed)
        @settings(
            max_examples=MAILDROPS,
            phases=(Phase.generate, Phase.shrink),
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        )
        @given(generated_maildrops(MESSAGES), st.integers(0, 14))
        def verify_in_each_maildrop(messages: tuple[Message, ...], lines: int) -> None:
            if deadline.remaining() == 0 or any(size < 0 for size, _ in failures):
                return
            try:
                verify_in_maildrop(claim, messages, lines)
            except BenchError as error:
                failures.append((-1, error))
                raise

        try:
            verify_in_each_maildrop()
        except (Deviation, BenchError, Flaky):
            # Flaky: the time was up before the smallest message was seen once more, or the server is not consistent.
            if not failures:
                raise
        if failures:
            raise min(failures, key=itemgetter(0))[1]

    return verify


@verifies("R1939-5-RETR-04", "R1939-5-RETR-06", "R1939-3-MULTILINE-05", "R1939-3-MULTILINE-04")
@maildrop(three_messages)
def test_retr_gives_what_was_seeded(drop: Maildrop, for_each_generated_message: Verify) -> None:
    """RETR of up to 160 generated messages gives the octets that were seeded; a failure shows the smallest message."""

    def claim(session: Session, message: Message, _lines: int) -> None:
        reply = session.retr(number_of(session, drop, message)).ok()
        expect_nothing_lost(drop.promise, message, reply.payload)

    for_each_generated_message(claim)


@verifies("R1939-7-TOP-06", "R1939-7-TOP-08", "R1939-7-TOP-09", "R1939-7-TOP-10")
@maildrop(three_messages)
def test_top_gives_the_first_lines(drop: Maildrop, facts: Facts, for_each_generated_message: Verify) -> None:
    """TOP of generated messages, with a random number of lines: header section, blank line, that many lines."""
    if not facts.top:
        raise NotApplicable("TOP is not offered")

    def claim(session: Session, message: Message, lines: int) -> None:
        reply = session.top(number_of(session, drop, message), lines).ok()
        expect_nothing_lost(drop.promise, top_of(message, lines), reply.payload)

    for_each_generated_message(claim)


@verifies("R1939-5-SIZE-01", "R1939-11-SIZE-02", "R1939-11-SIZE-03")
@maildrop(three_messages)
def test_list_gives_the_size(drop: Maildrop, for_each_generated_message: Verify) -> None:
    """LIST of generated messages gives the octets that RETR sends, less the stuffed dots and the end of the reply."""

    def claim(session: Session, message: Message, _lines: int) -> None:
        number = number_of(session, drop, message)
        (_, size), *_ = session.list(number).rows
        received = session.retr(number).ok().payload
        if fidelity(drop.promise, message, received) is not Fidelity.ALTERED:
            expect("the size of the message", size, len(received))

    for_each_generated_message(claim)
