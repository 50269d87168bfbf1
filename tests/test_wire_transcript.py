"""Transcripts: what is shown is printable, secrets are not in it, and no flood of octets costs memory."""

import json
import tracemalloc
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.wire.octets import visible
from conformance.wire.transcript import ENTRIES_LIMIT, ENTRY_LIMIT, Redactor, Side, Transcript

SECRET = "correct horse"
HIDDEN = "********"


def rendered(steps: Sequence[tuple[Side, bytes]], *secrets: str) -> list[tuple[object, object]]:
    transcript = Transcript()
    for side, octets in steps:
        transcript.add(side, octets, 1)
    return [(entry["from"], entry["text"]) for entry in transcript.rendered(Redactor.of(secrets))]


def one_by_one(octets: bytes) -> list[bytes]:
    return [bytes([octet]) for octet in octets]


# -- visible octets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"", ""),
        (b"+OK ~!", "+OK ~!"),
        (b"a\r\n", r"a\r\n"),
        (b"\t", r"\t"),
        (b"\x00\x1b\x7f\x80\xff", r"\x00\x1b\x7f\x80\xff"),
        (b"\\", r"\\"),
        (rb"\r", r"\\r"),
        ("ä".encode(), r"\xc3\xa4"),
    ],
)
def test_visible(octets: bytes, shown: str) -> None:
    assert visible(octets) == shown


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        (12, "abcdefghijkl"),
        (11, "abcdefghi [... 1 octets ...] kl"),
        (8, "abcdef [... 4 octets ...] kl"),
        (3, "abc [... 9 octets ...] "),
        (0, " [... 12 octets ...] "),
    ],
)
def test_visible_leaves_out_the_middle(limit: int, shown: str) -> None:
    assert visible(b"abcdefghijkl", limit) == shown


@given(st.binary(max_size=600), st.integers(0, 500))
def test_visible_is_printable_ascii(octets: bytes, limit: int) -> None:
    assert all(" " <= character <= "~" for character in visible(octets, limit))


@given(st.binary(max_size=50), st.binary(max_size=50))
@example(b"\\n", b"\n")
@example(b"\\x00", b"\x00")
def test_visible_tells_short_octets_apart(one: bytes, other: bytes) -> None:
    assert (visible(one) == visible(other)) == (one == other)


# -- the arguments of PASS, APOP and AUTH ----------------------------------------------------------------------------

SECRET_LINES = {
    b"PASS sesame\r\n": rf"PASS {HIDDEN}\r\n",
    b"pass sesame\r\n": rf"pass {HIDDEN}\r\n",
    b"pAsS sesame seeds \r\n": rf"pAsS {HIDDEN}\r\n",
    b"PASS  sesame\r\n": rf"PASS {HIDDEN}\r\n",
    b"PASS\tsesame\r\n": rf"PASS\t{HIDDEN}\r\n",
    b" PASS sesame\r\n": rf" PASS {HIDDEN}\r\n",
    b"PASS sesame\n": rf"PASS {HIDDEN}\n",
    b"PASS sesame": rf"PASS {HIDDEN}",
    b"PASS s\r\n": rf"PASS {HIDDEN}\r\n",
    b"PASS ses\rame\r\n": rf"PASS {HIDDEN}\r\n",
    b"PASS \xff\x00\r\n": rf"PASS {HIDDEN}\r\n",
    b"NOOP\rPASS sesame\r\n": rf"NOOP\rPASS {HIDDEN}\r\n",
    b"USER conf1\r\nPASS sesame\r\nSTAT\r\n": rf"USER conf1\r\nPASS {HIDDEN}\r\nSTAT\r\n",
    b"APOP conf1 c4c9334bac560ecc979e58001b3e22fb\r\n": rf"APOP conf1 {HIDDEN}\r\n",
    b"apop  conf1  c4c9334b\r\n": rf"apop  conf1  {HIDDEN}\r\n",
    b"AUTH PLAIN AGNvbmYxAHNlc2FtZQ==\r\n": rf"AUTH PLAIN {HIDDEN}\r\n",
    b"auth plain\tAGNvbmYxAHNlc2FtZQ==\r\n": rf"auth plain\t{HIDDEN}\r\n",
}
PUBLIC_LINES = [
    b"USER sesame\r\n",
    b"USER pass word\r\n",
    b"PASS\r\n",
    b"PASS \r\n",
    b"APOP conf1\r\n",
    b"AUTH PLAIN\r\n",
    b"AUTH\r\n",
    b"CAPA\r\n",
    b"\r\n",
    b"NOOP PASS sesame\r\n",
]


@pytest.mark.parametrize(("line", "shown"), SECRET_LINES.items(), ids=map(visible, SECRET_LINES))
def test_secret_arguments_are_hidden(line: bytes, shown: str) -> None:
    assert rendered([("client", line)]) == [("client", shown)]
    assert rendered([("client", octet) for octet in one_by_one(line)]) == [("client", shown)]


@pytest.mark.parametrize("line", PUBLIC_LINES, ids=map(visible, PUBLIC_LINES))
def test_what_is_no_secret_is_shown(line: bytes) -> None:
    assert rendered([("client", line)]) == [("client", visible(line))]


def test_a_secret_argument_in_two_entries() -> None:
    """A server that speaks in the middle of a line takes it apart; both parts stay secret."""
    steps: list[tuple[Side, bytes]] = [("client", b"PASS se"), ("server", b"-ERR\r\n"), ("client", b"same\r\nSTAT\r\n")]
    assert rendered(steps) == [
        ("client", f"PASS {HIDDEN}"),
        ("server", r"-ERR\r\n"),
        ("client", rf"{HIDDEN}\r\nSTAT\r\n"),
    ]


def test_a_secret_argument_with_a_remark_in_it() -> None:
    transcript = Transcript()
    transcript.add("client", b"PASS se", 1)
    transcript.note("waits")
    transcript.add("client", b"same\r\n", 1)
    assert "same" not in json.dumps(transcript.rendered(Redactor()))


def test_a_secret_argument_with_another_connection_in_it() -> None:
    transcript = Transcript()
    transcript.add("client", b"PASS se", 1)
    transcript.add("client", b"STAT\r\n", 2)
    transcript.add("client", b"same\r\n", 1)
    texts = [entry["text"] for entry in transcript.rendered(Redactor())]
    assert texts == [
        f"PASS {HIDDEN}",
        "on connection 2:",
        r"STAT\r\n",
        "on connection 1:",
        rf"{HIDDEN}\r\n",
    ]


@pytest.mark.parametrize(
    "challenge", [b"+ \r\n", b"+\r\n", b"+ PDE4OTYu\r\n", b"+OK\r\n+ \n", b"+ " + b"x" * 9000 + b"\r\n"]
)
def test_responses_to_challenges_are_hidden(challenge: bytes) -> None:
    steps: list[tuple[Side, bytes]] = [
        ("client", b"AUTH PLAIN\r\n"),
        ("server", challenge),
        *[("client", octet) for octet in one_by_one(b"AGNvbmYxAHNlc2FtZQ==\r\n")],
        ("server", b"+OK\r\n"),
        ("client", b"STAT\r\n"),
    ]
    texts = [text for _, text in rendered(steps)]
    assert texts[0] == r"AUTH PLAIN\r\n"
    assert texts[2:] == [rf"{HIDDEN}\r\n", r"+OK\r\n", r"STAT\r\n"]


def test_no_response_without_a_challenge() -> None:
    steps: list[tuple[Side, bytes]] = [("server", b"+OK ready\r\n"), ("client", b"STAT\r\n")]
    assert rendered(steps) == [("server", r"+OK ready\r\n"), ("client", r"STAT\r\n")]


# -- known secrets ---------------------------------------------------------------------------------------------------


def test_secrets_that_the_server_echoes_are_hidden() -> None:
    steps: list[tuple[Side, bytes]] = [("server", b"-ERR 'correct horse' is wrong\r\n")]
    assert rendered(steps, SECRET) == [("server", rf"-ERR '{HIDDEN}' is wrong\r\n")]


def test_secrets_split_by_entries_are_hidden() -> None:
    steps: list[tuple[Side, bytes]] = [("server", b"+OK correct"), ("client", b"x"), ("server", b" horse\r\n")]
    assert [text for _, text in rendered(steps, SECRET)] == [f"+OK {HIDDEN}", "x", rf"{HIDDEN}\r\n"]


def test_secrets_in_remarks_are_hidden() -> None:
    transcript = Transcript()
    transcript.note(f"leaving: expected +OK; observed -ERR {SECRET}")
    assert transcript.rendered(Redactor.of([SECRET]))[0]["text"] == f"leaving: expected +OK; observed -ERR {HIDDEN}"


@pytest.mark.parametrize("secrets", [("horse", SECRET), (SECRET, "horse")])
def test_secrets_inside_longer_ones_leave_no_rest(secrets: tuple[str, ...]) -> None:
    redactor = Redactor.of(secrets)
    assert redactor.text("a correct horse, a horse") == f"a {HIDDEN}, a {HIDDEN}"


def test_secrets_that_overlap_leave_no_rest() -> None:
    assert Redactor.of(["abcabc"]).text("-abcabcabc-") == f"-{HIDDEN}-"
    assert Redactor.of(["abcd", "cdef"]).text("-abcdef-") == f"-{HIDDEN}-"


def test_short_secrets_do_not_blot_out_ordinary_words() -> None:
    redactor = Redactor.of(["OK", "", "a"])
    assert redactor.text("+OK a maildrop") == "+OK a maildrop"
    assert redactor.octets(b"PASS a\r\n") == b"PASS ********\r\n"


@pytest.mark.parametrize("secret", ["päßwort", "back\\slash", "tab\tbed", "line\nfeed"])
def test_secrets_are_hidden_in_escaped_text_too(secret: str) -> None:
    shown = visible(f"-ERR {secret}".encode())
    assert Redactor.of([secret]).text(shown) == f"-ERR {HIDDEN}"
    assert Redactor.of([secret]).text(f"-ERR {secret}") == f"-ERR {HIDDEN}"


@pytest.mark.parametrize("limit", range(4, 30))
def test_half_of_a_secret_beside_a_cut_is_hidden(limit: int) -> None:
    """The middle that is left out of a long text may begin or end within a secret."""
    text = Redactor.of(["ABCDEFGH"]).text(visible(b"xx ABCDEFGH yy ABCDEFGH zz", limit))
    assert not set(text) & set("ABCDEFGH")


def test_text_keeps_what_is_not_unicode() -> None:
    assert Redactor.of([SECRET]).text("\udcff ä") == "\udcff ä"


# No letter of an escape, so that no other octets are shown as the secret is.
secrets = st.text("ghijäß", min_size=4, max_size=12)
steps = st.lists(st.tuples(st.sampled_from(["client", "server"]), st.binary(max_size=8)), max_size=8)


@given(secrets, steps, steps, st.lists(st.integers(0, 12), max_size=3))
def test_no_secret_is_shown(
    secret: str, before: list[tuple[Side, bytes]], after: list[tuple[Side, bytes]], cuts: list[int]
) -> None:
    octets = secret.encode()
    at = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    echoed: list[tuple[Side, bytes]] = [("server", octets[start:end]) for start, end in pairwise(at)]
    shown = "".join(str(text) for side, text in rendered([*before, *echoed, *after], secret) if side == "server")
    assert visible(octets) not in shown


# -- order, times, connections ---------------------------------------------------------------------------------------


def test_octets_of_one_side_are_one_entry() -> None:
    assert rendered([("server", b"+O"), ("server", b"K\r\n"), ("client", b"STAT\r\n"), ("server", b"+OK")]) == [
        ("server", r"+OK\r\n"),
        ("client", r"STAT\r\n"),
        ("server", "+OK"),
    ]


def test_connections_are_told_apart() -> None:
    transcript = Transcript()
    transcript.add("server", b"+OK a\r\n", 1)
    transcript.add("server", b"+OK b\r\n", 2)
    transcript.note("the server closes the connection", 2)
    transcript.note("the server closes the connection", 1)
    assert [entry["text"] for entry in transcript.rendered(Redactor())] == [
        r"+OK a\r\n",
        "on connection 2:",
        r"+OK b\r\n",
        "the server closes the connection",
        "on connection 1:",
        "the server closes the connection",
    ]


def test_times_never_go_back() -> None:
    transcript = Transcript()
    for number in range(2 * ENTRIES_LIMIT):
        transcript.note(str(number))
    times = [entry["t"] for entry in transcript.rendered(Redactor())]
    assert times == sorted(times, key=float)


def test_rendering_twice_gives_the_same() -> None:
    transcript = Transcript()
    transcript.add("client", b"PASS x\r\n", 1)
    assert transcript.rendered(Redactor()) == transcript.rendered(Redactor())


# -- floods ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [64 * 1024, 8192, 100 * 1024 * 1024])
def test_a_flood_keeps_its_ends_and_its_size(piece: int) -> None:
    total = 100 * 1024 * 1024
    transcript = Transcript()
    transcript.add("server", b"+OK begin ", 1)
    octets = b"x" * piece
    for _ in range(total // piece):
        transcript.add("server", octets, 1)
    transcript.add("server", b" end\r\n", 1)
    (entry,) = transcript.rendered(Redactor())
    text = str(entry["text"])
    left_out = total + len(b"+OK begin  end\r\n") - ENTRY_LIMIT
    assert text.startswith("+OK begin xxx")
    assert text.endswith(r"xxx end\r\n")
    assert f"xxx [... {left_out} octets ...] xxx" in text


def test_a_flood_costs_no_memory() -> None:
    transcript = Transcript()
    octets = b"x" * 64 * 1024
    tracemalloc.start()
    try:
        for _ in range(1600):
            transcript.add("server", octets, 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1024 * 1024


@pytest.mark.parametrize(("count", "left_out"), [(400, 0), (401, 1), (1000, 600)])
def test_of_many_entries_the_middle_is_left_out(count: int, left_out: int) -> None:
    transcript = Transcript()
    for number in range(count):
        transcript.note(f"entry {number}")
    texts = [entry["text"] for entry in transcript.rendered(Redactor())]
    assert texts[0] == "entry 0"
    assert texts[-1] == f"entry {count - 1}"
    assert len(texts) == min(count, ENTRIES_LIMIT + 1)
    assert (f" [... {left_out} entries ...] " in texts) == bool(left_out)


@pytest.mark.parametrize("size", [ENTRY_LIMIT, ENTRY_LIMIT + 1, 20_000, 40_000])
def test_a_long_secret_argument_is_hidden(size: int) -> None:
    """A cut in the middle of an argument does not show its end."""
    steps: list[tuple[Side, bytes]] = [("client", b"AUTH PLAIN " + b"QUFB" * (size // 4)), ("client", b"QUFB\r\n")]
    ((_, text),) = rendered(steps)
    assert "QUFB" not in str(text)
    assert str(text).startswith(f"AUTH PLAIN {HIDDEN}")


@pytest.mark.parametrize("size", [5, 7000, 9000, 17_000])
def test_a_secret_argument_that_begins_in_a_cut_is_hidden(size: int) -> None:
    steps: list[tuple[Side, bytes]] = [("client", b"NOOP\r\n" * 4000 + b"PASS " + b"s" * size + b"\r\nSTAT\r\n")]
    ((_, text),) = rendered(steps)
    assert str(text).endswith(rf"{HIDDEN}\r\nSTAT\r\n")


@pytest.mark.parametrize("before", [0, 1, 20])
def test_a_secret_argument_beside_left_out_entries_is_hidden(before: int) -> None:
    transcript = Transcript()
    for octet in one_by_one(b"NOOP\r\n" * before + b"PASS " + b"s" * 500 + b"\r\n"):
        transcript.add("client", octet, 1)
        transcript.add("server", b"?", 1)
    assert not any("s" in str(entry["text"]) for entry in transcript.rendered(Redactor()) if entry["from"] == "client")


def test_half_of_a_secret_beside_a_flood_is_hidden() -> None:
    steps: list[tuple[Side, bytes]] = [("server", b"ABCDEFGHIJK" * 10_000)]
    ((_, text),) = rendered(steps, "ABCDEFGHIJK")
    assert not set(str(text)) & set("ABCDEFGHIJK")
