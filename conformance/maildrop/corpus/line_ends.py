"""Line ends: a last line without one, and CR and LF that stand alone."""

from conformance.maildrop.corpus.message import ordinary, raw_body

unterminated = (
    raw_body(
        "unterminated", "The last line has no line end, so the server must supply the CRLF before the dot.", b"text"
    ),
    raw_body("ends-with-bare-cr", "It ends with a CR, which is no line end yet.", b"text\r"),
    raw_body("ends-with-bare-lf", "It ends with an LF, which is no line end in POP3.", b"text\n"),
)
bare_line_ends = (
    raw_body("bare-lf", "An LF without its CR inside a line.", b"one\ntwo\r\nthree\r\n"),
    raw_body("bare-cr", "A CR without its LF inside a line.", b"one\rtwo\r\nthree\r\n"),
    raw_body(
        "bare-lf-dot", "A dot between two LFs: a client that takes LF for a line end stops there.", b"a\n.\nb\r\n"
    ),
    raw_body("bare-cr-dot", "A dot between two CRs: no line begins there.", b"a\r.\rb\r\n"),
    raw_body("bare-lf-dot-crlf", "LF dot CRLF is not the end of a reply to all clients.", b"a\n.\r\nb\r\n"),
    raw_body("crlf-dot-bare-lf", "CRLF dot LF is the end of a reply to some clients.", b"a\r\n.\nb\r\n"),
)
white_space = (
    ordinary(
        "trailing-white-space",
        "Spaces and tabs at the end of a line belong to the message.",
        b"one space ",
        b"two tabs\t\t",
        b" ",
        b"\t",
        b"the end",
    ),
    ordinary("blank-first-lines", "Blank lines behind the header section belong to the body.", b"", b"", b"text"),
    ordinary("blank-last-lines", "Blank lines at the end belong to the body.", b"text", b"", b"", b""),
)
