"""Sizes in octets (RFC 1939 sections 4, 5 and 11)."""

import re
from collections.abc import Sequence

import pytest

from conformance.expect import expect
from conformance.maildrop.corpus import Message, conforming, dots, long_lines, malformed, pick
from conformance.maildrop.corpus.message import CRLF
from conformance.maildrop.fidelity import Fidelity, fidelity
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.miscount import Size, diagnosis
from conformance.maildrop.numbering import numbers
from conformance.marks import any_maildrop, maildrop, verifies
from conformance.plugin.fixtures import LogIn
from conformance.target import Facts
from conformance.verdict import Deviation, NotApplicable, NotRun, Verdict
from conformance.wire.session import Session

WITHOUT_LINE_END = tuple(message for message in malformed if not message.octets.endswith(CRLF))
OCTETS_IN_STATUS_LINE = re.compile(rb"(\d+) octets", re.IGNORECASE)


def measured(session: Session, drop: Maildrop, messages: Sequence[Message]) -> list[Size]:
    """Return the size of each message as listed and as sent, where both are there to be compared."""
    listed = session.list().sizes
    found = numbers(session, drop)
    sizes = []
    for message in messages:
        number = found.get(message.name)
        if number not in listed or (reply := session.retr(number)).is_err:
            continue
        altered = fidelity(drop.promise, message, reply.payload) is Fidelity.ALTERED
        if altered and listed[number] in {len(octets) for octets in drop.promise.expected(message)}:
            continue  # the size is right and the reply is not, which is for the checks about RETR to say
        sizes.append(Size.of(message.name, listed[number], reply))
    return sizes


def expect_exact(sizes: Sequence[Size], at_most: Verdict = Verdict.FAIL) -> None:
    """Raise `Deviation` unless every size is exact; say what explains them if one is not."""
    wrong = [size for size in sizes if not size.is_exact]
    if wrong:
        smallest = min(wrong, key=lambda size: size.sent)
        raise Deviation(
            (f"the size of {smallest.name} is the octets that RETR sends: {smallest.sent}",),
            f"LIST says {smallest.listed}, {diagnosis(sizes)} ({len(wrong)} of {len(sizes)} sizes are wrong)",
            at_most=at_most,
        )


# Noted when the maildrop is opened (section 4).


@verifies("R1939-4-SIZE-01")
@maildrop(conforming)
def test_sizes_stay_in_the_session(transaction: Session, facts: Facts) -> None:
    """LIST before and after the messages were sent, by RETR and TOP: each size stays what it was."""
    before = sorted(transaction.list().rows)
    for number, _ in before:
        transaction.retr(number)
        if facts.top:
            transaction.top(number, 1)
    expect("the scan listing, sorted, after RETR and TOP", sorted(transaction.list().rows), before)


# The exact size (section 5).


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param(conforming, id="conforming", marks=maildrop(conforming)),
        pytest.param(long_lines, id="long-lines", marks=maildrop(long_lines)),
        pytest.param(malformed, id="malformed", marks=maildrop(malformed)),
    ],
)
@verifies("R1939-5-SIZE-01")
def test_size_is_what_retr_sends(transaction: Session, drop: Maildrop, messages: tuple[Message, ...]) -> None:
    """RETR of every message: as many octets as LIST says, without the stuffed dots and the end of the reply.

    That holds for a message that the server sends in another form than it stores, too. If sizes are wrong, the way of
    counting that explains them is named.
    """
    expect_exact(measured(transaction, drop, [message for message in messages if message not in WITHOUT_LINE_END]))


@pytest.mark.parametrize("message", WITHOUT_LINE_END, ids=str)
@verifies("R1939-5-SIZE-01")
@maildrop(malformed)
def test_size_of_a_message_without_its_last_line_end(transaction: Session, drop: Maildrop, message: Message) -> None:
    """RETR of a message whose last line has no CRLF of its own: the size should count the one that the server adds.

    RFC 1939 does not say whether it belongs to the message, so a size without it is a warning.
    """
    if reason := drop.promise.carries(message):
        raise NotRun(reason)
    sizes = measured(transaction, drop, [message])
    left_out = sum(size.sent - size.listed for size in sizes)
    expect_exact(sizes, Verdict.WARN if 0 <= left_out <= len(b"\r\n") else Verdict.FAIL)


@verifies("R1939-5-SIZE-02")
@any_maildrop(least=2)
def test_one_scan_listing_is_as_in_all(transaction: Session) -> None:
    """LIST with each message-number says the same as LIST without."""
    rows = transaction.list().rows[:20]
    expect("LIST with each number", tuple(transaction.list(number).rows[0] for number, _ in rows), rows)


@verifies("R1939-5-SIZE-02")
@any_maildrop(least=2)
def test_sizes_are_the_same_in_a_later_session(transaction: Session, log_in: LogIn, facts: Facts) -> None:
    """LIST in a later session gives each message the size it had, told by its unique-id.

    A difference is a warning only: a server may have written into the message, say that it has been read.
    """
    if not facts.uidl:
        raise NotApplicable("UIDL is not offered, and without it a message is not known again")
    before = _sizes_by_unique_id(transaction)
    transaction.leave()
    after = _sizes_by_unique_id(log_in())
    changed = {id_: (size, after[id_]) for id_, size in before.items() if after.get(id_, size) != size}
    if changed:
        raise Deviation(("the sizes of the session before",), f"(before, after): {changed}", at_most=Verdict.WARN)


@verifies("R1939-5-RETR-03")
@any_maildrop(least=1)
def test_octets_in_the_status_line(transaction: Session) -> None:
    """RETR may say how many octets follow. That is free text, so a number that differs is recorded and no more.

    Some clients read that many octets (aenetmail#150).
    """
    reply = transaction.retr(1).ok()
    said = OCTETS_IN_STATUS_LINE.search(reply.text)
    if said and int(said[1]) != len(reply.payload):
        raise Deviation((f"{len(reply.payload)} octets",), str(reply), at_most=Verdict.INFO)


# What counts (section 11).


@verifies("R1939-11-SIZE-02")
@maildrop(conforming)
def test_a_line_end_counts_as_two_octets(transaction: Session, drop: Maildrop) -> None:
    """LIST of a message that is mostly line ends: the size is not what a store that keeps LF would count."""
    expect_exact(measured(transaction, drop, pick("short-lines-shift-0")))


@verifies("R1939-11-SIZE-03")
@maildrop(conforming)
def test_stuffed_dots_do_not_count(transaction: Session, drop: Maildrop) -> None:
    """LIST of messages with lines that begin with dots: the client takes the stuffed ones off, so they do not count."""
    expect_exact(measured(transaction, drop, [message for message in dots if message.conforms]))


def _sizes_by_unique_id(session: Session) -> dict[bytes, int]:
    sizes = session.list().sizes
    return {unique_id: sizes[number] for number, unique_id in session.uidl().rows if number in sizes}
