"""The canonical messages that are seeded, and the drops (tuples of them) that checks share."""

from conformance.maildrop.corpus.boundaries import (
    dots_at_boundaries,
    dots_inside_long_lines,
    ends_at_boundaries,
    short_lines,
)
from conformance.maildrop.corpus.dots import dots
from conformance.maildrop.corpus.identity import forged_unique_ids, late_look_alikes, look_alikes, message_ids, twins
from conformance.maildrop.corpus.inbox import inbox
from conformance.maildrop.corpus.line_ends import bare_line_ends, unterminated, white_space
from conformance.maildrop.corpus.long_lines import long_lines
from conformance.maildrop.corpus.message import Message
from conformance.maildrop.corpus.octet_values import eight_bit_bodies, eight_bit_headers, nul, octet_values
from conformance.maildrop.corpus.shapes import bodies, headers, without_body, without_header
from conformance.maildrop.corpus.small import five_messages, many_messages, one_message, three_messages
from conformance.maildrop.corpus.templates import templates

__all__ = [
    "Message",
    "bare_line_ends",
    "bodies",
    "boundaries",
    "conforming",
    "dots",
    "dots_at_boundaries",
    "eight_bit_bodies",
    "eight_bit_headers",
    "empty",
    "ends_at_boundaries",
    "everything",
    "five_messages",
    "forged_unique_ids",
    "headers",
    "inbox",
    "late_look_alikes",
    "long_lines",
    "look_alikes",
    "malformed",
    "many_messages",
    "message_ids",
    "nul",
    "octet_values",
    "one_message",
    "pick",
    "short_lines",
    "templates",
    "three_messages",
    "twins",
    "unterminated",
    "white_space",
    "without_body",
    "without_header",
]

empty: tuple[Message, ...] = ()

boundaries = (*dots_at_boundaries, dots_inside_long_lines, *short_lines, *ends_at_boundaries)
"""Every message that is about where a buffer ends."""

everything = (
    *five_messages,
    *inbox,
    *dots,
    *white_space,
    *without_body,
    *headers,
    *bodies,
    *templates,
    *eight_bit_bodies,
    *twins,
    *look_alikes,
    *late_look_alikes,
    *forged_unique_ids,
    *message_ids,
    *boundaries,
    *long_lines,
    *unterminated,
    *bare_line_ends,
    *octet_values,
    *nul,
    *eight_bit_headers,
    *without_header,
)
"""The whole corpus. The order is part of it: ordinary messages first."""

conforming = tuple(message for message in everything if message.conforms)
"""What is a message by RFC 5322: RETR gives it unaltered (RFC 1939 section 5)."""

malformed = tuple(message for message in everything if not message.conforms)
"""What is none: a server may repair it, but must keep to the framing and lose nothing."""

_BY_NAME = {message.name: message for message in everything}


def pick(*names: str) -> tuple[Message, ...]:
    """Return the messages of these names, in this order. Raises KeyError for a name that is not in the corpus."""
    return tuple(_BY_NAME[name] for name in names)
