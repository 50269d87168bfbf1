"""The profile for Dovecot starts one that can be tested, and leaves nothing behind."""

import hashlib
import os
import poplib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.launch import Running, running
from conformance.profile import MaildirSeed, Profile, load_profile

PROFILE = Path(__file__).parent.parent / "profiles/dovecot.toml"


@pytest.fixture(scope="module")
def profile() -> Profile:
    profile = load_profile(PROFILE)
    assert profile.launch is not None
    installed = shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin")
    # Where everything is meant to be installed, its absence is a failure.
    if installed is None and os.environ.get("CI") != "true":
        pytest.skip(f"Dovecot is not installed: {profile.launch.install}")
    return profile


@pytest.fixture(scope="module")
def dovecot(profile: Profile) -> Iterator[Running]:
    with running(profile) as server:
        yield server


def connect(server: Running) -> poplib.POP3:
    endpoint = server.profile.endpoint
    assert endpoint.port is not None
    return poplib.POP3(endpoint.host, endpoint.port, timeout=10)


def log_in(server: Running) -> poplib.POP3:
    account = server.profile.accounts[0]
    client = connect(server)
    client.user(account.user)
    client.pass_(account.secret())
    return client


def put(server: Running, name: str, octets: bytes) -> None:
    seed = server.profile.accounts[0].seed
    assert isinstance(seed, MaildirSeed)
    file = seed.maildir / "tmp" / name
    file.write_bytes(octets)
    file.chmod(0o644)
    file.rename(seed.maildir / "new" / name)


def empty(server: Running) -> None:
    seed = server.profile.accounts[0].seed
    assert isinstance(seed, MaildirSeed)
    for directory in ("new", "cur"):
        for file in (seed.maildir / directory).iterdir():
            file.unlink()


@pytest.mark.parametrize("index", range(6))
def test_every_account_logs_in_with_pass_and_with_apop(dovecot: Running, index: int) -> None:
    account = dovecot.profile.accounts[index]
    client = connect(dovecot)
    client.user(account.user)
    assert client.pass_(account.secret()).startswith(b"+OK")
    client.quit()
    client = connect(dovecot)
    # Not client.apop(): it knows no password with a space at its end.
    timestamp = client.welcome[client.welcome.index(b"<") :].strip()
    digest = hashlib.md5(timestamp + account.secret().encode()).hexdigest()
    assert client._shortcmd(f"APOP {account.user} {digest}").startswith(b"+OK")
    client.quit()


def test_messages_are_served_and_deleted(dovecot: Running) -> None:
    empty(dovecot)
    put(dovecot, "1.one", b"Subject: one\n\n.\nlast\n")
    put(dovecot, "2.two", b"Subject: two\r\n\r\n")
    client = log_in(dovecot)
    assert client.stat() == (2, len(b"Subject: one\r\n\r\n.\r\nlast\r\n") + len(b"Subject: two\r\n\r\n"))
    assert client.list()[1] == [b"1 25", b"2 16"]
    assert client.retr(1)[1] == [b"Subject: one", b"", b".", b"last"]
    client.dele(1)
    client.quit()
    client = log_in(dovecot)
    assert client.retr(1)[1] == [b"Subject: two", b""]
    client.quit()


def test_a_new_login_sees_what_was_put_in_just_before(dovecot: Running) -> None:
    unique_ids: set[bytes] = set()
    for turn in range(10):
        empty(dovecot)
        put(dovecot, f"1.turn{turn}", b"Subject: %d\n\n" % turn)
        client = log_in(dovecot)
        assert client.retr(1)[1] == [b"Subject: %d" % turn, b""]
        unique_ids.add(client.uidl(1).split()[2])
        client.quit()
    assert len(unique_ids) == 10


def test_many_wrong_passwords_do_not_delay_the_right_one(dovecot: Running) -> None:
    account = dovecot.profile.accounts[0]
    for _ in range(3):
        client = connect(dovecot)
        client.user(account.user)
        with pytest.raises(poplib.error_proto, match="AUTH"):
            client.pass_("wrong")
        client.close()
    started = time.monotonic()
    log_in(dovecot).quit()
    # Dovecot's own penalty would be several seconds by now.
    assert time.monotonic() - started < 2


def test_one_user_may_have_many_sessions_at_once(dovecot: Running) -> None:
    clients = [log_in(dovecot) for _ in range(12)]
    for client in clients:
        client.quit()


def runs(group: int) -> bool:
    """True if a process of that group runs; a zombie does not."""
    rows = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return any(row.split()[0] == str(group) and "Z" not in row.split()[1] for row in rows.splitlines())


def test_nothing_is_left_when_it_stops_with_a_session_open(profile: Profile) -> None:
    with running(profile) as server:
        client = log_in(server)
        seed = server.profile.accounts[0].seed
        assert isinstance(seed, MaildirSeed)
        state = seed.maildir.parent.parent
        master = int((state / "run/master.pid").read_text())
        assert runs(master)
    client.close()
    assert not server.alive()
    assert not runs(master)
    assert not state.exists()
