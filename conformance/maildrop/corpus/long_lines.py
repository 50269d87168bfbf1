"""Long lines, at the limits that programs have: RFC 5322's, Python's poplib's, common buffer sizes."""

from conformance.maildrop.corpus.message import Message, ordinary


def _line_of(size: int, reason: str) -> Message:
    start = b"%d octets " % size
    return ordinary(f"line-of-{size}", reason, b"before", start + b"x" * (size - len(start)), b"after")


long_lines = (
    _line_of(998, "The longest line that RFC 5322 section 2.1.1 allows must come unaltered."),
    _line_of(1000, "A line just above the limit of RFC 5322 must lose no octet."),
    _line_of(2046, "With its CRLF it is the longest line that a client with poplib takes (odoo/odoo#10920)."),
    _line_of(2047, "A line around a limit of 2048 octets."),
    _line_of(2048, "A line of exactly 2048 octets."),
    _line_of(4096, "A line of the size of a common buffer."),
    _line_of(8192, "A line of the size of another common buffer."),
    _line_of(65535, "A line just below 64 KiB, where line readers have their limit."),
    _line_of(65536, "A line of 64 KiB, where line readers have their limit."),
    _line_of(65537, "A line just above 64 KiB, where line readers give up."),
    ordinary(
        "long-line-of-dots",
        "A piece that is read of a long line begins with a dot, and must not be stuffed.",
        b"before",
        b"x" + b"." * 70_000,
        b"after",
    ),
    _line_of(1024 * 1024, "A line of 1 MiB shows whether there is a limit at all."),
)
