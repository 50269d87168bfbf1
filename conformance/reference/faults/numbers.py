"""Faults of message-number arguments (RFC 1939 sections 4, 5 and 7)."""

import re

from conformance.reference.commandlines import Flaw
from conformance.reference.faults.registry import fault
from conformance.reference.service import Ending, Refused, Reply, Service

_NO_SUCH = ("R1939-5-LIST-13", "R1939-5-RETR-07", "R1939-5-DELE-07", "R1939-7-TOP-11", "R1939-7-UIDL-17")


class _OtherNotation(Service):
    """A message-number is read by other rules; what they do not cover is read as before."""

    def reading(self, argument: bytes) -> int | None:
        raise NotImplementedError

    def number(self, argument: bytes) -> int:
        reading = self.reading(argument)
        return super().number(argument) if reading is None else reading


@fault("zero-means-first", breaks=_NO_SUCH, seen_in="Stalwart, saturating subtraction")
class ZeroMeansFirst(Service):
    """Message 0 is message 1."""

    def message_number(self, argument: bytes) -> int:
        return super().message_number(b"1" if argument == b"0" else argument)


@fault("dele-zero-marks-first", breaks=("R1939-5-DELE-07", "R1939-5-DELE-03"), seen_in="Stalwart, POP3 delete")
class DeleZeroMarksFirst(Service):
    """DELE 0 marks message 1."""

    def do_dele(self, argument: bytes) -> Reply:
        return super().do_dele(b"1" if argument == b"0" else argument)


@fault("negative-number-from-the-end", breaks=("R1939-3-CMD-SYNTAX-11", *_NO_SUCH))
class NegativeNumberFromTheEnd(_OtherNotation):
    """Message -1 is the last one."""

    def reading(self, argument: bytes) -> int | None:
        return len(self.messages) + 1 + int(argument) if re.fullmatch(rb"-[1-9][0-9]{0,8}", argument) else None


@fault("sign-accepted", breaks=("R1939-3-CMD-SYNTAX-11",), seen_in="Mailpit and Inbucket, LIST +1")
class SignAccepted(_OtherNotation):
    """A plus sign before a message-number is accepted."""

    def reading(self, argument: bytes) -> int | None:
        return self.number(argument[1:]) if argument.startswith(b"+") else None


@fault("number-wraps-at-32-bits", breaks=_NO_SUCH)
class NumberWrapsAt32Bits(Service):
    """A message-number is cut to 32 bits, so that 4294967297 is message 1."""

    def number(self, argument: bytes) -> int:
        return super().number(argument) % 2**32


@fault("number-wraps-at-16-bits", breaks=_NO_SUCH, seen_in="FortiGuard, message-number above 65535")
class NumberWrapsAt16Bits(Service):
    """A message-number is cut to 16 bits, so that 65537 is message 1."""

    def number(self, argument: bytes) -> int:
        return super().number(argument) % 2**16


@fault("trailing-junk-accepted", breaks=("R1939-3-CMD-SYNTAX-11",))
class TrailingJunkAccepted(_OtherNotation):
    """A message-number ends at the first octet that is no digit: 1x and 1.5 are message 1."""

    def reading(self, argument: bytes) -> int | None:
        digits = re.match(rb"[0-9]+", argument)
        return int(digits[0]) if digits else None


@fault("hexadecimal-number-accepted", breaks=("R1939-3-CMD-SYNTAX-11", "R1939-4-MSGNUM-03"))
class HexadecimalNumberAccepted(_OtherNotation):
    """A message-number may be written as 0x1."""

    def reading(self, argument: bytes) -> int | None:
        return int(argument, 16) if re.fullmatch(rb"0[xX][0-9a-fA-F]{1,8}", argument) else None


@fault("exponent-accepted", breaks=("R1939-3-CMD-SYNTAX-11", "R1939-4-MSGNUM-03"))
class ExponentAccepted(_OtherNotation):
    """A message-number may be written as 1e0 or 1.0."""

    def reading(self, argument: bytes) -> int | None:
        return int(float(argument)) if re.fullmatch(rb"[0-9]{1,9}(\.[0-9]{1,9})?(e[0-9])?", argument) else None


@fault("word-means-first", breaks=("R1939-3-CMD-SYNTAX-11",))
class WordMeansFirst(_OtherNotation):
    """A message-number that is no number is message 1."""

    def reading(self, argument: bytes) -> int | None:
        return None if argument.isdigit() else 1


@fault("number-beyond-end-means-last", breaks=_NO_SUCH)
class NumberBeyondEndMeansLast(Service):
    """A message-number beyond the last message is the last one."""

    def message_number(self, argument: bytes) -> int:
        beyond = argument.isdigit() and int(argument) > len(self.messages)
        return super().message_number(str(len(self.messages)).encode("ascii") if beyond else argument)


@fault("number-one-too-high-crashes", breaks=("R1939-5-RETR-07", "R1939-5-RESP-SYNTAX-01"))
class NumberOneTooHighCrashes(Service):
    """RETR of the message after the last one ends the connection without a reply."""

    def do_retr(self, argument: bytes) -> Reply:
        if self.number(argument) == len(self.messages) + 1:
            yield Ending.RST
        yield from super().do_retr(argument)


@fault("huge-number-crashes", breaks=("R1939-4-LOCK-05", "R1939-3-CMD-SYNTAX-11"), seen_in="CVE-2002-1539, MDaemon")
class HugeNumberCrashes(Service):
    """A message-number of ten digits or more ends the server and with it every session."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if isinstance(line, bytes) and re.search(rb" -?[0-9]{10}", line):
            yield Ending.CRASH
        yield from super().dispatch(line)


class _AbsentIsFine(Service):
    """One command is answered +OK for messages that do not exist."""

    keyword_that_accepts = ""

    def run(self, arguments: tuple[bytes, ...]) -> Reply:
        try:
            yield from super().run(arguments)
        except Refused:
            if self.keyword != self.keyword_that_accepts or not arguments or self.exists(self.number(arguments[0])):
                raise
            yield from self.accept()

    def accept(self) -> Reply:
        yield self.ok()


@fault("dele-of-absent-ok", breaks=("R1939-5-DELE-07",))
class DeleOfAbsentOk(_AbsentIsFine):
    """DELE of a message that does not exist is answered +OK."""

    keyword_that_accepts = "DELE"


@fault("retr-of-absent-ok", breaks=("R1939-5-RETR-07",))
class RetrOfAbsentOk(_AbsentIsFine):
    """RETR of a message that does not exist sends an empty one."""

    keyword_that_accepts = "RETR"

    def accept(self) -> Reply:
        yield self.ok()
        yield self.terminator()


@fault("top-of-absent-ok", breaks=("R1939-7-TOP-11",))
class TopOfAbsentOk(_AbsentIsFine):
    """TOP of a message that does not exist sends an empty one."""

    keyword_that_accepts = "TOP"

    def accept(self) -> Reply:
        yield self.ok()
        yield self.terminator()


@fault("list-of-absent-ok", breaks=("R1939-5-LIST-13",))
class ListOfAbsentOk(_AbsentIsFine):
    """LIST of a message that does not exist gives its size as 0."""

    keyword_that_accepts = "LIST"

    def accept(self) -> Reply:
        yield self.ok("0 0")


@fault("uidl-of-absent-ok", breaks=("R1939-7-UIDL-17",))
class UidlOfAbsentOk(_AbsentIsFine):
    """UIDL of a message that does not exist is answered +OK."""

    keyword_that_accepts = "UIDL"


@fault("underscore-in-number-accepted", breaks=("R1939-3-CMD-SYNTAX-11",))
class UnderscoreInNumberAccepted(_OtherNotation):
    """A message-number may have underscores between its digits, as in 0_1."""

    def reading(self, argument: bytes) -> int | None:
        return int(argument) if re.fullmatch(rb"[0-9]+(_[0-9]+)+", argument) else None


@fault("number-suffix-accepted", breaks=("R1939-3-CMD-SYNTAX-11",))
class NumberSuffixAccepted(_OtherNotation):
    """A message-number may be written with the suffix that integers have in some languages, as in 1L."""

    def reading(self, argument: bytes) -> int | None:
        return int(argument[:-1]) if re.fullmatch(rb"[0-9]+[lLuU]", argument) else None


@fault("number-sign-accepted", breaks=("R1939-3-CMD-SYNTAX-11",))
class NumberSignAccepted(_OtherNotation):
    """A message-number may be written with a number sign, as in #1."""

    def reading(self, argument: bytes) -> int | None:
        return int(argument[1:]) if re.fullmatch(rb"#[0-9]+", argument) else None


class _OtherLineCount(Service):
    """One argument that is no number is taken for a number of lines."""

    taken = b""

    def check_argument(self, argument: bytes) -> None:
        if self.keyword != "TOP" or argument != self.taken:
            super().check_argument(argument)

    def line_count(self, argument: bytes) -> int:
        return 0 if argument == self.taken else super().line_count(argument)


@fault("line-count-with-sign-accepted", breaks=("R1939-3-CMD-SYNTAX-11",))
class LineCountWithSignAccepted(_OtherLineCount):
    """TOP takes +1 for a number of lines."""

    taken = b"+1"


@fault("empty-line-count-accepted", breaks=("R1939-3-CMD-SYNTAX-11",))
class EmptyLineCountAccepted(_OtherLineCount):
    """TOP takes nothing behind a space for no lines."""
