"""Faults of multi-line replies: byte-stuffing, line ends, the termination line (RFC 1939 section 3)."""

import itertools
import re
from collections.abc import Iterable

from conformance.reference.commandlines import Flaw
from conformance.reference.faults.registry import fault
from conformance.reference.service import CRLF, Refused, Reply, Service
from conformance.reference.store import Message

_STUFFED = ("R1939-3-MULTILINE-05", "R1939-5-RETR-06")


@fault("retr-not-stuffed", breaks=_STUFFED, seen_in="axllent/mailpit#299")
class RetrNotStuffed(Service):
    """RETR sends lines that begin with a dot as they are."""

    def retr_content(self, lines: Iterable[bytes]) -> Reply:
        return (line + CRLF for line in lines)


@fault("top-not-stuffed", breaks=("R1939-7-TOP-09", "R1939-3-MULTILINE-05"), seen_in="hmailserver/hmailserver#126")
class TopNotStuffed(Service):
    """TOP sends lines that begin with a dot as they are."""

    def top_content(self, lines: Iterable[bytes]) -> Reply:
        return (line + CRLF for line in lines)


@fault("only-first-dot-line-stuffed", breaks=_STUFFED)
class OnlyFirstDotLineStuffed(Service):
    """Of the lines of a message that begin with a dot only the first one is byte-stuffed."""

    def content(self, lines: Iterable[bytes]) -> Reply:
        stuffed = False
        for line in lines:
            yield line + CRLF if stuffed else self.content_line(line)
            stuffed = stuffed or line.startswith(b".")


@fault("only-lone-dot-stuffed", breaks=_STUFFED)
class OnlyLoneDotStuffed(Service):
    """A line is byte-stuffed only when it is nothing but a dot."""

    def stuff(self, line: bytes) -> bytes:
        return b".." if line == b"." else line


@fault("two-dots-not-stuffed", breaks=_STUFFED)
class TwoDotsNotStuffed(Service):
    """A line that begins with two dots is taken for one that is byte-stuffed already."""

    def stuff(self, line: bytes) -> bytes:
        return line if line.startswith(b"..") else super().stuff(line)


@fault("header-not-stuffed", breaks=_STUFFED)
class HeaderNotStuffed(Service):
    """Header lines that begin with a dot are not byte-stuffed."""

    def content(self, lines: Iterable[bytes]) -> Reply:
        in_header = True
        for line in lines:
            in_header = in_header and line != b""
            yield line + CRLF if in_header else self.content_line(line)


@fault("first-body-line-not-stuffed", breaks=_STUFFED)
class FirstBodyLineNotStuffed(Service):
    """The line after the blank line that ends the header is not byte-stuffed."""

    def content(self, lines: Iterable[bytes]) -> Reply:
        blank = False
        first_seen = False
        for line in lines:
            first = blank and not first_seen
            yield line + CRLF if first else self.content_line(line)
            first_seen = first_seen or first
            blank = blank or line == b""


@fault("last-line-not-stuffed", breaks=_STUFFED)
class LastLineNotStuffed(Service):
    """The last line of a message is not byte-stuffed."""

    def retr_content(self, lines: Iterable[bytes]) -> Reply:
        *others, last = list(lines) or [b""]
        yield from self.content(others)
        yield last + CRLF


class _StuffedByChunk(Service):
    """Byte-stuffing is done in chunks of the message, without a look at the end of the chunk before."""

    chunk = 0

    def content(self, lines: Iterable[bytes]) -> Reply:
        octets = b"".join(line + CRLF for line in lines)
        for start in range(0, len(octets), self.chunk):
            stuffed = octets[start : start + self.chunk].replace(b"\r\n.", b"\r\n..")
            yield b"." + stuffed if start == 0 and stuffed.startswith(b".") else stuffed


@fault("stuffing-lost-at-4096", breaks=_STUFFED, seen_in="hivesolutions/netius#105")
class StuffingLostAt4096(_StuffedByChunk):
    """A line that begins with a dot is not byte-stuffed when it begins at or across a chunk of 4096 octets."""

    chunk = 4096


@fault("stuffing-lost-at-1024", breaks=_STUFFED, seen_in="hivesolutions/netius#105")
class StuffingLostAt1024(_StuffedByChunk):
    """A line that begins with a dot is not byte-stuffed when it begins at or across a chunk of 1024 octets."""

    chunk = 1024


@fault("stuffing-lost-at-65536", breaks=_STUFFED, seen_in="hivesolutions/netius#105")
class StuffingLostAt65536(_StuffedByChunk):
    """A line that begins with a dot is not byte-stuffed when it begins at or across a chunk of 65536 octets."""

    chunk = 65536


@fault("stuffing-ends-after-1000-lines", breaks=(*_STUFFED, "R1939-7-TOP-09"))
class StuffingEndsAfter1000Lines(Service):
    """Only the first thousand lines of a message are byte-stuffed."""

    def content(self, lines: Iterable[bytes]) -> Reply:
        for number, line in enumerate(lines):
            yield self.content_line(line) if number < 1000 else line + CRLF


@fault("piece-of-long-line-stuffed", breaks=("R1939-3-MULTILINE-04",))
class PieceOfLongLineStuffed(Service):
    """Lines are read in pieces of 1023 octets, and a piece that begins with a dot is byte-stuffed."""

    def stuff(self, line: bytes) -> bytes:
        pieces = (line[start : start + 1023] for start in range(0, len(line), 1023))
        return b"".join(super(PieceOfLongLineStuffed, self).stuff(piece) for piece in pieces)


@fault("stuffed-before-line-ends-are-mended", breaks=_STUFFED, seen_in="greenmail-mail-test/greenmail#1049")
class StuffedBeforeLineEndsAreMended(Service):
    """Byte-stuffing looks for the CRLF of the stored message, and only then bare LF becomes CRLF."""

    def lines_of(self, message: Message) -> list[bytes]:
        return message.stored().removesuffix(CRLF).split(CRLF)

    def content_line(self, line: bytes) -> bytes:
        return re.sub(rb"(?<!\r)\n", CRLF, self.stuff(line)) + CRLF


@fault("stuffed-after-bare-lf", breaks=("R1939-3-MULTILINE-04",))
class StuffedAfterBareLf(Service):
    """A dot after a LF inside a line is byte-stuffed, although no line begins there."""

    def stuff(self, line: bytes) -> bytes:
        return super().stuff(line).replace(b"\n.", b"\n..")


@fault("stuffed-with-two-dots", breaks=("R1939-3-MULTILINE-04",))
class StuffedWithTwoDots(Service):
    """Byte-stuffing prepends two dots."""

    def stuff(self, line: bytes) -> bytes:
        return b".." + line if line.startswith(b".") else line


@fault("every-dot-doubled", breaks=("R1939-3-MULTILINE-04",))
class EveryDotDoubled(Service):
    """Dots are doubled wherever they are in a line."""

    def stuff(self, line: bytes) -> bytes:
        return line.replace(b".", b"..")


@fault("space-dot-stuffed", breaks=("R1939-3-MULTILINE-04",))
class SpaceDotStuffed(Service):
    """A line whose first octet after white space is a dot is byte-stuffed too."""

    def stuff(self, line: bytes) -> bytes:
        return b"." + line if line.lstrip(b" \t").startswith(b".") else line


@fault(
    "terminator-glued",
    breaks=("R1939-3-MULTILINE-06",),
    seen_in="fetchmail FAQ S2, Exchange 2000; apache/james-project PROTOCOLS-106",
)
class TerminatorGlued(Service):
    """The termination octet follows the last line directly when the message does not end with a line end."""

    unterminated = False

    def lines_of(self, message: Message) -> list[bytes]:
        self.unterminated = not message.stored().endswith(b"\n")
        return super().lines_of(message)

    def content(self, lines: Iterable[bytes]) -> Reply:
        pieces = [self.content_line(line) for line in lines]
        if pieces and self.unterminated:
            pieces[-1] = pieces[-1].removesuffix(CRLF)
        yield from pieces


@fault("retr-not-terminated", breaks=("R1939-3-MULTILINE-03", "R1939-3-MULTILINE-01", "R1939-5-RETR-03"))
class RetrNotTerminated(Service):
    """RETR sends no termination line."""

    def do_retr(self, argument: bytes) -> Reply:
        lines = self.retr_lines(self.message(self.message_number(argument)))
        yield self.ok()
        yield from self.retr_content(lines)


@fault("empty-listing-not-terminated", breaks=("R1939-5-LIST-06", "R1939-7-UIDL-06"), seen_in="Dovecot before 2.1.9")
class EmptyListingNotTerminated(Service):
    """LIST and UIDL of an empty maildrop have no termination line."""

    def listing(self, rows: Iterable[str]) -> Reply:
        rows = list(rows)
        if rows:
            yield from super().listing(rows)


@fault("empty-listing-has-blank-line", breaks=("R1939-3-MULTILINE-06",))
class EmptyListingHasBlankLine(Service):
    """LIST and UIDL of an empty maildrop have a blank line before the termination line."""

    def listing(self, rows: Iterable[str]) -> Reply:
        return super().listing(list(rows) or [""])


@fault("terminator-without-lf", breaks=("R1939-3-MULTILINE-03",), seen_in="cyrusimap/cyrus-imapd#4717")
class TerminatorWithoutLf(Service):
    """The termination line lacks its LF."""

    def terminator(self) -> bytes:
        return b".\r"


@fault("terminator-bare-lf", breaks=("R1939-3-MULTILINE-03",))
class TerminatorBareLf(Service):
    """The termination line ends with LF without CR."""

    def terminator(self) -> bytes:
        return b".\n"


@fault("terminator-after-space", breaks=("R1939-3-MULTILINE-03",))
class TerminatorAfterSpace(Service):
    """The termination octet is followed by a space."""

    def terminator(self) -> bytes:
        return b". " + CRLF


@fault("terminator-twice", breaks=("R1939-3-RESP-SYNTAX-01",))
class TerminatorTwice(Service):
    """RETR has two termination lines."""

    def do_retr(self, argument: bytes) -> Reply:
        yield from super().do_retr(argument)
        yield self.terminator()


@fault("blank-line-appended", breaks=("R1939-5-RETR-04",), seen_in="hivesolutions/netius#96, qmail-pop3d")
class BlankLineAppended(Service):
    """RETR has a blank line more than the message."""

    def retr_content(self, lines: Iterable[bytes]) -> Reply:
        yield from super().retr_content(lines)
        yield CRLF


@fault("listing-bare-lf", breaks=("R1939-3-MULTILINE-02",))
class ListingBareLf(Service):
    """The rows of LIST and UIDL end with LF without CR."""

    def listing(self, rows: Iterable[str]) -> Reply:
        for row in rows:
            yield row.encode("latin-1") + b"\n"
        yield self.terminator()


@fault("content-bare-lf", breaks=("R1939-3-MULTILINE-02",), seen_in="Thunderbird bug 1883760")
class ContentBareLf(Service):
    """The lines of a message end with LF without CR."""

    def content(self, lines: Iterable[bytes]) -> Reply:
        for line in lines:
            yield self.stuff(line) + b"\n"


@fault("content-cr-doubled", breaks=("R1939-5-RETR-04", "R1939-3-MULTILINE-02"))
class ContentCrDoubled(Service):
    """The lines of a message end with CR CR LF, as when text mode is applied twice."""

    def content(self, lines: Iterable[bytes]) -> Reply:
        for line in lines:
            yield self.stuff(line) + b"\r\r\n"


@fault("refusal-multi-line", breaks=("R1939-3-MULTILINE-01",))
class RefusalMultiLine(Service):
    """A refusal of RETR, TOP, LIST or UIDL is followed by a termination line."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        try:
            yield from super().dispatch(line)
        except Refused as refused:
            yield self.err(refused.text, refused.code)
            if self.keyword in ("RETR", "TOP", "LIST", "UIDL"):
                yield self.terminator()


@fault("list-n-multi-line", breaks=("R1939-5-LIST-03", "R1939-3-MULTILINE-01"))
class ListNMultiLine(Service):
    """LIST with a message-number sends its scan listing on a line of its own, and a termination line."""

    def do_list(self, argument: bytes | None = None) -> Reply:
        if argument is None:
            yield from super().do_list()
            return
        number = self.message_number(argument)
        yield self.ok()
        yield from self.listing([self.scan_listing(number)])


@fault("uidl-n-multi-line", breaks=("R1939-7-UIDL-03", "R1939-3-MULTILINE-01"))
class UidlNMultiLine(Service):
    """UIDL with a message-number sends its listing on a line of its own, and a termination line."""

    def do_uidl(self, argument: bytes | None = None) -> Reply:
        if argument is None:
            yield from super().do_uidl()
            return
        number = self.message_number(argument)
        yield self.ok()
        yield from self.listing([self.unique_id_listing(number)])


@fault("stat-multi-line", breaks=("R1939-5-STAT-03", "R1939-3-MULTILINE-01"))
class StatMultiLine(Service):
    """STAT is followed by a termination line."""

    def do_stat(self) -> Reply:
        yield from super().do_stat()
        yield self.terminator()


@fault("dele-multi-line", breaks=("R1939-3-MULTILINE-01",))
class DeleMultiLine(Service):
    """DELE is followed by a termination line."""

    def do_dele(self, argument: bytes) -> Reply:
        yield from super().do_dele(argument)
        yield self.terminator()


@fault("list-single-line", breaks=("R1939-5-LIST-04",))
class ListSingleLine(Service):
    """LIST sends its scan listings on the status line, and no termination line."""

    def do_list(self, argument: bytes | None = None) -> Reply:
        if argument is None:
            yield self.ok(", ".join(self.scan_listing(number) for number in self.listed()))
        else:
            yield from super().do_list(argument)


@fault("uidl-single-line", breaks=("R1939-7-UIDL-04",))
class UidlSingleLine(Service):
    """UIDL sends its listings on the status line, and no termination line."""

    def do_uidl(self, argument: bytes | None = None) -> Reply:
        if argument is None:
            yield self.ok(", ".join(self.unique_id_listing(number) for number in self.listed()))
        else:
            yield from super().do_uidl(argument)


@fault("top-without-content", breaks=("R1939-7-TOP-04",))
class TopWithoutContent(Service):
    """TOP answers +OK and sends neither content nor termination line."""

    def do_top(self, argument: bytes, count: bytes) -> Reply:
        yield next(super().do_top(argument, count))


@fault(
    "pipelined-retr-interleaved",
    breaks=("R1939-3-RESP-SYNTAX-01",),
    seen_in="zone-eu/wildduck#950",
)
class PipelinedRetrInterleaved(Service):
    """The replies to commands that come in one segment are sent line by line in turn."""

    def received(self, octets: bytes) -> Reply:
        replies = [list(self.answer(line)) for line in self.lines(octets)]
        for turn in itertools.zip_longest(*replies):
            yield from (item for item in turn if item is not None)
        self.last_command = self.site.clock()
