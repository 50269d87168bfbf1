"""The reply grammar: what `ReplyReader` makes of octets does not depend on how the network splits them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.verdict import Deviation
from conformance.wire.reply import Defect, FloodError, Form, Reply, ReplyReader

BOUND = 200_000
LONGEST_READ_STATUS_LINE = 64 * 1024


@dataclass(frozen=True)
class Sample:
    """Octets of one reply, and what is read from them."""

    octets: bytes
    form: Form = Form.SINGLE_LINE
    indicator: bytes = b"+OK"
    text: bytes = b""
    lines: tuple[bytes, ...] = ()
    payload: bytes = b""
    defects: tuple[Defect, ...] = ()


STRICT = {
    # -- one line
    "positive": Sample(b"+OK ready\r\n", text=b"ready"),
    "negative": Sample(b"-ERR no such message\r\n", indicator=b"-ERR", text=b"no such message"),
    "indicator alone": Sample(b"+OK\r\n"),
    "indicator and a space": Sample(b"+OK \r\n"),
    "two spaces": Sample(b"+OK  two\r\n", text=b" two"),
    "any octets in the text": Sample(b"+OK \x00\xff\t\r\n", text=b"\x00\xff\t"),
    "challenge": Sample(b"+ PDE4OTYu\r\n", indicator=b"+", text=b"PDE4OTYu"),
    "empty challenge": Sample(b"+ \r\n", indicator=b"+"),
    "challenge without its space": Sample(b"+\r\n", indicator=b"+"),
    "512 octets": Sample(b"+OK " + b"x" * 506 + b"\r\n", text=b"x" * 506),
    "513 octets": Sample(b"+OK " + b"x" * 507 + b"\r\n", text=b"x" * 507, defects=(Defect.STATUS_LINE_TOO_LONG,)),
    "challenge of 5000 octets": Sample(b"+ " + b"x" * 5000 + b"\r\n", indicator=b"+", text=b"x" * 5000),
    "bare LF": Sample(b"+OK ready\n", text=b"ready", defects=(Defect.STATUS_LINE_END,)),
    "bare LF behind the indicator": Sample(b"+OK\n", defects=(Defect.STATUS_LINE_END,)),
    "bare CR in the text": Sample(b"+OK a\rb\r\n", text=b"a\rb", defects=(Defect.STATUS_LINE_END,)),
    "bare CR behind the indicator": Sample(b"+OK\r\r\n", text=b"\r", defects=(Defect.STATUS_LINE_END,)),
    "lower case": Sample(b"+ok ready\r\n", text=b"ready", defects=(Defect.CASE,)),
    "mixed case": Sample(b"-Err no\r\n", indicator=b"-ERR", text=b"no", defects=(Defect.CASE,)),
    "text stuck to the indicator": Sample(b"+OKready\r\n", text=b"ready", defects=(Defect.TEXT_STUCK_TO_INDICATOR,)),
    "TAB behind the indicator": Sample(b"+OK\tx\r\n", text=b"\tx", defects=(Defect.TEXT_STUCK_TO_INDICATOR,)),
    "lower case with text stuck to it": Sample(
        b"-errno\r\n", indicator=b"-ERR", text=b"no", defects=(Defect.CASE, Defect.TEXT_STUCK_TO_INDICATOR)
    ),
    "another protocol": Sample(b"220 ready\r\n", indicator=b"", text=b"220 ready", defects=(Defect.NOT_AN_INDICATOR,)),
    "a space first": Sample(b" +OK\r\n", indicator=b"", text=b"+OK", defects=(Defect.NOT_AN_INDICATOR,)),
    "empty line": Sample(b"\r\n", indicator=b"", defects=(Defect.NOT_AN_INDICATOR,)),
    "a lone dot": Sample(b".\r\n", indicator=b"", text=b".", defects=(Defect.NOT_AN_INDICATOR,)),
    "everything wrong at once": Sample(
        b"ok" + b"x" * 600 + b"\n",
        indicator=b"",
        text=b"ok" + b"x" * 600,
        defects=(Defect.NOT_AN_INDICATOR, Defect.STATUS_LINE_END, Defect.STATUS_LINE_TOO_LONG),
    ),
    # -- negative replies are single lines, whatever the command (RFC 1939 section 3)
    "negative reply to LIST": Sample(b"-ERR no\r\n", Form.LISTING, b"-ERR", b"no"),
    "negative reply to RETR": Sample(b"-ERR no\r\n", Form.MESSAGE, b"-ERR", b"no"),
    # -- listings
    "listing": Sample(
        b"+OK 2 messages\r\n1 120\r\n2 200\r\n.\r\n",
        Form.LISTING,
        text=b"2 messages",
        lines=(b"1 120", b"2 200"),
        payload=b"1 120\r\n2 200\r\n",
    ),
    "empty listing": Sample(b"+OK\r\n.\r\n", Form.LISTING),
    "empty listing behind a bare LF": Sample(b"+OK\n.\r\n", Form.LISTING, defects=(Defect.STATUS_LINE_END,)),
    "listing with a bare LF": Sample(
        b"+OK\r\n1 120\n2 200\r\n.\r\n",
        Form.LISTING,
        lines=(b"1 120", b"2 200"),
        payload=b"1 120\n2 200\r\n",
        defects=(Defect.LISTING_LINE_END,),
    ),
    "listing with a bare CR": Sample(
        b"+OK\r\n1 1\r20\r\n.\r\n",
        Form.LISTING,
        lines=(b"1 1\r20",),
        payload=b"1 1\r20\r\n",
        defects=(Defect.LISTING_LINE_END,),
    ),
    "listing with an empty line": Sample(b"+OK\r\n\r\n.\r\n", Form.LISTING, lines=(b"",), payload=b"\r\n"),
    # -- messages
    "message": Sample(
        b"+OK 9 octets\r\na: b\r\n\r\nc\r\n.\r\n",
        Form.MESSAGE,
        text=b"9 octets",
        lines=(b"a: b", b"", b"c"),
        payload=b"a: b\r\n\r\nc\r\n",
    ),
    "message of one empty line": Sample(b"+OK\r\n\r\n.\r\n", Form.MESSAGE, lines=(b"",), payload=b"\r\n"),
    "message of nothing": Sample(b"+OK\r\n.\r\n", Form.MESSAGE),
    "stuffed dots": Sample(
        b"+OK\r\n..\r\n...\r\n..x\r\na.b\r\n.\r\n",
        Form.MESSAGE,
        lines=(b".", b"..", b".x", b"a.b"),
        payload=b".\r\n..\r\n.x\r\na.b\r\n",
    ),
    "a dot that is not stuffed": Sample(b"+OK\r\n.x\r\n.\r\n", Form.MESSAGE, lines=(b"x",), payload=b"x\r\n"),
    "a stuffed dot in the first line": Sample(b"+OK\r\n..\r\n.\r\n", Form.MESSAGE, lines=(b".",), payload=b".\r\n"),
    "bare LFs are the message's own": Sample(
        b"+OK\r\na\n.\nb\rc\r\n.\r\n", Form.MESSAGE, lines=(b"a\n.\nb\rc",), payload=b"a\n.\nb\rc\r\n"
    ),
    "a dot behind a bare LF does not end a message": Sample(
        b"+OK\r\na\n.\r\nb\r\n.\r\n", Form.MESSAGE, lines=(b"a\n.", b"b"), payload=b"a\n.\r\nb\r\n"
    ),
    "a dot before a bare LF does not end a message": Sample(
        b"+OK\r\na\r\n.\nb\r\n.\r\n", Form.MESSAGE, lines=(b"a", b"\nb"), payload=b"a\r\n\nb\r\n"
    ),
    "almost the end": Sample(
        b"+OK\r\na\r\n.\r.\r\n.\r\r\n.\r\n",
        Form.MESSAGE,
        lines=(b"a", b"\r.", b"\r"),
        payload=b"a\r\n\r.\r\n\r\r\n",
    ),
    "message behind a lower-case status line": Sample(
        b"+ok\r\nx\r\n.\r\n", Form.MESSAGE, lines=(b"x",), payload=b"x\r\n", defects=(Defect.CASE,)
    ),
}

LENIENT = {
    "listing with bare LFs only": Sample(
        b"+OK\n1 120\n2 200\n.\n",
        Form.LISTING,
        lines=(b"1 120", b"2 200"),
        payload=b"1 120\n2 200\n",
        defects=(Defect.STATUS_LINE_END, Defect.LISTING_LINE_END, Defect.END_MARKER),
    ),
    "empty listing with bare LFs only": Sample(
        b"+OK\n.\n", Form.LISTING, defects=(Defect.STATUS_LINE_END, Defect.END_MARKER)
    ),
    "message that ends with a bare LF": Sample(
        b"+OK\r\na\r\nb\n.\r\n",
        Form.MESSAGE,
        lines=(b"a", b"b\n"),
        payload=b"a\r\nb\n",
        defects=(Defect.END_MARKER,),
    ),
    "end marker with a bare LF": Sample(
        b"+OK\r\na\r\n.\n", Form.MESSAGE, lines=(b"a",), payload=b"a\r\n", defects=(Defect.END_MARKER,)
    ),
    "empty message, end marker with a bare LF": Sample(b"+OK\r\n.\n", Form.MESSAGE, defects=(Defect.END_MARKER,)),
}

ENDLESS = {
    "nothing": (b"", Form.SINGLE_LINE),
    "no line end": (b"+OK ready", Form.SINGLE_LINE),
    "bare CR": (b"+OK ready\r", Form.SINGLE_LINE),
    "no end marker": (b"+OK\r\n1 120\r\n", Form.LISTING),
    "end marker stuck to the last line": (b"+OK\r\nlast.\r\n", Form.MESSAGE),
    "stuffed end marker": (b"+OK\r\nlast\r\n..\r\n", Form.MESSAGE),
    "half an end marker": (b"+OK\r\nlast\r\n.\r", Form.MESSAGE),
    "end marker with a space": (b"+OK\r\nlast\r\n. \r\n", Form.MESSAGE),
}


def by_name(samples: dict[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sample", samples.values(), ids=samples.keys())


def fed(pieces: Iterable[bytes]) -> ReplyReader:
    reader = ReplyReader(BOUND)
    for piece in pieces:
        reader.feed(piece)
    return reader


def read(pieces: Iterable[bytes], form: Form) -> tuple[Reply | None, bytes]:
    """Feed the pieces, asking for the reply after each; return it and what is left behind it."""
    reader = ReplyReader(BOUND)
    reply = None
    for piece in pieces:
        reader.feed(piece)
        reply = reply or reader.next_reply(form)
    return reply, reader.pending


def whole(reply: Reply | None) -> Reply | None:
    """Return the reply without what the splitting of the network shows in."""
    return reply and replace(reply, segments=())


# -- samples ---------------------------------------------------------------------------------------------------------


@by_name(STRICT)
def test_sample_is_read(sample: Sample) -> None:
    reply, left = read([sample.octets], sample.form)
    assert reply is not None
    assert reply.raw == sample.octets
    assert (reply.indicator, reply.text) == (sample.indicator, sample.text)
    assert (reply.lines, reply.payload, reply.defects) == (sample.lines, sample.payload, sample.defects)
    assert (reply.is_ok, reply.is_err) == (sample.indicator == b"+OK", sample.indicator == b"-ERR")
    assert left == b""


@by_name(STRICT)
def test_sample_split_at_every_octet(sample: Sample) -> None:
    expected = whole(read([sample.octets], sample.form)[0])
    assert expected is not None
    for at in range(1, len(sample.octets)):
        reply, left = read([sample.octets[:at], sample.octets[at:]], sample.form)
        assert whole(reply) == expected
        assert left == b""
    reply, _ = read([sample.octets[at : at + 1] for at in range(len(sample.octets))], sample.form)
    assert whole(reply) == expected


@by_name(STRICT)
@pytest.mark.parametrize("trailing", [b"+OK next\r\n", b".\r\n", b"\n", b"\x00"])
def test_sample_leaves_what_follows(sample: Sample, trailing: bytes) -> None:
    reply, left = read([sample.octets + trailing], sample.form)
    assert whole(reply) == whole(read([sample.octets], sample.form)[0])
    assert left == trailing


def test_samples_in_a_row() -> None:
    reader = fed([b"".join(sample.octets for sample in STRICT.values())])
    for sample in STRICT.values():
        reply = reader.next_reply(sample.form)
        assert reply is not None
        assert reply.raw == sample.octets
    assert reader.pending == b""
    assert reader.next_reply(Form.SINGLE_LINE) is None


@by_name(LENIENT)
def test_lenient_sample_needs_lenience(sample: Sample) -> None:
    reader = fed([sample.octets])
    assert reader.next_reply(sample.form) is None
    assert reader.looks_ended(sample.form)
    reply = reader.lenient_reply(sample.form)
    assert reply is not None
    assert reply.raw == sample.octets
    assert (reply.lines, reply.payload, reply.defects) == (sample.lines, sample.payload, sample.defects)
    assert reader.pending == b""


@by_name(LENIENT)
def test_lenient_sample_has_not_ended_before_its_end(sample: Sample) -> None:
    for at in range(len(sample.octets)):
        reader = fed([sample.octets[:at]])
        assert reader.next_reply(sample.form) is None or sample.octets[at - 1 :] == b""
        assert not reader.looks_ended(sample.form)
        assert reader.lenient_reply(sample.form) is None


@by_name(ENDLESS)
def test_no_reply_without_its_end(sample: tuple[bytes, Form]) -> None:
    octets, form = sample
    reader = fed([octets])
    assert reader.next_reply(form) is None
    assert not reader.looks_ended(form)
    assert reader.lenient_reply(form) is None
    assert reader.pending == octets


def test_ok_and_err() -> None:
    positive, negative, neither = Reply(b"+OK\r\n"), Reply(b"-ERR\r\n"), Reply(b"+ \r\n")
    assert positive.ok() is positive
    assert negative.err() is negative
    for refuses, shown in [(positive.err, r"\+OK"), (negative.ok, "-ERR"), (neither.ok, r"\+ "), (neither.err, r"\+ ")]:
        with pytest.raises(Deviation, match=shown):
            refuses()


def test_a_reply_is_shown_as_its_status_line() -> None:
    assert str(Reply(b"+OK \x1b[31m\r\n", b"content\r\n", b".\r\n")) == r"+OK \x1b[31m\r\n"


# -- reads from the network ------------------------------------------------------------------------------------------


def test_segments_say_where_reads_ended() -> None:
    reply, _ = read([b"+OK\r", b"\n1 120\r\n", b".\r", b"\n"], Form.LISTING)
    assert reply is not None
    assert reply.segments == (4, 12, 14, 15)


def test_segments_of_replies_that_came_together() -> None:
    reader = fed([b"+OK a\r\n+O", b"K b\r\n+OK", b" c\r\n"])
    replies = [reader.next_reply(Form.SINGLE_LINE) for _ in range(3)]
    assert [reply and reply.segments for reply in replies] == [(), (2,), (3, 7)]


def test_discard_forgets_what_is_pending() -> None:
    reader = fed([b"+OK a\r\n+OK b"])
    reader.next_reply(Form.SINGLE_LINE)
    assert reader.discard() == b"+OK b"
    assert reader.discard() == b""
    reader.feed(b"+OK c\r\n")
    assert reader.next_reply(Form.SINGLE_LINE) == Reply(b"+OK c\r\n", segments=(7,))


def test_discard_in_the_middle_of_a_long_reply() -> None:
    reader = fed([b"+OK\r\n" + b"x" * 1000])
    assert reader.next_reply(Form.MESSAGE) is None
    reader.discard()
    reader.feed(b"+OK\r\nx\r\n.\r\n")
    reply = reader.next_reply(Form.MESSAGE)
    assert reply is not None
    assert reply.payload == b"x\r\n"


# -- floods ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 1000, 100_000])
def test_status_line_without_end_is_a_flood(size: int) -> None:
    pieces = [b"+" * size] * (LONGEST_READ_STATUS_LINE // size + 1)
    with pytest.raises(FloodError, match="status line"):
        read(pieces, Form.SINGLE_LINE)


@pytest.mark.parametrize("size", [1000, 100_000])
def test_status_line_that_ends_too_late_is_a_flood(size: int) -> None:
    octets = b"+OK " + b"x" * LONGEST_READ_STATUS_LINE + b"\r\n"
    with pytest.raises(FloodError, match="status line"):
        read([octets[at : at + size] for at in range(0, len(octets), size)], Form.SINGLE_LINE)


@pytest.mark.parametrize("form", [Form.LISTING, Form.MESSAGE])
@pytest.mark.parametrize("size", [1000, 1_000_000])
def test_reply_beyond_the_bound_is_a_flood(form: Form, size: int) -> None:
    octets = b"+OK\r\n" + b"x\r\n" * BOUND + b".\r\n"
    with pytest.raises(FloodError, match=str(BOUND)):
        read([octets[at : at + size] for at in range(0, len(octets), size)], form)


@pytest.mark.parametrize("size", [1000, 1_000_000])
def test_reply_of_just_the_bound_is_read(size: int) -> None:
    octets = b"+OK\r\n" + b"x" * (BOUND - 10) + b"\r\n.\r\n"
    assert len(octets) == BOUND
    reply, _ = read([octets[at : at + size] for at in range(0, len(octets), size)], Form.MESSAGE)
    assert reply is not None
    with pytest.raises(FloodError):
        read([octets.replace(b"\r\n.\r\n", b"x\r\n.\r\n")], Form.MESSAGE)


class CountingBuffer(bytearray):
    """Counts the octets that are looked at or copied."""

    work = 0

    def find(self, sub: Any, start: Any = 0, end: Any = None) -> int:
        found = super().find(sub, start)
        self.work += (found if found >= 0 else len(self)) - start
        return found

    def __getitem__(self, key: Any) -> Any:
        value = super().__getitem__(key)
        self.work += len(value) if isinstance(key, slice) else 1
        return value

    def __bytes__(self) -> bytes:
        self.work += len(self)
        return bytes(memoryview(self))


def test_reading_a_long_message_is_linear() -> None:
    """Each octet is searched once and copied a few times, however small the reads are."""
    piece = b"x" * 62 + b"\r\n"
    pieces = [b"+OK\r\n", *[piece * 16] * (20 * 1024), b".\r\n"]
    reader = ReplyReader(64 * 1024 * 1024)
    reader._buffer = buffer = CountingBuffer()
    replies = []
    for octets in pieces:
        reader.feed(octets)
        replies.append(reader.next_reply(Form.MESSAGE))
    assert replies.pop() is not None
    assert not any(replies)
    assert 20 * 1024 * 1024 < buffer.work < 5 * 20 * 1024 * 1024


# -- properties ------------------------------------------------------------------------------------------------------

FRAGMENTS = [b"+OK", b"-ERR", b"+ok", b"+", b" ", b"\r\n", b"\n", b"\r", b".", b"..", b"\r\n.\r\n", b"1 120", b"\x00"]
octets_like_replies = st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=4), max_size=30).map(b"".join)
forms = st.sampled_from(Form)


@st.composite
def splittings(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    octets = draw(octets_like_replies)
    cuts = sorted(draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    return octets, [octets[start:end] for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True)]


def everything_read(pieces: Iterable[bytes], form: Form, bound: int) -> list[Any]:
    """Return the replies that the pieces give, `FloodError` at the end if it comes to that, and what is left."""
    reader = ReplyReader(bound)
    found: list[Any] = []
    try:
        for piece in pieces:
            reader.feed(piece)
            while reply := reader.next_reply(form):
                found.append(whole(reply))
        found.append(whole(reader.lenient_reply(form)))
    except FloodError:
        return [*found, FloodError]
    return [*found, reader.pending]


@given(splittings(), forms, st.integers(1, 60))
@example((b"+OK\r\n.\r\n+OK\r\n", [b"+OK\r\n.\r\n+OK\r\n"]), Form.MESSAGE, 8)
def test_splitting_changes_nothing(splitting: tuple[bytes, list[bytes]], form: Form, bound: int) -> None:
    octets, pieces = splitting
    assert everything_read(pieces, form, bound) == everything_read([octets], form, bound)


@given(octets_like_replies, forms)
def test_no_octet_is_lost_and_no_property_fails(octets: bytes, form: Form) -> None:
    *replies, lenient, left = everything_read([octets], form, BOUND)
    replies = [reply for reply in [*replies, lenient] if reply is not None]
    assert b"".join(reply.raw for reply in replies) + left == octets
    for reply in replies:
        assert reply.is_ok + reply.is_err <= 1
        assert reply.text in reply.status_line
        assert isinstance(str(reply), str)


def unstuffed(content: bytes) -> bytes:
    """Take the stuffed dots off, line by line, as RFC 1939 section 3 says it."""
    return b"".join(line[1:] if line.startswith(b".") else line for line in re.findall(rb"(?s).*?\r\n|.+?\Z", content))


@given(octets_like_replies)
def test_payload_is_the_content_unstuffed(content: bytes) -> None:
    reply = Reply(b"+OK\r\n", content, b".\r\n")
    assert reply.payload == unstuffed(content)


@given(octets_like_replies)
def test_a_stuffed_message_comes_back(message: bytes) -> None:
    """Stuffing is written down here once more, the other way round."""
    message = message + b"\r\n"
    lines = message.split(b"\r\n")[:-1]
    stuffed = b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)
    reply, left = read([b"+OK\r\n" + stuffed + b".\r\n"], Form.MESSAGE)
    assert reply is not None
    assert reply.payload == message
    assert reply.lines == tuple(lines)
    assert reply.defects == ()
    assert left == b""
