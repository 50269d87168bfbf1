"""Dots in every position that byte-stuffing has to care about (RFC 1939 section 3)."""

from conformance.maildrop.corpus.message import CRLF, Message, header, ordinary, raw_body

_FIRST, _LAST = b"An ordinary first line.", b"An ordinary last line."

dots = (
    ordinary("dot-line", "A line that is only a dot looks like the end of the reply.", _FIRST, b".", _LAST),
    ordinary("dot-doubled", "A line of two dots must come out as two dots.", _FIRST, b"..", _LAST),
    ordinary("dot-tripled", "A line of three dots must come out as three dots.", _FIRST, b"...", _LAST),
    ordinary("dot-then-text", "A dot before text is stuffed as well as a lone one.", _FIRST, b".x", _LAST),
    ordinary("dots-then-text", "Two dots before text must both come out.", _FIRST, b"..x", _LAST),
    ordinary("dot-then-space", "A dot and a space are not the end of the reply.", _FIRST, b". ", _LAST),
    ordinary("dot-then-tab", "A dot and a tab are not the end of the reply.", _FIRST, b".\t", _LAST),
    ordinary("dot-first-line", "A dot line right behind the header is where some servers forget it.", b".", _LAST),
    ordinary("dot-last-line", "A dot line at the end is easily taken for the end itself.", _FIRST, b"."),
    ordinary("dot-last-but-one", "A dot line before the last line cuts that line off.", _FIRST, b".", b"", b"z"),
    ordinary("dot-only-line", "A body of one dot line leaves nothing but the dot.", b"."),
    ordinary("dots-only", "A body of dot lines only gives no other line to recover on.", *[b"."] * 100),
    ordinary("dots-growing", "Lines of 1 to 70 dots gain exactly one dot each.", *(b"." * n for n in range(1, 71))),
    ordinary(
        "dot-after-blank-lines",
        "Blank lines before and behind a dot line make CRLF CRLF dot CRLF CRLF.",
        _FIRST,
        b"",
        b"",
        b".",
        b"",
        _LAST,
    ),
    ordinary(
        "dot-not-first",
        "A dot that does not begin the line gains no other one.",
        b"x.",
        b" .",
        b"\t.",
        b"a line with its dot at the end.",
        b"a . b .. c ... d",
        b"-.",
    ),
    ordinary(
        "dot-end-and-replies",
        "A false end of the reply, and behind it what looks like the replies to the next commands.",
        _FIRST,
        b".",
        b"+OK 0 0",
        b"-ERR no such message",
        b"+OK",
        b".",
        b"+OK goodbye",
    ),
    raw_body(
        "dot-last-unterminated",
        "The last line is a dot without a line end: it must be stuffed, and a line end must follow.",
        _FIRST + CRLF + b".",
    ),
    Message(
        "dot-header-field",
        header("dot-header-field", b".Dotted: a field name may begin with a dot") + CRLF + _LAST + CRLF,
        "A dot begins a line of the header section, which is stuffed like any other.",
    ),
    Message(
        "dot-first-octet",
        b".Dotted: the first octet of this message is a dot" + CRLF + header("dot-first-octet") + CRLF + _LAST + CRLF,
        "A dot is the first octet of all, right behind the status line.",
    ),
)
