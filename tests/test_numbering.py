"""Which message-number holds which message: told by sizes where they suffice, else by contents."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from conformance.maildrop.corpus import Message, five_messages, look_alikes, pick, twins
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.maildir import MaildirSeeder
from conformance.maildrop.numbering import in_seeded_order, number_of, numbers, numbers_by_content, sharing_a_size
from conformance.maildrop.promise import Promise
from conformance.profile import Account, MaildirSeed
from conformance.wire.listing import ScanListing
from conformance.wire.reply import Reply
from conformance.wire.session import Session

EXACT = Promise()


def sizes(messages: tuple[Message, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((number, len(message.octets)) for number, message in enumerate(messages, 1))


def contents(messages: tuple[Message, ...]) -> Iterator[tuple[int, bytes]]:
    return ((number, message.octets) for number, message in enumerate(messages, 1))


def test_sizes_confirm_the_seeded_order() -> None:
    assert in_seeded_order(five_messages, EXACT, sizes(five_messages))


def test_sizes_may_count_the_line_end_that_the_server_adds() -> None:
    messages = pick("unterminated")
    assert in_seeded_order(messages, EXACT, ((1, len(messages[0].octets) + 2),))


@pytest.mark.parametrize(
    "listed",
    [
        sizes(five_messages[::-1]),
        sizes(five_messages[:4]),
        sizes(five_messages)[::-1],
        tuple((number, size - 5) for number, size in sizes(five_messages)),
        (),
    ],
    ids=["reversed", "one-missing", "listed-backwards", "other-sizes", "unreadable"],
)
def test_sizes_do_not_confirm_another_order(listed: tuple[tuple[int, int], ...]) -> None:
    assert not in_seeded_order(five_messages, EXACT, listed)


def test_equal_sizes_tell_nothing() -> None:
    assert sharing_a_size(sizes(five_messages), [1, 2, 3, 4, 5]) == []
    assert sharing_a_size(((1, 120), (2, 200), (3, 120), (4, 90), (5, 90)), [2, 3]) == [1, 3]


class Maildir:
    """A session as far as numbers depend on it, which shows these messages in this order."""

    def __init__(self, messages: Sequence[Message], rows_in_order: bool = True) -> None:
        self.messages = messages
        self.rows = sizes(tuple(messages))[:: 1 if rows_in_order else -1]
        self.retrieved: list[int] = []

    def list(self) -> ScanListing:
        return ScanListing(self.rows)

    def retr(self, number: int) -> Reply:
        self.retrieved.append(number)
        return Reply(b"+OK\r\n", self.messages[number - 1].octets, b".\r\n")


MIXED = (*five_messages[:2], *look_alikes)
ABOUT_FACE = (*five_messages[:2], *look_alikes[::-1])


def found_in(maildir: Maildir, drop: Maildrop) -> list[int]:
    found = numbers(cast(Session, maildir), drop)
    return [found[message.name] for message in MIXED]


@pytest.fixture
def drop(request: pytest.FixtureRequest, tmp_path: Path) -> Maildrop:
    account = Account(user=request.node.name, password="secret", seed=MaildirSeed(maildir=tmp_path))
    return Maildrop(account, MaildirSeeder(tmp_path), MIXED)


def test_messages_of_one_size_are_told_by_their_contents(drop: Maildrop) -> None:
    maildir = Maildir(ABOUT_FACE)
    assert found_in(maildir, drop) == [1, 2, 4, 3]
    assert maildir.retrieved == [3, 4]


def test_messages_of_one_size_are_told_in_each_session(drop: Maildrop) -> None:
    assert found_in(Maildir(MIXED), drop) == [1, 2, 3, 4]
    assert found_in(Maildir(ABOUT_FACE), drop) == [1, 2, 4, 3]


def test_a_size_of_its_own_tells_a_message_without_its_content(drop: Maildrop) -> None:
    maildir = Maildir(ABOUT_FACE)
    assert number_of(cast(Session, maildir), drop, MIXED[1]) == 2
    assert maildir.retrieved == []


def test_contents_are_asked_once_where_the_order_is_another(drop: Maildrop) -> None:
    first, second = Maildir(MIXED[::-1]), Maildir((*look_alikes, *five_messages[1::-1]))
    assert found_in(first, drop) == [4, 3, 2, 1]
    assert first.retrieved == [1, 2, 3, 4]
    assert found_in(second, drop) == [4, 3, 1, 2]
    assert second.retrieved == [1, 2]


def test_the_order_of_the_scan_listing_says_nothing(drop: Maildrop) -> None:
    maildir = Maildir(MIXED, rows_in_order=False)
    assert found_in(maildir, drop) == [1, 2, 3, 4]
    assert maildir.retrieved == [3, 4]


@pytest.mark.parametrize("field", [b"Status: RO\r\n", b"X-UIDL: 1\r\nStatus: O\r\n"])
def test_messages_with_fields_added_are_told_by_what_was_seeded(field: bytes) -> None:
    first, second = look_alikes
    added = [
        (1, field + second.octets),
        (2, first.header + field + b"\r\n" + first.body),
    ]
    assert numbers_by_content(look_alikes, EXACT, added) == {first.name: 2, second.name: 1}


def test_altered_messages_with_one_mark_are_told_by_their_bodies() -> None:
    first, second = look_alikes
    altered = [(number, b"Subject: none\r\n" + m.octets[:-3]) for number, m in ((1, second), (2, first))]
    altered = [(number, octets.replace(b"reader", b"writer")) for number, octets in altered]
    assert numbers_by_content(look_alikes, EXACT, altered) == {first.name: 2, second.name: 1}


def test_contents_tell_in_any_order() -> None:
    found = numbers_by_content(five_messages, EXACT, contents(five_messages[::-1]))
    assert found == {message.name: 6 - number for number, message in enumerate(five_messages, 1)}


def test_identical_messages_get_different_numbers() -> None:
    assert numbers_by_content(twins, EXACT, contents(twins)) == {"twin-first": 1, "twin-second": 2}


def test_an_altered_message_is_known_by_its_mark() -> None:
    first, second = pick("small-first", "small-second")
    altered = [(1, second.octets), (2, first.octets[:-5])]
    assert numbers_by_content((first, second), EXACT, altered) == {"small-second": 1, "small-first": 2}


def test_messages_without_a_mark_are_told_by_their_octets() -> None:
    messages = pick("body-only", "blank-line-only", "no-octets")
    found = numbers_by_content(messages, EXACT, contents(messages[::-1]))
    assert found == {"no-octets": 1, "blank-line-only": 2, "body-only": 3}


def test_a_message_beyond_recognition_has_the_number_of_its_place() -> None:
    messages = pick("small-first", "body-only", "small-third")
    found = numbers_by_content(messages, EXACT, [(1, messages[0].octets), (2, b"???\r\n"), (3, messages[2].octets)])
    assert found == {"small-first": 1, "body-only": 2, "small-third": 3}


def test_a_message_beyond_recognition_has_the_number_that_is_left() -> None:
    messages = pick("small-first", "small-second")
    found = numbers_by_content(messages, EXACT, [(1, messages[1].octets), (2, b"")])
    assert found == {"small-second": 1, "small-first": 2}


def test_a_message_that_is_missing_has_no_number() -> None:
    found = numbers_by_content(five_messages, EXACT, contents(five_messages[:4]))
    assert five_messages[4].name not in found
    assert len(found) == 4
