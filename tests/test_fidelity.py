"""What has become of a message, and how a wrong size was counted."""

import pytest

from conformance.maildrop.corpus import Message, five_messages, pick
from conformance.maildrop.fidelity import Fidelity, expect_nothing_lost, expect_unaltered, fidelity, top_of
from conformance.maildrop.miscount import Size, diagnosis
from conformance.maildrop.promise import Promise
from conformance.verdict import Deviation, Verdict
from conformance.wire.reply import Reply

EXACT = Promise()
FIRST, *_ = five_messages


@pytest.mark.parametrize(
    ("received", "found"),
    [
        (FIRST.octets, Fidelity.UNALTERED),
        (FIRST.octets + b"\r\n", Fidelity.BLANK_LINE_ADDED),
        (b"Status: RO\r\n" + FIRST.octets, Fidelity.FIELDS_ADDED),
        (FIRST.octets[:-3], Fidelity.ALTERED),
        (FIRST.octets + b"\r\n\r\n", Fidelity.ALTERED),
        (b"", Fidelity.ALTERED),
    ],
)
def test_fidelity(received: bytes, found: Fidelity) -> None:
    assert fidelity(EXACT, FIRST, received) is found


@pytest.mark.parametrize("received", [FIRST.octets + b"\r\n", b"Status: RO\r\n" + FIRST.octets])
def test_what_is_added_is_a_warning(received: bytes) -> None:
    expect_nothing_lost(EXACT, FIRST, received)
    with pytest.raises(Deviation) as caught:
        expect_unaltered(EXACT, FIRST, received)
    assert caught.value.at_most is Verdict.WARN


def test_what_is_lost_is_a_failure() -> None:
    with pytest.raises(Deviation, match="octets expected") as caught:
        expect_unaltered(EXACT, FIRST, FIRST.octets.replace(b"One", b"Two"))
    assert caught.value.at_most is Verdict.FAIL


@pytest.mark.parametrize(
    ("lines", "body"),
    [(0, b""), (1, b"Two lines make\r\n"), (2, b"Two lines make\r\na somewhat larger message.\r\n")],
)
def test_top_of_a_message(lines: int, body: bytes) -> None:
    message = five_messages[1]
    assert top_of(message, lines).octets == message.header + b"\r\n" + body
    assert top_of(message, 99).octets == message.octets


@pytest.mark.parametrize("name", ["header-only", "header-only-no-blank", "no-octets", "blank-line-only"])
def test_top_of_a_message_without_a_body_is_all_of_it(name: str) -> None:
    (message,) = pick(name)
    assert top_of(message, 0).octets == message.octets


def reply_with(message: Message) -> Reply:
    stuffed = (b"\r\n" + message.octets).replace(b"\r\n.", b"\r\n..")[2:]
    return Reply(b"+OK\r\n", stuffed, b".\r\n")


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (lambda octets: octets - 11, "no way of counting that we know explains them all"),
        (lambda octets: octets + 3, "as if the lone dot at the end counts"),
        (lambda octets: -(-octets // 1024) * 1024, "as if rounded up to 1024 octets"),
    ],
)
def test_diagnosis_of_sizes(counted: object, expected: str) -> None:
    assert callable(counted)
    messages = pick("small-first", "dots-growing", "dots-at-4096-shift-0")
    sizes = [Size.of(message.name, counted(len(message.octets)), reply_with(message)) for message in messages]
    assert not any(size.is_exact for size in sizes)
    assert diagnosis(sizes) == expected


@pytest.mark.parametrize(
    ("weight_of_line_end", "weight_of_stuffed_dot", "expected"),
    [(1, 0, "as if each line end counts as one octet"), (2, 1, "as if stuffed dots count")],
)
def test_diagnosis_of_line_ends_and_dots(weight_of_line_end: int, weight_of_stuffed_dot: int, expected: str) -> None:
    sizes = []
    for message in pick("small-first", "dots-growing", "latin1-body"):
        lines = message.octets.removesuffix(b"\r\n").split(b"\r\n")
        counted = sum(len(line) + weight_of_line_end for line in lines)
        counted += weight_of_stuffed_dot * sum(line.startswith(b".") for line in lines)
        sizes.append(Size.of(message.name, counted, reply_with(message)))
    assert diagnosis(sizes) == expected
