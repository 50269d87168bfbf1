"""What becomes of messages that have been retrieved, by a site's policy (RFC 1939 section 8)."""

import pytest

from conformance.checks.survivors import survivors
from conformance.expect import expect
from conformance.maildrop.corpus import pick, three_messages
from conformance.maildrop.keeper import Maildrop
from conformance.marks import deletes, maildrop, verifies
from conformance.plugin.fixtures import LogIn
from conformance.plugin.judging import Judge
from conformance.target import Facts
from conformance.verdict import NotApplicable
from conformance.wire.session import Deadlines

with_a_long_message = pick("small-first", "small-second", "line-of-1048576")


@verifies("R1939-8-RETENTION-05")
@maildrop(three_messages)
@deletes
def test_a_message_may_be_retrieved_once(log_in: LogIn, facts: Facts, judge: Judge) -> None:
    """RETR 1 and QUIT on a server that announces EXPIRE 0 (RFC 2449 section 6.7): the message may be gone then."""
    if not facts.deletes_what_was_retrieved:
        raise NotApplicable("the server does not announce EXPIRE 0")
    session = log_in()
    session.retr(1).ok()
    session.quit()
    session.read_to_eof()
    judge.observe("messages after RETR of one of three and QUIT", log_in().stat().count)


@pytest.mark.parametrize("ending", ["close", "reset"])
@verifies("R1939-8-RETENTION-06", "R1939-6-UPDATE-03")
@maildrop(three_messages)
@deletes
def test_retrieved_messages_stay_without_quit(log_in: LogIn, drop: Maildrop, facts: Facts, ending: str) -> None:
    """RETR of all messages and an end without QUIT: the next session shows all of them, with the same unique-ids.

    The client may not have stored what it received, so this holds whatever the policy of the site.
    """
    session = log_in()
    before = survivors(session, drop, facts)
    for number in (1, 2, 3):
        session.retr(number).ok()
    getattr(session, ending)()
    expect("messages in the next session", survivors(log_in(), drop, facts), before)


@pytest.mark.parametrize("ending", ["close", "reset"])
@verifies("R1939-8-RETENTION-06", "R1939-6-UPDATE-03")
@maildrop(with_a_long_message)
@deletes
def test_a_message_stays_that_was_not_read_to_its_end(
    log_in: LogIn, drop: Maildrop, facts: Facts, deadlines: Deadlines, ending: str
) -> None:
    """RETR of a long message, of which only the first octets are read, and an end without QUIT: it is still there."""
    session = log_in()
    before = survivors(session, drop, facts)
    session.send(b"RETR 3\r\n")
    session.silence(deadlines.reply)
    getattr(session, ending)()
    expect("messages in the next session", survivors(log_in(), drop, facts), before)
