"""How faithfully a server gives a seeded message back, and what deserves which verdict."""

from dataclasses import replace
from enum import Enum

from conformance.maildrop.corpus.message import CRLF, Message
from conformance.maildrop.promise import AddedFields, Promise
from conformance.verdict import Deviation, Verdict


class Fidelity(Enum):
    """What has become of a message between its seeding and the reply that sends it."""

    UNALTERED = "as it was seeded"
    BLANK_LINE_ADDED = "as it was seeded, with a blank line more at its end"
    FIELDS_ADDED = "as it was seeded, with header fields more"
    ALTERED = "something else"


def fidelity(promise: Promise, message: Message, received: bytes) -> Fidelity:
    """Return what has become of a message.

    received: the unstuffed content of the reply.
    """
    if promise.accepts(message, received):
        return Fidelity.UNALTERED
    if received.endswith(CRLF) and promise.accepts(message, received.removesuffix(CRLF)):
        return Fidelity.BLANK_LINE_ADDED
    if replace(promise, added_fields=AddedFields.ANYWHERE).accepts(message, received):
        return Fidelity.FIELDS_ADDED
    return Fidelity.ALTERED


def expect_unaltered(promise: Promise, message: Message, received: bytes, *tolerated: Fidelity) -> None:
    """Raise `Deviation` unless the message came as it was seeded, or with what is tolerated.

    Two ways of adding to it are no worse than a warning: a blank line at the end, by which some servers help old
    clients (qmail-pop3d says so), and header fields of the server's own, such as Status.
    """
    found = fidelity(promise, message, received)
    if found is Fidelity.UNALTERED or found in tolerated:
        return
    expected = (f"{message.name} as it was seeded",)
    if found is Fidelity.ALTERED:
        raise Deviation(expected, promise.difference(message, received))
    raise Deviation(expected, found.value, at_most=Verdict.WARN)


def expect_nothing_lost(promise: Promise, message: Message, received: bytes) -> None:
    """Raise `Deviation` unless the message came as it was seeded; what is added to it is for another check to judge."""
    expect_unaltered(promise, message, received, Fidelity.BLANK_LINE_ADDED, Fidelity.FIELDS_ADDED)


def top_of(message: Message, lines: int) -> Message:
    """Return what TOP has to send of a message: header section, blank line, that many lines of the body."""
    head = message.octets.removesuffix(message.body)
    body = b"".join(message.body.splitlines(keepends=True)[:lines])
    return replace(message, name=f"{message.name}, {lines} lines of its body,", octets=head + body)
