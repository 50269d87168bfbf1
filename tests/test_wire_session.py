"""Sessions against a server that follows a script: every wait has an end, and nothing that comes is overlooked."""

import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.verdict import BenchError, Deviation, Verdict
from conformance.wire import connection as connection_module
from conformance.wire import session as session_module
from conformance.wire.connection import Connection, Deadline
from conformance.wire.reply import Defect, Form
from conformance.wire.session import Deadlines, Endpoint, NoReplyError, Recorder, Session, apop_digest, form_of
from conformance.wire.transcript import Redactor

PATIENT = Deadlines(connect=5, greeting=5, reply=5, failed_login=5, quiet=0.05)
HASTY = Deadlines(connect=0.2, greeting=0.2, reply=0.2, failed_login=0.2, quiet=0.05, patience=3)
SLACK = 2.0
"""Seconds that a busy machine may add to a deadline."""

GREETING = b"+OK ready\r\n"

Step = Callable[[socket.socket], None]
Serve = Callable[..., Endpoint]
Open = Callable[..., Session]


# -- the steps of a script -------------------------------------------------------------------------------------------


def say(*segments: bytes) -> Step:
    def step(sock: socket.socket) -> None:
        for segment in segments:
            sock.sendall(segment)

    return step


def expect(octets: bytes) -> Step:
    def step(sock: socket.socket) -> None:
        got = b""
        while len(got) < len(octets) and (more := sock.recv(len(octets) - len(got))):
            got += more
        assert got == octets

    return step


def answer(line: bytes, *segments: bytes) -> Step:
    def step(sock: socket.socket) -> None:
        expect(line + b"\r\n")(sock)
        say(*segments)(sock)

    return step


def expect_end(sock: socket.socket) -> None:
    assert sock.recv(100) == b""


def expect_reset(sock: socket.socket) -> None:
    with pytest.raises(ConnectionResetError):
        sock.recv(100)


def until(event: threading.Event) -> Step:
    def step(_: socket.socket) -> None:
        assert event.wait(5)

    return step


def tell(event: threading.Event) -> Step:
    return lambda _: event.set()


def pause(seconds: float) -> Step:
    return lambda _: time.sleep(seconds)


def close(sock: socket.socket) -> None:
    sock.close()


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def half_close(sock: socket.socket) -> None:
    sock.shutdown(socket.SHUT_WR)


def trickle(first: bytes, again: bytes, every: float = 0.05) -> Step:
    """Keep talking, slowly, until the client has gone."""

    def step(sock: socket.socket) -> None:
        sock.sendall(first)
        with suppress(OSError):
            while True:
                time.sleep(every)
                sock.sendall(again)

    return step


def flood(octets: bytes) -> Step:
    """Keep talking, fast, until the client has gone."""

    def step(sock: socket.socket) -> None:
        with suppress(OSError):
            while True:
                sock.sendall(octets)

    return step


class ScriptedServer(threading.Thread):
    """Plays a script on the first connection, then waits for the client to go."""

    def __init__(self, steps: tuple[Step, ...], family: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(daemon=True)
        self._steps = steps
        self._tls = tls
        self._listener = socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            with self._listener:
                self._listener.settimeout(5)
                sock, _ = self._listener.accept()
            sock.settimeout(5)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._tls.wrap_socket(sock, server_side=True) if self._tls else sock as sock:
                for step in self._steps:
                    step(sock)
                with suppress(OSError):
                    while sock.recv(65536):
                        pass
        except BaseException as failure:
            self.failure = failure


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that plays the steps; at the end of the test the script must have been played to its end."""
    servers: list[ScriptedServer] = []

    def start(*steps: Step, family: int = socket.AF_INET, tls: ssl.SSLContext | None = None) -> Endpoint:
        servers.append(ScriptedServer(steps, family, tls))
        servers[-1].start()
        return Endpoint(*servers[-1].address)

    yield start
    for server in servers:
        server.join(10)
        assert not server.is_alive()
        if server.failure is not None:
            raise server.failure


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def open_session(serve: Serve, recorder: Recorder) -> Iterator[Open]:
    """Open a session with a server that plays the steps."""
    sessions: list[Session] = []

    def open_(*steps: Step, deadlines: Deadlines = PATIENT, family: int = socket.AF_INET) -> Session:
        sessions.append(Session.connect(serve(*steps, family=family), recorder, deadlines))
        return sessions[-1]

    yield open_
    for session in sessions:
        session.close()


@pytest.fixture
def greeted(open_session: Open) -> Open:
    """Open a session and read the greeting, before which the server does not go on with the steps."""

    def open_(*steps: Step, deadlines: Deadlines = PATIENT) -> Session:
        read = threading.Event()
        session = open_session(say(GREETING), until(read), *steps, deadlines=replace(deadlines, greeting=5))
        session.greeting()
        read.set()
        return session

    return open_


@contextmanager
def takes(at_least: float, at_most: float | None = None) -> Iterator[None]:
    started = time.monotonic()
    yield
    taken = time.monotonic() - started
    assert at_least * 0.95 <= taken < (at_least if at_most is None else at_most) + SLACK


def texts(recorder: Recorder) -> list[Any]:
    return [entry["text"] for entry in recorder.transcript.rendered(Redactor())]


# -- commands and replies --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("greeting", "timestamp"),
    [
        (b"+OK POP3 server ready\r\n", None),
        (b"+OK POP3 <1896.697170952@dbc.mtview.ca.us>\r\n", b"<1896.697170952@dbc.mtview.ca.us>"),
        (b"+OK <a@b> ready\n", b"<a@b>"),
        (b"+OK <a <b@c>\r\n", b"<b@c>"),
        (b"+OK a> <b\r\n", None),
        (b"-ERR busy\r\n", None),
    ],
)
def test_greeting_and_its_timestamp(open_session: Open, greeting: bytes, timestamp: bytes | None) -> None:
    session = open_session(say(greeting))
    assert session.greeting().status_line == greeting
    assert session.timestamp == timestamp


@pytest.mark.parametrize(
    ("call", "line", "reply"),
    [
        (lambda s: s.user("conf1"), b"USER conf1", b"+OK\r\n"),
        (lambda s: s.pass_("sec ret"), b"PASS sec ret", b"+OK\r\n"),
        (lambda s: s.pass_(b"\xff"), b"PASS \xff", b"-ERR\r\n"),
        (lambda s: s.apop("conf1", "0" * 32), b"APOP conf1 " + b"0" * 32, b"+OK\r\n"),
        (lambda s: s.stat(), b"STAT", b"+OK 2 320\r\n"),
        (lambda s: s.list(), b"LIST", b"+OK\r\n1 120\r\n.\r\n"),
        (lambda s: s.list(2), b"LIST 2", b"+OK 2 200\r\n"),
        (lambda s: s.uidl(), b"UIDL", b"+OK\r\n1 a\r\n.\r\n"),
        (lambda s: s.uidl(2), b"UIDL 2", b"+OK 2 b\r\n"),
        (lambda s: s.retr(1), b"RETR 1", b"+OK\r\na\r\n.\r\n"),
        (lambda s: s.top(1, 0), b"TOP 1 0", b"+OK\r\na\r\n.\r\n"),
        (lambda s: s.dele(1), b"DELE 1", b"+OK\r\n"),
        (lambda s: s.noop(), b"NOOP", b"+OK\r\n"),
        (lambda s: s.rset(), b"RSET", b"+OK\r\n"),
        (lambda s: s.capa(), b"CAPA", b"+OK\r\nUSER\r\n.\r\n"),
        (lambda s: s.quit(), b"QUIT", b"+OK\r\n"),
        (lambda s: s.command("AUTH", Form.LISTING), b"AUTH", b"+OK\r\nPLAIN\r\n.\r\n"),
        (lambda s: s.command("USER ä"), "USER ä".encode(), b"-ERR\r\n"),
    ],
)
def test_each_command_sends_its_line_and_reads_its_reply(
    greeted: Open, recorder: Recorder, call: Callable[[Session], object], line: bytes, reply: bytes
) -> None:
    session = greeted(answer(line, reply), answer(b"NOOP", b"+OK in step\r\n"))
    call(session)
    assert session.noop().text == b"in step"
    assert recorder.defects == []


def test_refusals_and_wrong_formats_are_deviations(greeted: Open) -> None:
    session = greeted(answer(b"STAT", b"-ERR\r\n"), answer(b"STAT", b"+OK two\r\n"), answer(b"LIST", b"-ERR\r\n"))
    for call in (session.stat, session.stat, session.list):
        with pytest.raises(Deviation):
            call()


@pytest.mark.parametrize(
    ("line", "form"),
    [
        (b"LIST", Form.LISTING),
        (b"list", Form.LISTING),
        (b"LIST 1", Form.SINGLE_LINE),
        (b"UIDL", Form.LISTING),
        (b"uidl 1", Form.SINGLE_LINE),
        (b"CAPA", Form.LISTING),
        (b"RETR 1", Form.MESSAGE),
        (b"Top 1 0", Form.MESSAGE),
        (b"STAT", Form.SINGLE_LINE),
        (b"LISTING", Form.SINGLE_LINE),
        (b"", Form.SINGLE_LINE),
        (b" ", Form.SINGLE_LINE),
    ],
)
def test_form_of(line: bytes, form: Form) -> None:
    assert form_of(line) is form


def test_apop_digest_of_the_example() -> None:
    """The example of RFC 1939 section 7."""
    digest = apop_digest(b"<1896.697170952@dbc.mtview.ca.us>", "tanstaaf")
    assert digest == "c4c9334bac560ecc979e58001b3e22fb"


def test_transcript_has_both_sides(greeted: Open, recorder: Recorder) -> None:
    session = greeted(answer(b"NOOP", b"+O", b"K\r\n"), answer(b"QUIT", b"+OK bye\r\n"), close)
    session.noop()
    session.quit()
    assert session.read_to_eof() == b""
    session.close()
    assert texts(recorder) == [
        r"+OK ready\r\n",
        r"NOOP\r\n",
        r"+OK\r\n",
        r"QUIT\r\n",
        r"+OK bye\r\n",
        "the server closes the connection",
        "the client closes the connection (FIN)",
    ]


def test_a_second_session_of_the_same_check_is_told_apart(open_session: Open, recorder: Recorder) -> None:
    for _ in range(2):
        open_session(say(GREETING)).greeting()
    assert texts(recorder) == [r"+OK ready\r\n", "on connection 2:", r"+OK ready\r\n"]


def test_reply_in_many_segments(greeted: Open) -> None:
    octets = b"+OK\r\n" + b"x" * 70_000 + b"\r\n.\r\n"
    session = greeted(answer(b"RETR 1", *(octets[at : at + 999] for at in range(0, len(octets), 999))))
    assert session.retr(1).payload == b"x" * 70_000 + b"\r\n"


def test_defects_are_recorded_with_the_reply_that_has_them(greeted: Open, recorder: Recorder) -> None:
    session = greeted(answer(b"NOOP", b"+ok\n"))
    session.noop()
    assert recorder.defects == [
        (Defect.CASE, r"+ok\n in reply to NOOP\r\n"),
        (Defect.STATUS_LINE_END, r"+ok\n in reply to NOOP\r\n"),
    ]


# -- replies that do not come ----------------------------------------------------------------------------------------


def test_no_greeting(open_session: Open) -> None:
    session = open_session(deadlines=replace(PATIENT, greeting=0.2))
    with (
        takes(0.2),
        pytest.raises(NoReplyError, match=r"expected a reply to connecting; observed nothing more for 0\.2"),
    ):
        session.greeting()
    assert not session.at_eof


def test_silence_in_place_of_a_reply(greeted: Open) -> None:
    session = greeted(deadlines=HASTY)
    with takes(0.2), pytest.raises(NoReplyError, match=r"a reply to NOOP\\r\\n; observed nothing more for 0.2 seconds"):
        session.noop()
    assert not session.at_eof


def test_a_deadline_of_ones_own(greeted: Open) -> None:
    session = greeted()
    with takes(0.1), pytest.raises(NoReplyError, match=r"for 0\.1 seconds"):
        session.command("NOOP", within=0.1)


def test_half_a_reply(greeted: Open) -> None:
    session = greeted(answer(b"LIST", b"+OK\r\n1 120\r\n"), deadlines=HASTY)
    with takes(0.2), pytest.raises(NoReplyError, match=r"0.2 seconds, after \+OK\\r\\n1 120\\r\\n$"):
        session.list()


@pytest.mark.parametrize("piece", [b"x", b"x\r\n"])
def test_trickling_ends_with_the_overall_deadline(greeted: Open, piece: bytes) -> None:
    session = greeted(expect(b"RETR 1\r\n"), trickle(b"+OK\r\n", piece), deadlines=HASTY)
    with takes(0.6), pytest.raises(NoReplyError, match=r"no end of it in 0\.6 seconds"):
        session.retr(1)


def test_trickling_does_not_outlast_a_long_deadline_for_the_first_octets(open_session: Open) -> None:
    session = open_session(trickle(b"+OK", b"x"), deadlines=replace(HASTY, greeting=0.8))
    with takes(0.8), pytest.raises(NoReplyError):
        session.greeting()


@pytest.mark.parametrize(
    ("steps", "observed"),
    [
        ((close,), "the connection closed by the server"),
        ((half_close,), "the connection closed by the server"),
        ((reset,), "the connection reset by the server"),
        ((say(b"+OK"), close), r"the connection closed by the server, after \+OK"),
        ((say(b"+OK\r"), half_close), r"the connection closed by the server, after \+OK\\r"),
    ],
)
def test_the_end_of_the_connection_in_place_of_a_reply(
    greeted: Open, recorder: Recorder, steps: tuple[Step, ...], observed: str
) -> None:
    session = greeted(expect(b"NOOP\r\n"), *steps)
    with takes(0), pytest.raises(NoReplyError, match=observed):
        session.noop()
    assert session.at_eof
    assert session.was_reset == (reset in steps)
    with takes(0), pytest.raises(NoReplyError):
        session.reply()
    assert len([text for text in texts(recorder) if "by the server" in text or "the server closes" in text]) == 1


@pytest.mark.parametrize(
    ("command", "reply", "refused", "of_login", "at_most"),
    [
        ("DELE 9", b"-ERR no\r\n", "DELE 9", False, Verdict.WARN),
        ("user nobody", b"-ERR no\r\n", "user nobody", True, Verdict.WARN),
        ("PASS x", b"-ERR no\r\n", "PASS", True, Verdict.WARN),
        ("DELE 1", b"+OK\r\n", "", False, Verdict.FAIL),
    ],
)
def test_a_connection_that_ends_after_a_refusal(
    greeted: Open, command: str, reply: bytes, refused: str, of_login: bool, at_most: Verdict
) -> None:
    session = greeted(answer(command.encode(), reply), close)
    session.command(command)
    with pytest.raises(NoReplyError) as error:
        session.noop()
    assert error.value.refused.startswith(refused)
    assert bool(error.value.refused) is bool(refused)
    assert error.value.ends_refused_login is of_login
    assert error.value.at_most is at_most


def test_a_silence_after_a_refusal_is_no_end(greeted: Open) -> None:
    session = greeted(answer(b"DELE 9", b"-ERR no\r\n"), deadlines=HASTY)
    session.command("DELE 9")
    with pytest.raises(NoReplyError) as error:
        session.noop()
    assert (error.value.refused, error.value.at_most) == ("", Verdict.FAIL)


@pytest.mark.parametrize(
    ("reply", "is_a_defect"),
    [(b"-ERR what\r\n", False), (b"+OK\r\n", True), (b"-ERR what\r\n-ERR what\r\n", True)],
)
def test_what_comes_for_a_line_that_a_fin_has_cut_off(
    greeted: Open, recorder: Recorder, reply: bytes, is_a_defect: bool
) -> None:
    session = greeted(expect(b"RET"), expect_end, say(reply), close)
    session.send(b"RET")
    session.half_close()
    session._note_surplus(PATIENT.reply)
    assert bool(recorder.defects) is is_a_defect


def test_each_login_waits_for_its_turn(greeted: Open) -> None:
    turns: list[str] = []
    lines = (b"USER conf1", b"PASS secret1", b"APOP conf1 " + b"0" * 32)
    session = greeted(*(answer(line, b"+OK\r\n") for line in lines))
    session._before_login = lambda: turns.append("login")
    session.user("conf1")
    session.pass_("secret1")
    session.apop("conf1", "0" * 32)
    assert turns == ["login", "login"]


def test_a_reply_and_the_end_of_the_connection(greeted: Open) -> None:
    session = greeted(answer(b"PASS x", b"-ERR\r\n"), close)
    assert session.pass_("x").is_err
    assert session.read_to_eof() == b""
    with pytest.raises(NoReplyError):
        session.noop()


def test_a_connection_that_was_closed_before_the_command(greeted: Open) -> None:
    closed = threading.Event()
    session = greeted(close, tell(closed))
    assert closed.wait(5)
    with takes(0), pytest.raises(NoReplyError):
        session.noop()
    assert session.at_eof


@pytest.mark.parametrize(
    ("first", "again", "observed"),
    [
        (b"+", b"x" * 65536, "a status line of more than"),
        (b"+OK\r\n", b"x\r\n" * 20_000, "a reply of more than 1000000"),
    ],
)
def test_a_flood_in_place_of_a_reply(
    monkeypatch: pytest.MonkeyPatch, greeted: Open, first: bytes, again: bytes, observed: str
) -> None:
    monkeypatch.setattr(session_module, "LONGEST_REPLY", 1_000_000)
    session = greeted(expect(b"RETR 1\r\n"), say(first), flood(again))
    with pytest.raises(NoReplyError, match=observed):
        session.retr(1)


# -- multi-line replies that end wrongly -----------------------------------------------------------------------------


def test_a_lenient_end_is_taken_when_nothing_more_comes(greeted: Open, recorder: Recorder) -> None:
    session = greeted(answer(b"LIST", b"+OK\n1 120\n.\n"), answer(b"NOOP", b"+OK\r\n"))
    with takes(3 * PATIENT.quiet):
        assert session.list().sizes == {1: 120}
    assert [defect for defect, _ in recorder.defects] == [
        Defect.STATUS_LINE_END,
        Defect.LISTING_LINE_END,
        Defect.END_MARKER,
    ]
    assert session.noop().is_ok


def test_a_lenient_end_is_taken_at_the_end_of_the_stream(greeted: Open, recorder: Recorder) -> None:
    session = greeted(answer(b"RETR 1", b"+OK\r\na\r\n.\n"), close, deadlines=replace(PATIENT, quiet=60))
    with takes(0):
        assert session.retr(1).payload == b"a\r\n"
    assert [defect for defect, _ in recorder.defects] == [Defect.END_MARKER]


def test_a_message_that_only_seems_to_have_ended(greeted: Open, recorder: Recorder) -> None:
    """A dot behind a bare LF, and the rest of the message a little later."""
    session = greeted(
        answer(b"RETR 1", b"+OK\r\na\n.\r\n"), pause(0.1), say(b"b\r\n.\r\n"), deadlines=replace(PATIENT, quiet=1)
    )
    assert session.retr(1).payload == b"a\n.\r\nb\r\n"
    assert recorder.defects == []


# -- what nobody asked for -------------------------------------------------------------------------------------------


def test_a_surplus_reply_is_seen_at_the_next_command(greeted: Open, recorder: Recorder) -> None:
    session = greeted(answer(b"RSET", b"+OK\r\n+OK again\r\n"), answer(b"NOOP", b"+OK in step\r\n"))
    session.rset()
    assert recorder.defects == []
    assert session.noop().text == b"in step"
    assert recorder.defects == [(Defect.SURPLUS, r"+OK again\r\n after the reply to RSET\r\n")]


def test_a_surplus_reply_that_comes_by_itself(greeted: Open, recorder: Recorder) -> None:
    read, said = threading.Event(), threading.Event()
    session = greeted(
        answer(b"RSET", b"+OK\r\n"), until(read), say(b"+OK again\r\n"), tell(said), answer(b"NOOP", b"+OK\r\n")
    )
    session.rset()
    read.set()
    assert said.wait(5)
    session.noop()
    assert [defect for defect, _ in recorder.defects] == [Defect.SURPLUS]


def test_surplus_behind_the_greeting(open_session: Open, recorder: Recorder) -> None:
    session = open_session(say(GREETING + GREETING), answer(b"NOOP", b"+OK\r\n"))
    session.greeting()
    session.noop()
    assert recorder.defects == [(Defect.SURPLUS, r"+OK ready\r\n after the reply to connecting")]


def test_surplus_before_the_connection_ends(greeted: Open, recorder: Recorder) -> None:
    said = threading.Event()
    session = greeted(answer(b"NOOP", b"+OK\r\n"), say(b"-ERR bye\r\n"), close, tell(said))
    session.noop()
    assert said.wait(5)
    with pytest.raises(NoReplyError):
        session.noop()
    assert recorder.defects == [(Defect.SURPLUS, r"-ERR bye\r\n after the reply to NOOP\r\n")]


def test_a_flood_nobody_asked_for(monkeypatch: pytest.MonkeyPatch, greeted: Open, recorder: Recorder) -> None:
    monkeypatch.setattr(session_module, "LONGEST_REPLY", 1_000_000)
    session = greeted(answer(b"NOOP", b"+OK\r\n"), flood(b"x" * 65536), deadlines=HASTY)
    session.noop()
    with pytest.raises(NoReplyError):
        session.noop()
    session.leave()
    assert not session.is_open


def test_replies_to_pipelined_commands_are_no_surplus(greeted: Open, recorder: Recorder) -> None:
    session = greeted(
        expect(b"STAT\r\nLIST\r\nNOOP\r\n"), say(b"+OK 0 0\r\n+OK\r\n.\r\n+OK\r\n"), answer(b"NOOP", b"+OK in step\r\n")
    )
    session.send(b"STAT\r\nLI", b"ST\r", b"\nNOOP\r\n")
    assert session.reply().text == b"0 0"
    assert session.reply(Form.LISTING).content == b""
    assert session.reply().is_ok
    assert session.noop().text == b"in step"
    assert recorder.defects == []


def test_a_session_that_is_owed_replies_looks_for_no_surplus(greeted: Open, recorder: Recorder) -> None:
    session = greeted(answer(b"STAT", b"+OK 0 0\r\n"), answer(b"NOOP", b"+OK\r\n"))
    session.send(b"STAT\r\n")
    assert session.noop().text == b"0 0"
    assert session.reply().text == b""
    assert recorder.defects == []


def test_commands_before_the_greeting(open_session: Open, recorder: Recorder) -> None:
    """The greeting is not the reply to a command that was sent before it."""
    session = open_session(expect(b"STAT\r\n"), say(GREETING + b"+OK 0 0\r\n"), answer(b"NOOP", b"+OK in step\r\n"))
    session.send(b"STAT\r\n")
    session.greeting()
    assert session.noop().text == b"0 0"
    assert session.reply().text == b"in step"
    assert recorder.defects == []


# -- sending ---------------------------------------------------------------------------------------------------------


def test_a_server_that_does_not_read(greeted: Open) -> None:
    gone = threading.Event()
    session = greeted(until(gone), deadlines=HASTY)
    with takes(0.2), pytest.raises(NoReplyError, match="expected the connection open; observed no progress in time"):
        session.send(b"NOOP " + b"x" * 16_000_000)
    session.reset()
    gone.set()


@pytest.mark.parametrize("end", [close, reset])
def test_sending_to_a_server_that_has_gone(greeted: Open, end: Step) -> None:
    session = greeted(expect(b"NOOP "), end)
    with takes(0), pytest.raises(NoReplyError, match=r"while sending NOOP x+ \[... 452 octets ...\] x+"):
        session.send(b"NOOP ", *[b"x" * 65536] * 1000)


def test_what_a_server_said_before_it_took_no_more(greeted: Open, recorder: Recorder) -> None:
    """It is the reply to the line, and nothing that nobody asked for."""
    session = greeted(expect(b"NOOP "), say(b"-ERR line too long\r\n"), close)
    with pytest.raises(NoReplyError, match=r"after -ERR line too long\\r\\n"):
        session.send(b"NOOP ", *[b"x" * 65536] * 1000)
    assert session.reply().text == b"line too long"
    assert recorder.defects == []


def test_each_argument_is_one_write(monkeypatch: pytest.MonkeyPatch, greeted: Open) -> None:
    writes: list[bytes] = []
    write = Connection.send

    def spy(self: Connection, octets: bytes, within: float) -> None:
        writes.append(octets)
        write(self, octets, within)

    monkeypatch.setattr(Connection, "send", spy)
    session = greeted(answer(b"NOOP", b"+OK\r\n"))
    session.send(b"NO", b"OP\r", b"\n")
    session.reply()
    assert writes == [b"NO", b"OP\r", b"\n"]


# -- silence and the end of the stream -------------------------------------------------------------------------------


def test_silence_is_nothing(greeted: Open) -> None:
    session = greeted()
    with takes(0.2):
        assert session.silence(0.2) == b""
    assert not session.at_eof


def test_silence_that_is_broken(greeted: Open) -> None:
    session = greeted(expect(b"\r\n"), say(b"-ERR\r\n"))
    session.send(b"\r\n")
    with takes(0):
        assert session.silence(5) == b"-ERR\r\n"


def test_silence_gives_what_came_before(greeted: Open) -> None:
    session = greeted(answer(b"NOOP", b"+OK\r\n+OK\r\n"))
    session.noop()
    assert session.silence(5) == b"+OK\r\n"


@pytest.mark.parametrize("end", [close, reset, half_close])
def test_silence_ends_with_the_connection(greeted: Open, end: Step) -> None:
    session = greeted(end)
    with takes(0):
        assert session.silence(5) == b""
        assert session.at_eof
        assert session.silence(5) == b""


def test_read_to_eof_returns_what_came(greeted: Open) -> None:
    session = greeted(say(b"a", b"b" * 100_000, b"c"), close)
    assert session.read_to_eof() == b"a" + b"b" * 100_000 + b"c"
    assert session.read_to_eof() == b""


def test_a_reset_is_an_end_too(greeted: Open) -> None:
    session = greeted(reset)
    assert session.read_to_eof() == b""
    assert session.at_eof


def test_a_server_that_does_not_close(greeted: Open) -> None:
    session = greeted(say(b"still here"))
    with takes(0.2), pytest.raises(NoReplyError, match=r"still open after 0\.2 seconds, after still here"):
        session.read_to_eof(within=0.2)


def test_a_server_that_talks_and_does_not_close(greeted: Open) -> None:
    session = greeted(trickle(b"a", b"b"))
    with takes(0.2), pytest.raises(NoReplyError, match=r"still open after 0\.2 seconds, after ab"):
        session.read_to_eof(within=0.2)


def test_a_server_that_floods_and_does_not_close(monkeypatch: pytest.MonkeyPatch, greeted: Open) -> None:
    monkeypatch.setattr(session_module, "LONGEST_REPLY", 1_000_000)
    session = greeted(flood(b"x" * 65536))
    with pytest.raises(NoReplyError, match="still open after 1000000 octets"):
        session.read_to_eof()


# -- ends ------------------------------------------------------------------------------------------------------------

LOGIN = answer(b"PASS x", b"+OK\r\n")


def test_leaving_before_login(greeted: Open, recorder: Recorder) -> None:
    session = greeted(answer(b"QUIT", b"+OK\r\n"), close)
    session.leave()
    assert not session.is_open
    assert recorder.defects == []


@pytest.mark.parametrize(
    ("login", "line"),
    [
        (lambda s: s.pass_("x"), b"PASS x"),
        (lambda s: s.apop("conf1", "0" * 32), b"APOP conf1 " + b"0" * 32),
        (lambda s: s.command("pass x"), b"pass x"),
        (lambda s: s.command("AUTH PLAIN x"), b"AUTH PLAIN x"),
        (lambda s: [s.send(b"PA", b"SS x", b"\r\n"), s.reply()], b"PASS x"),
    ],
)
def test_leaving_after_login_takes_back_what_was_marked(
    greeted: Open, login: Callable[[Session], object], line: bytes
) -> None:
    session = greeted(answer(line, b"+OK\r\n"), answer(b"RSET", b"+OK\r\n"), answer(b"QUIT", b"+OK\r\n"), close)
    login(session)
    assert session.logged_in
    session.leave()


def test_leaving_after_a_login_by_challenge(greeted: Open) -> None:
    session = greeted(
        answer(b"AUTH PLAIN", b"+ \r\n"),
        answer(b"AGEAYg==", b"+OK\r\n"),
        answer(b"RSET", b"+OK\r\n"),
        answer(b"QUIT", b"+OK\r\n"),
        close,
    )
    session.command("AUTH PLAIN")
    assert not session.logged_in
    session.command("AGEAYg==")
    assert session.logged_in
    session.leave()


def test_leaving_after_a_refused_login(greeted: Open) -> None:
    session = greeted(answer(b"PASS x", b"-ERR\r\n"), answer(b"QUIT", b"+OK\r\n"), close)
    session.pass_("x")
    assert not session.logged_in
    session.leave()


def test_leaving_deletes_nothing_where_rset_is_refused(greeted: Open) -> None:
    session = greeted(LOGIN, answer(b"RSET", b"-ERR\r\n"), expect_end)
    session.pass_("x")
    session.leave()


def test_leaving_sends_nothing_when_out_of_step(greeted: Open) -> None:
    session = greeted(expect(b"NOOP\r\n"), expect_end)
    session.send(b"NOOP\r\n")
    session.leave()
    assert not session.is_open


def test_leaving_sends_nothing_when_the_server_has_gone(greeted: Open, recorder: Recorder) -> None:
    session = greeted(close)
    session.read_to_eof()
    session.leave()
    assert not any("QUIT" in text for text in texts(recorder))


def test_leaving_sees_surplus_behind_the_reply_to_quit(greeted: Open, recorder: Recorder) -> None:
    session = greeted(answer(b"QUIT", b"+OK\r\n", b"+OK again\r\n"), close)
    session.leave()
    assert recorder.defects == [(Defect.SURPLUS, r"+OK again\r\n after the reply to QUIT\r\n")]


def test_leaving_sees_surplus_where_the_server_does_not_close(greeted: Open, recorder: Recorder) -> None:
    session = greeted(answer(b"QUIT", b"+OK\r\n+OK again\r\n"))
    with takes(PATIENT.quiet):
        session.leave()
    assert [defect for defect, _ in recorder.defects] == [Defect.SURPLUS]


@pytest.mark.parametrize("steps", [(), (expect(b"RSET\r\n"), close), (expect(b"RSET\r\n"), reset)])
def test_leaving_a_server_that_does_not_answer(greeted: Open, recorder: Recorder, steps: tuple[Step, ...]) -> None:
    session = greeted(LOGIN, *steps, deadlines=HASTY)
    session.pass_("x")
    with takes(0, at_most=0.2):
        session.leave()
    assert not session.is_open
    assert any(text.startswith("leaving: expected a reply to RSET") for text in texts(recorder))


def test_leaving_twice(greeted: Open, recorder: Recorder) -> None:
    session = greeted(answer(b"QUIT", b"+OK\r\n"), close)
    session.leave()
    said = texts(recorder)
    session.leave()
    session.close()
    session.reset()
    assert texts(recorder) == said


def test_closing_sends_fin(greeted: Open) -> None:
    greeted(expect_end).close()


def test_closing_sends_fin_although_something_is_unread(greeted: Open) -> None:
    said, closed = threading.Event(), threading.Event()
    session = greeted(say(b"unread"), tell(said), until(closed), expect_end)
    assert said.wait(5)
    session.close()
    closed.set()


def test_resetting_sends_rst(greeted: Open) -> None:
    greeted(expect_reset).reset()


def test_half_closing_goes_on_reading(greeted: Open, recorder: Recorder) -> None:
    session = greeted(expect(b"NOOP\r\n"), expect_end, say(b"+OK\r\n"), close)
    session.send(b"NOOP\r\n")
    session.half_close()
    assert session.reply().is_ok
    assert session.read_to_eof() == b""
    assert "the client closes its half of the connection (FIN)" in texts(recorder)


@pytest.mark.parametrize("end", [Session.close, Session.reset])
@pytest.mark.parametrize(
    "use",
    [
        lambda s: s.noop(),
        lambda s: s.send(b"NOOP\r\n"),
        lambda s: s.reply(),
        lambda s: s.silence(0),
        lambda s: s.read_to_eof(),
        lambda s: s.half_close(),
    ],
)
def test_using_an_ended_session_is_the_fault_of_the_bench(
    greeted: Open, end: Callable[[Session], None], use: Callable[[Session], object]
) -> None:
    session = greeted()
    end(session)
    with pytest.raises(BenchError, match="ended"):
        use(session)


# -- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "segments",
    [
        [b"PASS sesame\r\n"],
        [b"USER conf1\r\nPASS sesame\r\n"],
        [b"PA", b"SS ses", b"ame", b"\r", b"\n"],
        [b"PASS " + b"sesame" * 200 + b"\r\n"],
        [b"PASS " + b"sesame" * 200, b"sesame\r\n"],
        [b"APOP conf1 sesame\r\n"],
        [b"auth plain sesame\r\n"],
    ],
)
def test_no_secret_in_what_is_said_about_a_line(greeted: Open, recorder: Recorder, segments: list[bytes]) -> None:
    session = greeted(expect(b"".join(segments)), say(b"+ok\r\n"), deadlines=HASTY)
    session.send(*segments)
    session.reply()
    with pytest.raises(NoReplyError) as caught:
        session.reply()
    said = [str(caught.value), *(where for _, where in recorder.defects), *texts(recorder)]
    assert len(recorder.defects) == 1
    assert not any("sesame" in text or "ame" in text for text in said)


def test_no_response_in_what_is_said_about_it(greeted: Open, recorder: Recorder) -> None:
    session = greeted(answer(b"AUTH PLAIN", b"+ \r\n"), answer(b"sesame", b"+ok\r\n"))
    session.command("AUTH PLAIN")
    session.command("sesame")
    assert recorder.defects == [(Defect.CASE, r"+ok\r\n in reply to the response to a challenge")]
    assert not any("sesame" in text for text in texts(recorder))


@pytest.mark.parametrize(
    ("segments", "named"),
    [
        ([b"NOOP\r\n", b"STAT\r\n"], r"STAT\r\n"),
        ([b"NOOP\r\nST", b"AT\r", b"\n"], r"STAT\r\n"),
        ([b"NOOP " + b"x" * 1000 + b"\r\n", b"STAT\r\n"], r"STAT\r\n"),
        ([b"NOOP\r\n", b"STA"], "STA"),
        ([b"\r\n"], r"\r\n"),
        ([b"NOOP " + b"x" * 1000 + b"\r\n"], "NOOP " + "x" * 40 + " [... 452 octets ...] " + "x" * 13 + r"\r\n"),
    ],
)
def test_the_last_line_is_named(greeted: Open, segments: list[bytes], named: str) -> None:
    session = greeted(deadlines=HASTY)
    session.send(*segments)
    with pytest.raises(NoReplyError) as caught:
        session.reply()
    assert caught.value.expected == (f"a reply to {named}",)


# -- connections -----------------------------------------------------------------------------------------------------


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    recorder = Recorder()
    with pytest.raises(ConnectionRefusedError):
        Session.connect(Endpoint("127.0.0.1", port), recorder, PATIENT)
    assert recorder.connections == 0


def test_deadline_counts_down_to_zero() -> None:
    deadline = Deadline(0.05)
    assert 0 < deadline.remaining() <= 0.05
    assert deadline.sooner(0.01) == 0.01
    assert deadline.sooner(10) <= 0.05
    while deadline.remaining():
        pass
    assert deadline.sooner(10) == 0


def test_receiving_without_waiting(serve: Serve) -> None:
    go, said = threading.Event(), threading.Event()
    endpoint = serve(until(go), say(b"a"), tell(said))
    connection = Connection.open(endpoint.host, endpoint.port, 5)
    with pytest.raises(TimeoutError):
        connection.receive(0)
    go.set()
    assert said.wait(5)
    assert connection.receive(0) == b"a"
    connection.close()


def test_ipv6(open_session: Open) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 on this machine: {error}")
    session = open_session(say(GREETING), answer(b"QUIT", b"+OK\r\n"), close, family=socket.AF_INET6)
    assert session.greeting().is_ok
    session.leave()


# -- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key for 127.0.0.1, made for this run."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed, and without a certificate there is no TLS")
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(file), "-out", str(file.with_suffix(".crt"))),
        ],
        check=True,
        capture_output=True,
    )
    file.write_text(file.read_text() + file.with_suffix(".crt").read_text())
    return file


@pytest.fixture
def open_tls(serve: Serve, recorder: Recorder, certificate: Path) -> Iterator[Open]:
    """Open a session over TLS with a server that plays the steps, and read the greeting."""
    sessions: list[Session] = []

    def open_(*steps: Step, deadlines: Deadlines = PATIENT) -> Session:
        read = threading.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        endpoint = serve(say(GREETING), until(read), *steps, tls=context)
        trusting = replace(endpoint, tls=ssl.create_default_context(cafile=certificate))
        sessions.append(Session.connect(trusting, recorder, replace(deadlines, connect=5, greeting=5)))
        sessions[-1].greeting()
        read.set()
        return sessions[-1]

    yield open_
    for session in sessions:
        session.close()


def test_tls(open_tls: Open, recorder: Recorder) -> None:
    octets = b"+OK\r\n" + b"x" * 100_000 + b"\r\n.\r\n"
    session = open_tls(
        LOGIN, answer(b"RETR 1", octets), answer(b"RSET", b"+OK\r\n"), answer(b"QUIT", b"+OK\r\n"), close
    )
    session.pass_("x")
    assert session.retr(1).payload == b"x" * 100_000 + b"\r\n"
    session.leave()
    assert recorder.defects == []


def test_tls_silence(open_tls: Open) -> None:
    session = open_tls(deadlines=HASTY)
    assert session.silence(0) == b""
    with takes(0.2), pytest.raises(NoReplyError):
        session.noop()


def test_tls_surplus(open_tls: Open, recorder: Recorder) -> None:
    """More than one read's worth is waiting, part of it inside the TLS layer."""
    said = threading.Event()
    session = open_tls(answer(b"RSET", b"+OK\r\n", b"x" * 40_000), tell(said), answer(b"NOOP", b"+OK in step\r\n"))
    session.rset()
    assert said.wait(5)
    assert session.noop().text == b"in step"
    assert [defect for defect, _ in recorder.defects] == [Defect.SURPLUS]


def test_tls_record_in_several_reads(monkeypatch: pytest.MonkeyPatch, open_tls: Open, recorder: Recorder) -> None:
    """What is left of a record is inside the TLS layer, where no poll sees it."""
    session = open_tls(answer(b"NOOP", b"+OK 1234567890\r\nabcde"), answer(b"NOOP", b"+OK in step\r\n"))
    monkeypatch.setattr(connection_module, "READ_SIZE", 4)
    assert session.noop().text == b"1234567890"
    assert session.noop().text == b"in step"
    assert recorder.defects == [(Defect.SURPLUS, r"abcde after the reply to NOOP\r\n")]


@pytest.mark.parametrize("end", [close, reset, ssl.SSLSocket.unwrap])
def test_tls_end(open_tls: Open, end: Step) -> None:
    session = open_tls(expect(b"NOOP\r\n"), end)
    with takes(0), pytest.raises(NoReplyError):
        session.noop()
    assert session.at_eof
    session.leave()


def test_tls_half_close_goes_on_reading(open_tls: Open) -> None:
    closed = threading.Event()
    session = open_tls(expect(b"NOOP\r\n"), until(closed), say(b"+OK\r\n"))
    session.send(b"NOOP\r\n")
    session.half_close()
    closed.set()
    assert session.reply().is_ok


def test_tls_broken_off_by_plain_octets(open_tls: Open, recorder: Recorder) -> None:
    def speak_in_the_clear(sock: socket.socket) -> None:
        socket.socket.send(sock, b"+OK this is not TLS\r\n")

    session = open_tls(expect(b"NOOP\r\n"), speak_in_the_clear)
    with takes(0), pytest.raises(NoReplyError, match="SSL"):
        session.noop()
    assert session.read_to_eof() == b""


def test_tls_server_that_does_not_read(open_tls: Open) -> None:
    gone = threading.Event()
    session = open_tls(until(gone), deadlines=HASTY)
    with takes(0.2), pytest.raises(NoReplyError):
        session.send(b"NOOP " + b"x" * 16_000_000)
    session.reset()
    gone.set()


def test_tls_handshake_that_never_comes(serve: Serve) -> None:
    endpoint = replace(serve(), tls=ssl.create_default_context())
    with takes(0.2), pytest.raises(TimeoutError):
        Session.connect(endpoint, Recorder(), HASTY)


def test_tls_certificate_that_is_not_trusted(serve: Serve, certificate: Path) -> None:
    def handshake(sock: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with pytest.raises(OSError, match=r"."):
            context.wrap_socket(sock, server_side=True).recv(1)

    endpoint = replace(serve(handshake), tls=ssl.create_default_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        Session.connect(endpoint, Recorder(), PATIENT)
