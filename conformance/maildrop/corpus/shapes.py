"""Messages of unusual shape: no body, no header, nothing; long headers; bodies to count lines in."""

from conformance.maildrop.corpus.message import CRLF, Message, header, ordinary

without_body = (
    Message(
        "header-only",
        header("header-only") + CRLF,
        "A header section and its blank line with no body behind it.",
    ),
    Message(
        "header-only-no-blank",
        header("header-only-no-blank"),
        "Without the blank line some clients wait for the end of the header section.",
    ),
)
without_header = (
    Message("body-only", CRLF + b"A body." + CRLF, "It begins with the blank line: no header field at all."),
    Message("blank-line-only", CRLF, "One blank line is the shortest message that has a line."),
    Message("no-octets", b"", "A message of no octets is still a message, with a number and a unique-id."),
)
headers = (
    ordinary(
        "many-headers",
        "More header lines than body lines asked for: TOP counts body lines only.",
        *(b"Body line %d." % number for number in range(1, 11)),
        fields=tuple(
            b"X-Field-%d: first line\r\n second line\r\n\tthird line of field %d" % (number, number)
            for number in range(1, 31)
        ),
    ),
    ordinary(
        "long-header",
        "A header section of 70 kB in ordinary lines does not fit into the buffers that programs have for it.",
        *(b"Body line %d." % number for number in range(1, 11)),
        fields=tuple(b"X-Field-%d: " % number + b"x" * 900 for number in range(1, 79)),
    ),
    ordinary(
        "same-field-many-times",
        "Fields of the same name must all come, in their order.",
        b"text",
        fields=tuple(b"Received: hop %d; Thu, 1 Jan 2026 12:00:%02d +0000" % (hop, hop) for hop in range(9, 0, -1)),
    ),
    ordinary(
        "white-line-in-header",
        "A line of white space in a folded field is not the blank line that ends the header section.",
        b"The only body line.",
        fields=(b"X-Folded: first\r\n \r\n third line of the same field", b"X-Last: the last field"),
    ),
)
bodies = (
    ordinary(
        "numbered-lines",
        "Twenty numbered body lines, blank and dot lines among them: each counts as one for TOP.",
        *(
            {3: b"", 4: b"", 7: b".", 8: b"..", 12: b".12", 15: b" ", 20: b"."}.get(number, b"Line %d." % number)
            for number in range(1, 21)
        ),
    ),
    ordinary(
        "from-line",
        "A line that begins with From is a separator in an mbox, and text in a message.",
        b"The next line is text:",
        b"From now on everything is text.",
        b">From the start it was.",
        b"",
        b"From sender@example.org Thu Jan  1 12:00:00 2026",
        b"Subject: still the same message",
        b"",
        b"The end.",
    ),
    ordinary(
        "long-text",
        "A text of 200 kB, dot lines to its end: some servers cut TOP off at 64 to 82 kB (fetchmail FAQ, I8).",
        *(
            (b"." if n in (2, 17, 28) or n % 100 == 0 else b"")
            + b"Line %04d of 2500, filled up so that it has the length of an ordinary line." % n
            for n in range(1, 2501)
        ),
    ),
)
