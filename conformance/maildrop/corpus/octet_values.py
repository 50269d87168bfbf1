"""Octets beyond printable ASCII: NUL, control characters, 8-bit text in body and header."""

from conformance.maildrop.corpus.message import CRLF, Message, header, ordinary, raw_body


def _eight_bit(charset: str) -> tuple[bytes, ...]:
    return (
        b"MIME-Version: 1.0",
        b"Content-Type: text/plain; charset=" + charset.encode(),
        b"Content-Transfer-Encoding: 8bit",
    )


nul = (
    ordinary("nul-inside-line", "Some software takes NUL for the end of the text.", b"before\0after", b"the end"),
    ordinary("nul-first-in-line", "Some software takes a line that begins with NUL for an empty one.", b"\0x", b"y"),
)
octet_values = (
    ordinary(
        "octets-but-nul-cr-lf",
        "Every octet value but NUL, CR and LF, 16 to a line: 8-bit data by RFC 2045 section 2.8.",
        *(
            b"%02x " % first + bytes(value for value in range(first, first + 16) if value not in b"\0\r\n")
            for first in range(0, 256, 16)
        ),
        fields=_eight_bit("iso-8859-1"),
    ),
    raw_body(
        "octets-all",
        "Every octet value in order, CR and LF among them.",
        bytes(range(256)) + CRLF,
        fields=_eight_bit("iso-8859-1"),
    ),
)
eight_bit_bodies = (
    ordinary(
        "latin1-body",
        "8-bit text that is not UTF-8 must not be decoded on its way.",
        "Grüße aus Köln, à bientôt, señor".encode("latin-1"),
        fields=_eight_bit("iso-8859-1"),
    ),
    ordinary(
        "utf8-body",
        "UTF-8 in a body is two to four octets a character, and octets are what is counted.",
        "Grüße, Ελληνικά, 日本語, 🐈".encode(),
        fields=_eight_bit("utf-8"),
    ),
)
eight_bit_headers = (
    ordinary(
        "utf8-header",
        "UTF-8 in a header field, which a client has not asked for without the UTF8 command (RFC 6856).",
        b"The body is plain ASCII.",
        fields=("Comments: Grüße von Jürgen Müller, 日本語".encode(), "Reply-To: Jürgen <j@example.org>".encode()),
    ),
    Message(
        "message-id-eight-bit",
        header("message-id-eight-bit", message_id=b"Message-ID: <caf\xe9@example.org>") + CRLF + b"text" + CRLF,
        "A Message-ID with an 8-bit octet must not find its way into the unique-id.",
    ),
)
