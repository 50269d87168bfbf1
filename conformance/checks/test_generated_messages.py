"""Messages that nobody thought of: RETR, TOP and LIST on generated ones (RFC 1939 sections 3, 5, 7 and 11).

The corpus has a message for each mistake that we know of. These are made at random of what servers stumble over:
dots, line ends, 8-bit text, and lengths around the sizes of buffers.
"""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from conformance.expect import shown
from conformance.maildrop.corpus import Message, three_messages
from conformance.maildrop.corpus.message import CRLF, header
from conformance.maildrop.fidelity import expect_nothing_lost, top_of
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.numbering import numbers
from conformance.marks import maildrop, verifies
from conformance.plugin.fixtures import LogIn
from conformance.target import Facts
from conformance.verdict import Deviation
from conformance.wire.connection import Deadline
from conformance.wire.session import Session

MAILDROPS = 20
MESSAGES = 8
SECONDS = 30.0
"""The most that all maildrops of one check may take; looking for the smallest one that fails is included."""

_TEXT = st.binary(max_size=80).map(lambda octets: octets.translate(None, b"\0\r\n"))
_LINE = st.one_of(
    st.just(b""),
    st.integers(1, 4).map(lambda count: b"." * count),
    _TEXT,
    _TEXT.map(lambda text: b"." + text),
    _TEXT.map(lambda text: text + b"."),
    st.sampled_from([b"+OK", b"-ERR", b"+OK 1 2", b"From sender@example.org", b">From", b" ", b"\t."]),
    st.builds(lambda octet, size: octet * size, st.sampled_from([b".", b"x", b"\xff"]), st.sampled_from([510, 512, 998])),
)
_LINES = st.lists(_LINE, max_size=12).map(lambda lines: b"".join(line + CRLF for line in lines))


@st.composite
def _behind_a_filling(draw: st.DrawFn) -> bytes:
    """Lines that begin so many octets behind the start of the body that a buffer may end among them."""
    size = draw(st.sampled_from([512, 1024, 4096])) - draw(st.integers(2, 400))
    lines = (b"x" * 76 + CRLF) * (size // 78) + b"x" * max(0, size % 78 - 2) + CRLF
    return lines + draw(_LINES)


_REST = st.one_of(st.just(b""), st.just(CRLF), _LINES.map(CRLF.__add__), _behind_a_filling().map(CRLF.__add__))
"""What follows the header section: nothing, a blank line, or a blank line and a body."""


def _messages(rests: Sequence[bytes]) -> tuple[Message, ...]:
    names = [f"generated-{place}" for place, _ in enumerate(rests, 1)]
    return tuple(Message(name, header(name) + rest, "") for name, rest in zip(names, rests, strict=True))
