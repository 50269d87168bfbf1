"""Which message-number holds which seeded message.

RFC 1939 section 4 numbers the messages of a maildrop from 1 and leaves their order to the server. Most servers keep
the order in which the messages came, which the sizes in the scan listing confirm at no cost. Where they do not, the
messages are fetched once and told apart by their contents.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from conformance.maildrop.corpus.message import CRLF, Message
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.promise import Promise
from conformance.verdict import Deviation
from conformance.wire.session import Session

Sizes = tuple[tuple[int, int], ...]
"""(message-number, size in octets) in the order of the scan listing."""

_MARK = b"X-Conformance: "
"""The field that says which message of the corpus it is, in a message with an ordinary header section."""

_last_found: dict[str, tuple[tuple[Message, ...], Sizes, Mapping[str, int]]] = {}
"""By user: the messages and the sizes for which the numbers were found last, and those numbers."""


def number_of(session: Session, drop: Maildrop, message: Message) -> int:
    """Return the message-number of a seeded message. Raises `Deviation` when no message can be it."""
    number = numbers(session, drop).get(message.name)
    if number is None:
        raise Deviation((f"a message-number for the message {message.name}",), "the maildrop has fewer messages")
    return number


def numbers(session: Session, drop: Maildrop) -> Mapping[str, int]:
    """Return the message-numbers of the seeded messages by name.

    session: one in TRANSACTION state in which nothing is marked as deleted.
    """
    assert drop.messages is not None  # those who ask have seeded
    sizes = _sizes(session)
    known = _last_found.get(drop.account.user)
    if known is None or known[:2] != (drop.messages, sizes):
        if in_seeded_order(drop.messages, drop.promise, sizes):
            found: Mapping[str, int] = {message.name: number for number, message in enumerate(drop.messages, 1)}
        else:
            found = numbers_by_content(drop.messages, drop.promise, _contents(session, drop.messages, sizes))
        known = _last_found[drop.account.user] = (drop.messages, sizes, found)
    return known[2]


def in_seeded_order(messages: Sequence[Message], promise: Promise, sizes: Sizes) -> bool:
    """True if the sizes say that the nth seeded message has message-number n, for all of them."""
    return len(sizes) == len(messages) and all(
        number == expected_number and (size == len(message.octets) or size in _lawful_sizes(promise, message))
        for expected_number, message, (number, size) in zip(range(1, len(messages) + 1), messages, sizes, strict=True)
    )


def numbers_by_content(
    messages: Sequence[Message], promise: Promise, contents: Iterable[tuple[int, bytes]]
) -> dict[str, int]:
    """Return the message-numbers by name, told by the contents.

    contents: (message-number, unstuffed content); taken one by one, so that they need not be in memory at once.
    A message whose content none of them resembles gets the number of its place, or one of those that are left: that
    its content is altered is for the checks to say. There is none for it when the maildrop has fewer messages.
    """
    found: dict[str, int] = {}
    unknown: list[int] = []
    missing = {message.name: message for message in messages}
    for number, content in contents:
        alike = [message for message in missing.values() if _mark(message.octets) == _mark(content)]
        # Those that have their mark from the same line are the same, or alike enough to be tried one by one.
        accepted = (message for message in alike if promise.accepts(message, content))
        best = next(accepted, alike[0] if alike and _mark(content) else None)
        if best is None:
            unknown.append(number)
        else:
            found[best.name] = number
            del missing[best.name]
    places = {message.name: place for place, message in enumerate(messages, 1)}
    in_place = {name: places[name] for name in missing if places[name] in unknown}
    left = iter(sorted(set(unknown) - set(in_place.values())))
    others = zip((name for name in missing if name not in in_place), left, strict=False)
    return found | in_place | dict(others)


def _sizes(session: Session) -> Sizes:
    try:
        return session.list().rows
    except Deviation:
        return ()  # a scan listing that cannot be read is judged by the checks about LIST


def _contents(session: Session, messages: Sequence[Message], sizes: Sizes) -> Iterator[tuple[int, bytes]]:
    for number in [number for number, _ in sizes] or range(1, len(messages) + 1):
        reply = session.retr(number)
        yield number, reply.payload if reply.is_ok else b""


def _lawful_sizes(promise: Promise, message: Message) -> set[int]:
    return {len(octets) for octets in promise.expected(message)}


def _mark(octets: bytes) -> bytes:
    start = octets.find(_MARK)
    return b"" if start < 0 else octets[start:].partition(CRLF)[0]
