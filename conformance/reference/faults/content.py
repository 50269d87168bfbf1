"""Faults of the content of RETR: what is sent is not what was stored (RFC 1939 section 5)."""

import re
from collections.abc import Iterable, Iterator

from conformance.reference.faults.registry import fault
from conformance.reference.service import CRLF, Ending, Refused, Reply, Service
from conformance.reference.site import Site
from conformance.reference.store import Message

_WHOLE = ("R1939-5-RETR-04",)


class _Altered(Service):
    """RETR and TOP send an altered message; sizes are those of the stored one."""

    def altered(self, octets: bytes) -> bytes:
        raise NotImplementedError

    def lines_of(self, message: Message) -> list[bytes]:
        return self.altered(b"".join(line + CRLF for line in super().lines_of(message))).split(CRLF)[:-1]


@fault("retr-cut-at-nul", breaks=_WHOLE)
class RetrCutAtNul(_Altered):
    """A message is cut at its first NUL."""

    def altered(self, octets: bytes) -> bytes:
        return octets if b"\0" not in octets else octets.partition(b"\0")[0] + CRLF


@fault("retr-line-cut-at-nul", breaks=_WHOLE)
class RetrLineCutAtNul(_Altered):
    """A line is cut at its first NUL."""

    def altered(self, octets: bytes) -> bytes:
        return re.sub(rb"\0[^\r\n]*", b"", octets)


@fault("retr-cut-at-long-line", breaks=_WHOLE, seen_in="Inbucket e56c6d5, lines over 64 KiB")
class RetrCutAtLongLine(Service):
    """A line over 65536 octets ends the content, and a -ERR follows the termination line."""

    def do_retr(self, argument: bytes) -> Reply:
        lines = self.retr_lines(self.message(self.message_number(argument)))
        yield self.ok()
        for line in lines:
            if len(line) > 65536:
                yield self.terminator()
                yield self.err("token too long")
                return
            yield self.content_line(line)
        yield self.terminator()


@fault("retr-truncates-lines-at-1024", breaks=_WHOLE, seen_in="fetchmail FAQ D2, UCB popper 1.004")
class RetrTruncatesLinesAt1024(_Altered):
    """Lines are truncated at column 1024."""

    def altered(self, octets: bytes) -> bytes:
        return re.sub(rb"([^\r\n]{1024})[^\r\n]+", rb"\1", octets)


@fault("retr-wraps-lines-at-998", breaks=("R1939-5-SIZE-01",))
class RetrWrapsLinesAt998(_Altered):
    """Lines over 998 octets are broken into several, which sizes do not count."""

    def altered(self, octets: bytes) -> bytes:
        return re.sub(rb"([^\r\n]{998})(?=[^\r\n])", rb"\1\r\n", octets)


@fault("retr-clears-eighth-bit", breaks=_WHOLE)
class RetrClearsEighthBit(_Altered):
    """The eighth bit of every octet is cleared."""

    def altered(self, octets: bytes) -> bytes:
        return octets.translate(bytes(octet & 127 for octet in range(256)))


@fault("retr-replaces-eight-bit", breaks=_WHOLE)
class RetrReplacesEightBit(_Altered):
    """Octets that are not UTF-8 are replaced."""

    def altered(self, octets: bytes) -> bytes:
        return octets.decode("utf-8", "replace").encode("utf-8")


@fault("retr-strips-trailing-spaces", breaks=_WHOLE)
class RetrStripsTrailingSpaces(_Altered):
    """White space at the end of lines is lost."""

    def altered(self, octets: bytes) -> bytes:
        return re.sub(rb"[ \t]+\r\n", CRLF, octets)


@fault("retr-strips-leading-spaces", breaks=_WHOLE)
class RetrStripsLeadingSpaces(_Altered):
    """White space at the beginning of body lines is lost."""

    def altered(self, octets: bytes) -> bytes:
        header, blank, body = octets.partition(CRLF + CRLF)
        return header + blank + re.sub(rb"(?m)^[ \t]+", b"", body)


@fault("retr-drops-final-blank-lines", breaks=_WHOLE)
class RetrDropsFinalBlankLines(_Altered):
    """Blank lines at the end of a message are lost."""

    def altered(self, octets: bytes) -> bytes:
        return re.sub(rb"(\r\n){3,}\Z", CRLF, octets)


@fault("lines-are-formats", breaks=_WHOLE)
class LinesAreFormats(_Altered):
    """Each line of a message is the format of a printf() without arguments."""

    def altered(self, octets: bytes) -> bytes:
        return re.sub(rb"%(?:[0-9]+\$)?([sdn%])", lambda found: b"%" if found[1] == b"%" else b"", octets)


@fault("lines-lose-backslashes", breaks=_WHOLE)
class LinesLoseBackslashes(_Altered):
    """A backslash in a message is taken for an escape."""

    def altered(self, octets: bytes) -> bytes:
        return re.sub(rb"\\([^\r\n])", rb"\1", octets)


@fault("lines-expand-variables", breaks=_WHOLE)
class LinesExpandVariables(_Altered):
    """A name behind a dollar sign in a message is replaced by nothing, the value of that variable."""

    def altered(self, octets: bytes) -> bytes:
        return re.sub(rb"\$(?:[A-Za-z_]+|\{[A-Za-z_]+\})", b"", octets)


@fault("lines-have-fields", breaks=_WHOLE)
class LinesHaveFields(_Altered):
    """A pair of braces in a message is replaced by nothing, as a formatting function replaces it."""

    def altered(self, octets: bytes) -> bytes:
        return octets.replace(b"{}", b"")


@fault("header-loses-eighth-bit", breaks=("R1939-11-MSGFORMAT-01",))
class HeaderLosesEighthBit(_Altered):
    """The eighth bit of every octet of the header section is cleared."""

    def altered(self, octets: bytes) -> bytes:
        header, blank, body = octets.partition(CRLF + CRLF)
        return header.translate(bytes(octet & 127 for octet in range(256))) + blank + body


@fault("header-loses-eight-bit-octets", breaks=("R1939-11-MSGFORMAT-01",))
class HeaderLosesEightBitOctets(_Altered):
    """Octets of more than seven bits are left out of the header section."""

    def altered(self, octets: bytes) -> bytes:
        header, blank, body = octets.partition(CRLF + CRLF)
        return header.translate(None, bytes(range(128, 256))) + blank + body


@fault("retr-escapes-from", breaks=_WHOLE)
class RetrEscapesFrom(_Altered):
    """Body lines that begin with From and a space get a > before them, as in a mbox file."""

    def altered(self, octets: bytes) -> bytes:
        return octets.replace(b"\r\nFrom ", b"\r\n>From ")


@fault("retr-loses-first-header-line", breaks=_WHOLE, seen_in="fetchmail FAQ, first Received lost")
class RetrLosesFirstHeaderLine(_Altered):
    """The first line of a message is lost."""

    def altered(self, octets: bytes) -> bytes:
        return octets.partition(CRLF)[2]


@fault("retr-unfolds-header", breaks=_WHOLE)
class RetrUnfoldsHeader(_Altered):
    """Folded header fields are sent as one line."""

    def altered(self, octets: bytes) -> bytes:
        header, blank, body = octets.partition(CRLF + CRLF)
        return re.sub(rb"\r\n[ \t]+", b" ", header) + blank + body


@fault("retr-loses-separator", breaks=("R1939-11-MSGFORMAT-01", *_WHOLE))
class RetrLosesSeparator(_Altered):
    """The blank line between header and body is lost, so that what is sent is no message any more."""

    def altered(self, octets: bytes) -> bytes:
        return octets.replace(CRLF + CRLF, CRLF, 1)


@fault("retr-adds-status-header", breaks=("R1939-5-SIZE-01",))
class RetrAddsStatusHeader(_Altered):
    """RETR adds a Status header that the size does not count."""

    def altered(self, octets: bytes) -> bytes:
        return b"Status: RO\r\n" + octets


@fault("retr-expands-tabs", breaks=_WHOLE)
class RetrExpandsTabs(_Altered):
    """TAB is sent as spaces."""

    def altered(self, octets: bytes) -> bytes:
        return octets.replace(b"\t", b" " * 8)


@fault("retr-ends-at-control-z", breaks=_WHOLE)
class RetrEndsAtControlZ(_Altered):
    """A message is cut at its first Ctrl-Z."""

    def altered(self, octets: bytes) -> bytes:
        return octets if b"\x1a" not in octets else octets.partition(b"\x1a")[0] + CRLF


@fault("retr-loses-bare-cr", breaks=("R1939-5-SIZE-01",))
class RetrLosesBareCr(_Altered):
    """CR that no LF follows is lost, though the size counts it."""

    def altered(self, octets: bytes) -> bytes:
        return re.sub(rb"\r(?!\n)", b"", octets)


@fault("retr-truncates-at-one-megabyte", breaks=_WHOLE)
class RetrTruncatesAtOneMegabyte(Service):
    """A message is cut after 1048576 octets."""

    def retr_lines(self, message: Message) -> Iterator[bytes]:
        sent = 0
        for line in self.lines_of(message):
            sent += len(line) + 2
            if sent > 2**20:
                return
            yield line


@fault("retr-stamps-session", breaks=_WHOLE)
class RetrStampsSession(Service):
    """RETR adds a header field that is another one in each session."""

    def retr_lines(self, message: Message) -> Iterable[bytes]:
        return [b"X-Session: %d" % self.number_of_connection, *self.lines_of(message)]


@fault("eight-bit-header-refused", breaks=("R1939-11-MSGFORMAT-01",))
class EightBitHeaderRefused(Service):
    """A message with 8-bit octets in its header section is not sent."""

    def retr_lines(self, message: Message) -> Iterable[bytes]:
        if not message.octets().partition(CRLF + CRLF)[0].isascii():
            raise Refused("message has an invalid header")
        return self.lines_of(message)


@fault("retr-second-time-differs", breaks=("R1939-5-RETR-04", "R1939-5-STATE-01"))
class RetrSecondTimeDiffers(Service):
    """A message that RETR has sent in the session comes with a Status header the next time."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.sent: set[Message] = set()

    def retr_lines(self, message: Message) -> Iterable[bytes]:
        lines = self.lines_of(message)
        if message in self.sent:
            lines.insert(0, b"Status: RO")
        self.sent.add(message)
        return lines


@fault("retr-sends-what-top-sent", breaks=_WHOLE)
class RetrSendsWhatTopSent(Service):
    """RETR right behind TOP of the same message sends no more than TOP did."""

    top: tuple[bytes, bytes] | None = None

    def do_top(self, argument: bytes, count: bytes) -> Reply:
        yield from super().do_top(argument, count)
        self.top = argument, count

    def do_retr(self, argument: bytes) -> Reply:
        if self.top is not None and self.top[0] == argument:
            yield from super().do_top(*self.top)
        else:
            yield from super().do_retr(argument)
        self.top = None


@fault("retr-sends-next-message", breaks=_WHOLE)
class RetrSendsNextMessage(Service):
    """RETR sends the message after the one it names, unless that is the last."""

    def do_retr(self, argument: bytes) -> Reply:
        number = self.message_number(argument)
        return super().do_retr(b"%d" % (number + 1) if self.exists(number + 1) else argument)


@fault(
    "retr-closes-before-terminator", breaks=("R1939-5-RETR-03", "R1939-3-MULTILINE-03"), seen_in="mguessan/davmail#102"
)
class RetrClosesBeforeTerminator(Service):
    """RETR of more than 100000 octets ends with the connection in the middle of the message."""

    def retr_content(self, lines: Iterable[bytes]) -> Reply:
        sent = 0
        for item in super().retr_content(lines):
            sent += len(item) if isinstance(item, bytes) else 0
            if sent > 100000:
                yield Ending.FIN
            yield item
