"""Command lines that a strict server refuses and a tolerant one takes, and the other way round."""

import re
from collections.abc import Iterator

from conformance.reference.commandlines import Flaw
from conformance.reference.service import COMMANDS, Command, Ending, Refused, Reply, Service, State
from conformance.reference.variants.registry import variant

_TOLERANT = "RFC 1939 section 3 asks for one space, and does not forbid a server to tolerate something else"


@variant(
    "extra-arguments-ignored",
    allowed_by="RFC 1939 section 3: the general grammar has any number of arguments; the strict reading refuses them",
    warns=("R1939-3-CMD-SYNTAX-12",),
)
class ExtraArgumentsIgnored(Service):
    """Arguments that a command does not have are ignored."""

    def arguments(self, command: Command, rest: bytes | None) -> tuple[bytes, ...]:
        if rest is not None and not command.whole:
            rest = b" ".join(rest.split(b" ")[: command.most]) if command.most else None
        return super().arguments(command, rest)


@variant("several-spaces-accepted", allowed_by=_TOLERANT)
class SeveralSpacesAccepted(Service):
    """Several spaces, also at the end, count as one."""

    def separate(self, rest: bytes) -> tuple[bytes, ...]:
        return tuple(rest.split())


@variant("tab-accepted", allowed_by=_TOLERANT)
class TabAccepted(Service):
    """A TAB separates keyword and argument as a space does."""

    def split(self, line: bytes) -> tuple[str, bytes | None]:
        return super().split(re.sub(rb"^([A-Za-z]{3,4})\t", rb"\1 ", line))


@variant("bare-lf-accepted", allowed_by="RFC 1939 section 3 names CRLF as the end of a command, and forbids no other")
class BareLfAccepted(Service):
    """LF without CR ends a command too."""

    kept = b""

    def lines(self, octets: bytes) -> Iterator[bytes | Flaw]:
        *complete, self.kept = (self.kept + octets).split(b"\n")
        # What is kept stays bounded; a line that was cut is too long for the parser also after that.
        self.kept = self.kept[: 2 * self.command_limit]
        for line in complete:
            too_long = len(line) + 1 > self.command_limit
            yield Flaw.TOO_LONG if too_long else line.removesuffix(b"\r")


@variant(
    "empty-line-ignored",
    allowed_by="RFC 1939 section 3: an empty line has no keyword, so it can be taken for no command at all",
    warns=("R1939-3-CMD-SYNTAX-13",),
)
class EmptyLineIgnored(Service):
    """An empty line has no reply."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if line != b"":
            yield from super().dispatch(line)


@variant("leading-zeros-refused", allowed_by="RFC 1939 section 4 wants decimal numbers, and says nothing of zeros")
class LeadingZerosRefused(Service):
    """A message-number with a leading zero is answered -ERR."""

    def message_number(self, argument: bytes) -> int:
        if argument.startswith(b"0"):
            raise Refused("not a number")
        return super().message_number(argument)


@variant("longer-lines-accepted", allowed_by="RFC 2449 section 4: 255 octets are what a server has to accept at least")
class LongerLinesAccepted(Service):
    """A command may have up to 8192 octets."""

    command_limit = 8192


@variant("long-line-refused-and-closed", allowed_by="RFC 2449 section 4 says nothing of commands that are too long")
class LongLineRefusedAndClosed(Service):
    """A line that is too long is answered -ERR, and the connection is closed."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if isinstance(line, Flaw):
            yield self.err("line too long")
            yield Ending.FIN
        yield from super().dispatch(line)


@variant("closes-after-ten-errors", allowed_by="RFC 1939 does not forbid to close on a client that makes many errors")
class ClosesAfterTenErrors(Service):
    """The tenth refused command of a connection closes it, after its -ERR."""

    errors = 0

    def answer(self, line: bytes | Flaw) -> Reply:
        before = self.errors
        yield from super().answer(line)
        if before < 10 <= self.errors:
            yield Ending.FIN

    def err(self, text: str = "", code: str = "") -> bytes:
        self.errors += 1
        return super().err(text, code)


@variant(
    "nul-closes",
    allowed_by="RFC 1939 section 3: a line with NUL is no command; strictly it is owed a reply before a close",
    warns=("R1939-3-CMD-SYNTAX-06",),
)
class NulCloses(Service):
    """A NUL in a command closes the connection without a reply."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if isinstance(line, bytes) and b"\0" in line:
            yield Ending.FIN
        yield from super().dispatch(line)


class _MoreCommands(Service):
    """A command that RFC 1939 does not have, in the TRANSACTION state."""

    more = ""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        keyword = line.upper().partition(b" ")[0] if isinstance(line, bytes) else b""
        if self.state is State.TRANSACTION and keyword == self.more.encode("ascii"):
            yield from self.serve()
        else:
            yield from super().dispatch(line)

    def serve(self) -> Reply:
        raise NotImplementedError


@variant("last-implemented", allowed_by="RFC 1460 section 5 had LAST; RFC 1939 neither requires nor forbids it")
class LastImplemented(_MoreCommands):
    """LAST tells the highest message-number that RETR or TOP has sent in this session."""

    more = "LAST"
    last = 0

    def run(self, arguments: tuple[bytes, ...]) -> Reply:
        yield from super().run(arguments)
        if self.keyword in ("RETR", "TOP"):
            self.last = max(self.last, int(arguments[0]))
        if self.keyword == "RSET":
            self.last = 0

    def serve(self) -> Reply:
        yield self.ok(str(self.last))


@variant(
    "xtnd-implemented", allowed_by="RFC 1082: XTND is an extension that a server may have, with a multi-line reply"
)
class XtndImplemented(_MoreCommands):
    """XTND is answered by an empty list."""

    more = "XTND"

    def serve(self) -> Reply:
        yield self.ok("bulletin boards follow")
        yield self.terminator()


@variant(
    "private-keyword", allowed_by="RFC 1939 section 3: a private keyword outside the grammar harms no other command"
)
class PrivateKeyword(_MoreCommands):
    """There is a private command XREFERENCE with a single-line reply."""

    more = "XREFERENCE"

    def serve(self) -> Reply:
        yield self.ok(f"{len(COMMANDS)} commands")


@variant(
    "closes-after-each-error",
    allowed_by="RFC 1939 does not say in so many words that the session goes on after an -ERR",
    warns=("R1939-3-CMD-SYNTAX-14",),
)
class ClosesAfterEachError(Service):
    """Every -ERR closes the connection."""

    refused = False

    def answer(self, line: bytes | Flaw) -> Reply:
        yield from super().answer(line)
        if self.refused:
            yield Ending.FIN

    def err(self, text: str = "", code: str = "") -> bytes:
        self.refused = True
        return super().err(text, code)


@variant(
    "cut-off-command-refused",
    allowed_by="RFC 1939 section 3: what is no valid command has a negative reply; a FIN may end one",
)
class CutOffCommandRefused(Service):
    """A command that a FIN has cut off is answered -ERR."""

    def end_of_input(self) -> Reply:
        if self.command_lines.rest():
            yield self.err("command cut off")
        yield from super().end_of_input()


@variant(
    "long-line-closes",
    allowed_by="RFC 1939 has no limit for command lines; 255 octets are RFC 2449's rule, for servers that have CAPA",
    warns=("R1939-3-RESP-SYNTAX-01",),
)
class LongLineCloses(Service):
    """There is no CAPA, and a line of more than 128 octets closes the connection."""

    command_limit = 128

    def supports(self, keyword: str) -> bool:
        return keyword != "CAPA" and super().supports(keyword)

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if isinstance(line, Flaw):
            yield Ending.FIN
        yield from super().dispatch(line)
