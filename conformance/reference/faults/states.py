"""Faults of the states: commands that are accepted or refused in the wrong one (RFC 1939 sections 3 to 7)."""

from conformance.reference.commandlines import Flaw
from conformance.reference.faults.registry import fault
from conformance.reference.service import Command, Ending, Refused, Reply, Service, State
from conformance.reference.site import Account, Site


class _BeforeLogin(Service):
    """One command of the TRANSACTION state is served before login, from the first maildrop that has mail."""

    served = ""

    def states(self, command: Command) -> frozenset[State]:
        states = super().states(command)
        return states | {State.AUTHORIZATION} if self.keyword == self.served else states

    def run(self, arguments: tuple[bytes, ...]) -> Reply:
        if self.state is State.AUTHORIZATION and self.keyword == self.served:
            drops = (self.open_maildrop(account) for account in self.site.users.values())
            self.messages = next((messages for messages in drops if messages), ())
        yield from super().run(arguments)


_STATE = ("R1939-3-STATE-05", "R1939-3-STATE-02")


@fault("stat-before-login", breaks=("R1939-5-STAT-02", *_STATE))
class StatBeforeLogin(_BeforeLogin):
    """STAT is served before login."""

    served = "STAT"


@fault("list-before-login", breaks=("R1939-5-LIST-02", *_STATE))
class ListBeforeLogin(_BeforeLogin):
    """LIST is served before login."""

    served = "LIST"


@fault("retr-before-login", breaks=("R1939-5-RETR-02", *_STATE))
class RetrBeforeLogin(_BeforeLogin):
    """RETR is served before login."""

    served = "RETR"


@fault("dele-before-login", breaks=("R1939-5-DELE-02", *_STATE))
class DeleBeforeLogin(_BeforeLogin):
    """DELE is accepted before login."""

    served = "DELE"


@fault("noop-before-login", breaks=("R1939-5-NOOP-02", "R1939-3-STATE-05"), seen_in="Stalwart, POP3 session")
class NoopBeforeLogin(_BeforeLogin):
    """NOOP is answered +OK before login."""

    served = "NOOP"


@fault("rset-before-login", breaks=("R1939-5-RSET-02", "R1939-3-STATE-05"))
class RsetBeforeLogin(_BeforeLogin):
    """RSET is answered +OK before login."""

    served = "RSET"


@fault("top-before-login", breaks=("R1939-7-TOP-03", *_STATE))
class TopBeforeLogin(_BeforeLogin):
    """TOP is served before login."""

    served = "TOP"


@fault("uidl-before-login", breaks=("R1939-7-UIDL-02", *_STATE))
class UidlBeforeLogin(_BeforeLogin):
    """UIDL is served before login."""

    served = "UIDL"


@fault("unidentified-client-sees-named-maildrop", breaks=("R1939-3-STATE-02", "R1939-4-STATE-01"))
class UnidentifiedClientSeesNamedMaildrop(Service):
    """USER alone, without a password, opens the maildrop for STAT, LIST and RETR."""

    def do_user(self, name: bytes) -> Reply:
        account = self.find_account(name)
        if account is not None:
            self.messages = self.open_maildrop(account)
        yield from super().do_user(name)

    def states(self, command: Command) -> frozenset[State]:
        states = super().states(command)
        return states | {State.AUTHORIZATION} if self.keyword in ("STAT", "LIST", "RETR") else states


class _AfterLogin(Service):
    """One command of the AUTHORIZATION state is served in the TRANSACTION state too."""

    served = ""

    def states(self, command: Command) -> frozenset[State]:
        states = super().states(command)
        return states | {State.TRANSACTION} if self.keyword == self.served else states


@fault("user-after-login", breaks=("R1939-3-STATE-06", "R1939-7-USER-03"))
class UserAfterLogin(_AfterLogin):
    """USER is answered +OK after login."""

    served = "USER"


@fault("pass-after-login", breaks=("R1939-3-STATE-06", "R1939-7-PASS-02"))
class PassAfterLogin(_AfterLogin):
    """PASS is answered +OK after login."""

    served = "PASS"

    def do_pass(self, password: bytes) -> Reply:
        if self.state is State.TRANSACTION:
            yield self.ok("already logged in")
        else:
            yield from super().do_pass(password)


@fault("apop-after-login", breaks=("R1939-3-STATE-06", "R1939-7-APOP-02"))
class ApopAfterLogin(_AfterLogin):
    """APOP is answered +OK after login."""

    served = "APOP"

    def do_apop(self, name: bytes, digest: bytes) -> Reply:
        if self.state is State.TRANSACTION:
            yield self.ok("already logged in")
        else:
            yield from super().do_apop(name, digest)


@fault("user-after-login-logs-out", breaks=("R1939-3-STATE-06",))
class UserAfterLoginLogsOut(Service):
    """USER after login is refused, and leads back to the AUTHORIZATION state."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        try:
            yield from super().dispatch(line)
        except Refused:
            if self.keyword == "USER" and self.state is State.TRANSACTION:
                self.release_lock()
                self.state = State.AUTHORIZATION
            raise


@fault("auth-after-login-answered", breaks=("R1939-3-STATE-06",))
class AuthAfterLoginAnswered(Service):
    """AUTH is answered +OK after login."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if self.state is State.TRANSACTION and isinstance(line, bytes) and line.upper().startswith(b"AUTH"):
            yield self.ok("already logged in")
        else:
            yield from super().dispatch(line)


@fault("preauthenticated", breaks=("R1939-3-STATE-01", "R1939-4-STATE-01", "R1939-3-STATE-02"))
class Preauthenticated(Service):
    """The session begins in the TRANSACTION state, with the maildrop of the first user."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.account = next(iter(site.users.values()))
        self.messages = self.open_maildrop(self.account)
        self.state = State.TRANSACTION


@fault("login-without-transaction", breaks=("R1939-3-STATE-03", "R1939-7-PASS-06", "R1939-7-APOP-11"))
class LoginWithoutTransaction(Service):
    """After a login that was answered +OK the session is still in the AUTHORIZATION state."""

    def admit(self, account: Account) -> Reply:
        yield from super().admit(account)
        self.state = State.AUTHORIZATION
        self.release_lock()


@fault("failed-login-opens-transaction", breaks=("R1939-3-STATE-02", "R1939-7-PASS-07", "R1939-7-APOP-12"))
class FailedLoginOpensTransaction(Service):
    """A login with a wrong password is answered -ERR, but the maildrop is open afterwards."""

    def deny(self, account: Account | None) -> Reply:
        if account is not None:
            self.account = account
            self.messages = self.open_maildrop(account)
            self.state = State.TRANSACTION
        yield from super().deny(account)


@fault("listing-only-once", breaks=("R1939-5-STATE-01",))
class ListingOnlyOnce(Service):
    """LIST and UIDL without an argument are refused when they come a second time."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.given: set[str] = set()

    def run(self, arguments: tuple[bytes, ...]) -> Reply:
        if self.keyword in ("LIST", "UIDL") and not arguments:
            if self.keyword in self.given:
                raise Refused("given already")
            self.given.add(self.keyword)
        yield from super().run(arguments)


@fault("retr-needs-list", breaks=("R1939-5-STATE-01", "R1939-5-STATE-02"))
class RetrNeedsList(Service):
    """RETR is refused until LIST has been given."""

    listed_once = False

    def run(self, arguments: tuple[bytes, ...]) -> Reply:
        self.listed_once = self.listed_once or self.keyword == "LIST"
        if self.keyword == "RETR" and not self.listed_once:
            raise Refused("use LIST first")
        yield from super().run(arguments)


class _NotImplemented(Service):
    """One command that every server must support is unknown."""

    missing = ""

    def supports(self, keyword: str) -> bool:
        return keyword != self.missing and super().supports(keyword)


_MINIMAL = ("R1939-7-STATE-01", "R1939-5-STATE-02")


@fault("noop-not-implemented", breaks=("R1939-5-NOOP-03", *_MINIMAL), seen_in="rnwood/smtp4dev#2066")
class NoopNotImplemented(_NotImplemented):
    """NOOP is an unknown command."""

    missing = "NOOP"


@fault("rset-not-implemented", breaks=("R1939-5-RSET-04", *_MINIMAL))
class RsetNotImplemented(_NotImplemented):
    """RSET is an unknown command."""

    missing = "RSET"


@fault("stat-not-implemented", breaks=("R1939-5-STAT-11", *_MINIMAL))
class StatNotImplemented(_NotImplemented):
    """STAT is an unknown command."""

    missing = "STAT"


@fault("dele-not-implemented", breaks=("R1939-5-DELE-03", *_MINIMAL))
class DeleNotImplemented(_NotImplemented):
    """DELE is an unknown command."""

    missing = "DELE"


@fault("last-before-login", breaks=("R1460-5-OBSOLETE-01",))
class LastBeforeLogin(Service):
    """LAST is answered +OK before login."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if line == b"LAST" and self.state is State.AUTHORIZATION:
            yield self.ok("0")
        else:
            yield from super().dispatch(line)


@fault("rpop-logs-in", breaks=("R1081-x-OBSOLETE-01",))
class RpopLogsIn(Service):
    """RPOP after USER logs in without a password, as if the client's port could be trusted."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        account = self.find_account(self.user_before or b"")
        if isinstance(line, bytes) and line.upper().startswith(b"RPOP ") and account is not None:
            yield from self.admit(account)
        else:
            yield from super().dispatch(line)


@fault("quit-refused-before-login", breaks=("R1939-4-QUIT-02", "R1939-4-QUIT-03", "R1939-6-UPDATE-02"))
class QuitRefusedBeforeLogin(Service):
    """QUIT is answered -ERR in the AUTHORIZATION state."""

    def states(self, command: Command) -> frozenset[State]:
        states = super().states(command)
        return states - {State.AUTHORIZATION} if self.keyword == "QUIT" else states


@fault("quit-after-user-refused", breaks=("R1939-4-QUIT-02", "R1939-7-USER-04"))
class QuitAfterUserRefused(Service):
    """QUIT is refused between USER and PASS."""

    def do_quit(self) -> Reply:
        if self.user_before is not None:
            raise Refused("PASS expected")
        yield from super().do_quit()


@fault("quit-before-login-not-answered", breaks=("R1939-4-QUIT-03",))
class QuitBeforeLoginNotAnswered(Service):
    """QUIT in the AUTHORIZATION state closes the connection without a reply."""

    def do_quit(self) -> Reply:
        if self.state is State.AUTHORIZATION:
            yield Ending.FIN
        yield from super().do_quit()


@fault("quit-before-login-stays", breaks=("R1939-6-UPDATE-02", "R1939-3-CONN-03"))
class QuitBeforeLoginStays(Service):
    """QUIT in the AUTHORIZATION state is answered +OK, and the session goes on."""

    def do_quit(self) -> Reply:
        if self.state is State.AUTHORIZATION:
            yield self.ok("bye")
        else:
            yield from super().do_quit()
