"""The logic of the conforming server: octets in, octets out, no sockets.

A `Service` serves one connection. `server.py` feeds it what arrives and sends what it yields. Every rule of the
protocol is a small method, so that a fault (`faults/`) or a lawful variant (`variants/`) overrides just that one.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum

from conformance.reference.commandlines import CommandLines, Flaw
from conformance.reference.site import Account, Mechanism, Site
from conformance.reference.store import Message

CRLF = b"\r\n"
STATUS_LINE_LIMIT = 512
"""Octets of a status line with its CRLF (RFC 1939 section 3)."""
COMMAND_LIMIT = 255
"""Octets of a command with its CRLF (RFC 2449 section 4)."""
SEGMENT = 16384
"""Octets that are handed to the transport at once."""

_KEYWORD = re.compile(rb"[A-Za-z]{3,4}")
_PRINTABLE = re.compile(rb"[\x21-\x7e]+")
_NUMBER = re.compile(rb"[0-9]+")


class State(StrEnum):
    """The states of a session (RFC 1939 section 3)."""

    AUTHORIZATION = "AUTHORIZATION"
    TRANSACTION = "TRANSACTION"
    UPDATE = "UPDATE"


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for some seconds before anything more is sent."""

    seconds: float


class Ending(Enum):
    """How the server ends a connection."""

    FIN = "FIN"
    RST = "RST"
    CRASH = "every connection of the server is reset, as if its process had died"


Output = bytes | Pause | Ending
Reply = Iterator[Output]


class Refused(Exception):  # noqa: N818 - an outcome of the protocol, not an error of the program
    """The command is answered by -ERR.

    text: what follows the status indicator; code: a response code of RFC 2449 section 8, without brackets.
    """

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.code = code


@dataclass(frozen=True, slots=True)
class Command:
    """What RFC 1939 says of a command: the states it may be given in, the number of its arguments.

    whole: the one argument is the rest of the line, with all its spaces (section 7, PASS).
    """

    states: frozenset[State]
    least: int = 0
    most: int = 0
    whole: bool = False


_BEFORE = frozenset({State.AUTHORIZATION})
_AFTER = frozenset({State.TRANSACTION})
_BOTH = _BEFORE | _AFTER

COMMANDS = {
    "USER": Command(_BEFORE, 1, 1),
    "PASS": Command(_BEFORE, 1, 1, whole=True),
    "APOP": Command(_BEFORE, 2, 2),
    "STAT": Command(_AFTER),
    "LIST": Command(_AFTER, 0, 1),
    "RETR": Command(_AFTER, 1, 1),
    "DELE": Command(_AFTER, 1, 1),
    "NOOP": Command(_AFTER),
    "RSET": Command(_AFTER),
    "TOP": Command(_AFTER, 2, 2),
    "UIDL": Command(_AFTER, 0, 1),
    "CAPA": Command(_BOTH),
    "QUIT": Command(_BOTH),
}


class Service:
    """One connection to the conforming server.

    A `Reply` is lazy: what it does, it does while it is iterated. Only one may be under way at a time.
    """

    command_limit = COMMAND_LIMIT

    def __init__(self, site: Site) -> None:
        self.site = site
        self.state = State.AUTHORIZATION
        self.account: Account | None = None
        self.messages: tuple[Message, ...] = ()
        self.marked: set[int] = set()
        self.number_of_connection = next(site.connections)
        self.stamp = self.timestamp()
        self.keyword = ""
        # The name that this command, and the one before it, gave by a successful USER.
        self.user_now: bytes | None = None
        self.user_before: bytes | None = None
        self.command_lines = CommandLines(self.command_limit)
        self.last_command = site.clock()

    # What the transport calls.

    def connected(self) -> Reply:
        """The connection is open: greet."""
        yield from self.greeting()

    def received(self, octets: bytes) -> Reply:
        """Octets have come: answer each command that they complete, in order (section 3)."""
        for line in self.lines(octets):
            # What follows QUIT is not executed (section 6).
            if self.state is State.UPDATE:
                return
            yield from self.answer(line)
            self.reset_timer(line)

    def end_of_input(self) -> Reply:
        """The client has closed its direction: a command without its CRLF is none (section 3)."""
        yield Ending.FIN

    def connection_lost(self) -> None:
        """The connection was reset. Nothing is removed (section 6)."""

    def expired(self) -> Reply:
        """The autologout timer has run out: close, send nothing, remove nothing (section 3)."""
        yield Ending.FIN

    def closed(self) -> None:
        """The connection is over, in whatever way."""
        self.release_lock()

    def seconds_left(self) -> float:
        """Return the seconds until the autologout timer runs out."""
        return self.last_command + self.autologout() - self.site.clock()

    def segments(self, reply: Reply) -> Reply:
        """Gather what is sent into pieces of about `SEGMENT` octets."""
        gathered = bytearray()
        for item in reply:
            if isinstance(item, bytes):
                gathered += item
            if gathered and (len(gathered) >= SEGMENT or not isinstance(item, bytes)):
                yield bytes(gathered)
                gathered.clear()
            if not isinstance(item, bytes):
                yield item
        if gathered:
            yield bytes(gathered)

    # Commands: from octets to the method that answers.

    def lines(self, octets: bytes) -> Iterator[bytes | Flaw]:
        """Give the command lines that `octets` complete, without their CRLF."""
        return self.command_lines.feed(octets)

    def answer(self, line: bytes | Flaw) -> Reply:
        """Answer one command line."""
        self.begin_command()
        try:
            yield from self.dispatch(line)
        except Refused as refused:
            yield self.err(refused.text, refused.code)

    def begin_command(self) -> None:
        """A name given by USER is good for the next command only (section 7, PASS)."""
        self.user_before, self.user_now = self.user_now, None

    def reset_timer(self, _line: bytes | Flaw) -> None:
        """Any command restarts the autologout timer (section 3); it runs from the end of the reply."""
        self.last_command = self.site.clock()

    def dispatch(self, line: bytes | Flaw) -> Reply:
        """Find the command and run it."""
        if isinstance(line, Flaw):
            raise Refused("line too long")
        self.keyword, rest = self.split(line)
        command = self.command()
        if self.state not in self.states(command):
            raise Refused(f"command not valid in the {self.state} state")
        yield from self.run(self.arguments(command, rest))

    def split(self, line: bytes) -> tuple[str, bytes | None]:
        """Return the keyword in upper case, and what follows the space after it (None without a space)."""
        keyword, space, rest = line.partition(b" ")
        if not _KEYWORD.fullmatch(keyword):
            raise Refused("unknown command")
        return keyword.decode("ascii").upper(), rest if space else None

    def command(self) -> Command:
        """Return what is known of the command of the keyword."""
        if not self.supports(self.keyword):
            raise Refused("unknown command")
        return COMMANDS[self.keyword]

    def supports(self, keyword: str) -> bool:
        """Whether the server has the command at all."""
        return keyword in COMMANDS

    def states(self, command: Command) -> frozenset[State]:
        """Return the states in which the command is accepted."""
        return command.states

    def arguments(self, command: Command, rest: bytes | None) -> tuple[bytes, ...]:
        """Return the arguments: printable ASCII, each after a single space (section 3)."""
        if rest is None:
            arguments: tuple[bytes, ...] = ()
        elif command.whole:
            arguments = (rest,)
        else:
            arguments = self.separate(rest)
            for argument in arguments:
                self.check_argument(argument)
        if not command.least <= len(arguments) <= command.most:
            raise Refused("wrong number of arguments")
        return arguments

    def separate(self, rest: bytes) -> tuple[bytes, ...]:
        """Cut what follows the keyword into arguments."""
        return tuple(rest.split(b" "))

    def check_argument(self, argument: bytes) -> None:
        """Refuse an argument that is empty or holds other octets than printable ASCII.

        The name of USER may hold any (RFC 6856 section 2.2 has UTF-8 there); one that nobody has logs nobody in.
        """
        if not argument or (self.keyword != "USER" and not _PRINTABLE.fullmatch(argument)):
            raise Refused("invalid argument")

    def run(self, arguments: tuple[bytes, ...]) -> Reply:
        """Execute the command; its syntax and the state are right."""
        handler = getattr(self, f"do_{self.keyword.lower()}")
        yield from handler(*arguments)

    # Replies.

    def ok(self, text: str = "", code: str = "") -> bytes:
        """Return a positive status line."""
        return self.status_line(self.positive(), text, code)

    def err(self, text: str = "", code: str = "") -> bytes:
        """Return a negative status line."""
        return self.status_line(self.negative(), text, code)

    def positive(self) -> str:
        """Return the positive status indicator, in upper case (section 3)."""
        return "+OK"

    def negative(self) -> str:
        """Return the negative status indicator, in upper case (section 3)."""
        return "-ERR"

    def status_line(self, indicator: str, text: str, code: str) -> bytes:
        """Return a status line of at most 512 octets (section 3)."""
        parts = (indicator, f"[{code}]" if code else "", text)
        line = " ".join(part for part in parts if part).encode("latin-1", "replace")
        return line[: STATUS_LINE_LIMIT - len(CRLF)] + self.status_line_end()

    def status_line_end(self) -> bytes:
        """Return what ends a status line."""
        return CRLF

    def listing(self, rows: Iterable[str]) -> Reply:
        """Give the rows of a multi-line reply and its termination line."""
        for row in rows:
            yield self.content_line(row.encode("latin-1", "replace"))
        yield self.terminator()

    def content(self, lines: Iterable[bytes]) -> Reply:
        """Give the lines of a message, without their CRLF, as content of a multi-line reply."""
        for line in lines:
            yield self.content_line(line)

    def content_line(self, line: bytes) -> bytes:
        """Return a line of a multi-line reply as it is sent."""
        return self.stuff(line) + CRLF

    def stuff(self, line: bytes) -> bytes:
        """Byte-stuff a line that begins with the termination octet (section 3)."""
        return b"." + line if line.startswith(b".") else line

    def terminator(self) -> bytes:
        """Return the line that ends a multi-line reply (section 3)."""
        return b"." + CRLF

    # The AUTHORIZATION state.

    def greeting(self) -> Reply:
        """Give the greeting: one positive line, with the timestamp that announces APOP (sections 4 and 7)."""
        yield self.ok(f"POP3 server ready {self.stamp}" if self.supports("APOP") else "POP3 server ready")

    def timestamp(self) -> str:
        """Return a msg-id of RFC 822 that no other connection has had (section 7, APOP)."""
        return f"<{self.number_of_connection}.{secrets.token_hex(12)}@{self.site.host_name}>"

    def do_user(self, name: bytes) -> Reply:
        """Note the name; whether there is such a user is not disclosed (section 7 permits that)."""
        self.user_now = name
        yield self.ok("send the password")

    def do_pass(self, password: bytes) -> Reply:
        """Log in, when the command before this one was a successful USER."""
        if self.user_before is None:
            raise Refused("PASS comes directly after USER")
        account = self.find_account(self.user_before)
        if account is None or not self.password_matches(account, password):
            yield from self.deny(account)
        else:
            yield from self.admit(account)

    def do_apop(self, name: bytes, digest: bytes) -> Reply:
        """Log in, when the digest is that of the timestamp and the secret."""
        account = self.find_account(name)
        if account is None or not self.digest_matches(account, digest):
            yield from self.deny(account)
        else:
            yield from self.admit(account)

    def find_account(self, name: bytes) -> Account | None:
        """Return the account of a name."""
        return self.site.users.get(name)

    def may_use(self, account: Account, mechanism: Mechanism) -> bool:
        """Whether the account logs in that way (section 13)."""
        return mechanism in account.mechanisms

    def password_matches(self, account: Account, password: bytes) -> bool:
        """Whether this is the password of the account."""
        return hmac.compare_digest(account.secret, password) and self.may_use(account, Mechanism.PASS)

    def digest_matches(self, account: Account, digest: bytes) -> bool:
        """Whether this is the digest for the account on this connection."""
        return hmac.compare_digest(self.digest(account), digest) and self.may_use(account, Mechanism.APOP)

    def digest(self, account: Account) -> bytes:
        """Return MD5 of timestamp and secret in lower-case hexadecimal digits (section 7, APOP)."""
        return hashlib.md5(self.stamp.encode("ascii") + account.secret).hexdigest().encode("ascii")

    def deny(self, _account: Account | None) -> Reply:
        """Refuse a login; the connection stays open, in the AUTHORIZATION state (section 4)."""
        yield self.err("invalid user name or password")

    def admit(self, account: Account) -> Reply:
        """Lock and open the maildrop of a client that has proved who it is (section 4)."""
        self.account = account
        if not self.take_lock():
            raise Refused("maildrop is in use by another session", "IN-USE")
        try:
            self.messages = self.open_maildrop(account)
        except OSError:
            # The lock is released before the command is rejected (section 4).
            self.release_lock()
            raise Refused("maildrop cannot be opened") from None
        self.state = State.TRANSACTION
        yield self.ok("maildrop locked and ready")

    def take_lock(self) -> bool:
        """Take the exclusive-access lock of the account; return whether this session has it."""
        return self.account is not None and self.site.locks.take(self.account.name, self)

    def release_lock(self) -> None:
        """Release the exclusive-access lock, if this session has it."""
        if self.account is not None:
            self.site.locks.give_back(self.account.name, self)

    def open_maildrop(self, account: Account) -> tuple[Message, ...]:
        """Return the messages that this session sees, the nth of them with message-number n (section 4)."""
        return self.site.open_maildrop(account)

    # The TRANSACTION state.

    def do_stat(self) -> Reply:
        """Give the drop listing."""
        yield self.ok(self.drop_listing())

    def do_list(self, argument: bytes | None = None) -> Reply:
        """Give one scan listing, or that of every message that is not marked."""
        if argument is not None:
            yield self.ok(self.scan_listing(self.message_number(argument)))
            return
        yield self.ok("scan listing follows")
        yield from self.listing(self.scan_listing(number) for number in self.listed())

    def do_uidl(self, argument: bytes | None = None) -> Reply:
        """Give one unique-id listing, or that of every message that is not marked."""
        if argument is not None:
            yield self.ok(self.unique_id_listing(self.message_number(argument)))
            return
        yield self.ok("unique-id listing follows")
        yield from self.listing(self.unique_id_listing(number) for number in self.listed())

    def do_retr(self, argument: bytes) -> Reply:
        """Send a message."""
        lines = self.retr_lines(self.message(self.message_number(argument)))
        yield self.ok("message follows")
        yield from self.retr_content(lines)
        yield self.terminator()

    def do_top(self, argument: bytes, count: bytes) -> Reply:
        """Send the header of a message, the blank line and some lines of the body."""
        message = self.message(self.message_number(argument))
        lines = self.top_lines(message, self.line_count(count))
        yield self.ok("top of message follows")
        yield from self.top_content(lines)
        yield self.terminator()

    def do_dele(self, argument: bytes) -> Reply:
        """Mark a message."""
        self.mark(self.message_number(argument))
        yield self.ok("message marked as deleted")

    def do_noop(self) -> Reply:
        """Do nothing."""
        yield self.ok()

    def do_rset(self) -> Reply:
        """Unmark all messages."""
        self.marked.clear()
        yield self.ok("no message is marked")

    def do_capa(self) -> Reply:
        """List the capabilities (RFC 2449 section 5)."""
        yield self.ok("capability list follows")
        yield from self.listing(self.capabilities())

    def capabilities(self) -> Iterator[str]:
        """Give what the server can do; the same in both states."""
        for keyword in ("TOP", "UIDL", "USER"):
            if self.supports(keyword):
                yield keyword
        yield from ("RESP-CODES", "PIPELINING", "EXPIRE NEVER", "IMPLEMENTATION pop3-conformance-reference")

    def message_number(self, argument: bytes) -> int:
        """Return the number of a message that exists and is not marked."""
        number = self.number(argument)
        if not self.exists(number):
            raise Refused("no such message")
        if self.is_marked(number):
            raise Refused("message is marked as deleted")
        return number

    def line_count(self, argument: bytes) -> int:
        """Return the number of lines that TOP asks for."""
        return self.number(argument)

    def number(self, argument: bytes) -> int:
        """Return a number, in decimal digits (section 4)."""
        if not _NUMBER.fullmatch(argument):
            raise Refused("not a number")
        return int(argument)

    def exists(self, number: int) -> bool:
        """Whether a message has this number: 1 to n (section 4)."""
        return 1 <= number <= len(self.messages)

    def is_marked(self, number: int) -> bool:
        """Whether the message is marked as deleted."""
        return number in self.marked

    def mark(self, number: int) -> None:
        """Mark a message as deleted."""
        self.marked.add(number)

    def listed(self) -> list[int]:
        """Return the numbers of the messages that are not marked, which are those that are listed and counted."""
        return [number for number in range(1, len(self.messages) + 1) if number not in self.marked]

    def message(self, number: int) -> Message:
        """Return the message that has the number."""
        return self.messages[number - 1]

    def drop_listing(self) -> str:
        """Return the number of messages and the size of the maildrop (section 5, STAT)."""
        return f"{self.count()} {self.total()}"

    def count(self) -> int:
        """Return the number of messages that are not marked."""
        return len(self.listed())

    def total(self) -> int:
        """Return the octets of the messages that are not marked."""
        return sum(self.size(self.message(number)) for number in self.listed())

    def scan_listing(self, number: int) -> str:
        """Return the number and the size of a message (section 5, LIST)."""
        return f"{number} {self.size(self.message(number))}"

    def size(self, message: Message) -> int:
        """Return the exact size of a message in octets (sections 5 and 11)."""
        return message.size

    def unique_id_listing(self, number: int) -> str:
        """Return the number and the unique-id of a message (section 7, UIDL)."""
        return f"{number} {self.unique_id(self.message(number))}"

    def unique_id(self, message: Message) -> str:
        """Return the unique-id of a message."""
        return message.unique_id

    def lines_of(self, message: Message) -> list[bytes]:
        """Return the lines of a message without their CRLF."""
        try:
            return message.lines()
        except OSError:
            raise Refused("message cannot be read") from None

    def retr_lines(self, message: Message) -> Iterable[bytes]:
        """Return the lines that RETR sends: all of the message."""
        return self.lines_of(message)

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        """Return the lines that TOP sends: the header, the blank line, `count` lines of the body (section 7)."""
        lines = self.lines_of(message)
        header = lines.index(b"") + 1 if b"" in lines else len(lines)
        return lines[: header + count]

    def retr_content(self, lines: Iterable[bytes]) -> Reply:
        """Give the content of a reply to RETR."""
        return self.content(lines)

    def top_content(self, lines: Iterable[bytes]) -> Reply:
        """Give the content of a reply to TOP."""
        return self.content(lines)

    # The UPDATE state, and the end.

    def do_quit(self) -> Reply:
        """End the session, after the removal of what is marked when it was in the TRANSACTION state (section 6)."""
        removed = self.update() if self.state is State.TRANSACTION else True
        self.state = State.UPDATE
        self.release_lock()
        yield from self.farewell(removed)
        yield Ending.FIN

    def update(self) -> bool:
        """Remove the messages that are marked; return whether all of them could be removed."""
        # Each is tried, also after one that could not be removed.
        outcomes = [self.remove(self.message(number)) for number in sorted(self.marked)]
        return all(outcomes)

    def remove(self, message: Message) -> bool:
        """Remove a message; return whether it is gone."""
        try:
            message.remove()
        except OSError:
            return False
        return True

    def farewell(self, removed: bool) -> Reply:
        """Reply to QUIT, after the removal and with its outcome (section 6)."""
        yield self.ok("bye") if removed else self.err("some deleted messages not removed")

    def autologout(self) -> float:
        """Return the seconds after which a session without commands is closed (section 3)."""
        return self.site.autologout
