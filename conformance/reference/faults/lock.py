"""Faults of the exclusive-access lock and of sessions side by side (RFC 1939 sections 4 and 6)."""

from conformance.reference.commandlines import Flaw
from conformance.reference.faults.registry import fault
from conformance.reference.service import Ending, Reply, Service, State
from conformance.reference.site import Account, Site


@fault("lock-not-taken", breaks=("R1939-4-LOCK-01", "R1939-4-LOCK-02"), seen_in="apache/james-project JAMES-3709")
class LockNotTaken(Service):
    """A second session of a user is admitted, and can remove messages from under the first."""

    def take_lock(self) -> bool:
        return True


@fault("second-session-renumbers", breaks=("R1939-4-LOCK-01", "R1939-4-MSGNUM-01"))
class SecondSessionRenumbers(LockNotTaken):
    """A second session is admitted, and what it removes shifts the message-numbers of the first."""

    def answer(self, line: bytes | Flaw) -> Reply:
        if self.account is not None and self.state is State.TRANSACTION:
            self.messages = self.open_maildrop(self.account)
        yield from super().answer(line)


@fault("second-session-ends-first", breaks=("R1939-4-LOCK-01", "R1939-3-RESP-SYNTAX-01"))
class SecondSessionEndsFirst(Service):
    """A second login takes the lock over, and the first session is reset at its next command."""

    def take_lock(self) -> bool:
        if self.account is not None:
            self.site.memory[f"session of {self.account.name!r}"] = self
        return True

    def answer(self, line: bytes | Flaw) -> Reply:
        if self.account is not None and self.site.memory.get(f"session of {self.account.name!r}") is not self:
            yield Ending.RST
        yield from super().answer(line)


@fault("lock-refuses-once", breaks=("R1939-4-LOCK-07",))
class LockRefusesOnce(Service):
    """A second session is refused once; its next attempt is admitted."""

    def take_lock(self) -> bool:
        if super().take_lock():
            return True
        refused: set[Account | None] = self.site.memory.setdefault("refused", set())
        if self.account in refused:
            refused.discard(self.account)
            return True
        refused.add(self.account)
        return False


@fault("lock-ignored-by-apop", breaks=("R1939-4-LOCK-07",))
class LockIgnoredByApop(Service):
    """PASS respects the lock of another session, APOP does not."""

    def take_lock(self) -> bool:
        return super().take_lock() or self.keyword == "APOP"


class _Breakable(Service):
    """Something on another connection can break the lock of a session: the next login gets in."""

    def break_lock(self, name: bytes) -> None:
        self.site.memory.setdefault("broken", set()).add(name)

    def take_lock(self) -> bool:
        broken: set[bytes] = self.site.memory.setdefault("broken", set())
        name = self.account.name if self.account else b""
        free = super().take_lock() or name in broken
        broken.discard(name)
        return free


@fault("lock-broken-by-refused-session", breaks=("R1939-4-LOCK-07",))
class LockBrokenByRefusedSession(_Breakable):
    """When a session that was refused for the lock ends, the lock of the other session is released."""

    def release_lock(self) -> None:
        if self.account is not None:
            self.break_lock(self.account.name)
        super().release_lock()


@fault("lock-broken-by-wrong-password", breaks=("R1939-4-LOCK-07",))
class LockBrokenByWrongPassword(_Breakable):
    """A login with a wrong password releases the lock that another session of that user has."""

    def deny(self, account: Account | None) -> Reply:
        if account is not None:
            self.break_lock(account.name)
        yield from super().deny(account)


@fault("lock-broken-by-user-and-quit", breaks=("R1939-4-LOCK-07",))
class LockBrokenByUserAndQuit(_Breakable):
    """QUIT after USER, without a login, releases the lock that another session of that user has."""

    def do_quit(self) -> Reply:
        if self.user_before is not None:
            self.break_lock(self.user_before)
        yield from super().do_quit()


class _Persistence(Service):
    """The lock refuses a connection some times, and then admits it."""

    refusals_left = 0

    def take_lock(self) -> bool:
        if super().take_lock() or not self.refusals_left:
            return True
        self.refusals_left -= 1
        return False


@fault("lock-yields-to-second-attempt", breaks=("R1939-4-LOCK-07",))
class LockYieldsToSecondAttempt(_Persistence):
    """A second session is refused; the next attempt on the same connection is admitted."""

    refusals_left = 1


@fault("lock-yields-to-third-attempt", breaks=("R1939-4-LOCK-07",))
class LockYieldsToThirdAttempt(_Persistence):
    """A second session is refused twice; the third attempt on the same connection is admitted."""

    refusals_left = 2


@fault("lock-released-by-rset", breaks=("R1939-4-LOCK-07",))
class LockReleasedByRset(Service):
    """RSET gives the session's lock back."""

    def do_rset(self) -> Reply:
        self.release_lock()
        yield from super().do_rset()


@fault("lock-released-by-dele", breaks=("R1939-4-LOCK-07",))
class LockReleasedByDele(Service):
    """DELE gives the session's lock back."""

    def mark(self, number: int) -> None:
        self.release_lock()
        super().mark(number)


@fault("lock-released-by-retr", breaks=("R1939-4-LOCK-07",))
class LockReleasedByRetr(Service):
    """The first RETR gives the session's lock back."""

    def do_retr(self, argument: bytes) -> Reply:
        self.release_lock()
        yield from super().do_retr(argument)


@fault("lock-released-by-error", breaks=("R1939-4-LOCK-07",))
class LockReleasedByError(Service):
    """A command that is refused gives the session's lock back."""

    def err(self, text: str = "", code: str = "") -> bytes:
        self.release_lock()
        return super().err(text, code)


@fault("lock-refusal-positive", breaks=("R1939-7-PASS-08", "R1939-4-LOCK-04"))
class LockRefusalPositive(Service):
    """A login to a locked maildrop is answered +OK, and the session stays in the AUTHORIZATION state."""

    def admit(self, account: Account) -> Reply:
        self.account = account
        if self.take_lock():
            yield from super().admit(account)
        else:
            yield self.ok("please wait")


@fault("lock-refusal-silent", breaks=("R1939-4-CONN-02", "R1939-7-PASS-08", "R1939-4-LOCK-04"))
class LockRefusalSilent(Service):
    """A login to a locked maildrop closes the connection without a reply."""

    def admit(self, account: Account) -> Reply:
        self.account = account
        if not self.take_lock():
            yield Ending.FIN
        yield from super().admit(account)


@fault("lock-for-all-users", breaks=("R1939-4-LOCK-05",))
class LockForAllUsers(Service):
    """There is one lock for all maildrops."""

    def take_lock(self) -> bool:
        return self.site.locks.take(b"", self)

    def release_lock(self) -> None:
        self.site.locks.give_back(b"", self)


class _LateRelease(Service):
    """A lock is kept for ten seconds when a session ends in a certain way."""

    seconds = 10.0

    def keeps(self) -> bool:
        raise NotImplementedError

    def release_lock(self) -> None:
        if self.account is not None and self.state is not State.AUTHORIZATION and self.keeps():
            self.site.memory.setdefault("locked until", {})[self.account] = self.site.clock() + self.seconds
        super().release_lock()

    def take_lock(self) -> bool:
        until: dict[Account | None, float] = self.site.memory.get("locked until", {})
        return until.get(self.account, 0.0) < self.site.clock() and super().take_lock()


@fault("lock-kept-after-quit", breaks=("R1939-3-QUIT-01", "R1939-6-LOCK-01", "R1939-10-CONN-01"))
class LockKeptAfterQuit(_LateRelease):
    """After QUIT the maildrop stays locked for ten seconds."""

    def keeps(self) -> bool:
        return self.state is State.UPDATE


@fault("lock-kept-after-removal", breaks=("R1939-6-LOCK-01",))
class LockKeptAfterRemoval(_LateRelease):
    """After a QUIT that removed messages the maildrop stays locked for ten seconds."""

    def keeps(self) -> bool:
        return self.state is State.UPDATE and bool(self.marked)


@fault("lock-kept-after-drop", breaks=("R1939-3-CONN-02",), seen_in="Xeams KB 4660, hMailServer")
class LockKeptAfterDrop(_LateRelease):
    """After a session that ended without QUIT the maildrop stays locked for ten seconds."""

    def keeps(self) -> bool:
        return self.state is State.TRANSACTION


@fault("lock-kept-after-marked-drop", breaks=("R1939-3-CONN-02",))
class LockKeptAfterMarkedDrop(_LateRelease):
    """After a session that had marked messages and ended without QUIT the maildrop stays locked for ten seconds."""

    def keeps(self) -> bool:
        return self.state is State.TRANSACTION and bool(self.marked)


@fault("lock-kept-after-reset", breaks=("R1939-3-CONN-02",))
class LockKeptAfterReset(_LateRelease):
    """After a session whose connection was reset the maildrop stays locked for ten seconds."""

    was_reset = False

    def connection_lost(self) -> None:
        self.was_reset = True
        super().connection_lost()

    def keeps(self) -> bool:
        return self.was_reset


@fault("lock-kept-by-failed-login", breaks=("R1939-4-LOCK-06",))
class LockKeptByFailedLogin(Service):
    """A login with a wrong password locks the maildrop until the client ends its connection."""

    def autologout(self) -> float:
        # A timer shorter than the time that the suite gives a lock would end the connection and hide the fault.
        return super().autologout() if self.account is None else 3600.0

    def deny(self, account: Account | None) -> Reply:
        if account is not None:
            self.account = account
            self.take_lock()
        yield from super().deny(account)


@fault("marks-shared-by-users", breaks=("R1939-4-LOCK-05", "R1939-4-STATE-03"))
class MarksSharedByUsers(Service):
    """Marks belong to the server: a DELE of one user marks the same number for all."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.marked = site.memory.setdefault("marks", set())

    def closed(self) -> None:
        self.marked.clear()
        super().closed()


@fault("marks-of-all-removed-at-quit", breaks=("R1939-4-LOCK-05", "R1939-6-UPDATE-03"))
class MarksOfAllRemovedAtQuit(Service):
    """QUIT of one user removes what the open sessions of all users have marked."""

    def admit(self, account: Account) -> Reply:
        yield from super().admit(account)
        self.site.memory.setdefault("sessions", []).append(self)

    def update(self) -> bool:
        outcomes = [Service.update(session) for session in self.site.memory["sessions"]]
        return all(outcomes)

    def closed(self) -> None:
        if self in (sessions := self.site.memory.get("sessions", [])):
            sessions.remove(self)
        super().closed()


@fault("marks-of-another-removed-at-quit", breaks=("R1939-4-LOCK-05", "R1939-6-UPDATE-09"))
class MarksOfAnotherRemovedAtQuit(Service):
    """QUIT removes the messages whose numbers another user has marked in a session that is open."""

    def mark(self, number: int) -> None:
        super().mark(number)
        self.site.memory["marks"] = self.marked

    def update(self) -> bool:
        numbers = self.marked | self.site.memory.get("marks", set())
        outcomes = [self.remove(self.message(number)) for number in numbers if self.exists(number)]
        return all(outcomes)

    def closed(self) -> None:
        if self.marked:
            self.site.memory.pop("marks", None)
        super().closed()


@fault("name-shared-by-connections", breaks=("R1939-4-LOCK-05", "R1939-7-PASS-04"))
class NameSharedByConnections(Service):
    """PASS goes with the last USER that came on any connection."""

    def do_user(self, name: bytes) -> Reply:
        self.site.memory["name"] = name
        yield from super().do_user(name)

    def do_pass(self, password: bytes) -> Reply:
        if self.user_before is not None:
            self.user_before = self.site.memory["name"]
        yield from super().do_pass(password)


@fault("lock-by-spelling", breaks=("R1939-4-LOCK-02",))
class LockBySpelling(Service):
    """Names may be written in upper case, and then the lock is another one."""

    spelling = b""

    def find_account(self, name: bytes) -> Account | None:
        self.spelling = name
        return super().find_account(name) or super().find_account(name.lower())

    def take_lock(self) -> bool:
        return self.site.locks.take(self.spelling, self)

    def release_lock(self) -> None:
        self.site.locks.give_back(self.spelling, self)
