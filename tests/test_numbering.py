"""Which message-number holds which message: told by sizes where they suffice, else by contents."""

from collections.abc import Iterator

import pytest

from conformance.maildrop.corpus import Message, five_messages, pick, twins
from conformance.maildrop.numbering import in_seeded_order, numbers_by_content
from conformance.maildrop.promise import Promise

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
