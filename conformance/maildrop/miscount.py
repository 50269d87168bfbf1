"""Why a size in a scan listing is wrong: the ways of counting that servers were seen to use.

RFC 1939 section 11: a size counts the octets that a client has in hand after RETR, each line end as two and no
stuffed dot. Clients that read by octets, or compare sizes, suffer from any other.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from conformance.wire.reply import Reply

_CRLF = b"\r\n"

FORMULAS: Mapping[str, Callable[[Reply], int]] = {
    # Found in qmail-pop3d and other Maildir servers (fetchmail FAQ, S1), and in Dovecot with pop3_fast_size_lookups.
    "each line end counts as one octet": lambda reply: len(reply.payload) - reply.payload.count(_CRLF),
    "stuffed dots count": lambda reply: len(reply.content or b""),
    "the lone dot at the end counts": lambda reply: len(reply.payload) + len(reply.end),
    "stuffed dots and the lone dot at the end count": lambda reply: len(reply.content or b"") + len(reply.end),
    "the status line and the lone dot count": lambda reply: len(reply.raw),
    "the last line end does not count": lambda reply: len(reply.payload.removesuffix(_CRLF)),
    "only the body counts": lambda reply: len(reply.payload.partition(_CRLF * 2)[2]),
    "characters of UTF-8 count, not octets": lambda reply: len(reply.payload.decode("utf-8", "replace")),
    # Found in HP OpenMail (fetchmail FAQ, S2).
    "rounded up to 1024 octets": lambda reply: -(-len(reply.payload) // 1024) * 1024,
    "rounded up to 512 octets": lambda reply: -(-len(reply.payload) // 512) * 512,
    "in units of 1024 octets, rounded up": lambda reply: -(-len(reply.payload) // 1024),
    "in units of 1024 octets, rounded down": lambda reply: len(reply.payload) // 1024,
}
"""How a server may have counted, in words, and the size of the message in a reply to RETR by that."""


@dataclass(frozen=True, slots=True)
class Size:
    """The size of one message: as listed, as sent, and by each formula that would explain what is listed."""

    name: str
    listed: int
    sent: int
    explanations: frozenset[str]

    @classmethod
    def of(cls, name: str, listed: int, reply: Reply) -> "Size":
        """Compare the size in the scan listing with the reply to RETR."""
        fitting = frozenset(formula for formula, count in FORMULAS.items() if count(reply) == listed)
        return cls(name, listed, len(reply.payload), fitting)

    @property
    def is_exact(self) -> bool:
        """True if exactly that many octets are sent."""
        return self.listed == self.sent


def diagnosis(sizes: Iterable[Size]) -> str:
    """Return in one sentence how the sizes were counted, if one formula explains all of them."""
    explanations = [size.explanations for size in sizes]
    fitting = sorted(frozenset.intersection(*explanations)) if explanations else []
    return f"as if {' or '.join(fitting)}" if fitting else "no way of counting that we know explains them all"
