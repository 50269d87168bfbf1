"""Text that is a format, an escape or a variable to software that prints it without care."""

from conformance.maildrop.corpus.message import ordinary

_DIRECTIVES = rb"%s %d %n %x %% %1$s %5.2f, \\ \n \0 \x41 \., $HOME ${x} $(x) $1, {} {0} {x} {{}}, &amp; `x` ~"

templates = (
    ordinary(
        "format-directives",
        "Format directives, backslashes, dollar signs and braces are text in a message.",
        _DIRECTIVES,
        b"%s",
        b"100%",
        b"\\",
        _DIRECTIVES * 3,
        b"The end.",
        fields=(b"X-Directives: " + _DIRECTIVES, b"X-Percent: 100%"),
    ),
)
