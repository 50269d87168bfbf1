"""Faults of TOP (RFC 1939 section 7)."""

import re
from collections.abc import Iterable

from conformance.reference.faults.registry import fault
from conformance.reference.service import CRLF, Command, Refused, Reply, Service
from conformance.reference.site import Account, Site
from conformance.reference.store import Message
from conformance.reference.variants.maildrop import RemembersRetrieved

_LINES = ("R1939-7-TOP-06", "R1939-7-TOP-08")


@fault("top-0-sends-all", breaks=("R1939-7-TOP-06",), seen_in="Stalwart, TOP n 0")
class Top0SendsAll(Service):
    """TOP with 0 lines sends the whole message."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        return super().top_lines(message, count) if count else self.lines_of(message)


@fault("top-sends-all", breaks=_LINES, seen_in="Mailpit, TOP n k")
class TopSendsAll(Service):
    """TOP with one line or more sends the whole message."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        return self.lines_of(message) if count else super().top_lines(message, count)


@fault("top-counts-header-lines", breaks=_LINES, seen_in="Stalwart, TOP n k")
class TopCountsHeaderLines(Service):
    """TOP counts header lines as lines of the body."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        return self.lines_of(message)[:count]


@fault("top-counts-blank-line", breaks=_LINES)
class TopCountsBlankLine(Service):
    """TOP counts the line that separates header and body, so that one line of the body is missing."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        return super().top_lines(message, max(count - 1, 0))


@fault("top-one-line-too-many", breaks=_LINES)
class TopOneLineTooMany(Service):
    """TOP sends one line of the body more than asked for."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        return super().top_lines(message, count + 1)


@fault("top-skips-blank-lines", breaks=("R1939-7-TOP-08",))
class TopSkipsBlankLines(Service):
    """TOP does not count blank lines of the body."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        lines = self.lines_of(message)
        header = lines.index(b"") + 1 if b"" in lines else len(lines)
        for place, line in enumerate(lines):
            if place >= header and line:
                count -= 1
            if count < 0:
                return
            yield line


@fault("top-counts-stuffed-lines-twice", breaks=("R1939-7-TOP-08",))
class TopCountsStuffedLinesTwice(Service):
    """TOP counts a line that is byte-stuffed as two."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        lines = self.lines_of(message)
        header = lines.index(b"") + 1 if b"" in lines else len(lines)
        yield from lines[:header]
        for line in lines[header:]:
            count -= 2 if line.startswith(b".") else 1
            if count < 0:
                return
            yield line


@fault("top-counts-long-lines-as-several", breaks=_LINES)
class TopCountsLongLinesAsSeveral(Service):
    """TOP counts a line of the body once for each 1023 octets that are read of it."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        lines = self.lines_of(message)
        header = lines.index(b"") + 1 if b"" in lines else len(lines)
        yield from lines[:header]
        for line in lines[header:]:
            if count <= 0:
                return
            count -= 1 + len(line) // 1023
            yield line


@fault("top-cuts-header-at-8192", breaks=("R1939-7-TOP-06",))
class TopCutsHeaderAt8192(Service):
    """TOP sends at most 8192 octets of the header section."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        header, blank, body = CRLF.join(super().top_lines(message, count)).partition(CRLF + CRLF)
        return (header[:8192] + blank + body).split(CRLF)


@fault("top-after-retr-sends-more", breaks=("R1939-7-TOP-06",))
class TopAfterRetrSendsMore(RemembersRetrieved):
    """TOP of a message that RETR has sent in the session sends a line more than asked for."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        return super().top_lines(message, count + (count > 0 and message in self.retrieved))


@fault("top-lines-are-formats", breaks=("R1939-7-TOP-10",))
class TopLinesAreFormats(Service):
    """Each line that TOP sends is the format of a printf() without arguments."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        return [line.replace(b"%s", b"").replace(b"%%", b"%") for line in super().top_lines(message, count)]


@fault("top-counts-past-boundary", breaks=("R1939-7-TOP-08",))
class TopCountsPastBoundary(Service):
    """TOP counts lines of a multipart message from its first boundary on."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        lines = self.lines_of(message)
        header = lines.index(b"") + 1 if b"" in lines else len(lines)
        boundary = next((place for place, line in enumerate(lines) if place >= header and line[:2] == b"--"), None)
        return lines[: (header if boundary is None else boundary + 1) + count]


@fault("top-second-time-differs", breaks=("R1939-7-TOP-06",), seen_in="Angus Mail, mail.pop3.forgettopheaders")
class TopSecondTimeDiffers(Service):
    """TOP of a message that TOP has shown in the session lacks the first header field."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.shown: set[Message] = set()

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        first = 1 if message in self.shown else 0
        self.shown.add(message)
        return list(super().top_lines(message, count))[first:]


@fault("top-and-uidl-missing", breaks=("R1939-7-TOP-01", "R1957-x-TOP-01"))
class TopAndUidlMissing(Service):
    """TOP and UIDL are unknown commands, although the first is strongly encouraged and clients depend on both."""

    def supports(self, keyword: str) -> bool:
        return keyword not in ("TOP", "UIDL") and super().supports(keyword)


@fault("top-without-blank-line", breaks=("R1939-7-TOP-06",))
class TopWithoutBlankLine(Service):
    """TOP leaves out the blank line between header and body."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        lines = list(super().top_lines(message, count))
        if b"" in lines:
            lines.remove(b"")
        return lines


@fault("top-0-without-blank-line", breaks=("R1939-7-TOP-06",))
class Top0WithoutBlankLine(Service):
    """TOP with 0 lines ends with the last header line, without the blank line."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        lines = list(super().top_lines(message, count))
        return lines[:-1] if count == 0 and lines and not lines[-1] else lines


@fault("top-body-only", breaks=("R1939-7-TOP-06",))
class TopBodyOnly(Service):
    """TOP sends lines of the body without the header."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        lines = list(super().top_lines(message, count))
        return lines[lines.index(b"") + 1 :] if b"" in lines else []


@fault("top-unfolds-header", breaks=("R1939-7-TOP-06",), seen_in="jakartaee/mail-api#613")
class TopUnfoldsHeader(Service):
    """TOP sends folded header fields as one line, unlike RETR."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        octets = CRLF.join(super().top_lines(message, count))
        header, blank, body = octets.partition(CRLF + CRLF)
        return (re.sub(rb"\r\n[ \t]+", b" ", header) + blank + body).split(CRLF)


@fault("top-blank-line-appended", breaks=("R1939-7-TOP-10",), seen_in="hMailServer, QQ Mail (pocoproject/poco#107)")
class TopBlankLineAppended(Service):
    """TOP has a blank line more than what was asked for."""

    def top_content(self, lines: Iterable[bytes]) -> Reply:
        yield from super().top_content(lines)
        yield CRLF


@fault("top-truncates-at-65536", breaks=("R1939-7-TOP-10",), seen_in="fetchmail FAQ I8, Maillennium")
class TopTruncatesAt65536(Service):
    """TOP sends at most 65536 octets of a message."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        sent = 0
        for line in super().top_lines(message, count):
            sent += len(line) + 2
            if sent > 65536:
                return
            yield line


@fault("top-last-line-missing", breaks=("R1939-7-TOP-10",))
class TopLastLineMissing(Service):
    """TOP of a whole message lacks its last line."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        lines = self.lines_of(message)
        found = list(super().top_lines(message, count))
        return found[:-1] if found == lines and b"" in lines[:-1] else found


@fault("top-unterminated-line-missing", breaks=("R1939-7-TOP-10",))
class TopUnterminatedLineMissing(Service):
    """TOP does not send a last line that has no line end."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        lines = self.lines_of(message)
        found = list(super().top_lines(message, count))
        return found[:-1] if found == lines and not message.stored().endswith(b"\n") else found


@fault("top-beyond-end-refused", breaks=("R1939-7-TOP-10",))
class TopBeyondEndRefused(Service):
    """TOP for more lines than the body has is answered -ERR."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        lines = self.lines_of(message)
        body = len(lines) - lines.index(b"") - 1 if b"" in lines else 0
        if count > body:
            raise Refused("not so many lines")
        return super().top_lines(message, count)


@fault("top-without-body-hangs", breaks=("R1939-7-TOP-07",))
class TopWithoutBodyHangs(Service):
    """TOP of a message without a blank line has no termination line."""

    def do_top(self, argument: bytes, count: bytes) -> Reply:
        reply = list(super().do_top(argument, count))
        yield from reply if CRLF in reply else reply[:-1]


@fault("top-without-blank-line-empty", breaks=("R1939-7-TOP-07", "R1939-7-TOP-06"))
class TopWithoutBlankLineEmpty(Service):
    """TOP of a message without a blank line sends none of its header."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        lines = list(super().top_lines(message, count))
        return lines if b"" in lines else []


@fault("top-negative-accepted", breaks=("R1939-7-TOP-02", "R1939-3-CMD-SYNTAX-11"), seen_in="Mailpit, TOP 1 -1")
class TopNegativeAccepted(Service):
    """TOP takes a negative number of lines for none."""

    def line_count(self, argument: bytes) -> int:
        return 0 if re.fullmatch(rb"-[0-9]+", argument) else super().line_count(argument)


@fault("top-word-accepted", breaks=("R1939-7-TOP-02", "R1939-3-CMD-SYNTAX-11"))
class TopWordAccepted(Service):
    """TOP takes a number of lines that is no number for none."""

    def line_count(self, argument: bytes) -> int:
        return super().line_count(argument) if argument.isdigit() else 0


@fault("top-count-missing-accepted", breaks=("R1939-7-TOP-02",))
class TopCountMissingAccepted(Service):
    """TOP without a number of lines sends ten."""

    def arguments(self, command: Command, rest: bytes | None) -> tuple[bytes, ...]:
        single = self.keyword == "TOP" and rest is not None and b" " not in rest
        return super().arguments(command, rest + b" 10" if single and rest else rest)


@fault("top-0-refused", breaks=("R1939-7-TOP-02", "R1939-7-TOP-06"))
class Top0Refused(Service):
    """TOP with 0 lines is answered -ERR."""

    def line_count(self, argument: bytes) -> int:
        count = super().line_count(argument)
        if count == 0:
            raise Refused("number of lines must be positive")
        return count


@fault("top-of-marked", breaks=("R1939-7-TOP-02", "R1939-5-DELE-05"), seen_in="inbucket/inbucket#620")
class TopOfMarked(Service):
    """TOP of a message that is marked as deleted sends it."""

    def is_marked(self, number: int) -> bool:
        return self.keyword != "TOP" and super().is_marked(number)


@fault("top-marks", breaks=("R1939-7-TOP-05",))
class TopMarks(Service):
    """TOP marks the message as deleted."""

    def do_top(self, argument: bytes, count: bytes) -> Reply:
        yield from super().do_top(argument, count)
        self.mark(int(argument))


@fault("top-hides-from-next-session", breaks=("R1939-7-TOP-05",), seen_in="fetchmail FAQ I7, SpryNet")
class TopHidesFromNextSession(Service):
    """A message that TOP has shown is not in the maildrop of the next session."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        self.site.memory.setdefault("seen by TOP", set()).add(message.path)
        return super().top_lines(message, count)

    def open_maildrop(self, account: Account) -> tuple[Message, ...]:
        seen = self.site.memory.get("seen by TOP", ())
        return tuple(message for message in super().open_maildrop(account) if message.path not in seen)


@fault("top-renumbers-after-dele", breaks=("R1939-4-MSGNUM-01", "R1939-7-TOP-06"))
class TopRenumbersAfterDele(Service):
    """TOP counts only the messages that are not marked."""

    def do_top(self, argument: bytes, count: bytes) -> Reply:
        number = self.message_number(argument)
        listed = self.listed()
        if number <= len(listed):
            argument = str(listed[number - 1]).encode()
        yield from super().do_top(argument, count)
