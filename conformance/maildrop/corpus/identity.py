"""Messages that tempt a server to make unique-ids of their content (RFC 1939 section 7, UIDL)."""

from conformance.maildrop.corpus.message import CRLF, Message, header, ordinary

_TWIN = header("twin") + CRLF + b"The same octets twice." + CRLF

twins = (
    Message("twin-first", _TWIN, "One of two messages with identical octets: two messages all the same."),
    Message("twin-second", _TWIN, "The other of two messages with identical octets."),
)
_LIKE = header("look-alike") + CRLF
look_alikes = (
    Message("look-alike-first", _LIKE + b"Yours is the first." + CRLF, "Of two messages only one word differs."),
    Message("look-alike-second", _LIKE + b"Yours is the other." + CRLF, "It has the header and the size of another."),
)
_LONG = _LIKE + b"".join(b"Line %03d of those that both have.\r\n" % number for number in range(1, 301))
late_look_alikes = (
    Message("look-alike-late-first", _LONG + b"It ends first." + CRLF, "Of 10 kB only the last word differs."),
    Message("look-alike-late-second", _LONG + b"It ends other." + CRLF, "It has all of another message but its end."),
)
_FORGED = (b"X-UIDL: forged-unique-id", b"X-UID: 1", b"Status: RO")
forged_unique_ids = (
    ordinary(
        "forged-uidl-first",
        "Its sender has set X-UIDL; the unique-id is the server's to give.",
        b"The first of two.",
        fields=_FORGED,
    ),
    ordinary(
        "forged-uidl-second",
        "Its sender has set the same X-UIDL as in another message.",
        b"The second of two, with another text.",
        fields=_FORGED,
    ),
)


def _with_message_id(name: str, field: bytes, reason: str) -> Message:
    return Message(name, header(name, message_id=field) + CRLF + b"text" + CRLF, reason)


_SHARED = b"Message-ID: <shared@example.org>"
message_ids = (
    _with_message_id("message-id-shared-first", _SHARED, "Two messages with one Message-ID are two messages."),
    _with_message_id("message-id-shared-second", _SHARED, "The second message with one Message-ID is not the first."),
    _with_message_id("message-id-empty", b"Message-ID:", "An empty Message-ID must not make an empty unique-id."),
    _with_message_id(
        "message-id-missing",
        b"X-Comment: no Message-ID",
        "Without a Message-ID there still has to be a unique-id.",
    ),
    _with_message_id(
        "message-id-long",
        b"Message-ID:\r\n <" + b"x" * 900 + b"@example.org>",
        "A long Message-ID must not make a unique-id of more than 70 octets.",
    ),
    _with_message_id(
        "message-id-with-spaces",
        b"Message-ID: <not one word@example.org> and more",
        "Spaces in a Message-ID must not get into a unique-id.",
    ),
)
