"""Which message-number holds which seeded message.

RFC 1939 section 4 numbers the messages of a maildrop from 1 and leaves their order to the server. Most servers keep
the order in which the messages came, which the sizes in the scan listing confirm at no cost. Where they do not, the
messages are fetched once and told apart by their contents; those that share a size, in each session anew.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from conformance.maildrop.corpus.message import CRLF, Message
from conformance.maildrop.fidelity import Fidelity, fidelity
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.promise import Promise, agreement
from conformance.verdict import Deviation
from conformance.wire.session import Session

Sizes = tuple[tuple[int, int], ...]
"""(message-number, size in octets) in the order of the numbers: that of the scan listing is the server's choice."""

_MARK = b"X-Conformance: "
"""The field that says which message of the corpus it is, in a message with an ordinary header section."""

_last_found: dict[str, tuple[tuple[Message, ...], Sizes, Mapping[str, int]]] = {}
"""By user: the messages and the sizes for which the numbers were found last, and those numbers."""


def number_of(session: Session, drop: Maildrop, message: Message) -> int:
    """Return the message-number of a seeded message. Raises `Deviation` when no message can be it."""
    number = _numbers(session, drop, (message,)).get(message.name)
    if number is None:
        raise Deviation((f"a message-number for the message {message.name}",), "the maildrop has fewer messages")
    return number


def numbers(session: Session, drop: Maildrop) -> Mapping[str, int]:
    """Return the message-numbers of the seeded messages by name.

    session: one in TRANSACTION state in which nothing is marked as deleted.
    """
    return _numbers(session, drop, drop.messages or ())


def _numbers(session: Session, drop: Maildrop, wanted: Iterable[Message]) -> Mapping[str, int]:
    """Return the message-numbers by name, which are certain for those that are `wanted`."""
    assert drop.messages is not None  # those who ask have seeded
    sizes = _sizes(session)
    known = _last_found.get(drop.account.user)
    if known is not None and known[:2] == (drop.messages, sizes):
        found = known[2]
    elif in_seeded_order(drop.messages, drop.promise, sizes):
        found = _places(drop.messages)
    else:
        listed = [number for number, _ in sizes] or range(1, len(drop.messages) + 1)
        found = numbers_by_content(drop.messages, drop.promise, _contents(session, listed))
        _last_found[drop.account.user] = (drop.messages, sizes, found)
        return found
    _last_found[drop.account.user] = (drop.messages, sizes, found)
    shared = sharing_a_size(sizes, {found[message.name] for message in wanted if message.name in found})
    if shared:
        alike = [message for message in drop.messages if found.get(message.name) in shared]
        # Equal sizes prove nothing, and another session may have numbered these in another order (section 4).
        found = {**found, **numbers_by_content(alike, drop.promise, _contents(session, shared), found)}
    return found


def in_seeded_order(messages: Sequence[Message], promise: Promise, sizes: Sizes) -> bool:
    """True if each message-number n has a size that the nth seeded message may have.

    That says which message is which for those whose size no other has.
    """
    return len(sizes) == len(messages) and all(
        number == expected_number and (size == len(message.octets) or size in _lawful_sizes(promise, message))
        for expected_number, message, (number, size) in zip(range(1, len(messages) + 1), messages, sizes, strict=True)
    )


def sharing_a_size(sizes: Sizes, asked: Collection[int]) -> list[int]:
    """Return the numbers of those that are asked for and of all others with the same size, where there are others."""
    count = Counter(size for _, size in sizes)
    shared = {size for number, size in sizes if number in asked and count[size] > 1}
    return [number for number, size in sizes if size in shared]


def numbers_by_content(
    messages: Sequence[Message],
    promise: Promise,
    contents: Iterable[tuple[int, bytes]],
    places: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Return the message-numbers by name, told by the contents.

    contents: (message-number, unstuffed content); taken one by one, so that they need not be in memory at once.
    places: the numbers that the messages have if nothing speaks against it, by name; by default 1, 2 and so on.
    A message whose content none of them resembles gets the number of its place, or one of those that are left: that
    its content is altered is for the checks to say. There is none for it when the maildrop has fewer messages.
    """
    places = _places(messages) if places is None else places
    found: dict[str, int] = {}
    unknown: list[int] = []
    missing = {message.name: message for message in messages}
    for number, content in contents:
        best = _nearest(missing.values(), promise, content)
        if best is None:
            unknown.append(number)
        else:
            found[best.name] = number
            del missing[best.name]
    in_place = {name: places[name] for name in missing if places[name] in unknown}
    left = iter(sorted(set(unknown) - set(in_place.values())))
    others = zip((name for name in missing if name not in in_place), left, strict=False)
    return found | in_place | dict(others)


def _nearest(messages: Iterable[Message], promise: Promise, content: bytes) -> Message | None:
    """Return the message whose content it is, or is what has become of it; None if none of them resembles it."""
    # Those that have their mark from the same line are the same, or alike enough to be tried one by one.
    alike = [message for message in messages if _mark(message.octets) == _mark(content)]
    fates = [(fidelity(promise, message, content), message) for message in alike]
    for wanted in (Fidelity.UNALTERED, Fidelity.BLANK_LINE_ADDED, Fidelity.FIELDS_ADDED):
        for fate, message in fates:
            if fate is wanted:
                return message
    if not _mark(content):
        return None
    body = Message("", content, "").body
    return max(alike, key=lambda message: agreement(message.body, body), default=None)


def _places(messages: Sequence[Message]) -> dict[str, int]:
    return {message.name: place for place, message in enumerate(messages, 1)}


def _sizes(session: Session) -> Sizes:
    try:
        return tuple(sorted(session.list().rows))
    except Deviation:
        return ()  # a scan listing that cannot be read is judged by the checks about LIST


def _contents(session: Session, listed: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    for number in listed:
        reply = session.retr(number)
        yield number, reply.payload if reply.is_ok else b""


def _lawful_sizes(promise: Promise, message: Message) -> set[int]:
    return {len(octets) for octets in promise.expected(message)}


def _mark(octets: bytes) -> bytes:
    start = octets.find(_MARK)
    return b"" if start < 0 else octets[start:].partition(CRLF)[0]
