"""Faults of the status line and of the count of replies (RFC 1939 section 3)."""

from conformance.reference.commandlines import Flaw
from conformance.reference.faults.registry import fault
from conformance.reference.service import CRLF, Refused, Reply, Service


@fault("status-plus-err", breaks=("R1939-3-RESP-SYNTAX-04",), seen_in="hmailserver/hmailserver#594")
class StatusPlusErr(Service):
    """A refusal is +ERR, which clients that look at the first octet take for success."""

    def negative(self) -> str:
        return "+ERR"


@fault("status-err-lower-case", breaks=("R1939-3-RESP-SYNTAX-05",))
class StatusErrLowerCase(Service):
    """A refusal is -err."""

    def negative(self) -> str:
        return "-err"


@fault("status-ok-mixed-case", breaks=("R1939-3-RESP-SYNTAX-05",))
class StatusOkMixedCase(Service):
    """A success is +Ok."""

    def positive(self) -> str:
        return "+Ok"


@fault("status-without-sign", breaks=("R1939-3-RESP-SYNTAX-04", "R1939-3-RESP-SYNTAX-02"))
class StatusWithoutSign(Service):
    """NOOP is answered OK without the plus."""

    def do_noop(self) -> Reply:
        yield b"OK" + CRLF


@fault("status-without-space", breaks=("R1939-3-RESP-SYNTAX-02",))
class StatusWithoutSpace(Service):
    """The text follows the status indicator without a space."""

    def status_line(self, indicator: str, text: str, code: str) -> bytes:
        return super().status_line(indicator + text, "", code)


@fault("status-bare-lf", breaks=("R1939-3-RESP-SYNTAX-03",), seen_in="Thunderbird bug 1911477")
class StatusBareLf(Service):
    """Status lines end with LF without CR."""

    def status_line_end(self) -> bytes:
        return b"\n"


@fault("err-bare-lf", breaks=("R1939-3-RESP-SYNTAX-03",))
class ErrBareLf(Service):
    """Only refusals end with LF without CR."""

    def err(self, text: str = "", code: str = "") -> bytes:
        return super().err(text, code).removesuffix(CRLF) + b"\n"


@fault("status-over-512-octets", breaks=("R1939-3-LINE-LENGTH-02",))
class StatusOver512Octets(Service):
    """A refusal has a text of 600 octets."""

    def err(self, text: str = "", code: str = "") -> bytes:
        return super().err(text, code).removesuffix(CRLF).ljust(600, b"!") + CRLF


@fault("status-echoes-command", breaks=("R1939-3-LINE-LENGTH-02",), seen_in="greenmail-mail-test/greenmail#1049")
class StatusEchoesCommand(Service):
    """A refusal repeats the command line, three times and with whatever octets it has."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        try:
            yield from super().dispatch(line)
        except Refused as refused:
            command = line if isinstance(line, bytes) else b""
            yield self.err(refused.text, refused.code).removesuffix(CRLF) + b" " + command * 3 + CRLF


@fault("rset-two-replies", breaks=("R1939-3-RESP-SYNTAX-01",), seen_in="GreenMail, RsetCommand")
class RsetTwoReplies(Service):
    """RSET is answered twice."""

    def do_rset(self) -> Reply:
        yield self.ok()
        yield from super().do_rset()


@fault(
    "top-two-status-lines", breaks=("R1939-3-RESP-SYNTAX-01", "R1939-7-TOP-06"), seen_in="fetchmail FAQ S7, FTGate V2"
)
class TopTwoStatusLines(Service):
    """TOP has two +OK lines before its content."""

    def do_top(self, argument: bytes, count: bytes) -> Reply:
        reply = super().do_top(argument, count)
        first = next(reply)
        yield first
        yield self.ok()
        yield from reply


@fault("noop-not-answered", breaks=("R1939-5-RESP-SYNTAX-01", "R1939-5-NOOP-03"))
class NoopNotAnswered(Service):
    """NOOP has no reply."""

    def do_noop(self) -> Reply:
        yield from ()


@fault(
    "dele-answered-by-empty-line",
    breaks=("R1939-3-RESP-SYNTAX-04", "R1939-5-DELE-03"),
    seen_in="jstedfast/MailKit#1634",
)
class DeleAnsweredByEmptyLine(Service):
    """DELE is answered by an empty line."""

    def do_dele(self, argument: bytes) -> Reply:
        self.mark(self.message_number(argument))
        yield CRLF


@fault("unsolicited-line", breaks=("R1939-3-RESP-SYNTAX-01",))
class UnsolicitedLine(Service):
    """A line that nobody asked for follows the reply to STAT."""

    def do_stat(self) -> Reply:
        yield from super().do_stat()
        yield self.ok("there may be new mail")


@fault(
    "short-keyword-not-answered",
    breaks=("R1939-3-CMD-SYNTAX-09", "R1939-3-CMD-SYNTAX-08"),
    seen_in="Stalwart, POP3 parser",
)
class ShortKeywordNotAnswered(Service):
    """A command of one or two letters has no reply."""

    def split(self, line: bytes) -> tuple[str, bytes | None]:
        if 1 <= len(line) <= 2:
            return "", None
        return super().split(line)

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if not isinstance(line, bytes) or not 1 <= len(line) <= 2:
            yield from super().dispatch(line)


@fault("refused-retr-then-ok", breaks=("R1939-3-RESP-SYNTAX-01",))
class RefusedRetrThenOk(Service):
    """A RETR of a message that does not exist is answered -ERR and then +OK."""

    def do_retr(self, argument: bytes) -> Reply:
        try:
            yield from super().do_retr(argument)
        except Refused as refused:
            yield self.err(refused.text)
            yield self.ok()


# R1939-5-RESP-SYNTAX-01 is what the checks verify that send commands of more than 255 octets.
@fault("long-command-echoed", breaks=("R1939-3-LINE-LENGTH-02", "R1939-5-RESP-SYNTAX-01"))
class LongCommandEchoed(StatusEchoesCommand):
    """Commands may have 8192 octets, and a refusal repeats them three times."""

    command_limit = 8192
