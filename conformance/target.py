"""The server under test, as a run knows it: where it is, how to log in, how long to wait."""

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from conformance.profile import Account, Profile
from conformance.verdict import BenchError, Deviation
from conformance.wire.connection import Deadline
from conformance.wire.octets import visible
from conformance.wire.reply import Reply
from conformance.wire.session import Deadlines, Endpoint, NoReplyError, Recorder, Session, apop_digest
from conformance.wire.transcript import Redactor

LOCK_RELEASE = 5.0
"""Seconds in which the lock of an ended session must be gone: it is released behind the reply to QUIT (section 6)."""


_FIRST_PAUSE = 0.05
"""Seconds between the first two attempts at a login; each further pause is twice as long."""


@dataclass(frozen=True)
class Facts:
    """What a look at the server has shown; checks apply or not by these.

    greeting: the greeting as it came; None for a server that waits for the client to speak.
    timestamp: what stands in angle brackets in that greeting, brackets included: APOP's, if the server has APOP.
    login_commands: by user, the command that logs in: "PASS" or "APOP".
    refused: by user, why an account of the profile cannot log in.
    capabilities: the lines of CAPA before and after login; None where CAPA is refused.
    top, uidl: whether the optional commands are implemented.
    reopening: why the maildrop of a session that had ended with QUIT could not be opened again; empty if it could.
    """

    greeting: Reply | None
    timestamp: bytes | None
    login_commands: Mapping[str, str]
    refused: Mapping[str, str]
    capabilities_before: tuple[str, ...] | None
    capabilities_after: tuple[str, ...] | None
    top: bool
    uidl: bool
    reopening: str = ""

    @property
    def deletes_what_was_retrieved(self) -> bool:
        """True if the server announces that it does: EXPIRE 0 (RFC 2449 section 6.7)."""
        return "EXPIRE 0" in (self.capabilities_after or ())

    def announces(self, capability: str) -> bool:
        """True if CAPA lists that capability in either state."""
        return _names(capability, (self.capabilities_before or ()) + (self.capabilities_after or ()))


@dataclass
class Target:
    """The server under test."""

    profile: Profile
    deadlines: Deadlines = field(init=False)
    endpoint: Endpoint = field(init=False)
    redactor: Redactor = field(init=False)
    greets: bool = True
    login_commands: dict[str, str] = field(default_factory=dict)
    """By user, the command that logs in: PASS (the default) or APOP."""
    _last_login: float = float("-inf")
    _login_turn: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        limits = self.profile.limits
        self.deadlines = Deadlines(
            connect=limits.connect,
            greeting=limits.greeting,
            reply=limits.reply,
            failed_login=limits.failed_login,
            quiet=limits.quiet,
        )
        self.endpoint = _endpoint(self.profile)
        self.redactor = Redactor.of(account.secret() for account in self.profile.accounts)

    @property
    def transport(self) -> str:
        """`clear` or `tls`."""
        return "clear" if self.endpoint.tls is None else "tls"

    def open(self, recorder: Recorder) -> Session:
        """Open a connection without reading the greeting. Raises `BenchError` when that fails."""
        try:
            return Session.connect(self.endpoint, recorder, self.deadlines, self.wait_for_login_turn)
        except OSError as error:
            where = f"{self.endpoint.host} port {self.endpoint.port}"
            raise BenchError(f"cannot connect to {where}: {error.strerror or error}") from error

    def connect(self, recorder: Recorder) -> Session:
        """Open a connection and read the greeting: a session in AUTHORIZATION state."""
        session = self.open(recorder)
        if self.greets:
            with closed_on_error(session):
                session.greeting()
        return session

    def wait_for_login_turn(self) -> None:
        """Wait until the next login may be sent: so many seconds after the one before, as the profile says."""
        with self._login_turn:  # the slow lane logs in beside the checks
            if self.profile.limits.login_interval:
                # A condition of the operator's, not of the protocol (RFC 2449 section 6.5).
                time.sleep(max(0.0, self._last_login + self.profile.limits.login_interval - time.monotonic()))
            self._last_login = time.monotonic()

    def authenticate(self, session: Session, account: Account) -> Reply:
        """Send the credentials of the account over the session, and return the reply that decided."""
        if self.login_commands.get(account.user) == "APOP":
            return self.apop(session, account)
        reply = session.user(account.user)
        return session.pass_(account.secret()) if reply.is_ok else reply

    def apop(self, session: Session, account: Account) -> Reply:
        """Send APOP with the right digest for the account and the timestamp of the session."""
        return session.apop(account.user, apop_digest(session.timestamp or b"", account.secret()))

    def log_in(self, recorder: Recorder, account: Account, within: float = LOCK_RELEASE) -> Session:
        """Return a session of that account in TRANSACTION state.

        After a refusal it is tried again for so many seconds, since the lock of the session before may still be on
        its way out. Raises `BenchError` when it stays.
        """
        session, reply = until_accepted(
            lambda: self.connect(recorder), lambda session: self.authenticate(session, account), within
        )
        if reply.is_ok:
            return session
        session.close()
        raise BenchError(f"the login of {account.user} is refused: {self.redactor.text(str(reply))}")


def until_accepted(
    connect: Callable[[], Session], attempt: Callable[[Session], Reply], within: float = LOCK_RELEASE
) -> tuple[Session, Reply]:
    """Return the session in which the login of `attempt` was answered +OK, and that reply; else the last of them.

    A refusal is tried again over new connections for so many seconds: the session before may have been of the same
    account, and RFC 1939 section 6 does not say how soon after it the lock is gone.
    """
    deadline = Deadline(within)
    pause = _FIRST_PAUSE
    while True:
        session = connect()
        with closed_on_error(session):
            reply = attempt(session)
        if reply.is_ok or not deadline.remaining():
            return session, reply
        session.close()
        # Nothing tells when a lock goes away but another attempt.
        time.sleep(min(pause, deadline.remaining()))
        pause *= 2


@contextmanager
def closed_on_error(session: Session) -> Iterator[None]:
    """Close the session when something goes wrong: one that is left open would keep others out."""
    try:
        yield
    except BaseException:
        session.close()
        raise


def survey(target: Target, accounts: Sequence[Account]) -> Facts:
    """Look at the server before any check runs, and teach `target` how to speak with it.

    The maildrop of the first account should hold a message, or TOP may go unnoticed where CAPA does not list it.
    Raises `BenchError` with one line that says what to do when the server cannot be tested; that other accounts cannot
    log in is no reason.
    """
    recorder = Recorder()
    session = target.open(recorder)
    greeting = _greeting(target, session)
    timestamp = session.timestamp
    target.greets = greeting is not None
    capabilities_before = _capabilities(session)
    session.close()
    try:
        refused = {}
        for account in accounts:
            try:
                target.login_commands[account.user] = _login_command(target, recorder, account)
            except BenchError as error:
                if account == accounts[0]:
                    raise _not_spoken_with(target, greeting) or error from error
                # Its password in the profile may be wrong, or the command that it needs is what the server gets
                # wrong: the checks about login see to that, and the others do without it.
                del target.login_commands[account.user]
                refused[account.user] = str(error)
        before_login = Facts(
            greeting=greeting,
            timestamp=timestamp,
            login_commands=target.login_commands,
            refused=refused,
            capabilities_before=capabilities_before,
            capabilities_after=None,
            top=_names("TOP", capabilities_before),
            uidl=_names("UIDL", capabilities_before),
        )
        try:
            session = target.log_in(recorder, accounts[0])
        except BenchError as error:
            return replace(before_login, reopening=str(error))
        capabilities_after = _capabilities(session)
        session.leave()
        capabilities = (capabilities_before or ()) + (capabilities_after or ())
        return replace(
            before_login,
            capabilities_after=capabilities_after,
            top=_names("TOP", capabilities) or _answers(target, recorder, accounts[0], "TOP 1 0"),
            uidl=_names("UIDL", capabilities) or _answers(target, recorder, accounts[0], "UIDL"),
        )
    except Deviation as error:
        raise BenchError(f"the server does not get through a login: {target.redactor.text(str(error))}") from error


def _greeting(target: Target, session: Session) -> Reply | None:
    try:
        greeting = session.greeting()
    except NoReplyError as error:
        if session.at_eof:
            raise BenchError(f"the server closes at once, without a greeting ({error.observed})") from error
        return None
    if greeting.is_err:
        session.silence(target.deadlines.quiet)
        if session.at_eof:
            raise BenchError(f"the server refuses service: {greeting}")
    return greeting


def _not_spoken_with(target: Target, greeting: Reply | None) -> BenchError | None:
    """Return what is to be said of a login that failed, where the greeting shows that it is not the password."""
    where = f"{target.endpoint.host} port {target.endpoint.port}"
    advice = "check host and port, and whether it is a port for TLS"
    if greeting is None:
        return BenchError(f"{where} sends no greeting and takes no login: {advice}")
    if not greeting.indicator:
        return BenchError(f"{where} does not speak POP3, it begins with {visible(greeting.status_line, 120)}: {advice}")
    return None


def _capabilities(session: Session) -> tuple[str, ...] | None:
    try:
        reply = session.capa()
    except NoReplyError:
        return None  # a server that hangs or closes on CAPA is judged by the check about unknown commands
    return tuple(line.decode("ascii", "replace") for line in reply.lines) if reply.is_ok else None


def _names(capability: str, lines: Iterable[str] | None) -> bool:
    """True if one of the lines of CAPA is about that capability."""
    return any(line.split(" ")[0].upper() == capability for line in lines or ())


def _answers(target: Target, recorder: Recorder, account: Account, command: str) -> bool:
    """True if the command is answered with +OK in TRANSACTION state."""
    session = target.log_in(recorder, account)
    try:
        return session.command(command).is_ok
    except NoReplyError:
        return False
    finally:
        session.leave()


def _login_command(target: Target, recorder: Recorder, account: Account) -> str:
    """Return the command by which the account logs in: PASS, else APOP where the greeting offers it."""
    refusals = []
    for command in ("PASS", "APOP"):
        session = target.connect(recorder)
        if command == "APOP" and session.timestamp is None:
            session.close()
            continue
        target.login_commands[account.user] = command
        try:
            reply = target.authenticate(session, account)
        except NoReplyError as error:
            refusals.append(f"{command}: {error.observed}")
            continue
        finally:
            session.leave()
        if reply.is_ok:
            return command
        refusals.append(f"{command}: {reply}")
    said = target.redactor.text(", ".join(refusals))
    raise BenchError(f"the login of {account.user} is refused ({said}): check user and password in the profile")


def _endpoint(profile: Profile) -> Endpoint:
    endpoint = profile.endpoint
    if endpoint.port is not None:
        return Endpoint(endpoint.host, endpoint.port)
    assert endpoint.tls_port is not None  # the profile's own rule: one of the two is there
    context = ssl.create_default_context(cafile=endpoint.ca_file)
    if not endpoint.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return Endpoint(endpoint.host, endpoint.tls_port, context)
