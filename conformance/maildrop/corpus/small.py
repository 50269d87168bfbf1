"""Small, well-formed messages of different sizes and contents, for checks that are not about the content."""

from conformance.maildrop.corpus.message import ordinary

five_messages = (
    ordinary("small-first", "The first of some small messages that differ in size and content.", b"One line."),
    ordinary(
        "small-second",
        "The second of some small messages that differ in size and content.",
        b"Two lines make",
        b"a somewhat larger message.",
    ),
    ordinary(
        "small-third",
        "The third of some small messages that differ in size and content.",
        b"Here are three lines,",
        b"the second of which is neither the first",
        b"nor the last of this message.",
    ),
    ordinary(
        "small-fourth",
        "The fourth of some small messages that differ in size and content.",
        *(b"Line %d of the fourth message." % number for number in range(1, 5)),
    ),
    ordinary(
        "small-fifth",
        "The fifth of some small messages that differ in size and content.",
        *(b"Line %d of the fifth and last of the small messages." % number for number in range(1, 6)),
    ),
)
three_messages = five_messages[:3]
one_message = five_messages[:1]
many_messages = tuple(
    ordinary(
        f"one-of-many-{number:02}",
        "One of as many messages as it takes for numbers of two digits.",
        b"This is message %d." % number,
        b"." * number,
    )
    for number in range(1, 26)
)
