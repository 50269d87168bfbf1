"""The format of messages (RFC 1939 section 11), and messages that do not have it.

A message in RFC 5322's format is given unaltered (RETR's checks). Of one that is not, RFC 1939 says nothing: a server
may repair it or pass it on, but the reply keeps its form, and what can be kept should not be lost.
"""

import re

import pytest

from conformance.expect import expect, expect_that, shown
from conformance.maildrop.corpus import (
    Message,
    eight_bit_headers,
    long_lines,
    malformed,
    nul,
)
from conformance.maildrop.corpus.message import CRLF
from conformance.maildrop.fidelity import Fidelity, expect_nothing_lost, fidelity
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.numbering import number_of, numbers
from conformance.marks import any_maildrop, maildrop, verifies
from conformance.plugin.judging import Judge
from conformance.target import Facts
from conformance.verdict import Deviation, NotRun
from conformance.wire.octets import visible
from conformance.wire.reply import Reply
from conformance.wire.session import Session

# Long lines are RETR's matter, NUL and 8-bit header fields have checks of their own.
REPAIRABLE = tuple(message for message in malformed if message not in (*long_lines, *nul, *eight_bit_headers))
HEADER_SECTION = re.compile(rb"(?:[!-9;-~]+[ \t]*:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)+\r\n")


def retrieved(session: Session, drop: Maildrop, message: Message) -> Reply:
    """Return the reply to RETR of a message that gets into the store as it is. Raises `NotRun` if it does not."""
    if reason := drop.promise.carries(message):
        raise NotRun(reason)
    return session.retr(number_of(session, drop, message)).ok()


@verifies("R1939-11-MSGFORMAT-01")
@any_maildrop(least=1)
def test_message_has_the_internet_message_format(transaction: Session) -> None:
    """RETR 1 gives header fields, a blank line, and lines that end with CRLF.

    A warning, for a mail that came in another form may be passed on in that form.
    """
    payload = transaction.retr(1).ok().payload
    expect_that("header fields and a blank line", payload[:200], HEADER_SECTION.match(payload) is not None)
    expect("the line ends that are not CRLF", re.findall(rb"\r(?!\n)|(?<!\r)\n", payload), [])


@pytest.mark.parametrize("message", REPAIRABLE, ids=str)
@verifies("R1939-11-MSGFORMAT-01")
@maildrop(malformed)
def test_malformed_message_is_passed_on_or_repaired(transaction: Session, drop: Maildrop, message: Message) -> None:
    """RETR of a message that breaks RFC 5322: as it is, or with the line ends and the blank line that it lacks.

    To lose anything of it, or to change more, is a warning: RFC 1939 does not speak of such messages.
    """
    expect_nothing_lost(drop.promise, message, retrieved(transaction, drop, message).payload)


@verifies("R1939-11-MSGFORMAT-01", "R1939-3-MULTILINE-03")
@maildrop(malformed)
def test_malformed_messages_leave_the_session_in_step(
    transaction: Session, drop: Maildrop, facts: Facts, judge: Judge
) -> None:
    """RETR, TOP and NOOP for each message that breaks RFC 5322: each reply ends where it should, whatever is in it.

    To refuse such a message is a warning; to get out of step, so that NOOP is answered by its lines, is a failure.
    """
    for name, number in numbers(transaction, drop).items():
        for command in (f"RETR {number}", f"TOP {number} 1")[: 1 + facts.top]:
            reply = transaction.command(command)
            transaction.send(b"NOOP\r\n")
            expect(f"the reply to NOOP behind {command}", transaction.reply().indicator, b"+OK")
            if reply.is_err:
                judge.deviates("+OK", f"{reply} for {name} ({command})", "R1939-11-MSGFORMAT-01")


@pytest.mark.parametrize("message", nul, ids=str)
@verifies("R1939-5-RETR-04", "R1939-11-MSGFORMAT-01")
@maildrop(malformed)
def test_nul_cuts_nothing_off(transaction: Session, drop: Maildrop, judge: Judge, message: Message) -> None:
    """RETR of a message with NUL in it: what is before and behind it comes.

    NUL must not be in a message (RFC 5322), and clients have hung on it; so a server may replace it. Which octet it
    puts there is recorded. Anything else than one octet for the other is a warning, and to lose the rest is a failure.
    """
    received = retrieved(transaction, drop, message).payload
    before, behind = (CRLF * 2 + message.body).split(b"\0")
    pattern = re.escape(before) + b"(.*)" + re.escape(behind)
    found = re.search(pattern, received, re.DOTALL)
    if found is None:
        raise Deviation((f"{message.name} with all that is around the NUL",), shown(received), "R1939-5-RETR-04")
    judge.observe("NUL in a message", "is sent" if found[1] == b"\0" else f"becomes {visible(found[1]) or 'nothing'}")
    expect("what comes in place of NUL (octets)", len(found[1]), 1, requirement="R1939-11-MSGFORMAT-01")


@pytest.mark.parametrize("message", eight_bit_headers, ids=str)
@verifies("R1939-11-MSGFORMAT-01")
@maildrop(malformed)
def test_eight_bit_header_field(transaction: Session, drop: Maildrop, judge: Judge, message: Message) -> None:
    """RETR of a message with 8-bit octets in its header section: the body comes, the header is the server's to judge.

    RFC 1939 knows no such header. What becomes of it (sent as it is, encoded, wrapped) is recorded. That an octet
    comes with its eighth bit cleared, or another one in its place, or none, is a warning: nobody can undo that.
    """
    received = retrieved(transaction, drop, message).payload
    found = fidelity(drop.promise, message, received)
    judge.observe(f"8-bit header: {message.name}", "is altered" if found is Fidelity.ALTERED else found.value)
    expect_that("the body as it was seeded", received, message.body in received)
    for line in message.header.split(CRLF):
        if not line.isascii() and (mutilated := _mutilated(line).search(CRLF + received)):
            judge.deviates(f"8-bit octets, or an encoding of them, in {shown(line)}", shown(mutilated[1]))


def _mutilated(line: bytes) -> re.Pattern[bytes]:
    """Return the pattern of what a header line becomes when each 8-bit octet is replaced by a 7-bit one or left out."""
    octets = (b"[^\\r\\n\\x80-\\xff]?" if octet > 127 else re.escape(bytes([octet])) for octet in line)
    return re.compile(b"\r\n(" + b"".join(octets) + b")(?=\r\n)")
