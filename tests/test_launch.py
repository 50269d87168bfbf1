"""Starting and stopping servers: small ones that behave, and ones that do not."""

import os
import poplib
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance import launch
from conformance.launch import running
from conformance.profile import Account, Endpoint, Launch, MaildirSeed, MboxSeed, Profile, Server, load_profile
from conformance.verdict import BenchError

ACCEPTING = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
while True:
    listener.accept()[0].close()
"""

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + ACCEPTING


def profile_of(*command: str, **table: object) -> Profile:
    return Profile(
        server=Server(name="Test"),
        endpoint=Endpoint(host="127.0.0.1", port=0),
        accounts=(
            Account(user="a", password="p", seed=MaildirSeed(maildir=Path("{state}/a/Maildir"))),
            Account(user="b", password="{state}", seed=MboxSeed(mbox=Path("{state}/b"))),
            Account(user="c", password="p"),
        ),
        launch=Launch.model_validate({"command": command, **table}),
    )


def python(script: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script, *arguments)


def ends(pid: int) -> bool:
    """Wait until process `pid`, which need not be a child, runs no more; a zombie does not."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        status = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
        if status.strip()[:1] in ("", "Z"):
            return True
        time.sleep(0.01)
    return False


@pytest.fixture(autouse=True)
def states(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The state directories that the test has made."""
    made: list[Path] = []
    original: Callable[..., object] = launch._filled_in

    def noting(profile: Profile, state: Path) -> object:
        made.append(state)
        return original(profile, state)

    monkeypatch.setattr(launch, "_filled_in", noting)
    return made


def test_without_launch_the_profile_comes_back_as_it_is() -> None:
    profile = Profile(
        server=Server(name="Test"),
        endpoint=Endpoint(host="127.0.0.1", port=110),
        accounts=(Account(user="a", password="p"),),
    )
    with running(profile) as server:
        assert server.profile is profile
        assert server.alive()
        assert server.stderr_tail() == ""


def test_a_server_runs_and_then_nothing_of_it_is_left(states: list[Path]) -> None:
    with running(profile_of(*python(ACCEPTING, "{port}"))) as server:
        [state] = states
        assert server.alive()
        assert server.profile.endpoint.port not in (0, None)
        with socket.create_connection(("127.0.0.1", server.profile.endpoint.port or 0), timeout=5):
            pass
        assert stat.S_IMODE(state.stat().st_mode) == 0o711
        assert len(str(state)) < 40
        (state / "dropping").mkdir()
    assert not server.alive()
    assert not state.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.profile.endpoint.port or 0), timeout=5)


def test_placeholders_are_filled_in_except_in_secrets(states: list[Path], tmp_path: Path) -> None:
    script = "import os; print(os.getcwd(), os.environ['PLACE'], '{other}')\n" + ACCEPTING
    profile = profile_of(
        *python(script, "{port}", "{tls_port}"),
        environment={"PLACE": "{state}/place"},
        working_directory=tmp_path,
    )
    with running(profile) as server:
        [state] = states
        filled = server.profile
        assert [account.seed for account in filled.accounts[:2]] == [
            MaildirSeed(maildir=state / "a/Maildir"),
            MboxSeed(mbox=state / "b"),
        ]
        assert filled.accounts[1].secret() == "{state}"
        assert filled.accounts[2] == profile.accounts[2]
        assert filled.launch is not None
        assert filled.launch.command[-2:] == (str(filled.endpoint.port), "")
        assert (state / "server.stdout").read_text().splitlines()[0] == f"{tmp_path} {state}/place {{other}}"


def test_both_ports_are_chosen_and_awaited() -> None:
    both = """
import socket, sys, time
first = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(0.2)
second = socket.create_server(("127.0.0.1", int(sys.argv[2])))
while True:
    second.accept()
"""
    profile = profile_of(*python(both, "{port}", "{tls_port}"))
    profile = profile.model_copy(
        update={"endpoint": Endpoint(host="127.0.0.1", port=0, tls_port=0, ca_file=Path("{state}/ca.pem"))}
    )
    with running(profile) as server:
        endpoint = server.profile.endpoint
        assert endpoint.port != endpoint.tls_port
        assert endpoint.ca_file is not None
        assert endpoint.ca_file.parent.is_dir()
        socket.create_connection(("127.0.0.1", endpoint.tls_port or 0), timeout=5).close()


def test_readiness_can_be_a_line_on_standard_output() -> None:
    script = "import time; print('not ready', flush=True); time.sleep(0.2)\n" + ACCEPTING
    with running(profile_of(*python(script, "{port}"), ready="^listening$")) as server:
        socket.create_connection(("127.0.0.1", server.profile.endpoint.port or 0), timeout=5).close()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import sys; sys.exit('first\\nno such mailbox format')", "exit status 1 before it was ready: no such mail"),
        ("raise SystemExit(3)", "ended with exit status 3 before it was ready$"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL before it was ready$"),
    ],
)
def test_an_early_end_is_noticed_at_once(states: list[Path], script: str, message: str) -> None:
    started = time.monotonic()
    with pytest.raises(BenchError, match=message), running(profile_of(*python(script), ready_timeout=60.0)):
        pytest.fail("not ready")
    assert time.monotonic() - started < 10
    assert not states[0].exists()


@pytest.mark.parametrize(
    ("table", "awaited"), [({}, r"no connections to port \d+"), ({"ready": "^up$"}, r"no '\^up\$'")]
)
def test_a_server_that_never_gets_ready_is_given_up(states: list[Path], table: dict[str, object], awaited: str) -> None:
    script = "import sys, os, time; print(os.getpid(), file=sys.stderr, flush=True); time.sleep(60)"
    with (
        pytest.raises(BenchError, match=rf"was not ready within 0\.5 s: {awaited}: \d+$") as caught,
        running(profile_of(*python(script), ready_timeout=0.5, **table)),
    ):
        pytest.fail("not ready")
    assert ends(int(str(caught.value).split()[-1]))
    assert not states[0].exists()


def test_a_port_of_somebody_else_is_not_taken_for_the_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        profile = profile_of(*python(ACCEPTING, "{port}"))
        profile = profile.model_copy(update={"endpoint": Endpoint(host="127.0.0.1", port=port)})
        message = f"something else listens on 127.0.0.1 port {port}; stop it, or choose another"
        with pytest.raises(BenchError, match=message), running(profile):
            pytest.fail("started")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "^no-such-server is not installed$"),
        ({"install": "apt-get install it"}, "^no-such-server is not installed: apt-get install it$"),
        ({"requires": "no-such-library", "install": "get it"}, "^no-such-library is not installed: get it$"),
    ],
)
def test_what_is_not_installed_is_named(table: dict[str, object], message: str) -> None:
    with pytest.raises(BenchError, match=message), running(profile_of("no-such-server", **table)):
        pytest.fail("started")


def test_a_command_is_looked_for_where_it_is_started(tmp_path: Path) -> None:
    program = tmp_path / "sub/server"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{ACCEPTING}' $1\n")
    program.chmod(0o755)
    with running(profile_of("sub/server", "{port}", working_directory=tmp_path)) as server:
        assert server.alive()


def test_a_program_that_cannot_be_run_is_the_bench_that_failed(tmp_path: Path) -> None:
    program = tmp_path / "server"
    program.write_text("no program")
    program.chmod(0o755)
    with (
        pytest.raises(BenchError, match=r"server cannot be started in .*: Exec format error$"),
        running(profile_of(str(program))),
    ):
        pytest.fail("started")


def test_a_server_that_dies_during_the_run_is_seen() -> None:
    once = """
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listener.accept()
listener.accept()
print("x" * 100000, "last words", file=sys.stderr)
"""
    with running(profile_of(*python(once, "{port}"))) as server:
        assert server.alive()
        socket.create_connection(("127.0.0.1", server.profile.endpoint.port or 0), timeout=5).close()
        deadline = time.monotonic() + 5
        while server.alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not server.alive()
        assert server.stderr_tail().endswith("x last words")
        assert len(server.stderr_tail()) <= 4096


def test_a_stubborn_server_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "STOP_GRACE", 0.3)
    with running(profile_of(*python(STUBBORN, "{port}"))) as server:
        assert server.alive()
    assert not server.alive()


def test_children_of_the_server_do_not_outlive_it(states: list[Path]) -> None:
    parent = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}, sys.argv[1]])
print("child", child.pid, flush=True)
child.wait()
"""
    with running(profile_of(*python(parent, "{port}"))) as server:
        child = int((states[0] / "server.stdout").read_text().split()[1])
        assert server.alive()
    assert ends(child)


def test_the_stop_command_ends_the_server(tmp_path: Path) -> None:
    script = f"import os; open('{tmp_path}/pid', 'w').write(str(os.getpid()))\n" + STUBBORN
    stop = ["sh", "-c", f"echo stopped > {tmp_path}/stopped; kill -USR1 $(cat {tmp_path}/pid)"]
    started = time.monotonic()
    with running(profile_of(*python(script, "{port}"), stop=stop)):
        pass
    assert (tmp_path / "stopped").read_text() == "stopped\n"
    assert time.monotonic() - started < launch.STOP_GRACE


def test_a_stop_command_that_hangs_does_not_keep_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "STOP_GRACE", 0.3)
    with running(profile_of(*python(ACCEPTING, "{port}"), stop=["sleep", "60"])) as server:
        pass
    assert not server.alive()


def test_an_error_in_the_run_goes_through_and_leaves_nothing(states: list[Path]) -> None:
    with pytest.raises(ZeroDivisionError), running(profile_of(*python(ACCEPTING, "{port}"))) as server:
        raise ZeroDivisionError
    assert not server.alive()
    assert not states[0].exists()


def test_ctrl_c_reaches_the_bench_alone_and_leaves_nothing(tmp_path: Path) -> None:
    # A bench of its own, in a group of its own, that is interrupted as a terminal does it: the whole group.
    bench = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_launch import ACCEPTING, profile_of, python
from conformance.launch import running
with running(profile_of(*python("import os; print(os.getpid(), flush=True)" + ACCEPTING, "{{port}}"))) as server:
    state = server.profile.accounts[1].seed.mbox.parent
    print(state, (state / "server.stdout").read_text().split()[0], flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", bench], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    state, server = process.stdout.readline().split()
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert b"KeyboardInterrupt" in errors
    assert ends(int(server))
    assert not Path(os.fsdecode(state)).exists()


def test_the_profile_of_the_reference_server_starts_it_and_every_account_logs_in() -> None:
    profile = load_profile(Path(__file__).parent.parent / "profiles/reference.toml")
    with running(profile) as server:
        for account in server.profile.accounts:
            client = poplib.POP3("127.0.0.1", server.profile.endpoint.port or 0, timeout=10)
            if account.user == "conf8":  # the users file admits it by APOP alone
                client.apop(account.user, account.secret())
            else:
                client.user(account.user)
                client.pass_(account.secret())
            assert client.stat() == (0, 0)
            client.quit()
