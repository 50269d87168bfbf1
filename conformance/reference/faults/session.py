"""Faults of sessions as a whole: connections, the autologout timer, mail that arrives meanwhile (RFC 1939)."""

from collections.abc import Iterable

from conformance.reference.commandlines import Flaw
from conformance.reference.faults.registry import fault
from conformance.reference.service import Ending, Pause, Reply, Service, State
from conformance.reference.site import Account


@fault("autologout-early", breaks=("R1939-3-AUTOLOGOUT-02",), seen_in="WildDuck, SOCKET_TIMEOUT")
class AutologoutEarly(Service):
    """After login the autologout timer is a quarter of what it should be."""

    def autologout(self) -> float:
        return super().autologout() / (4 if self.state is State.TRANSACTION else 1)


@fault("autologout-early-before-login", breaks=("R1939-3-AUTOLOGOUT-03",))
class AutologoutEarlyBeforeLogin(Service):
    """Before login the autologout timer is a quarter of what it should be."""

    def autologout(self) -> float:
        return super().autologout() / (4 if self.state is State.AUTHORIZATION else 1)


@fault("autologout-not-reset-by-noop", breaks=("R1939-3-AUTOLOGOUT-04",))
class AutologoutNotResetByNoop(Service):
    """NOOP does not restart the autologout timer."""

    def reset_timer(self, line: bytes | Flaw) -> None:
        if self.keyword != "NOOP":
            super().reset_timer(line)


@fault("autologout-not-reset-by-error", breaks=("R1939-3-AUTOLOGOUT-04",))
class AutologoutNotResetByError(Service):
    """A command that is refused does not restart the autologout timer."""

    refused = False

    def err(self, text: str = "", code: str = "") -> bytes:
        self.refused = True
        return super().err(text, code)

    def reset_timer(self, line: bytes | Flaw) -> None:
        if not self.refused:
            super().reset_timer(line)
        self.refused = False


@fault("autologout-never-reset", breaks=("R1939-3-AUTOLOGOUT-04",))
class AutologoutNeverReset(Service):
    """The timer runs from the beginning of the session, whatever the client does."""

    def reset_timer(self, line: bytes | Flaw) -> None:
        pass


@fault("autologout-during-transfer", breaks=("R1939-3-AUTOLOGOUT-05",))
class AutologoutDuringTransfer(Service):
    """A transfer that takes longer than the autologout timer is cut off."""

    def content(self, lines: Iterable[bytes]) -> Reply:
        end = self.site.clock() + self.autologout()
        for item in super().content(lines):
            if self.site.clock() > end:
                yield Ending.RST
            yield item


@fault("autologout-half-open", breaks=("R1939-3-AUTOLOGOUT-07",))
class AutologoutHalfOpen(Service):
    """When the timer has run out the session is dead, and the connection stays open."""

    def expired(self) -> Reply:
        self.release_lock()
        yield Pause(86400.0)


@fault("autologout-announced", breaks=("R1939-3-AUTOLOGOUT-08",))
class AutologoutAnnounced(Service):
    """When the timer runs out the server sends -ERR before it closes."""

    def expired(self) -> Reply:
        yield self.err("autologout")
        yield from super().expired()


@fault("new-mail-renumbers", breaks=("R1939-4-MSGNUM-01", "R1939-8-MSGNUM-01"), seen_in="getmail 4.22.3 changelog")
class NewMailRenumbers(Service):
    """Mail that arrives in the session is listed at once, as message 1."""

    def answer(self, line: bytes | Flaw) -> Reply:
        if self.account is not None and self.state is State.TRANSACTION:
            known = {message.path for message in self.messages}
            new = tuple(message for message in self.open_maildrop(self.account) if message.path not in known)
            self.messages = new + self.messages
        yield from super().answer(line)


@fault("refuses-after-reset", breaks=("R1939-3-CONN-02",), seen_in="Dovecot before 2.2.5, disconnect in LIST")
class RefusesAfterReset(Service):
    """When one connection has been reset the server accepts no further one for ten seconds."""

    def connection_lost(self) -> None:
        self.site.memory["dead until"] = self.site.clock() + 10.0
        super().connection_lost()

    def connected(self) -> Reply:
        if self.site.clock() < self.site.memory.get("dead until", 0.0):
            yield Ending.RST
        yield from super().connected()


@fault("crashes-at-half-close", breaks=("R1939-3-CONN-02",))
class CrashesAtHalfClose(Service):
    """When a client has closed its direction without QUIT the whole server is reset."""

    def end_of_input(self) -> Reply:
        yield Ending.CRASH


@fault("one-connection-at-a-time", breaks=("R1939-10-CONN-01",))
class OneConnectionAtATime(Service):
    """While a connection is open every other one is reset."""

    def connected(self) -> Reply:
        if self.site.memory.setdefault("connection", self) is not self:
            yield Ending.RST
        yield from super().connected()

    def closed(self) -> None:
        if self.site.memory.get("connection") is self:
            del self.site.memory["connection"]
        super().closed()


@fault("abort-before-login-jams", breaks=("R1939-3-CONN-02",))
class AbortBeforeLoginJams(Service):
    """When a client has gone away before login without QUIT, the server greets nobody for ten seconds."""

    def connected(self) -> Reply:
        if self.site.memory.get("jammed until", 0.0) > self.site.clock():
            yield Ending.FIN
        yield from super().connected()

    def closed(self) -> None:
        if self.state is State.AUTHORIZATION and self.number_of_connection > 1:
            self.site.memory.setdefault("jammed until", self.site.clock() + 10)
        super().closed()


@fault("half-close-not-noticed", breaks=("R1939-3-CONN-02",))
class HalfCloseNotNoticed(Service):
    """When a client has closed its direction the server keeps the connection open for a minute."""

    def end_of_input(self) -> Reply:
        yield Pause(60)
        yield from super().end_of_input()


class _SpeaksUnasked(Service):
    """A client that has been silent for half a second in one state is spoken to, once."""

    state_of_silence = State.TRANSACTION
    spoken = False

    def seconds_left(self) -> float:
        waits = not self.spoken and self.state is self.state_of_silence
        return self.last_command + 0.5 - self.site.clock() if waits else super().seconds_left()

    def expired(self) -> Reply:
        if self.spoken or self.state is not self.state_of_silence:
            yield from super().expired()
        self.spoken = True
        yield self.ok("still there?")


@fault("speaks-unasked", breaks=("R1939-3-RESP-SYNTAX-01",))
class SpeaksUnasked(_SpeaksUnasked):
    """After half a second without a command in the TRANSACTION state a line comes that nobody asked for."""


@fault("speaks-unasked-before-login", breaks=("R1939-3-RESP-SYNTAX-01",))
class SpeaksUnaskedBeforeLogin(_SpeaksUnasked):
    """After half a second without a command in the AUTHORIZATION state a line comes that nobody asked for."""

    state_of_silence = State.AUTHORIZATION


class _Busy(Service):
    """The greeting is negative while two other connections are open."""

    def connected(self) -> Reply:
        self.site.memory["open"] = self.site.memory.get("open", 0) + 1
        yield from super().connected()

    def greeting(self) -> Reply:
        if self.site.memory["open"] > 2:
            yield self.err("too many connections")
        else:
            yield from super().greeting()

    def closed(self) -> None:
        self.site.memory["open"] -= 1
        super().closed()


@fault("greeting-negative-when-busy", breaks=("R1939-4-GREETING-02",))
class GreetingNegativeWhenBusy(_Busy):
    """While two other connections are open the greeting is -ERR, and the session goes on all the same."""


@fault("new-mail-has-a-number", breaks=("R1939-8-MSGNUM-01",))
class NewMailHasANumber(Service):
    """Mail that arrives in the session is not listed, but commands take its number."""

    listed_at_login = 0

    def admit(self, account: Account) -> Reply:
        yield from super().admit(account)
        self.listed_at_login = len(self.messages)

    def listed(self) -> list[int]:
        return [number for number in super().listed() if number <= self.listed_at_login]

    def exists(self, number: int) -> bool:
        if self.account is not None:
            self.messages = self.open_maildrop(self.account)
        return super().exists(number)
