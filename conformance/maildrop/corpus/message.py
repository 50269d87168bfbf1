"""A message of the corpus, and how an ordinary one is written."""

import re
from dataclasses import dataclass, field

_BARE_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_FIELD_LINE = re.compile(rb"[!-9;-~]+:|[ \t]")
_LONGEST_LINE = 998
"""Octets of a line without its CRLF (RFC 5322 section 2.1.1)."""

CRLF = b"\r\n"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the corpus.

    name: what it is about, in a few words joined by hyphens; unique in the corpus.
    octets: the message as RETR should give it, with CRLF line ends and no stuffed dots.
    reason: why it is in the corpus, in one sentence.
    """

    name: str
    octets: bytes = field(repr=False)
    reason: str

    def __str__(self) -> str:
        return self.name

    @property
    def header(self) -> bytes:
        """The header section without the blank line behind it; all octets when no blank line ends it."""
        if self.octets.startswith(CRLF):
            return b""
        end = self.octets.find(CRLF + CRLF)
        return self.octets if end < 0 else self.octets[: end + len(CRLF)]

    @property
    def body(self) -> bytes:
        """What follows the blank line behind the header section."""
        return self.octets[len(self.header) + len(CRLF) :]

    @property
    def terminated(self) -> bool:
        """True if the last line ends with CRLF; a message without any octet has no last line."""
        return not self.octets or self.octets.endswith(CRLF)

    @property
    def has_bare_line_ends(self) -> bool:
        """True if a CR or LF stands alone, which RFC 5322 section 2.3 forbids."""
        return _BARE_LINE_END.search(self.octets) is not None

    @property
    def has_bare_lf(self) -> bool:
        """True if an LF stands without its CR."""
        return re.search(rb"(?<!\r)\n", self.octets) is not None

    @property
    def has_eight_bit_header(self) -> bool:
        """True if the header section is not ASCII; what a server does with it is RFC 6856's matter."""
        return not self.header.isascii()

    @property
    def longest_line(self) -> int:
        """Octets of the longest line, without its CRLF."""
        return max(len(line) for line in self.octets.split(CRLF))

    @property
    def conforms(self) -> bool:
        """True if it has the form of RFC 5322 section 2, with 8-bit data in the body by RFC 2045 section 2.8.

        RFC 1939 section 11 speaks of such messages only; what a server makes of others is its own affair, as
        long as it stays within the framing.
        """
        return (
            bool(self.header)
            and self.terminated
            and not self.has_bare_line_ends
            and b"\0" not in self.octets
            and not self.has_eight_bit_header
            and self.longest_line <= _LONGEST_LINE
            and all(_FIELD_LINE.match(line) for line in self.header.split(CRLF)[:-1])
        )


def header(name: str, *fields: bytes, subject: bytes | None = None, message_id: bytes | None = None) -> bytes:
    """Return the header section of an ordinary message, without the blank line behind it.

    fields: further field lines, without their CRLF. subject: what stands in the Subject field, by default the name.
    message_id: the field line that takes the place of the ordinary Message-ID.
    """
    text = name.encode()
    lines = (
        b"From: Sender <sender@example.org>",
        b"To: Reader <reader@example.org>",
        b"Subject: " + (subject or text.replace(b"-", b" ")),
        b"Date: Thu, 1 Jan 2026 12:00:00 +0000",
        message_id or b"Message-ID: <" + text + b"@example.org>",
        b"X-Conformance: " + text,
        *fields,
    )
    return b"".join(line + CRLF for line in lines)


def ordinary(
    name: str, reason: str, *lines: bytes, fields: tuple[bytes, ...] = (), subject: bytes | None = None
) -> Message:
    """Return a message with an ordinary header and these body lines, given without their CRLF."""
    body = b"".join(line + CRLF for line in lines)
    return Message(name, header(name, *fields, subject=subject) + CRLF + body, reason)


def raw_body(name: str, reason: str, body: bytes, fields: tuple[bytes, ...] = ()) -> Message:
    """Return a message with an ordinary header and exactly these octets as its body."""
    return Message(name, header(name, *fields) + CRLF + body, reason)
