"""What RFC 1939 leaves open about locks, new mail, messages and their removal."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from conformance.reference.commandlines import Flaw
from conformance.reference.service import Pause, Refused, Reply, Service, State
from conformance.reference.site import Account, Site
from conformance.reference.store import Message
from conformance.reference.variants.registry import variant


class RemembersRetrieved(Service):
    """Knows which messages RETR has sent in the session."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.retrieved: set[Message] = set()

    def retr_lines(self, message: Message) -> Iterable[bytes]:
        self.retrieved.add(message)
        return super().retr_lines(message)


@variant(
    "concurrent-sessions",
    allowed_by="RFC 1939 section 4: the lock is there as necessary to protect messages; copies protect them too",
    warns=("R1939-4-LOCK-02",),
)
class ConcurrentSessions(Service):
    """Sessions of one user may go on side by side, each with its own copy of the maildrop."""

    def take_lock(self) -> bool:
        return True

    def open_maildrop(self, account: Account) -> tuple[Message, ...]:
        return tuple(replace(message, held=message.stored()) for message in super().open_maildrop(account))


@variant("lock-refused-late", allowed_by="RFC 1939 section 4 lets a server wait for the lock before it refuses")
class LockRefusedLate(Service):
    """A login to a maildrop that is in use is refused after a fifth of a second, if it still is."""

    def admit(self, account: Account) -> Reply:
        self.account = account
        if not self.take_lock():
            yield Pause(0.2)
        yield from super().admit(account)


@variant("lock-released-late", allowed_by="RFC 1939 section 6: the lock is released after the reply; when is not said")
class LockReleasedLate(Service):
    """A maildrop can be opened again a thirtieth of a second after its session has ended."""

    def release_lock(self) -> None:
        if self.account is not None and self.state is not State.AUTHORIZATION:
            self.site.memory.setdefault("free from", {})[self.account] = self.site.clock() + 1 / 30
        super().release_lock()

    def take_lock(self) -> bool:
        free_from: dict[Account | None, float] = self.site.memory.get("free from", {})
        return free_from.get(self.account, 0.0) <= self.site.clock() and super().take_lock()


_NUMBERED_AS_IT_LIKES = "RFC 1939 section 4: messages are numbered from 1; which of them is the first is not said"


@variant("messages-newest-first", allowed_by=_NUMBERED_AS_IT_LIKES)
class MessagesNewestFirst(Service):
    """The message that came last is message 1."""

    def open_maildrop(self, account: Account) -> tuple[Message, ...]:
        return super().open_maildrop(account)[::-1]


@variant("messages-in-order-of-a-hash", allowed_by=_NUMBERED_AS_IT_LIKES)
class MessagesInOrderOfAHash(Service):
    """Messages are numbered as a table by the hash of their names has them."""

    def open_maildrop(self, account: Account) -> tuple[Message, ...]:
        def by_hash(message: Message) -> bytes:
            return hashlib.sha256(message.base_name).digest()

        return tuple(sorted(super().open_maildrop(account), key=by_hash))


@variant(
    "new-mail-at-end",
    allowed_by="RFC 1939 section 8 says that POP3 does not show new mail in a session; nothing forbids it outright",
    warns=("R1939-8-MSGNUM-01",),
)
class NewMailAtEnd(Service):
    """Mail that arrives in the session is listed at once, after the messages that were there."""

    def answer(self, line: bytes | Flaw) -> Reply:
        if self.account is not None and self.state is State.TRANSACTION:
            known = {message.path for message in self.messages}
            self.messages += tuple(new for new in self.open_maildrop(self.account) if new.path not in known)
        yield from super().answer(line)


@variant("no-autologout", allowed_by="RFC 1939 section 3: the autologout timer is optional")
class NoAutologout(Service):
    """There is no autologout timer."""

    def autologout(self) -> float:
        return 86400.0 * 365


@variant(
    "autologout-short-before-login",
    allowed_by="RFC 1939 section 3: one can read that the timer is one of sessions that are logged in",
    warns=("R1939-3-AUTOLOGOUT-03",),
)
class AutologoutShortBeforeLogin(Service):
    """Before login the autologout timer is half of what it is afterwards."""

    def autologout(self) -> float:
        return super().autologout() / (2 if self.state is State.AUTHORIZATION else 1)


@variant("bare-line-ends-mended", allowed_by="RFC 5322 section 2.3: CR and LF occur together only; a server may repair")
class BareLineEndsMended(Service):
    """CR and LF that stand alone in a message are sent as CRLF, and counted as such."""

    def open_maildrop(self, account: Account) -> tuple[Message, ...]:
        return tuple(self.mended(message) for message in super().open_maildrop(account))

    def mended(self, message: Message) -> Message:
        octets = re.sub(rb"\r\n|\r|\n", b"\r\n", message.octets())
        return replace(message, held=octets, size=len(octets))


@variant(
    "top-adds-blank-line", allowed_by="RFC 1939 section 7, TOP: a blank line after the header belongs to the reply"
)
class TopAddsBlankLine(Service):
    """TOP of a message that has no blank line ends with one."""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        lines = list(super().top_lines(message, count))
        return lines if b"" in lines else [*lines, b""]


@variant(
    "top-huge-count-refused",
    allowed_by="RFC 1939 section 7, TOP: no upper bound is given; one beyond all messages is a bound of the number",
    warns=("R1939-7-TOP-10",),
)
class TopHugeCountRefused(Service):
    """TOP for 2147483648 lines or more is answered -ERR."""

    def line_count(self, argument: bytes) -> int:
        count = super().line_count(argument)
        if count >= 2**31:
            raise Refused("number too large")
        return count


@variant(
    "status-header-added",
    allowed_by="RFC 1939 section 11 asks for a message and its size; what is stored with it is the server's",
    warns=("R1939-5-RETR-04",),
)
class StatusHeaderAdded(Service):
    """Every message has a Status header of the server, which its size counts."""

    def open_maildrop(self, account: Account) -> tuple[Message, ...]:
        return tuple(self.with_header(message) for message in super().open_maildrop(account))

    def with_header(self, message: Message) -> Message:
        octets = b"Status: O\r\n" + message.octets()
        return replace(message, held=octets, size=len(octets))


@variant(
    "status-header-added-newest-first",
    allowed_by="RFC 1939 section 11 asks for a message and its size, and section 4 for numbers in whatever order",
    warns=("R1939-5-RETR-04",),
)
class StatusHeaderAddedNewestFirst(StatusHeaderAdded, MessagesNewestFirst):
    """Every message has a Status header of the server, and the one that came last is message 1."""


@variant(
    "status-written-at-quit",
    allowed_by="RFC 1939 section 5 makes RETR send a message; what the store notes beside it is the server's affair",
    warns=("R1939-5-RETR-04", "R1939-5-SIZE-02"),
)
class StatusWrittenAtQuit(RemembersRetrieved):
    """QUIT writes a Status header into each message that has been retrieved and stays."""

    def update(self) -> bool:
        for message in self.retrieved - {self.message(number) for number in self.marked}:
            if not message.stored().startswith(b"Status: "):
                message.path.write_bytes(b"Status: RO\r\n" + message.stored())
        return super().update()


@variant(
    "removal-partly-fails",
    allowed_by="RFC 1939 section 6: after an error some or none of the marked messages may be removed",
    warns=("R1939-6-QUIT-02",),
)
class RemovalPartlyFails(Service):
    """The last of several marked messages cannot be removed, and QUIT is answered -ERR."""

    def update(self) -> bool:
        left = max(self.marked, default=0) if len(self.marked) > 1 else 0
        self.marked.discard(left)
        return super().update() and left == 0


@variant("expire-0-kept", allowed_by="RFC 2449 section 6.7: what was retrieved may be removed, and need not be")
class Expire0Kept(Service):
    """EXPIRE 0 is announced, and messages stay until DELE and QUIT remove them."""

    def capabilities(self) -> Iterator[str]:
        return ("EXPIRE 0" if line == "EXPIRE NEVER" else line for line in super().capabilities())


@variant("expire-0", allowed_by="RFC 2449 section 6.7: after EXPIRE 0 what was retrieved may be removed at QUIT")
class Expire0(RemembersRetrieved, Expire0Kept):
    """EXPIRE 0 is announced, and QUIT removes what RETR has sent."""

    def update(self) -> bool:
        outcomes = [self.remove(message) for message in self.retrieved]
        return super().update() and all(outcomes)


@variant(
    "lock-waited-for", allowed_by="RFC 1939 section 4: the server acquires the lock; how long that takes is not said"
)
class LockWaitedFor(Service):
    """A login to a maildrop that is in use is answered when the session that has it is over."""

    def admit(self, account: Account) -> Reply:
        self.account = account
        while not self.take_lock():
            yield Pause(0.02)
        yield from super().admit(account)
