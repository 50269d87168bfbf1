"""The corpus: every message is what its name says, and the messages about buffers reach every offset."""

import email
import email.policy
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import pairwise

import pytest

from conformance.maildrop import corpus
from conformance.maildrop.corpus import Message, everything, pick
from conformance.maildrop.corpus.boundaries import BOUNDARIES
from conformance.maildrop.promise import AddedFields, LineEnds, Promise, first_difference

CRLF = b"\r\n"

MBOX = Promise(
    line_ends=LineEnds.NORMALISED,
    added_fields=AddedFields.ANYWHERE,
    ends_last_line=True,
    quotes_from_lines=True,
    separates_by_blank_line=True,
)
LF_STORE = Promise(line_ends=LineEnds.NORMALISED)


def the(name: str) -> Message:
    return pick(name)[0]


def test_names_are_unique_and_speaking():
    names = [message.name for message in everything]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []


@pytest.mark.parametrize("message", everything, ids=str)
def test_a_reason_is_one_sentence(message):
    assert re.fullmatch(r"[A-Z0-9][^\n]{20,120}\.", message.reason)


def test_the_whole_corpus_stays_small():
    assert sum(len(message.octets) for message in everything) < 3.3 * 2**20


def test_the_octets_are_the_same_in_every_process():
    program = (
        "import hashlib; from conformance.maildrop.corpus import everything as e;"
        "print(hashlib.sha256(b''.join(m.octets for m in e)).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == sha256(b"".join(message.octets for message in everything)).hexdigest()


def test_every_exported_drop_is_part_of_everything():
    drops = {name: getattr(corpus, name) for name in corpus.__all__ if isinstance(getattr(corpus, name), tuple)}
    assert not set(drops.pop("many_messages")) & set(everything)  # they are about their number, not their content
    assert {name for name, drop in drops.items() if not set(drop) <= set(everything)} == set()
    assert set().union(*drops.values()) == set(everything)
    assert drops["empty"] == ()


@pytest.mark.parametrize("message", corpus.conforming, ids=str)
def test_a_conforming_message_is_a_message_to_another_parser(message):
    parsed = email.message_from_bytes(message.octets, policy=email.policy.compat32)
    assert parsed.defects == []
    for name in ("From", "To", "Subject", "Date"):
        assert parsed.get_all(name), f"{message} has no {name}"
    assert parsed["Message-ID"] is not None or message.name == "message-id-missing"
    pair = re.fullmatch("(twin|look-alike)-.*", message.name)
    assert parsed["X-Conformance"] == (pair[1] if pair else message.name)


def test_only_what_breaks_the_message_format_is_malformed():
    assert {message.name for message in corpus.malformed} == {
        "dot-last-unterminated",
        "unterminated",
        "ends-with-bare-cr",
        "ends-with-bare-lf",
        *(message.name for message in corpus.bare_line_ends),
        *(f"line-of-{size}" for size in (1000, 2046, 2047, 2048, 4096, 8192, 65535, 65536, 65537, 1048576)),
        "long-line-of-dots",
        "octets-all",
        "nul-inside-line",
        "nul-first-in-line",
        "utf8-header",
        "message-id-eight-bit",
        "body-only",
        "blank-line-only",
        "no-octets",
    }


def test_the_small_messages_differ_in_size_and_content():
    assert len({len(message.octets) for message in corpus.five_messages}) == 5
    assert len({message.body for message in corpus.five_messages}) == 5
    assert corpus.five_messages[:3] == corpus.three_messages
    assert len(corpus.one_message) == 1


def test_the_twins_are_identical_and_still_two():
    first, second = corpus.twins
    assert first.octets == second.octets
    assert first != second


def test_the_forged_unique_ids_are_equal_and_the_messages_are_not():
    first, second = (email.message_from_bytes(message.octets) for message in corpus.forged_unique_ids)
    assert first["X-UIDL"] == second["X-UIDL"] is not None
    assert first.get_payload() != second.get_payload()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("dot-line", b"."),
        ("dot-doubled", b".."),
        ("dot-tripled", b"..."),
        ("dot-then-text", b".x"),
        ("dots-then-text", b"..x"),
        ("dot-then-space", b". "),
    ],
)
def test_a_dot_line_stands_between_ordinary_lines(name, line):
    first, middle, last, end = the(name).body.split(CRLF)
    assert (first[:1], middle, last[:1], end) == (b"A", line, b"A", b"")


def test_dots_are_where_the_names_say():
    assert the("dot-first-line").body.startswith(b".\r\n")
    assert the("dot-last-line").octets.endswith(b"\r\n.\r\n")
    assert the("dot-last-unterminated").octets.endswith(b"\r\n.")
    assert the("dot-first-octet").octets.startswith(b".")
    assert b"\r\n." in the("dot-header-field").header
    assert set(the("dots-only").body.split(CRLF)) == {b".", b""}
    assert re.search(rb"^\.", the("dot-not-first").octets, re.MULTILINE) is None
    assert the("dot-after-blank-lines").body.count(b"\r\n\r\n.\r\n\r\n") == 1


def test_the_lines_are_as_long_as_their_names_say():
    dots = the("long-line-of-dots")
    assert b"\r\nx" + b"." * 70_000 + CRLF in dots.body
    for message in corpus.long_lines:
        assert message == dots or message.longest_line == int(message.name.removeprefix("line-of-"))


def test_the_bodies_to_count_lines_in():
    lines = the("numbered-lines").body.split(CRLF)
    assert len(lines) == 20 + 1
    assert {b"", b".", b".."} < set(lines[:20])
    many = the("many-headers")
    assert many.body.count(CRLF) == 10
    assert many.header.count(b"X-Field-") == 30
    assert many.header.count(CRLF) > 90


def test_the_long_header_has_ordinary_lines():
    header = the("long-header").header
    assert len(header) > 70_000
    assert max(len(line) for line in header.split(CRLF)) < 998


def test_the_long_text_has_dot_lines_from_its_beginning_to_its_end():
    starts = list(starts_of_dot_lines(the("long-text").octets))
    for offset in (300, 1500, 2400):
        assert any(abs(start - offset) < 150 for start in starts), starts
    assert len([start for start in starts if start > BOUNDARIES[-1] + 1000]) > 10


def test_every_octet_value_is_there():
    assert set(the("octets-all").body) == set(range(256))
    assert set(the("octets-but-nul-cr-lf").body) - set(CRLF) == set(range(256)) - {0, 10, 13}
    assert not set(the("octets-but-nul-cr-lf").header) - set(range(128))


def test_the_mail_from_an_inbox_is_a_nested_multipart():
    message = email.message_from_bytes(the("nested-multipart").octets, policy=email.policy.default)
    types = [part.get_content_type() for part in message.walk()]
    assert types == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
    ]
    assert message["Subject"] == "Bericht für Jürgen"
    *_, attachment = message.walk()
    assert attachment.get_content().startswith(b"%PDF-1.4\n")
    assert attachment.get_content().endswith(b"%%EOF\n")


def as_on_the_wire(octets: bytes) -> bytes:
    return octets


def as_stored_with_lf(octets: bytes) -> bytes:
    return octets.replace(CRLF, b"\n")


def as_sent(octets: bytes) -> bytes:
    return (b"\n" + octets).replace(b"\n.", b"\n..")[1:]


def starts_of_dot_lines(octets: bytes) -> Iterator[int]:
    """The offsets of dots that begin a line."""
    return (found.start() for found in re.finditer(rb"(?<=\n)\.", octets))


@pytest.mark.parametrize("form", [as_on_the_wire, as_stored_with_lf, as_sent])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_dot_begins_a_line_at_every_offset_around_a_boundary(boundary: int, form: Callable[[bytes], bytes]):
    family = [message for message in corpus.dots_at_boundaries if message.name.startswith(f"dots-at-{boundary}-")]
    starts = {start for message in family for start in starts_of_dot_lines(form(message.octets))}
    # Up to 500 octets before the message (a status line, added fields) leave a dot at the boundary, where the
    # header section leaves room for that.
    first = max(boundary - 500, max(len(message.header) for message in family) + 8)
    assert first <= boundary - 150
    assert sorted(set(range(first, boundary + 150)) - starts) == []


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_buffer_ends_between_cr_and_lf_at_every_offset_around_a_boundary(boundary):
    between = {found.start() + 1 for message in corpus.short_lines for found in re.finditer(CRLF, message.octets)}
    assert sorted(set(range(boundary - 150, boundary + 150)) - between) == []


def test_the_short_lines_are_of_one_octet_and_differ_from_their_neighbours():
    for message in corpus.short_lines:
        lines = message.body.split(CRLF)[2:-1]
        assert {len(line) for line in lines} == {1}
        assert all(line != after for line, after in pairwise(lines))


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_message_ends_at_every_offset_around_a_boundary(boundary):
    ends = {len(message.octets): message for message in corpus.ends_at_boundaries}
    for offset in range(boundary - 3, boundary + 4):
        assert ends[offset].name == f"ends-at-{offset}"
        assert ends[offset].octets.endswith(CRLF)


def test_long_lines_of_dots_have_a_dot_at_every_boundary_and_none_at_the_start_of_a_line():
    octets = the("dots-inside-long-lines").octets
    assert list(starts_of_dot_lines(octets)) == []
    for boundary in BOUNDARIES[1:]:
        assert octets[boundary : boundary + 1] == b"."


@pytest.mark.parametrize(
    ("promise", "name", "received"),
    [
        (Promise(), "unterminated", [b"text\r\n"]),
        (Promise(), "ends-with-bare-cr", [b"text\r\r\n", b"text\r\n"]),
        (Promise(), "ends-with-bare-lf", [b"text\n\r\n", b"text\r\n"]),
        (LF_STORE, "ends-with-bare-lf", [b"text\r\n"]),
        (Promise(), "bare-lf-dot", [b"a\n.\nb\r\n", b"a\r\n.\r\nb\r\n"]),
        (LF_STORE, "bare-lf-dot", [b"a\r\n.\r\nb\r\n"]),
        (LF_STORE, "bare-cr", [b"one\rtwo\r\nthree\r\n", b"one\r\ntwo\r\nthree\r\n"]),
        (LF_STORE, "nul-first-in-line", [b"\0x\r\ny\r\n", b"\x80x\r\ny\r\n"]),
        (Promise(), "dot-last-unterminated", [b"An ordinary first line.\r\n.\r\n"]),
        (Promise(), "blank-last-lines", [b"text\r\n\r\n\r\n\r\n"]),
    ],
)
def test_the_lawful_forms_of_a_body(promise, name, received):
    head = the(name).header + CRLF
    assert promise.expected(the(name)) == tuple(head + body for body in received)


def test_the_lawful_forms_of_messages_without_a_part():
    header_only, no_blank = corpus.without_body
    assert Promise().expected(header_only) == (header_only.octets,)
    assert Promise().expected(no_blank) == (no_blank.octets, no_blank.octets + CRLF)
    assert Promise().expected(the("no-octets")) == (b"", CRLF)
    assert Promise().expected(the("body-only")) == (b"\r\nA body.\r\n",)
    assert Promise().expected(the("blank-line-only")) == (CRLF,)


@pytest.mark.parametrize("promise", [Promise(), LF_STORE], ids=["exact", "lf"])
@pytest.mark.parametrize("message", corpus.conforming, ids=str)
def test_a_conforming_message_has_one_lawful_form(promise, message):
    forms = (message.octets, message.octets + CRLF) if message.name == "header-only-no-blank" else (message.octets,)
    assert promise.expected(message) == forms
    assert promise.carries(message) is None


@pytest.mark.parametrize("promise", [Promise(), LF_STORE, MBOX], ids=["exact", "lf", "mbox"])
@pytest.mark.parametrize("message", everything, ids=str)
def test_a_lawful_form_fits_the_framing_and_is_accepted(promise, message):
    for form in promise.expected(message):
        assert form == b"" or form.endswith(CRLF)
        assert promise.accepts(message, form)
        assert not promise.accepts(message, form + b"more\r\n")
        half = form[: len(form) // 2]
        assert half in promise.expected(message) or not promise.accepts(message, half)


@pytest.mark.parametrize(
    ("promise", "not_carried"),
    [
        (Promise(), set()),
        (
            LF_STORE,
            {
                "ends-with-bare-lf",
                "bare-lf",
                "bare-lf-dot",
                "bare-lf-dot-crlf",
                "crlf-dot-bare-lf",
                "octets-all",
            },
        ),
        (
            Promise(ends_last_line=True),
            {"unterminated", "ends-with-bare-cr", "ends-with-bare-lf", "dot-last-unterminated"},
        ),
        (Promise(carries_nul=False), {"nul-inside-line", "nul-first-in-line", "octets-all"}),
        (
            Promise(carries_eight_bit=False),
            {"octets-all", "octets-but-nul-cr-lf", "latin1-body", "utf8-body", "utf8-header", "message-id-eight-bit"},
        ),
    ],
)
def test_what_a_promise_does_not_carry(promise, not_carried):
    reasons = {message.name: promise.carries(message) for message in everything}
    assert {name for name, reason in reasons.items() if reason is not None} == not_carried


def test_fields_may_be_added_in_front_and_only_there():
    promise = Promise(added_fields=AddedFields.IN_FRONT)
    message = the("dot-line")
    trace = b"Return-Path: <>\r\nReceived: from here\r\n\tby there; Thu, 1 Jan 2026 12:00:00 +0000\r\n"
    behind = message.header + b"Status: RO\r\n" + CRLF + message.body
    assert promise.accepts(message, trace + message.octets)
    assert not promise.accepts(message, b"no field\r\n" + message.octets)
    assert not promise.accepts(message, trace + CRLF + message.octets)
    assert not promise.accepts(message, behind)
    assert not Promise().accepts(message, trace + message.octets)
    assert MBOX.accepts(message, behind)
    assert MBOX.accepts(message, trace + message.octets)


def test_an_mbox_keeps_its_own_records_and_nobody_elses():
    message = the("forged-uidl-first")
    own = message.octets.replace(b"X-UIDL: forged-unique-id\r\n", b"X-UIDL: 17\r\n")
    lost = message.octets.replace(b"To: Reader <reader@example.org>\r\n", b"")
    assert MBOX.accepts(message, own)
    assert not MBOX.accepts(message, lost)
    assert not LF_STORE.accepts(message, own)


def test_a_body_with_another_text_is_never_accepted():
    message = the("forged-uidl-first")
    other = message.octets.replace(b"first", b"worst")
    for promise in (Promise(), LF_STORE, MBOX, Promise(added_fields=AddedFields.IN_FRONT)):
        assert not promise.accepts(message, other)


def test_from_lines_may_come_out_quoted_where_the_store_quotes_them():
    message = the("from-line")
    quoted = re.sub(rb"(?m)^(>*From )", rb">\1", message.octets)
    assert quoted.count(b"\n>From ") == 2
    assert quoted.count(b"\n>>From ") == 1
    for form in (message.octets, quoted, quoted.replace(b">>From ", b">From ")):
        assert MBOX.accepts(message, form)
        assert LF_STORE.accepts(message, form) == (form == message.octets)


@pytest.mark.parametrize(
    ("name", "size", "accepted"),
    [("line-of-998", 500, False), ("line-of-1000", 998, True), ("line-of-65537", 998, True)],
)
def test_only_a_line_beyond_the_limit_may_be_folded(name, size, accepted):
    message = the(name)
    before, line, after, end = message.body.split(CRLF)
    pieces = [line[start : start + size] for start in range(0, len(line), size)]
    folded = CRLF.join([before, *pieces, after, end])
    assert Promise().accepts(message, message.header + CRLF + folded) is accepted
    lossy = CRLF.join([before, *pieces[:-1], after, end])
    assert not Promise().accepts(message, message.header + CRLF + lossy)


@pytest.mark.parametrize(
    ("expected", "received", "said"),
    [
        (b"a\r\n", b"a\r\n", "no difference"),
        (
            b"one\r\n.\r\ntwo\r\n",
            b"one\r\n",
            'after 5 octets, in line 2, behind "one\\r\\n": expected ".\\r\\ntwo\\r\\n", '
            "received the end (13 octets expected, 5 received)",
        ),
        (
            b"one\r\n",
            b"one\r\n\r\n",
            'after 5 octets, in line 2, behind "one\\r\\n": expected the end, '
            'received "\\r\\n" (5 octets expected, 7 received)',
        ),
        (
            b"caf\xe9",
            b"caf?",
            'after 3 octets, in line 1, behind "caf": expected "\\xe9", received "?" (4 octets expected, 4 received)',
        ),
        (b"a", b"b", 'after 0 octets, in line 1: expected "a", received "b" (1 octets expected, 1 received)'),
    ],
)
def test_the_first_difference_in_words(expected, received, said):
    assert first_difference(expected, received) == said


def test_a_difference_is_told_from_the_nearest_form_and_without_added_fields():
    message = the("bare-lf-dot")
    received = b"Return-Path: <>\r\n" + message.header + CRLF + b"a\r\n.\r\nB\r\n"
    promise = Promise(added_fields=AddedFields.IN_FRONT)
    assert not promise.accepts(message, received)
    assert 'expected "b\\r\\n", received "B\\r\\n"' in promise.difference(message, received)
