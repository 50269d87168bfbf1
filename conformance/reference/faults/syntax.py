"""Faults of command lines: their end, their octets, keyword and arguments (RFC 1939 section 3)."""

from collections.abc import Iterable, Iterator

from conformance.reference.commandlines import CommandLines, Flaw
from conformance.reference.faults.registry import fault
from conformance.reference.service import Command, Ending, Refused, Reply, Service, State
from conformance.reference.site import Account, Site


@fault("keyword-case-sensitive", breaks=("R1939-3-CMD-SYNTAX-01",))
class KeywordCaseSensitive(Service):
    """Keywords are recognised in upper case only."""

    def split(self, line: bytes) -> tuple[str, bytes | None]:
        keyword, rest = super().split(line)
        if not line.startswith(keyword.encode("ascii")):
            raise Refused("unknown command")
        return keyword, rest


@fault("keyword-mixed-case-refused", breaks=("R1939-3-CMD-SYNTAX-01",))
class KeywordMixedCaseRefused(Service):
    """Keywords are recognised in upper case and in lower case, and not when the two are mixed."""

    def split(self, line: bytes) -> tuple[str, bytes | None]:
        keyword, rest = super().split(line)
        if line[: len(keyword)] not in (keyword.encode("ascii"), keyword.lower().encode("ascii")):
            raise Refused("unknown command")
        return keyword, rest


@fault("longer-keyword-accepted", breaks=("R1939-3-CMD-SYNTAX-08", "R1939-3-CMD-SYNTAX-09", "R1939-6-UPDATE-04"))
class LongerKeywordAccepted(Service):
    """Only the first four letters of a keyword count: NOOPX is NOOP, QUITX is QUIT."""

    def split(self, line: bytes) -> tuple[str, bytes | None]:
        keyword, space, rest = line.partition(b" ")
        return super().split(keyword[:4] + space + rest)


@fault("keyword-abbreviated", breaks=("R1939-3-CMD-SYNTAX-08", "R1939-6-UPDATE-04"))
class KeywordAbbreviated(Service):
    """Three letters are enough for any keyword: QUI is QUIT, NOO is NOOP."""

    def split(self, line: bytes) -> tuple[str, bytes | None]:
        keyword, rest = super().split(line)
        known = ("USER", "PASS", "STAT", "LIST", "RETR", "DELE", "NOOP", "RSET", "QUIT", "UIDL")
        return next((name for name in known if name.startswith(keyword)), keyword), rest


@fault("acts-at-cr", breaks=("R1939-3-CMD-SYNTAX-03",))
class ActsAtCr(Service):
    """A command is executed when its CR has come; a LF after it is skipped."""

    kept = b""

    def lines(self, octets: bytes) -> Iterator[bytes | Flaw]:
        *complete, self.kept = (self.kept + octets.replace(b"\n", b"")).split(b"\r")
        yield from complete


@fault("segment-is-command", breaks=("R1939-3-CMD-SYNTAX-03",))
class SegmentIsCommand(Service):
    """What arrives in one segment is taken for a whole command, whether its CRLF is there or not."""

    def lines(self, octets: bytes) -> Iterator[bytes | Flaw]:
        yield from octets.removesuffix(b"\r\n").split(b"\r\n")


@fault("split-command-lost", breaks=("R1939-3-CMD-SYNTAX-03",), seen_in="Dovecot before 2.3.11.3")
class SplitCommandLost(Service):
    """The part of a command that came in an earlier segment is forgotten."""

    def lines(self, octets: bytes) -> Iterator[bytes | Flaw]:
        return CommandLines(self.command_limit).feed(octets)


@fault("split-crlf-lost", breaks=("R1939-3-CMD-SYNTAX-03",))
class SplitCrlfLost(Service):
    """A CR and a LF that come in different segments do not end a command."""

    def lines(self, octets: bytes) -> Iterator[bytes | Flaw]:
        return super().lines(octets[1:] if octets.startswith(b"\n") else octets)


@fault("second-command-of-segment-lost", breaks=("R1939-3-RESP-SYNTAX-01",), seen_in="WildDuck before 2026-01")
class SecondCommandOfSegmentLost(Service):
    """Of several commands in one segment only the first is executed."""

    def lines(self, octets: bytes) -> Iterator[bytes | Flaw]:
        yield from list(super().lines(octets))[:1]


@fault("commands-flushed-after-error", breaks=("R1939-3-RESP-SYNTAX-01",))
class CommandsFlushedAfterError(Service):
    """The commands that come in one segment with a refused one are thrown away."""

    def received(self, octets: bytes) -> Reply:
        for line in self.lines(octets):
            reply = list(self.answer(line))
            yield from reply
            self.reset_timer(line)
            if reply and isinstance(reply[0], bytes) and reply[0].startswith(b"-ERR"):
                return


@fault("unterminated-command-executed", breaks=("R1939-3-CMD-SYNTAX-05", "R1939-6-UPDATE-03"))
class UnterminatedCommandExecuted(Service):
    """When the client closes its direction, what it sent without a CRLF is executed."""

    def end_of_input(self) -> Reply:
        yield from self.answer(self.command_lines.rest())
        yield from super().end_of_input()


@fault("nul-ends-command", breaks=("R1939-3-CMD-SYNTAX-06",))
class NulEndsCommand(Service):
    """A command ends at a NUL for the parser, so that what follows it is ignored."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        return super().dispatch(line.partition(b"\0")[0] if isinstance(line, bytes) else line)


@fault("control-octets-skipped", breaks=("R1939-3-CMD-SYNTAX-06",))
class ControlOctetsSkipped(Service):
    """Control octets are taken out of a command before it is parsed."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        return super().dispatch(bytes(octet for octet in line if octet >= 32) if isinstance(line, bytes) else line)


@fault("eight-bit-command-closes", breaks=("R1939-3-CMD-SYNTAX-06",), seen_in="Twisted, test of 0x81")
class EightBitCommandCloses(Service):
    """A command with an octet above 127 closes the connection without a reply."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if isinstance(line, bytes) and not line.isascii():
            yield Ending.FIN
        yield from super().dispatch(line)


@fault("eight-bit-command-crashes", breaks=("R1939-3-CMD-SYNTAX-06", "R1939-4-LOCK-05"))
class EightBitCommandCrashes(Service):
    """A command with an octet above 127 ends the server and with it every session."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if isinstance(line, bytes) and not line.isascii():
            yield Ending.CRASH
        yield from super().dispatch(line)


@fault("empty-line-ok", breaks=("R1939-3-CMD-SYNTAX-13",))
class EmptyLineOk(Service):
    """An empty line is answered +OK."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if line == b"":
            yield self.ok()
        else:
            yield from super().dispatch(line)


@fault("empty-line-closes", breaks=("R1939-3-CMD-SYNTAX-13",), seen_in="Dovecot before 2.3.19")
class EmptyLineCloses(Service):
    """An empty line closes the connection without a reply."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if line == b"":
            yield Ending.FIN
        yield from super().dispatch(line)


@fault("unknown-command-ok", breaks=("R1939-3-CMD-SYNTAX-09", "R1939-3-CMD-SYNTAX-10"))
class UnknownCommandOk(Service):
    """A command that the server does not know is answered +OK."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        try:
            yield from super().dispatch(line)
        except Refused as refused:
            yield self.ok() if refused.text == "unknown command" and line else self.err(refused.text, refused.code)


@fault("unknown-command-closes", breaks=("R1939-3-CMD-SYNTAX-09",), seen_in="WildDuck, LAST and UTF8")
class UnknownCommandCloses(Service):
    """A command that the server does not know closes the connection without a reply."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        try:
            yield from super().dispatch(line)
        except Refused as refused:
            yield Ending.FIN if refused.text == "unknown command" else self.err(refused.text, refused.code)


@fault("unknown-command-not-answered", breaks=("R1939-3-CMD-SYNTAX-09",))
class UnknownCommandNotAnswered(Service):
    """A command that the server does not know has no reply."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        try:
            yield from super().dispatch(line)
        except Refused as refused:
            if refused.text != "unknown command":
                yield self.err(refused.text, refused.code)


@fault("obsolete-command-ok", breaks=("R1939-3-CMD-SYNTAX-10",))
class ObsoleteCommandOk(Service):
    """AUTH, STLS, UTF8, LANG and XTND are answered +OK, though nothing of them is implemented."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if isinstance(line, bytes) and line.upper().startswith((b"AUTH", b"STLS", b"UTF8", b"LANG", b"XTND")):
            yield self.ok()
        else:
            yield from super().dispatch(line)


@fault("missing-argument-means-first", breaks=("R1939-3-CMD-SYNTAX-11", "R1939-5-RETR-01", "R1939-5-DELE-01"))
class MissingArgumentMeansFirst(Service):
    """RETR and DELE without a message-number take message 1."""

    def arguments(self, command: Command, rest: bytes | None) -> tuple[bytes, ...]:
        return super().arguments(command, b"1" if rest is None and self.keyword in ("RETR", "DELE") else rest)


@fault("missing-argument-crashes", breaks=("R1939-3-CMD-SYNTAX-11",), seen_in="cyrusimap/cyrus-imapd#1513")
class MissingArgumentCrashes(Service):
    """TOP without arguments ends the connection without a reply."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if isinstance(line, bytes) and line.upper() == b"TOP":
            yield Ending.RST
        yield from super().dispatch(line)


@fault("list-without-argument-refused", breaks=("R1939-3-CMD-SYNTAX-02", "R1939-5-LIST-04"))
class ListWithoutArgumentRefused(Service):
    """LIST needs a message-number."""

    def do_list(self, argument: bytes | None = None) -> Reply:
        if argument is None:
            raise Refused("message-number needed")
        yield from super().do_list(argument)


@fault("dele-takes-many", breaks=("R1939-3-CMD-SYNTAX-12", "R1939-5-DELE-03"))
class DeleTakesMany(Service):
    """DELE 1 2 marks both messages."""

    def arguments(self, command: Command, rest: bytes | None) -> tuple[bytes, ...]:
        if self.keyword == "DELE" and rest is not None:
            return self.separate(rest)
        return super().arguments(command, rest)

    def do_dele(self, *arguments: bytes) -> Reply:
        for number in [self.message_number(argument) for argument in arguments]:
            self.mark(number)
        yield self.ok()


@fault("quit-with-argument-half-done", breaks=("R1939-3-CMD-SYNTAX-12", "R1939-3-CMD-SYNTAX-14"))
class QuitWithArgumentHalfDone(Service):
    """QUIT with an argument is refused, and ends the session's access to the maildrop all the same."""

    def arguments(self, command: Command, rest: bytes | None) -> tuple[bytes, ...]:
        if self.keyword == "QUIT" and rest is not None:
            self.state = State.AUTHORIZATION
            self.marked.clear()
            self.release_lock()
        return super().arguments(command, rest)


@fault("error-clears-marks", breaks=("R1939-3-CMD-SYNTAX-14",))
class ErrorClearsMarks(Service):
    """Any refused command unmarks the messages that are marked as deleted."""

    def err(self, text: str = "", code: str = "") -> bytes:
        self.marked.clear()
        return super().err(text, code)


@fault("error-ends-transaction", breaks=("R1939-3-CMD-SYNTAX-14",))
class ErrorEndsTransaction(Service):
    """A refused command leads back to the AUTHORIZATION state."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        try:
            yield from super().dispatch(line)
        except Refused:
            self.state = State.AUTHORIZATION
            raise


@fault("long-line-split", breaks=("R1939-3-RESP-SYNTAX-01",))
class LongLineSplit(Service):
    """A line of more than 255 octets is executed in pieces of 255."""

    kept = b""

    def lines(self, octets: bytes) -> Iterator[bytes | Flaw]:
        *complete, self.kept = (self.kept + octets).split(b"\r\n")
        for line in complete:
            yield from (line[start : start + 255] for start in range(0, max(len(line), 1), 255))


@fault("long-line-not-answered", breaks=("R1939-5-RESP-SYNTAX-01",))
class LongLineNotAnswered(Service):
    """A line of more than 255 octets has no reply."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if not isinstance(line, Flaw):
            yield from super().dispatch(line)


@fault("argument-over-32-octets-closes", breaks=("R1939-3-LINE-LENGTH-01",))
class ArgumentOver32OctetsCloses(Service):
    """A command of more than 38 octets closes the connection without a reply."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if isinstance(line, Flaw) or len(line) > 38:
            yield Ending.FIN
        yield from super().dispatch(line)


@fault("pipelined-commands-reversed", breaks=("R1939-3-RESP-SYNTAX-01",))
class PipelinedCommandsReversed(Service):
    """Commands that come in one segment are executed from the last to the first."""

    def received(self, octets: bytes) -> Reply:
        for line in reversed(list(self.lines(octets))):
            yield from self.answer(line)
            self.reset_timer(line)


@fault("second-argument-lost", breaks=("R1939-3-CMD-SYNTAX-02",))
class SecondArgumentLost(Service):
    """What follows the second space of a command is thrown away, so that TOP and APOP lack an argument."""

    def separate(self, rest: bytes) -> tuple[bytes, ...]:
        return super().separate(rest)[:1]


@fault("optional-commands-close", breaks=("R1939-3-CMD-SYNTAX-10",), seen_in="WildDuck, connection.js")
class OptionalCommandsClose(Service):
    """TOP, UIDL and CAPA are not implemented, and close the connection without a reply."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if isinstance(line, bytes) and line.partition(b" ")[0].upper() in (b"TOP", b"UIDL", b"CAPA"):
            yield Ending.FIN
        yield from super().dispatch(line)


@fault("apop-ok-without-timestamp", breaks=("R1939-3-CMD-SYNTAX-10",))
class ApopOkWithoutTimestamp(Service):
    """The greeting has no timestamp, and APOP is answered +OK, whatever its digest is."""

    def greeting(self) -> Reply:
        yield self.ok("POP3 server ready")

    def do_apop(self, name: bytes, digest: bytes) -> Reply:
        yield self.ok()


@fault("refused-command-bars-login", breaks=("R1939-3-CMD-SYNTAX-14",))
class RefusedCommandBarsLogin(Service):
    """After an unknown command before login every login of that connection is refused."""

    barred = False

    def command(self) -> Command:
        self.barred = self.barred or not self.supports(self.keyword)
        return super().command()

    def admit(self, account: Account) -> Reply:
        if self.barred:
            raise Refused("too many errors")
        yield from super().admit(account)


@fault("partial-command-behind-another-lost", breaks=("R1939-3-CMD-SYNTAX-03",))
class PartialCommandBehindAnotherLost(Service):
    """The beginning of a command that comes in one segment with a whole one is forgotten."""

    def lines(self, octets: bytes) -> Iterator[bytes | Flaw]:
        yield from super().lines(octets)
        if b"\r\n" in octets:
            self.command_lines = CommandLines(self.command_limit)


class _Segment(Service):
    """Knows which commands came in one segment, and which of them are still to be answered."""

    segment: tuple[bytes | Flaw, ...] = ()

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.waiting: list[bytes | Flaw] = []

    def lines(self, octets: bytes) -> Iterator[bytes | Flaw]:
        self.segment = tuple(super().lines(octets))
        self.waiting = self.in_turn()
        while self.waiting:
            yield self.waiting.pop(0)

    def in_turn(self) -> list[bytes | Flaw]:
        """Return the commands of the segment in the order in which they are answered."""
        return list(self.segment)


@fault("commands-behind-the-sixteenth-lost", breaks=("R1939-3-RESP-SYNTAX-01",))
class CommandsBehindTheSixteenthLost(_Segment):
    """Of the commands in one segment sixteen are executed at the most."""

    def in_turn(self) -> list[bytes | Flaw]:
        return super().in_turn()[:16]


@fault("pipelined-noop-overtakes", breaks=("R1939-3-RESP-SYNTAX-01",))
class PipelinedNoopOvertakes(_Segment):
    """NOOP is answered before the commands that came in one segment with it."""

    def in_turn(self) -> list[bytes | Flaw]:
        return sorted(super().in_turn(), key=lambda line: line != b"NOOP")


@fault("top-flushes-input", breaks=("R1939-3-RESP-SYNTAX-01",))
class TopFlushesInput(_Segment):
    """TOP throws away the commands that came behind it in one segment."""

    def do_top(self, argument: bytes, count: bytes) -> Reply:
        self.waiting.clear()
        yield from super().do_top(argument, count)


@fault("retr-cut-when-input-waits", breaks=("R1939-3-RESP-SYNTAX-01",))
class RetrCutWhenInputWaits(_Segment):
    """RETR sends 4096 octets at the most, in whole lines, when another command came behind it in one segment."""

    def retr_content(self, lines: Iterable[bytes]) -> Reply:
        left = 4096
        for line in lines:
            left -= len(line)
            if left < 0 and self.waiting:
                return
            yield self.content_line(line)


@fault("user-flushes-input", breaks=("R1939-3-RESP-SYNTAX-01",))
class UserFlushesInput(_Segment):
    """USER throws away the PASS that came behind it in one segment."""

    def do_user(self, name: bytes) -> Reply:
        self.waiting.clear()
        yield from super().do_user(name)


@fault("login-flushes-input", breaks=("R1939-3-RESP-SYNTAX-01",))
class LoginFlushesInput(_Segment):
    """A successful login throws away the commands that came behind it in one segment."""

    def admit(self, account: Account) -> Reply:
        self.waiting.clear()
        yield from super().admit(account)


@fault("pipelined-dele-without-effect", breaks=("R1939-6-UPDATE-05",))
class PipelinedDeleWithoutEffect(_Segment):
    """DELE is answered +OK and marks nothing when another command came behind it in one segment."""

    def mark(self, number: int) -> None:
        if not self.waiting:
            super().mark(number)


@fault("quit-pipelined-behind-dele-removes-nothing", breaks=("R1939-6-UPDATE-05",))
class QuitPipelinedBehindDeleRemovesNothing(_Segment):
    """QUIT removes nothing when it comes in one segment with DELE."""

    def update(self) -> bool:
        return any(isinstance(line, bytes) and line.startswith(b"DELE") for line in self.segment) or super().update()


class _LowerCaseIdle(Service):
    """A command in lower case is answered as in upper case, and does nothing."""

    keyword_that_idles = b""
    idles = False

    def split(self, line: bytes) -> tuple[str, bytes | None]:
        self.idles = line.startswith(self.keyword_that_idles)
        return super().split(line)


@fault("lower-case-quit-removes-nothing", breaks=("R1939-3-CMD-SYNTAX-01", "R1939-6-UPDATE-05"))
class LowerCaseQuitRemovesNothing(_LowerCaseIdle):
    """QUIT in lower case is answered +OK, and removes nothing."""

    keyword_that_idles = b"quit"

    def update(self) -> bool:
        return self.idles or super().update()


@fault("lower-case-rset-unmarks-nothing", breaks=("R1939-3-CMD-SYNTAX-01",))
class LowerCaseRsetUnmarksNothing(_LowerCaseIdle):
    """RSET in lower case is answered +OK, and unmarks nothing."""

    keyword_that_idles = b"rset"

    def do_rset(self) -> Reply:
        if self.idles:
            yield self.ok()
        else:
            yield from super().do_rset()


@fault("lower-case-apop-refused", breaks=("R1939-3-CMD-SYNTAX-01",))
class LowerCaseApopRefused(_LowerCaseIdle):
    """APOP in lower case is refused."""

    keyword_that_idles = b"apop"

    def do_apop(self, name: bytes, digest: bytes) -> Reply:
        if self.idles:
            raise Refused("unknown command")
        yield from super().do_apop(name, digest)


@fault("cr-ends-command", breaks=("R1939-3-CMD-SYNTAX-06",))
class CrEndsCommand(Service):
    """A command ends at a CR for the parser, so that what follows it in the line is ignored."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        return super().dispatch(line.partition(b"\r")[0] if isinstance(line, bytes) else line)


@fault("cr-separates-commands", breaks=("R1939-3-CMD-SYNTAX-06",))
class CrSeparatesCommands(Service):
    """A CR that stands in a line separates two commands."""

    def lines(self, octets: bytes) -> Iterator[bytes | Flaw]:
        for line in super().lines(octets):
            yield from line.split(b"\r") if isinstance(line, bytes) else [line]
