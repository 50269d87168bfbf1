"""Starting and stopping the server under test, as the `[launch]` table of its profile says."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from conformance.profile import Account, Endpoint, Launch, MaildirSeed, MboxSeed, Profile, expand
from conformance.verdict import BenchError

STOP_GRACE = 5.0
"""Seconds that a server has to end by itself before it is killed."""
_STRAGGLERS = 0.5
"""Seconds that its children have after it has ended."""
_GLANCE = 0.02
"""Seconds between two looks at a condition that nothing else announces."""
_TAIL = 4096
"""Octets of standard error that are worth showing."""
_STDOUT_LIMIT = 1_000_000
"""Octets of standard output in which the sign of readiness has to come."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that can be tested now; `profile` is its profile with every placeholder filled in."""

    profile: Profile
    _process: subprocess.Popen[bytes] | None = None
    _stderr: Path | None = None

    def alive(self) -> bool:
        """Return False if the server has ended. One that was not started here counts as alive."""
        return self._process is None or self._process.poll() is None

    def stderr_tail(self) -> str:
        """Return the last lines that the server has written to standard error, at most 4096 octets; until it stops."""
        return "" if self._stderr is None else _tail(self._stderr)


@contextmanager
def running(profile: Profile) -> Iterator[Running]:
    """Start the server of `profile`, wait until it is ready, and stop it at the end; all it left behind goes too.

    Without `[launch]` there is nothing to start, and the profile comes back as it is.
    Raises BenchError if the server is not installed, ends early, or is not ready in time.
    """
    if profile.launch is None:
        yield Running(profile)
        return
    with _state_directory() as state:
        filled = _filled_in(profile, state)
        assert filled.launch is not None
        with _process(filled.launch, filled.endpoint, state) as process:
            _await_ready(process, filled, state)
            yield Running(filled, process, _stderr(state))


def _stdout(state: Path) -> Path:
    return state / "server.stdout"


def _stderr(state: Path) -> Path:
    return state / "server.stderr"


@contextmanager
def _state_directory() -> Iterator[Path]:
    # /tmp rather than $TMPDIR: the path of a Unix socket in it has about 100 octets, and a server that gives up
    # root must be able to walk to it, which it cannot through somebody's home.
    parent = "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="pop3-", dir=parent) as name:
        state = Path(name)
        state.chmod(0o711)
        yield state


def _filled_in(profile: Profile, state: Path) -> Profile:
    """Return the profile with ports chosen and placeholders replaced."""
    assert profile.launch is not None
    endpoint = _with_ports(profile.endpoint)
    values = {"state": str(state), "port": str(endpoint.port or ""), "tls_port": str(endpoint.tls_port or "")}
    if endpoint.ca_file is not None:
        endpoint = endpoint.model_copy(update={"ca_file": _path(endpoint.ca_file, values)})
    launch = profile.launch
    launch = launch.model_copy(
        update={
            "command": _command(launch.command, values),
            "stop": launch.stop and _command(launch.stop, values),
            "environment": {name: expand(text, values) for name, text in launch.environment.items()},
            "working_directory": _path(launch.working_directory, values),
        }
    )
    accounts = tuple(_account(account, values) for account in profile.accounts)
    return profile.model_copy(update={"endpoint": endpoint, "launch": launch, "accounts": accounts})


def _command(words: tuple[str, ...], values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(expand(word, values) for word in words)


def _path(path: Path, values: Mapping[str, str]) -> Path:
    return Path(expand(str(path), values))


def _account(account: Account, values: Mapping[str, str]) -> Account:
    match account.seed:
        case MaildirSeed(maildir=path) as seed:
            return account.model_copy(update={"seed": seed.model_copy(update={"maildir": _path(path, values)})})
        case MboxSeed(mbox=path) as seed:
            return account.model_copy(update={"seed": seed.model_copy(update={"mbox": _path(path, values)})})
        case _:
            return account


def _with_ports(endpoint: Endpoint) -> Endpoint:
    port, tls_port = endpoint.port, endpoint.tls_port
    if port == 0:
        port = _free_port(endpoint.host, {tls_port})
    if tls_port == 0:
        tls_port = _free_port(endpoint.host, {port})
    return endpoint.model_copy(update={"port": port, "tls_port": tls_port})


def _free_port(host: str, taken: set[int | None]) -> int:
    # Not port 0 of the kernel: it takes that from the range that outgoing connections use, and one of them could
    # have it again before the server binds it. The global generator may be seeded alike in parallel runs.
    for port in random.SystemRandom().sample(range(20000, 30000), 100):
        if port not in taken and _can_bind(host, port):
            return port
    raise BenchError(f"no free port on {host}; give endpoint.port")


def _can_bind(host: str, port: int) -> bool:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.bind(address)
    except OSError:
        return False
    return True


def _accepts(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            # A connection to a port of the outgoing range can end up at itself (RFC 9293 section 3.5).
            return bool(connection.getsockname() != connection.getpeername())
    except OSError:
        return False


def _ports(endpoint: Endpoint) -> list[int]:
    return [port for port in (endpoint.port, endpoint.tls_port) if port is not None]


@contextmanager
def _process(launch: Launch, endpoint: Endpoint, state: Path) -> Iterator[subprocess.Popen[bytes]]:
    # Servers live in sbin, which is not on the path of an ordinary user everywhere.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    environment = {**os.environ, "PATH": path, **launch.environment}
    _require_installed(launch, environment["PATH"])
    for port in _ports(endpoint):
        if _accepts(endpoint.host, port):
            raise BenchError(f"something else listens on {endpoint.host} port {port}; stop it, or choose another")
    with _stdout(state).open("wb") as stdout, _stderr(state).open("ab") as stderr:
        try:
            process = subprocess.Popen(
                launch.command,
                # Nothing is ever written: it ends when the bench does, however that comes about, for servers that look.
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=stderr,
                cwd=launch.working_directory,
                env=environment,
                # Its own session, so that Ctrl-C reaches the bench alone and signals reach all of the server.
                start_new_session=True,
            )
        except OSError as error:
            place = f"in {launch.working_directory}"
            raise BenchError(f"{launch.command[0]} cannot be started {place}: {error.strerror}") from error
        try:
            yield process
        finally:
            _stop(process, launch, environment, stderr)


def _require_installed(launch: Launch, path: str) -> None:
    program = launch.requires or launch.command[0]
    # A path is seen from the directory in which it is going to be started.
    where = str(launch.working_directory / program) if "/" in program else program
    if shutil.which(where, path=path) is None:
        advice = f": {launch.install}" if launch.install else ""
        raise BenchError(f"{program} is not installed{advice}")


def _await_ready(process: subprocess.Popen[bytes], profile: Profile, state: Path) -> None:
    launch, endpoint = profile.launch, profile.endpoint
    assert launch is not None
    deadline = time.monotonic() + launch.ready_timeout
    while not _is_ready(launch, endpoint, state):
        if _ends_within(process, _GLANCE):
            raise BenchError(
                f"{launch.command[0]} ended {_how(process.returncode)} before it was ready{_last_words(state)}"
            )
        if time.monotonic() > deadline:
            awaited = f"connections to port {_ports(endpoint)[0]}" if launch.ready is None else repr(launch.ready)
            raise BenchError(
                f"{launch.command[0]} was not ready within {launch.ready_timeout:g} s: no {awaited}{_last_words(state)}"
            )


def _is_ready(launch: Launch, endpoint: Endpoint, state: Path) -> bool:
    if launch.ready is None:
        return all(_accepts(endpoint.host, port) for port in _ports(endpoint))
    with _stdout(state).open("rb") as stdout:
        text = stdout.read(_STDOUT_LIMIT).decode(errors="replace")
    return re.search(launch.ready, text, re.MULTILINE) is not None


def _how(returncode: int) -> str:
    return f"with exit status {returncode}" if returncode >= 0 else f"by {signal.Signals(-returncode).name}"


def _last_words(state: Path) -> str:
    lines = _tail(_stderr(state)).splitlines()
    return f": {lines[-1]}" if lines else ""


def _tail(file: Path) -> str:
    with file.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - _TAIL))
        return stream.read(_TAIL).decode(errors="replace").rstrip()


def _stop(process: subprocess.Popen[bytes], launch: Launch, environment: Mapping[str, str], output: BinaryIO) -> None:
    try:
        if launch.stop is None:
            _signal_group(process, signal.SIGTERM)
        else:
            # A stop command that hangs or fails leaves something over, which is killed below.
            with suppress(subprocess.TimeoutExpired):
                subprocess.run(
                    launch.stop,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=launch.working_directory,
                    env=environment,
                    timeout=STOP_GRACE,
                    check=False,
                )
        _ends_within(process, STOP_GRACE)
        # What it started may need a moment more. A bounded one: where nobody reaps orphans, the group stays.
        deadline = time.monotonic() + _STRAGGLERS
        while _group_exists(process) and time.monotonic() < deadline:
            time.sleep(_GLANCE)
    finally:
        # Also when a second Ctrl-C ends the wait: nothing of the server outlives the run.
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _group_exists(process: subprocess.Popen[bytes]) -> bool:
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
