"""Messages made at random of what servers stumble over: dots, line ends, 8-bit text, lengths around buffer sizes."""

from collections.abc import Sequence

from hypothesis import strategies as st

from conformance.maildrop.corpus.message import CRLF, Message, header

_LOOK_ALIKES = (b"+OK", b"+OK 1 2", b"-ERR", b"From sender@example.org", b">From", b" ", b"\t.")
_BUFFERS = (512, 1024, 4096)
_FILLING = b"x" * 76 + CRLF

_text = st.binary(max_size=80).map(lambda octets: octets.translate(None, b"\0\r\n"))
_line = st.one_of(
    st.just(b""),
    st.integers(1, 4).map(lambda count: b"." * count),
    _text,
    _text.map(lambda text: b"." + text),
    _text.map(lambda text: text + b"."),
    st.sampled_from(_LOOK_ALIKES),
    st.builds(
        lambda octet, size: octet * size, st.sampled_from([b".", b"x", b"\xff"]), st.sampled_from([510, 512, 998])
    ),
)
_lines = st.lists(_line, max_size=12).map(lambda lines: b"".join(line + CRLF for line in lines))


@st.composite
def _lines_behind_a_filling(draw: st.DrawFn) -> bytes:
    """Lines that begin so many octets into the body that a buffer is likely to end among them."""
    size = draw(st.sampled_from(_BUFFERS)) - draw(st.integers(2, 400))
    whole, rest = divmod(size, len(_FILLING))
    return _FILLING * whole + b"x" * rest + CRLF + draw(_lines)


_rest = st.one_of(st.just(b""), st.just(CRLF), st.one_of(_lines, _lines_behind_a_filling()).map(CRLF.__add__))
"""What follows the header section: nothing, a blank line, or a blank line and a body."""


def _numbered(rests: Sequence[bytes]) -> tuple[Message, ...]:
    names = [f"generated-{place}" for place, _ in enumerate(rests, 1)]
    return tuple(Message(name, header(name) + rest, "Made at random.") for name, rest in zip(names, rests, strict=True))


def generated_maildrops(most: int) -> st.SearchStrategy[tuple[Message, ...]]:
    """Return a strategy of what a maildrop may hold: one to `most` messages, all of which conform to RFC 5322."""
    return st.lists(_rest, min_size=1, max_size=most).map(_numbered)
