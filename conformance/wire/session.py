"""The client that the checks speak through: one POP3 session, with every octet on record."""

import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import md5
from typing import Self

from conformance.verdict import BenchError, Deviation, Verdict
from conformance.wire.connection import Connection, Deadline
from conformance.wire.listing import (
    DropListing,
    ScanListing,
    UniqueIds,
    drop_listing,
    scan_listing,
    unique_ids,
)
from conformance.wire.octets import visible
from conformance.wire.reply import LONGEST_COMMAND, Defect, FloodError, Form, Reply, ReplyReader
from conformance.wire.transcript import Redactor, Transcript

LONGEST_REPLY = 96 * 1024 * 1024
"""Octets of one reply, or of what came in place of one, after which the bench stops reading."""

_LONGEST_LINE_NAMED = 512
"""Octets of a command line that are kept to say which command it was."""

_FORMS = {
    b"LIST": Form.LISTING,
    b"UIDL": Form.LISTING,
    b"CAPA": Form.LISTING,
    b"RETR": Form.MESSAGE,
    b"TOP": Form.MESSAGE,
}
_LOGIN = re.compile(rb"\s*(PASS|APOP|AUTH)\b", re.IGNORECASE)
_LOGIN_COMMAND = re.compile(r"\s*(USER|PASS|APOP|AUTH)\b", re.IGNORECASE)
_ANGLE_BRACKETS = re.compile(rb"<[^<>\r\n]*>")
_ONE_REFUSAL = re.compile(rb"-ERR[^\r\n]*\r\n")
_LISTING_ONLY_WITHOUT_ARGUMENT = (b"LIST", b"UIDL")


@dataclass(frozen=True)
class Deadlines:
    """How long the bench waits, in seconds.

    greeting, reply, failed_login: until the first octets of a reply, and between any two of its reads.
    quiet: the silence after which "nothing more comes" is taken as said.
    patience: the most that one reply may take from beginning to end, as a multiple of `reply`.
    """

    connect: float = 10.0
    greeting: float = 60.0
    reply: float = 20.0
    failed_login: float = 30.0
    quiet: float = 0.3
    patience: int = 6


class NoReplyError(Deviation):
    """The reply that was due did not come: the server was silent, closed or reset the connection, or sent too much.

    refused: the command whose -ERR was the last that came before the connection ended: `""` if it was no -ERR, or if
    the connection did not end.
    """

    refused = ""

    @property
    def ends_refused_login(self) -> bool:
        """True if the server closed after an -ERR to a login, as it may (RFC 1939 section 4)."""
        return _LOGIN_COMMAND.match(self.refused) is not None


@dataclass(frozen=True)
class Endpoint:
    """Where sessions go: `tls` is None for clear text, else implicit TLS (RFC 8314)."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


@dataclass
class Recorder:
    """What the sessions of one check leave behind: the transcript, and each defect with the reply that has it."""

    transcript: Transcript = field(default_factory=Transcript)
    defects: list[tuple[Defect, str]] = field(default_factory=list)
    connections: int = 0


class Session:
    """One session with the server under test.

    Commands are methods named as in the RFC; each sends its line in one write and returns the `Reply`, raising
    `NoReplyError` when none comes in time. `command` sends any other line, `send` any octets at all.

    before_login: called before each PASS and APOP; it may take its time.
    """

    def __init__(
        self,
        connection: Connection,
        recorder: Recorder,
        deadlines: Deadlines,
        before_login: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._recorder = recorder
        self._deadlines = deadlines
        self._before_login = before_login
        self._reader = ReplyReader(LONGEST_REPLY)
        self._line = b""
        self._is_challenged = False
        self._owed = 0
        self._refused = ""
        self._half_closed = False
        recorder.connections += 1
        self._number = recorder.connections
        self.timestamp: bytes | None = None
        """What stands in angle brackets in the greeting, brackets included (RFC 1939 section 7, APOP)."""
        self.is_open = True
        self.logged_in = False
        self.at_eof = False
        self.was_reset = False
        """Whether the connection has ended with a RST: the server's, or that of something on the path to it."""

    @classmethod
    def connect(
        cls,
        endpoint: Endpoint,
        recorder: Recorder,
        deadlines: Deadlines,
        before_login: Callable[[], None] = lambda: None,
    ) -> Self:
        """Open a connection; the greeting is not read yet. Raises OSError."""
        connection = Connection.open(endpoint.host, endpoint.port, deadlines.connect, endpoint.tls)
        return cls(connection, recorder, deadlines, before_login)

    # -- octets and replies ------------------------------------------------------------------------------------

    def send(self, *segments: bytes) -> None:
        """Send octets, each argument as one write. Raises `NoReplyError` when the server no longer takes them.

        What the server had to say before it stopped taking them can still be read with `reply`.
        """
        self._check_open()
        for segment in segments:
            self._recorder.transcript.add("client", segment, self._number)
            self._line = _last_line(self._line + segment)
            self._owed += segment.count(b"\n")
            try:
                self._connection.send(segment, self._deadlines.reply)
            except OSError as error:
                self._receive_rest(Deadline(0))
                cause = f"{_cause(error)} while sending {self._last_sent}"
                raise self._no_reply("the connection open", cause) from error

    def command(self, line: bytes | str, form: Form | None = None, within: float | None = None) -> Reply:
        """Send one command line (CRLF is added) and return its reply.

        form: the form of a positive reply; by default what the RFC says for that keyword.
        within: as for `reply`.
        """
        octets = line.encode() if isinstance(line, str) else line
        self._check_open()
        if self._owed == 0:
            self._note_surplus(0)
        self.send(octets + b"\r\n")
        return self.reply(form or form_of(octets), within)

    def reply(self, form: Form = Form.SINGLE_LINE, within: float | None = None) -> Reply:
        """Read the next reply. Raises `NoReplyError` when it does not come.

        within: seconds without any octet after which it counts as not coming; by default the profile's limit.
        """
        reply = self._read(form, within)
        self._owed = max(0, self._owed - 1)
        return reply

    def silence(self, seconds: float) -> bytes:
        """Wait that long at the most, and return what came, nothing in the best case; stops at the first octets."""
        self._check_open()
        if pending := self._reader.discard():
            return pending
        if not self.at_eof:
            with suppress(OSError):  # silence was kept, or the connection reset, which is on record
                self._receive(seconds)
        return self._reader.discard()

    def read_to_eof(self, within: float | None = None) -> bytes:
        """Read until the server closes, and return what came before. Raises `NoReplyError` when it does not close."""
        self._check_open()
        deadline = Deadline(self._deadlines.reply if within is None else within)
        self._receive_rest(deadline)
        if not self.at_eof:
            # Not the deadline, then a flood.
            after = f"{LONGEST_REPLY} octets" if deadline.remaining() else f"{deadline.seconds:g} seconds"
            raise self._no_reply("the connection closed by the server", f"still open after {after}")
        return self._reader.discard()

    # -- ends ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the connection with FIN and no QUIT."""
        self._end("closes the connection (FIN)", self._connection.close)

    def reset(self) -> None:
        """Abort the connection with RST."""
        self._end("aborts the connection (RST)", self._connection.reset)

    def half_close(self) -> None:
        """Send FIN and go on reading."""
        self._check_open()
        self._note("the client closes its half of the connection (FIN)")
        self._half_closed = True
        self._connection.half_close()

    def leave(self) -> None:
        """End the session politely, so that nothing is deleted, and see whether a surplus reply comes.

        The end of the stream is the only point at which "nothing more comes" is certain without waiting. A session
        that is owed replies is out of step, which says nothing about the server: it is just closed.
        """
        if not self.is_open:
            return
        if not self.at_eof and self._owed == 0:
            try:
                # Where RSET is refused, QUIT would delete what a check has marked; just closing never does.
                if not self.logged_in or self.rset().is_ok:
                    self.quit()
                    self._note_surplus(self._deadlines.quiet)
            except NoReplyError as error:
                # The check has its verdict; how the server takes RSET and QUIT is judged by their own checks.
                self._note(f"leaving: {error}")
        self.close()

    # -- commands ------------------------------------------------------------------------------------------------

    def greeting(self, within: float | None = None) -> Reply:
        """Read the greeting, which comes unasked: no command is owed it."""
        reply = self._read(Form.SINGLE_LINE, self._deadlines.greeting if within is None else within)
        match = _ANGLE_BRACKETS.search(reply.status_line)
        self.timestamp = match[0] if match else None
        return reply

    def user(self, name: str) -> Reply:
        """Send USER."""
        return self.command(f"USER {name}")

    def pass_(self, password: str | bytes) -> Reply:
        """Send PASS; a refusal may take long, since servers slow down guessing."""
        octets = password.encode() if isinstance(password, str) else password
        self._before_login()
        return self.command(b"PASS " + octets, within=self._deadlines.failed_login)

    def apop(self, name: str, digest: str) -> Reply:
        """Send APOP."""
        self._before_login()
        return self.command(f"APOP {name} {digest}", within=self._deadlines.failed_login)

    def stat(self) -> DropListing:
        """Send STAT, and return the drop listing."""
        return drop_listing(self.command("STAT").ok())

    def list(self, number: int | None = None) -> ScanListing:
        """Send LIST, with a message-number if given, and return the scan listing or listings."""
        return scan_listing(self.command("LIST" if number is None else f"LIST {number}").ok())

    def uidl(self, number: int | None = None) -> UniqueIds:
        """Send UIDL, with a message-number if given, and return the unique-ids by message-number."""
        return unique_ids(self.command("UIDL" if number is None else f"UIDL {number}").ok())

    def retr(self, number: int) -> Reply:
        """Send RETR."""
        return self.command(f"RETR {number}")

    def top(self, number: int, lines: int) -> Reply:
        """Send TOP."""
        return self.command(f"TOP {number} {lines}")

    def dele(self, number: int) -> Reply:
        """Send DELE."""
        return self.command(f"DELE {number}")

    def noop(self) -> Reply:
        """Send NOOP."""
        return self.command("NOOP")

    def rset(self) -> Reply:
        """Send RSET."""
        return self.command("RSET")

    def capa(self) -> Reply:
        """Send CAPA (RFC 2449)."""
        return self.command("CAPA")

    def quit(self) -> Reply:
        """Send QUIT."""
        return self.command("QUIT")

    # -- inside --------------------------------------------------------------------------------------------------

    def _read(self, form: Form, within: float | None) -> Reply:
        silence = self._deadlines.reply if within is None else within
        deadline = Deadline(max(silence, self._deadlines.reply * self._deadlines.patience))
        self._check_open()
        while (reply := self._next(form)) is None:
            if self.at_eof:
                if lenient := self._reader.lenient_reply(form):
                    return self._noted(lenient)
                raise self._no_reply(self._reply_due, "the connection closed by the server")
            # A wrong "this was the end" would cost more than waiting a little longer for it.
            wait = deadline.sooner(3 * self._deadlines.quiet if self._reader.looks_ended(form) else silence)
            try:
                self._receive(wait)
            except TimeoutError as error:
                if lenient := self._reader.lenient_reply(form):
                    return self._noted(lenient)
                overdue = f"no end of it in {deadline.seconds:g} seconds"
                cause = overdue if wait < silence else f"nothing more for {silence:g} seconds"
                raise self._no_reply(self._reply_due, cause) from error
            except OSError as error:
                raise self._no_reply(self._reply_due, _cause(error)) from error
        return self._noted(reply)

    def _next(self, form: Form) -> Reply | None:
        try:
            return self._reader.next_reply(form)
        except FloodError as error:
            raise self._no_reply(self._reply_due, str(error)) from error

    def _receive(self, within: float) -> int:
        """Feed the reader with one read from the network, and return its octets' number.

        Raises TimeoutError, or another OSError with which the connection has ended.
        """
        try:
            octets = self._connection.receive(within)
        except TimeoutError:
            raise
        except OSError as error:
            self.at_eof = True
            self.was_reset = isinstance(error, ConnectionResetError)
            self._note(_cause(error))
            raise
        if octets:
            self._recorder.transcript.add("server", octets, self._number)
            self._reader.feed(octets)
        else:
            self.at_eof = True
            self._note("the server closes the connection")
        return len(octets)

    def _receive_rest(self, deadline: Deadline) -> None:
        """Feed the reader with what comes until the deadline, but no more than `LONGEST_REPLY` octets."""
        room = LONGEST_REPLY
        with suppress(OSError):  # nothing more came, or the connection has ended, which is on record
            while room > 0 and not self.at_eof:
                room -= self._receive(deadline.remaining())

    def _note_surplus(self, within: float) -> None:
        """Take what comes unasked off the line, so that the next reply is the one to the next command."""
        if within > 0 or self._connection.has_more:
            self._receive_rest(Deadline(within))
        surplus = self._reader.discard()
        # One -ERR to a line that the client has cut off by a FIN is a reply to what is no command (section 3).
        cut_off = self._half_closed and self._line and not self._line.endswith(b"\n")
        if surplus and not (cut_off and _ONE_REFUSAL.fullmatch(surplus)):
            self._defect(Defect.SURPLUS, f"{visible(surplus, 120)} after the reply to {self._last_sent}")

    def _noted(self, reply: Reply) -> Reply:
        for defect in reply.defects:
            if defect is Defect.STATUS_LINE_TOO_LONG and len(self._line) > LONGEST_COMMAND:
                defect = Defect.STATUS_LINE_TOO_LONG_AFTER_LONG_COMMAND
            self._defect(defect, f"{visible(reply.raw, 120)} in reply to {self._last_sent}")
        indicator = reply.indicator
        if indicator == b"+OK" and (self._is_challenged or _LOGIN.match(self._line)):
            self.logged_in = True
        self._is_challenged = indicator == b"+"
        self._refused = self._last_sent if reply.is_err else ""
        return reply

    def _defect(self, defect: Defect, where: str) -> None:
        self._recorder.defects.append((defect, where))

    @property
    def _last_sent(self) -> str:
        """The last line sent, or as much of it as was, without the secrets in it."""
        if self._is_challenged:
            return "the response to a challenge"
        return visible(Redactor().octets(self._line), 60) if self._line else "connecting"

    @property
    def _reply_due(self) -> str:
        return f"a reply to {self._last_sent}"

    def _no_reply(self, expected: str, cause: str) -> NoReplyError:
        pending = self._reader.pending
        came = f", after {visible(pending, 200)}" if pending else ""
        error = NoReplyError((expected,), f"{cause}{came}")
        if self.at_eof and not pending and self._refused:
            error.refused = self._refused
            # RFC 1939 does not say in so many words that the session goes on after an -ERR.
            error.requirement, error.at_most = "R1939-3-CMD-SYNTAX-14", Verdict.WARN
        return error

    def _note(self, text: str) -> None:
        self._recorder.transcript.note(text, self._number)

    def _check_open(self) -> None:
        if not self.is_open:
            raise BenchError("a check uses a session that it has ended")

    def _end(self, how: str, action: Callable[[], None]) -> None:
        if self.is_open:
            self._note(f"the client {how}")
            self.is_open = False
            action()


def form_of(line: bytes) -> Form:
    """Return the form of a positive reply to a command line (RFC 1939 sections 5 and 7, RFC 2449 section 5)."""
    keyword, _, arguments = line.upper().partition(b" ")
    if arguments and keyword in _LISTING_ONLY_WITHOUT_ARGUMENT:
        return Form.SINGLE_LINE
    return _FORMS.get(keyword, Form.SINGLE_LINE)


def apop_digest(timestamp: bytes, secret: str) -> str:
    """Return the digest of APOP: MD5 of timestamp (angle brackets included) and secret (RFC 1939 section 7)."""
    return md5(timestamp + secret.encode(), usedforsecurity=False).hexdigest()


def _last_line(octets: bytes) -> bytes:
    """Return the last line begun, with its line end if it has one, and without its middle if it is long."""
    line = octets[octets.rfind(b"\n", 0, len(octets.rstrip(b"\r\n"))) + 1 :]
    return line if len(line) <= _LONGEST_LINE_NAMED else line[: _LONGEST_LINE_NAMED - 2] + line[-2:]


def _cause(error: BaseException) -> str:
    match error:
        case TimeoutError():
            return "no progress in time"
        case ConnectionResetError():
            return "the connection reset by the server"
        case BrokenPipeError() | ConnectionAbortedError():
            return "the connection closed by the server"
    return str(error)
