"""The slow lane: sessions that are silent for minutes, beside the other checks.

Each wait begins when the run begins, in a thread of its own with a maildrop that the other checks can spare. The
checks about it come last and judge what was seen, so that a run takes as long as its longest wait. Where there is
no maildrop to spare, the wait begins with the first of those checks.
"""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from queue import Empty, SimpleQueue

from conformance.maildrop.corpus import Message, three_messages
from conformance.maildrop.corpus.message import ordinary
from conformance.maildrop.keeper import Maildrop
from conformance.plugin.bench import Bench
from conformance.verdict import BenchError, Deviation, NotRun
from conformance.wire.connection import Connection, Deadline
from conformance.wire.reply import Reply
from conformance.wire.session import NoReplyError, Recorder, Session

LONGEST_MARGIN = 10.0
"""Seconds by which we ask before the timer may run out, at the most; a tenth of shorter timers."""
LONGEST_AUTOLOGOUT = 3.5
"""How long we wait for a timer to run out, as a multiple of the least that it may be: 35 minutes."""
SLOW_TRANSFER = 2.0
"""How long we take to read a message slowly, as a multiple of the least autologout timer: 20 minutes.

The server is done earlier, since the buffers on the path take a part of the message: a quarter of it, say.
"""

_LARGE = 16 * 1024 * 1024
"""Octets of the message that is read slowly: several times what the buffers between the server and us take."""
_RECEIVE_BUFFER = 64 * 1024
_GLANCE = 1.0
"""Seconds in which a thread notices that the run is over."""
_MUCH = 64 * 1024
"""Octets that come unasked after which a wait is over: the server is anything but idle."""
_KEPT_FOR_OTHERS = 2
"""Maildrops that the other checks need at one time."""


class End(Enum):
    """What was found at the end of a wait."""

    ANSWERED = "the server answers"
    SILENT = "the server does not answer"
    CLOSED = "the server has closed the connection"
    RESET = "the connection has been reset"


@dataclass(frozen=True)
class Wait:
    """A time in which the client sent nothing.

    after: what the client had sent before. seconds: how long it was, from the reply to that on.
    unasked: the octets that the server sent meanwhile. reply: to the command that ended it, if it was answered.
    """

    after: str
    seconds: float
    unasked: bytes
    end: End
    reply: Reply | None = None

    @property
    def is_over_early(self) -> bool:
        """True if the server, or the path to it, ended the connection."""
        return self.end in (End.CLOSED, End.RESET)

    def __str__(self) -> str:
        answer = f": {self.reply}" if self.reply else ""
        return f"{self.end.value} after {self.seconds:.0f} seconds in which nothing followed {self.after}{answer}"


@dataclass(frozen=True)
class Timeline:
    """What was seen of one session: its waits in order, and what the maildrop held before it and after it.

    messages: unique-ids, or sizes where UIDL is not offered, each with its count.
    refusal: why the maildrop could not be opened any more after the session.
    """

    waits: tuple[Wait, ...]
    recorder: Recorder
    messages_before: Mapping[bytes, int] = field(default_factory=Counter)
    messages_after: Mapping[bytes, int] | None = None
    refusal: str = ""

    @property
    def expiry(self) -> Wait | None:
        """The wait that the server ended, if there was one: its autologout timer has run out."""
        return next((wait for wait in self.waits if wait.is_over_early), None)


class Watch(Enum):
    """What the slow lane can keep watch on; the value is the name of the fixture that gives its timeline."""

    TRANSACTION = "idle_in_transaction"
    AUTHORIZATION = "idle_before_login"
    SLOW_TRANSFER = "slow_transfer"


class SlowLane:
    """The watches of a run.

    minimum: seconds that an autologout timer must have at least (RFC 1939 section 3).
    wanted: the watches that the checks of this run ask for.
    """

    def __init__(self, bench: Bench, minimum: float, wanted: Iterable[Watch]) -> None:
        self._bench = bench
        self.minimum = minimum
        self._wanted = tuple(wanted)
        self._stop = threading.Event()
        self._spare: SimpleQueue[Maildrop] = SimpleQueue()
        self._lent: list[Maildrop] = []
        self._seen: dict[Watch, Future[Timeline]] = {}

    @property
    def silence(self) -> float:
        """Seconds of silence that a session has to outlive."""
        return self.minimum - min(LONGEST_MARGIN, self.minimum / 10)

    @property
    def longest_wait(self) -> float:
        """Seconds after which we give up waiting for a timer to run out."""
        return self.minimum * LONGEST_AUTOLOGOUT

    def start(self) -> None:
        """Begin the watches that the run wants, on maildrops that the other checks can spare."""
        commands = self._bench.facts.login_commands
        # Those that log in by APOP alone are rare, and needed by the checks about APOP.
        self._borrow([user for user, command in commands.items() if command == "PASS"], keeping=_KEPT_FOR_OTHERS)
        for watch in self._wanted:
            if self._lent or watch is Watch.AUTHORIZATION:
                self._begin(watch)

    def timeline(self, watch: Watch) -> Timeline:
        """Wait for the end of a watch, and return what was seen. Raises what kept it from being kept."""
        missing = [wanted for wanted in self._wanted if wanted not in self._seen]
        if missing and not self._lent:
            self._borrow([account.user for account in self._bench.keeper.accounts], keeping=0)
        for wanted in missing:
            self._begin(wanted)
        timeline = self._seen[watch].result()
        if all(seen.done() for seen in self._seen.values()):
            self._bench.keeper.take_back(self._lent)
            self._lent = []
        return timeline

    def stop(self) -> None:
        """End the watches that are still under way."""
        self._stop.set()

    # -- the watches -----------------------------------------------------------------------------------------------

    def _in_transaction(self, recorder: Recorder) -> Timeline:
        """DELE, silence, NOOP, silence, a command that is refused, and silence until the server closes."""
        with self._maildrop() as drop:
            drop.fill(three_messages)
            begun = time.monotonic()
            session = self._bench.target.log_in(recorder, drop.account)
            try:
                before = self._messages(session)
                session.dele(1).ok()
            except NoReplyError:
                # A timer that runs out at once: what follows would see just that.
                early = Wait("the login", time.monotonic() - begun, b"", End.CLOSED)
                return Timeline((early,), recorder)
            waits = [self._wait(session, recorder, "DELE 1", self.silence, "NOOP")]
            if waits[-1].reply:
                waits.append(self._wait(session, recorder, "NOOP", self.silence, "XYZZY"))
            if waits[-1].reply:
                waits.append(self._wait(session, recorder, "a command that is refused", self.longest_wait, "NOOP"))
            session.leave()
            return self._with_messages_after(Timeline(tuple(waits), recorder, before), drop)

    def _with_messages_after(self, timeline: Timeline, drop: Maildrop) -> Timeline:
        try:
            session = self._bench.target.log_in(timeline.recorder, drop.account)
        except BenchError as error:
            return replace(timeline, refusal=str(error))
        after = self._messages(session)
        session.leave()
        return replace(timeline, messages_after=after)

    def _before_login(self, recorder: Recorder) -> Timeline:
        """Silence after the greeting, then QUIT."""
        session = self._bench.target.connect(recorder)
        wait = self._wait(session, recorder, "the greeting", self.silence, "QUIT")
        session.close()
        return Timeline((wait,), recorder)

    def _slow_transfer(self, recorder: Recorder) -> Timeline:
        """RETR of a large message that is read slowly, then NOOP."""
        message = _large_message()
        with self._maildrop() as drop:
            drop.fill((message,))
            seconds = self.minimum * SLOW_TRANSFER
            session, connection = self._slow_session(recorder, seconds)
            if not self._bench.target.authenticate(session, drop.account).is_ok:
                raise BenchError(f"the login of {drop.account.user} is refused")
            begun = time.monotonic()
            connection.octets_per_second = len(message.octets) / seconds
            reply, end = self._ask(session, "RETR 1")
            connection.octets_per_second = float("inf")
            if end is End.ANSWERED:
                reply, end = self._ask(session, "NOOP")
            wait = Wait("RETR", time.monotonic() - begun, b"", end, reply)
            session.leave()
            drop.fill(())
        return Timeline((wait,), recorder)

    # -- their steps -------------------------------------------------------------------------------------------------

    def _slow_session(self, recorder: Recorder, seconds: float) -> tuple[Session, "_PacedConnection"]:
        """Return a session that can be read slowly, with the patience for a reply of that many seconds."""
        target = self._bench.target
        endpoint, deadlines = target.endpoint, target.deadlines
        connection = _PacedConnection.open(endpoint.host, endpoint.port, deadlines.connect, endpoint.tls)
        connection.give_up_pacing = self._stop
        connection.limit_receive_buffer(_RECEIVE_BUFFER)
        patience = int(2 * seconds / deadlines.reply) + deadlines.patience
        patient = replace(deadlines, patience=patience)
        session = Session(connection, recorder, patient, target.wait_for_login_turn)
        if target.greets:
            session.greeting()
        return session, connection

    def _wait(self, session: Session, recorder: Recorder, after: str, seconds: float, command: str) -> Wait:
        """Send nothing for that long, or until the server closes; then send the command."""
        recorder.transcript.note(f"the client sends nothing for {seconds:.0f} seconds")
        begun = time.monotonic()
        deadline = Deadline(seconds)
        unasked = b""
        while deadline.remaining() and not session.at_eof and len(unasked) < _MUCH:
            self._go_on()
            unasked += session.silence(deadline.sooner(_GLANCE))
        waited = time.monotonic() - begun
        if session.at_eof:
            return Wait(after, waited, unasked, End.RESET if session.was_reset else End.CLOSED)
        reply, end = self._ask(session, command)
        return Wait(after, waited, unasked, end, reply)

    def _ask(self, session: Session, command: str) -> tuple[Reply | None, End]:
        """Send the command; return its reply if there is one, and how the connection stands."""
        try:
            return session.command(command), End.ANSWERED
        except NoReplyError:
            if session.was_reset:
                return None, End.RESET
            return None, End.CLOSED if session.at_eof else End.SILENT

    def _messages(self, session: Session) -> Mapping[bytes, int]:
        """Return the unique-ids of the messages, or where UIDL is not offered their sizes, each with its count."""
        if self._bench.facts.uidl:
            return Counter(session.uidl().by_number.values())
        return Counter(b"%d octets" % size for size in session.list().sizes.values())

    @contextmanager
    def _maildrop(self) -> Iterator[Maildrop]:
        """Take one of the spare maildrops for a while, waiting for it if need be."""
        if not self._lent:
            raise NotRun("needs a disposable account with a seeder")
        drop = None
        while drop is None:
            self._go_on()
            try:
                drop = self._spare.get(timeout=_GLANCE)
            except Empty:
                continue
        try:
            yield drop
        finally:
            drop.dirty = True
            self._spare.put(drop)

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise NotRun("the run was interrupted")

    # -- threads and maildrops ---------------------------------------------------------------------------------------

    def _borrow(self, users: Collection[str], keeping: int) -> None:
        self._lent = self._bench.keeper.lend(len(self._wanted), keeping, users)
        for drop in self._lent:
            self._spare.put(drop)

    def _begin(self, watch: Watch) -> None:
        keep: dict[Watch, Callable[[Recorder], Timeline]] = {
            Watch.TRANSACTION: self._in_transaction,
            Watch.AUTHORIZATION: self._before_login,
            Watch.SLOW_TRANSFER: self._slow_transfer,
        }
        seen = self._seen[watch] = Future[Timeline]()

        def run() -> None:
            try:
                seen.set_result(keep[watch](Recorder()))
            except Deviation as error:
                seen.set_exception(BenchError(f"the session does not get as far as its silence: {error}"))
            except Exception as error:
                # Whatever it is, it belongs into the check that asks for the timeline.
                seen.set_exception(error)

        threading.Thread(target=run, name=f"slow lane: {watch.value}", daemon=True).start()


class _PacedConnection(Connection):
    """A connection that is read at a steady pace."""

    octets_per_second = float("inf")
    give_up_pacing = threading.Event()
    _next_read = 0.0

    def limit_receive_buffer(self, octets: int) -> None:
        """Let the kernel hold no more than about so many octets for us, so that the server has to wait for us."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, octets)

    def receive(self, within: float) -> bytes:
        """Return the octets of the next segment when it is time for them; otherwise as the method of the base."""
        self.give_up_pacing.wait(max(0.0, self._next_read - time.monotonic()))
        octets = super().receive(within)
        self._next_read = time.monotonic() + len(octets) / self.octets_per_second
        return octets


def _large_message() -> Message:
    line = b"a client may take its time to read a message; " * 20
    return ordinary("large", "It is read slowly.", *[line] * (_LARGE // len(line)))
