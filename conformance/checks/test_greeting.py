"""The greeting (RFC 1939 sections 3 and 4)."""

from conformance.checks.aftermath import expect_in_step
from conformance.expect import expect
from conformance.marks import verifies
from conformance.plugin.fixtures import Connect
from conformance.target import Facts
from conformance.verdict import NotRun
from conformance.wire.session import Deadlines


@verifies("R1939-3-GREETING-01")
def test_the_server_speaks_first(open_connection: Connect) -> None:
    """We connect and send nothing: a line must come, however slowly the server greets."""
    open_connection().greeting()


@verifies("R1939-4-GREETING-02", "R1939-A-GREETING-01")
def test_greeting_is_positive(open_connection: Connect, facts: Facts) -> None:
    """The greeting is +OK, with any text or none.

    A server that sends -ERR and closes refuses service, and cannot be tested; one that sends -ERR and stays does what
    RFC 1939 has no room for.
    """
    _needs_a_greeting(facts)
    open_connection().greeting().ok()


@verifies("R1939-4-GREETING-01")
def test_greeting_is_one_line(open_connection: Connect, facts: Facts, deadlines: Deadlines) -> None:
    """After the line of the greeting nothing comes, and QUIT has a single line in reply."""
    _needs_a_greeting(facts)
    session = open_connection()
    session.greeting()
    expect("what follows the greeting", session.silence(deadlines.quiet), b"")
    expect_in_step(session)


def _needs_a_greeting(facts: Facts) -> None:
    if facts.greeting is None:
        raise NotRun("the server sends no greeting")
