"""The conforming reference server, spoken to by plain sockets and by poplib."""

import contextlib
import hashlib
import os
import poplib
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.reference.commandlines import CommandLines, Flaw
from conformance.reference.server import running_reference
from conformance.reference.site import Account, Mechanism, UsersError, load_users
from conformance.reference.store import LineEnds, open_maildir

USERS = {"alice": "open sesame", "bob": "{PLAIN}builder", "carol": "{APOP}christmas", "dave": "{PASS}discman"}
DOTS = b"Subject: dots\r\n.X: y\r\n\r\n.\r\n..\r\n.x\r\nlast\r\n"
MESSAGES = {
    "1.plain": b"Subject: plain\r\n\r\none\r\ntwo\r\nthree\r\n",
    "2.dots": DOTS,
    "3.unterminated": b"Subject: cut\r\n\r\nno line end",
    "4.header": b"Subject: header\r\nX: only\r\n",
}


class Client:
    """A socket that reads replies, and fails on a server that is slow to give them."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.file = self.socket.makefile("rb")
        self.greeting = self.line()

    def line(self) -> bytes:
        return self.file.readline()

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def ask(self, command: bytes) -> bytes:
        self.send(command + b"\r\n")
        return self.line()

    def lines(self) -> bytes:
        """Read up to the termination line and return what came before it."""
        lines = []
        while (line := self.line()) != b".\r\n":
            assert line.endswith(b"\r\n"), line
            lines.append(line)
        return b"".join(lines)

    def ask_lines(self, command: bytes) -> bytes:
        status = self.ask(command)
        assert status.startswith(b"+OK"), status
        return self.lines()

    def login(self, user: bytes = b"alice", password: bytes = b"open sesame") -> bytes:
        assert self.ask(b"USER " + user).startswith(b"+OK")
        return self.ask(b"PASS " + password)

    def at_end(self) -> bool:
        return self.file.read() == b""

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    for user in USERS:
        for folder in ("new", "cur", "tmp"):
            (tmp_path / user / "Maildir" / folder).mkdir(parents=True)
    for name, octets in MESSAGES.items():
        (tmp_path / "alice" / "Maildir" / "new" / name).write_bytes(octets)
    return tmp_path


@pytest.fixture
def port(mail: Path) -> Iterator[int]:
    with running_reference(USERS, mail) as port:
        yield port


@pytest.fixture
def connect(port: int) -> Iterator[Callable[[], Client]]:
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(contextlib.closing(Client(port)))


@pytest.fixture
def client(connect: Callable[[], Client]) -> Client:
    client = connect()
    assert client.login().startswith(b"+OK")
    return client


def left(mail: Path, user: str = "alice") -> set[str]:
    return {path.name for path in (mail / user / "Maildir").glob("*/*")}


def until(condition: Callable[[], bool]) -> None:
    """Wait for what the server does after a connection has ended, at most 5 seconds."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_poplib_gets_along(port: int, mail: Path) -> None:
    pop = poplib.POP3("127.0.0.1", port, timeout=5)
    pop.user("alice")
    pop.pass_("open sesame")
    assert pop.stat() == (4, sum(len(octets) for octets in MESSAGES.values()) + 2)
    assert [row.split()[0] for row in pop.list()[1]] == [b"1", b"2", b"3", b"4"]
    assert pop.uidl()[1] == [f"{n} {name}".encode() for n, name in enumerate(MESSAGES, start=1)]
    assert b"\r\n".join(pop.retr(2)[1]) + b"\r\n" == DOTS
    assert pop.top(1, 1)[1] == [b"Subject: plain", b"", b"one"]
    assert "TOP" in pop.capa()
    pop.noop()
    pop.dele(1)
    pop.quit()
    assert left(mail) == MESSAGES.keys() - {"1.plain"}


def test_poplib_logs_in_by_apop(port: int) -> None:
    pop = poplib.POP3("127.0.0.1", port, timeout=5)
    assert pop.apop("carol", "christmas").startswith(b"+OK")
    pop.quit()


def test_greeting_has_a_new_timestamp_each_time(connect: Callable[[], Client]) -> None:
    stamps = [re.fullmatch(rb"\+OK [^<]*(<[^<>@ ]+@[^<>@ ]+>)\r\n", connect().greeting) for _ in range(20)]
    assert len({stamp[1] for stamp in stamps if stamp}) == 20


@pytest.mark.parametrize("command", ["STAT", "LIST", "RETR 1", "DELE 1", "NOOP", "RSET", "TOP 1 0", "UIDL"])
def test_transaction_commands_are_refused_before_login(connect: Callable[[], Client], command: str) -> None:
    client = connect()
    assert client.ask(command.encode()).startswith(b"-ERR")
    assert client.login().startswith(b"+OK")


@pytest.mark.parametrize("command", ["USER alice", "PASS open sesame", "APOP alice 00", "AUTH PLAIN", "STLS"])
def test_authorization_commands_are_refused_after_login(client: Client, command: str) -> None:
    assert client.ask(command.encode()).startswith(b"-ERR")
    assert client.ask(b"NOOP") == b"+OK\r\n"


@pytest.mark.parametrize("before", [[], [b"USER alice", b"NOOP"], [b"USER alice", b"CAPA"], [b"USER alice", b"USER"]])
def test_pass_has_to_follow_user_directly(connect: Callable[[], Client], before: list[bytes]) -> None:
    client = connect()
    for command in before:
        if client.ask(command).startswith(b"+OK cap"):
            client.lines()
    assert client.ask(b"PASS open sesame").startswith(b"-ERR")
    assert client.login().startswith(b"+OK")


def test_failed_login_leaves_the_connection_usable(connect: Callable[[], Client]) -> None:
    client = connect()
    for user, password in [(b"alice", b"open"), (b"alice", b"OPEN SESAME"), (b"nobody", b"x"), (b"alice", b"")]:
        assert client.login(user, password).startswith(b"-ERR")
    assert client.ask(b"PASS open sesame").startswith(b"-ERR")
    assert client.login(b"bob", b"builder").startswith(b"+OK")
    assert client.ask(b"STAT") == b"+OK 0 0\r\n"


def test_second_user_replaces_the_first(connect: Callable[[], Client]) -> None:
    client = connect()
    client.ask(b"USER alice")
    assert client.login(b"bob", b"builder").startswith(b"+OK")


def test_account_logs_in_by_its_mechanism_only(connect: Callable[[], Client]) -> None:
    client = connect()
    assert client.login(b"carol", b"christmas").startswith(b"-ERR")
    stamp = client.greeting[client.greeting.index(b"<") : -2]
    for secret in (b"discman", b"wrong"):
        digest = hashlib.md5(stamp + secret).hexdigest().encode()
        assert client.ask(b"APOP dave " + digest).startswith(b"-ERR")
    digest = hashlib.md5(stamp + b"christmas").hexdigest().encode()
    assert client.ask(b"APOP carol " + digest.upper()).startswith(b"-ERR")
    assert client.ask(b"APOP carol " + digest).startswith(b"+OK")


def test_listings(client: Client) -> None:
    sizes = [len(MESSAGES["1.plain"]), len(DOTS), len(MESSAGES["3.unterminated"]) + 2, len(MESSAGES["4.header"])]
    assert client.ask(b"STAT") == b"+OK 4 %d\r\n" % sum(sizes)
    assert client.ask_lines(b"LIST") == b"".join(b"%d %d\r\n" % row for row in enumerate(sizes, start=1))
    assert client.ask(b"LIST 2") == b"+OK 2 %d\r\n" % sizes[1]
    assert client.ask(b"UIDL 2") == b"+OK 2 2.dots\r\n"
    assert client.ask_lines(b"UIDL").splitlines()[3] == b"4 4.header"


def test_empty_maildrop(connect: Callable[[], Client]) -> None:
    client = connect()
    client.login(b"bob", b"builder")
    assert client.ask(b"STAT") == b"+OK 0 0\r\n"
    assert client.ask_lines(b"LIST") == b""
    assert client.ask_lines(b"UIDL") == b""
    assert client.ask(b"RETR 1").startswith(b"-ERR")


def test_retr_stuffs_and_terminates(client: Client) -> None:
    assert client.ask_lines(b"RETR 2") == b"Subject: dots\r\n..X: y\r\n\r\n..\r\n...\r\n..x\r\nlast\r\n"
    assert client.ask_lines(b"RETR 3") == b"Subject: cut\r\n\r\nno line end\r\n"
    assert client.ask_lines(b"RETR 4") == b"Subject: header\r\nX: only\r\n"


def test_top(client: Client) -> None:
    assert client.ask_lines(b"TOP 1 0") == b"Subject: plain\r\n\r\n"
    assert client.ask_lines(b"TOP 1 2") == b"Subject: plain\r\n\r\none\r\ntwo\r\n"
    assert client.ask_lines(b"TOP 1 99999999") == MESSAGES["1.plain"]
    assert client.ask_lines(b"TOP 2 2") == b"Subject: dots\r\n..X: y\r\n\r\n..\r\n...\r\n"
    assert client.ask_lines(b"TOP 4 5") == b"Subject: header\r\nX: only\r\n"
    for arguments in (b"", b" 1", b" 1 -1", b" 1 x", b" 9 1", b" 0 1", b" 1 1 1"):
        assert client.ask(b"TOP" + arguments).startswith(b"-ERR")


NUMBERS = ["0", "5", "-1", "+1", "1.5", "1e0", "0x1", "1x", "x", "2147483648", "4294967297", "9" * 40, "\u0661"]


@pytest.mark.parametrize("command", ["LIST", "UIDL", "RETR", "DELE"])
def test_bad_message_numbers_are_refused(client: Client, command: str) -> None:
    for number in NUMBERS:
        assert client.ask(f"{command} {number}".encode()).startswith(b"-ERR"), number
    assert client.ask(b"STAT").startswith(b"+OK 4 ")


def test_dele_marks_until_rset(client: Client) -> None:
    before = client.ask_lines(b"LIST")
    assert client.ask(b"DELE 2").startswith(b"+OK")
    for command in (b"DELE 2", b"RETR 2", b"TOP 2 0", b"LIST 2", b"UIDL 2"):
        assert client.ask(command).startswith(b"-ERR")
    assert client.ask(b"STAT").startswith(b"+OK 3 ")
    assert [row.split()[0] for row in client.ask_lines(b"UIDL").splitlines()] == [b"1", b"3", b"4"]
    assert client.ask(b"RSET").startswith(b"+OK")
    assert client.ask_lines(b"LIST") == before


def test_quit_removes_the_marked_and_closes(client: Client, mail: Path) -> None:
    client.send(b"DELE 1\r\nDELE 3\r\nQUIT\r\nDELE 2\r\nNOOP\r\n")
    assert [client.line()[:3] for _ in range(3)] == [b"+OK"] * 3
    assert client.at_end()
    assert left(mail) == {"2.dots", "4.header"}


def test_quit_says_when_removal_fails(client: Client, mail: Path) -> None:
    client.ask(b"DELE 1")
    client.ask(b"DELE 2")
    stuck = mail / "alice/Maildir/new/1.plain"
    stuck.unlink()
    stuck.mkdir()
    assert client.ask(b"QUIT").startswith(b"-ERR")
    assert client.at_end()
    assert "2.dots" not in left(mail)


def test_quit_before_login(connect: Callable[[], Client]) -> None:
    client = connect()
    client.ask(b"USER alice")
    assert client.ask(b"QUIT").startswith(b"+OK")
    assert client.at_end()


@pytest.mark.parametrize("end", ["close", "reset", "half-close", "unterminated QUIT"])
def test_nothing_is_removed_without_quit(connect: Callable[[], Client], client: Client, mail: Path, end: str) -> None:
    client.ask(b"DELE 1")
    if end == "reset":
        client.reset()
    elif end == "close":
        client.close()
    else:
        client.send(b"" if end == "half-close" else b"QUIT")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.at_end()
    until(lambda: connect().login().startswith(b"+OK"))
    assert left(mail) == MESSAGES.keys()


def test_lock_is_exclusive_until_the_session_ends(connect: Callable[[], Client], client: Client) -> None:
    other = connect()
    for _ in range(2):
        assert other.login() == b"-ERR [IN-USE] maildrop is in use by another session\r\n"
    assert connect().login(b"bob", b"builder").startswith(b"+OK")
    client.ask(b"QUIT")
    assert other.login().startswith(b"+OK")


def test_maildrop_that_cannot_be_opened_is_refused_and_unlocked(connect: Callable[[], Client], mail: Path) -> None:
    maildir = mail / "bob" / "Maildir" / "new"
    maildir.rmdir()
    maildir.write_bytes(b"")
    client = connect()
    assert client.login(b"bob", b"builder").startswith(b"-ERR")
    maildir.unlink()
    assert connect().login(b"bob", b"builder").startswith(b"+OK")


def test_session_is_a_snapshot(connect: Callable[[], Client], client: Client, mail: Path) -> None:
    before = client.ask_lines(b"LIST")
    (mail / "alice/Maildir/new/0.new").write_bytes(b"Subject: new\r\n\r\n")
    (mail / "alice/Maildir/new/1.plain").unlink()
    assert client.ask_lines(b"LIST") == before
    assert client.ask(b"RETR 1").startswith(b"-ERR")
    assert client.ask_lines(b"RETR 2").startswith(b"Subject: dots")
    client.ask(b"QUIT")
    after = connect()
    after.login()
    assert after.ask(b"UIDL 1") == b"+OK 1 0.new\r\n"


def test_commands_byte_by_byte_and_in_one_segment(connect: Callable[[], Client]) -> None:
    client = connect()
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for octet in b"USER alice\r\nPASS open sesame\r\n":
        client.send(bytes([octet]))
    assert client.line().startswith(b"+OK")
    assert client.line().startswith(b"+OK")
    client.send(b"STAT\r\nBAD\r\n" + b"RETR 2\r\n" * 100 + b"NOOP\r\n")
    assert client.line().startswith(b"+OK 4 ")
    assert client.line().startswith(b"-ERR")
    for _ in range(100):
        assert client.line().startswith(b"+OK")
        client.lines()
    assert client.line() == b"+OK\r\n"


HOSTILE = [
    b"",
    b" ",
    b"XYZZY",
    b"NOOPX",
    b"QUITX",
    b"QU",
    b"NOOP ",
    b"NOOP x",
    b"STAT 1",
    b"RSET  ",
    b"LIST 1 2",
    b"LIST  1",
    b"LIST\t1",
    b" NOOP",
    b"NOOP\x00",
    b"NOOP\x00x",
    b"\xc5\xbfTAT",
    b"NO\xffOP",
    b"NOOP\nNOOP",
    b"NOOP\rNOOP",
    b"RETR 1\x00",
    b"LAST",
    b"RPOP x",
    b"XTND BBOARDS",
    b"RETR " + b"1" * 240,
    b"RETR " + b"1" * 400,
    b"A" * 100_000,
    b"%s%n%x",
]


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: repr(line[:12]))
def test_hostile_line_gets_one_refusal_and_no_effect(client: Client, line: bytes) -> None:
    client.ask(b"DELE 1")
    reply = client.ask(line)
    assert re.fullmatch(rb"-ERR [\x20-\x7e]{1,60}\r\n", reply)
    assert client.ask(b"STAT").startswith(b"+OK 3 ")


def test_keywords_are_case_insensitive(client: Client) -> None:
    assert client.ask(b"nOoP") == b"+OK\r\n"
    assert client.ask(b"list 1").startswith(b"+OK 1 ")


def test_line_of_255_octets_is_a_command(connect: Callable[[], Client]) -> None:
    client = connect()
    assert client.ask(b"USER " + b"u" * 248).startswith(b"+OK")
    assert client.ask(b"USER " + b"u" * 249) == b"-ERR line too long\r\n"


def test_autologout_closes_silently_and_keeps_mail(mail: Path) -> None:
    with running_reference(USERS, mail, autologout=0.4) as port:
        client = Client(port)
        client.login()
        client.ask(b"DELE 1")
        for _ in range(4):
            time.sleep(0.2)
            assert client.ask(b"NOOP") == b"+OK\r\n"
        started = time.monotonic()
        assert client.at_end()
        assert 0.3 < time.monotonic() - started < 2
        client.close()
        until(lambda: Client(port).login().startswith(b"+OK"))
    assert left(mail) == MESSAGES.keys()


def test_large_message_to_a_slow_reader(mail: Path) -> None:
    content = b"Subject: large\r\n\r\n" + b".2345678901234567890\r\n" * 100_000
    (mail / "alice/Maildir/new/0.large").write_bytes(content)
    with running_reference(USERS, mail) as port:
        slow, other = Client(port), Client(port)
        slow.login()
        slow.send(b"RETR 1\r\nNOOP\r\n")
        assert other.login(b"bob", b"builder").startswith(b"+OK")
        assert slow.line().startswith(b"+OK")
        assert slow.lines().replace(b"\r\n.", b"\r\n") == content
        assert slow.line() == b"+OK\r\n"


def test_line_ends_lf(mail: Path) -> None:
    (mail / "bob/Maildir/cur/9.lf:2,S").write_bytes(b"Subject: lf\n\n.\nmixed\r\nlast")
    with running_reference(USERS, mail, line_ends=LineEnds.LF) as port:
        client = Client(port)
        client.login(b"bob", b"builder")
        content = b"Subject: lf\r\n\r\n.\r\nmixed\r\nlast\r\n"
        assert client.ask(b"LIST 1") == b"+OK 1 %d\r\n" % len(content)
        assert client.ask(b"UIDL 1") == b"+OK 1 9.lf\r\n"
        assert client.ask_lines(b"RETR 1") == content.replace(b".\r\n", b"..\r\n", 1)


def test_unique_id_of_an_odd_file_name_is_well_formed(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for name in ("a b", "x" * 71, "é", ".hidden"):
        (tmp_path / "new" / name).write_bytes(b"")
    found = [message.unique_id for message in open_maildir(tmp_path, LineEnds.EXACT)]
    assert len(set(found)) == 3
    assert all(re.fullmatch(r"[\x21-\x7e]{1,70}", name) for name in found)


def test_users_file(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_bytes(b"# comment\n\nalice:{PLAIN}a:b c \r\nbob:{apop}x\n")
    assert load_users(users) == {
        b"alice": Account(b"alice", b"a:b c ", frozenset(Mechanism)),
        b"bob": Account(b"bob", b"x", frozenset({Mechanism.APOP})),
    }


@pytest.mark.parametrize("line", ["alice", "../etc:x", "..:x", "a b:x", ":x", "alice:{MD5}x"])
def test_users_file_with_an_error(tmp_path: Path, line: str) -> None:
    users = tmp_path / "users"
    users.write_text(line)
    with pytest.raises(UsersError):
        load_users(users)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_command_lines_do_not_depend_on_segments(size: int) -> None:
    octets = b"a\r\n\r\nb\nc\r\r\n" + b"x" * 30 + b"\r\ny\r" + b"\r\n" + b"z" * 8 + b"\r\n" + b"z" * 9 + b"\r\nrest"
    lines = CommandLines(limit=10)
    found = [line for at in range(0, len(octets), size) for line in lines.feed(octets[at : at + size])]
    assert found == [b"a", b"", b"b\nc\r", Flaw.TOO_LONG, b"y\r", b"z" * 8, Flaw.TOO_LONG]


def start(mail: Path, *options: str) -> subprocess.Popen[bytes]:
    users = mail / "users"
    users.write_text("alice:{PLAIN}open sesame\n")
    command = [sys.executable, "-m", "conformance.reference", "--users", str(users), "--mail", str(mail), *options]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ready(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    match = re.fullmatch(rb"ready 127\.0\.0\.1 (\d+)\n", process.stdout.readline())
    assert match
    return int(match[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_serves_and_stops_at_a_signal(mail: Path, number: signal.Signals) -> None:
    with start(mail, "--variant", "bare-status", "--fault", "rset-keeps-marks") as process:
        client = Client(ready(process))
        assert client.login() == b"+OK\r\n"
        client.ask(b"DELE 1")
        client.ask(b"RSET")
        assert client.ask(b"RETR 1").startswith(b"-ERR")
        process.send_signal(number)
        assert process.wait(5) == 0
        assert left(mail) == MESSAGES.keys()
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_process_ends_with_its_parent(mail: Path) -> None:
    with start(mail, "--exit-with-parent") as process:
        ready(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(5) == 0


def test_process_names_the_nearest_fault(mail: Path) -> None:
    with start(mail, "--fault", "retr-not-stufed") as process:
        assert process.wait(10) == 2
        assert process.stderr is not None
        assert b"did you mean retr-not-stuffed?" in process.stderr.read()


def test_server_does_not_share_the_parser_of_the_suite() -> None:
    program = (
        "import sys, conformance.reference.__main__;"
        "print([name for name in sys.modules if name.startswith('conformance.wire')])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert found.stdout.strip() == "[]"
