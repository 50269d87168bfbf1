"""Seeders: what they put into a store is read back by Python's own mailbox module."""

import mailbox
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from conformance.maildrop import mbox
from conformance.maildrop.as_found import AsFound
from conformance.maildrop.corpus import everything, five_messages, one_message, pick, three_messages
from conformance.maildrop.maildir import MaildirSeeder
from conformance.maildrop.mbox import MboxSeeder
from conformance.maildrop.mbox_lock import locked
from conformance.maildrop.promise import LineEnds, Promise
from conformance.maildrop.seeder import Seeder, seeder_for
from conformance.profile import AsFoundSeed, CommandSeed, MaildirSeed, MboxSeed
from conformance.verdict import BenchError, NotRun


def names(maildir: Path) -> list[str]:
    return sorted(file.name for directory in ("new", "cur") for file in (maildir / directory).iterdir())


def files(maildir: Path) -> list[Path]:
    return sorted((maildir / "new").iterdir(), key=lambda file: file.name)


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    return tmp_path / "state" / "Maildir"


@pytest.fixture
def mbox_file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "mbox"


@pytest.fixture(params=["maildir", "exact maildir", "mbox"])
def seeder(request: pytest.FixtureRequest, maildir: Path, mbox_file: Path) -> Seeder:
    if request.param == "mbox":
        return MboxSeeder(mbox_file)
    return MaildirSeeder(maildir, "exact" if request.param == "exact maildir" else "lf")


def test_the_whole_corpus_goes_in_and_comes_out_as_promised(seeder, maildir, mbox_file):
    seeder.replace(everything)
    if isinstance(seeder, MboxSeeder):
        store: mailbox.Mailbox = mailbox.mbox(mbox_file, create=False)
        stored = [store.get_bytes(key) for key in sorted(store.keys())]
    else:
        store = mailbox.Maildir(maildir, create=False)
        stored = [(maildir / "new" / key).read_bytes() for key in sorted(store.keys())]
    assert len(stored) == len(everything)
    for message, octets in zip(everything, stored, strict=True):
        # What a server does: LF becomes CRLF unless the store is octet for octet.
        exact = seeder.promise.line_ends is LineEnds.EXACT
        sent = octets if exact else octets.replace(b"\n", b"\r\n")
        sent += b"" if not sent or sent.endswith(b"\r\n") else b"\r\n"
        assert seeder.promise.accepts(message, sent), seeder.promise.difference(message, sent)
    assert seeder.count() == len(everything)


def test_exact_octets_stay_exact(maildir):
    MaildirSeeder(maildir, "exact").replace(everything)
    assert [file.read_bytes() for file in files(maildir)] == [message.octets for message in everything]


def test_lf_files_hold_no_crlf_and_the_same_text(maildir):
    MaildirSeeder(maildir).replace(five_messages)
    for message, file in zip(five_messages, files(maildir), strict=True):
        assert b"\r" not in file.read_bytes()
        assert file.read_bytes().replace(b"\n", b"\r\n") == message.octets


@pytest.mark.parametrize("line_ends", ["lf", "exact"])
def test_a_maildir_promises_only_what_it_keeps(maildir, line_ends):
    promise = MaildirSeeder(maildir, line_ends).promise
    assert promise == Promise(line_ends=LineEnds.EXACT if line_ends == "exact" else LineEnds.NORMALISED)


def test_replace_leaves_exactly_these_messages(seeder):
    seeder.replace(five_messages)
    seeder.replace(three_messages)
    assert seeder.count() == 3
    seeder.replace(())
    assert seeder.count() == 0


def test_deliver_adds_one_behind_the_others(seeder, maildir, mbox_file):
    seeder.replace(three_messages)
    seeder.deliver(five_messages[3])
    assert seeder.count() == 4
    if isinstance(seeder, MboxSeeder):
        last = mailbox.mbox(mbox_file, create=False)[3]
    else:
        last = mailbox.Maildir(maildir, create=False)[names(maildir)[-1]]
    assert last["X-Conformance"] == "small-fourth"


def test_deliver_into_nothing(seeder):
    assert seeder.count() == 0
    seeder.deliver(one_message[0])
    assert seeder.count() == 1


def test_the_order_is_the_same_by_name_by_number_and_by_time(maildir):
    before = time.time()
    MaildirSeeder(maildir, "exact").replace(everything)
    by_name = sorted(file.name for file in (maildir / "new").iterdir())
    by_number = sorted(by_name, key=lambda name: int(name.partition(".")[0]))
    by_time = sorted(by_name, key=lambda name: (maildir / "new" / name).stat().st_mtime)
    octets = [(maildir / "new" / name).read_bytes() for name in by_name]
    assert octets == [message.octets for message in everything]
    assert by_name == by_number == by_time
    assert len({name.partition(".")[0] for name in by_name}) == len(everything)
    times = [(maildir / "new" / name).stat().st_mtime for name in by_name]
    assert [later - earlier for earlier, later in pairwise(times)] == [1] * (len(times) - 1)
    assert times[-1] < before - 3600


def test_a_name_is_never_used_again(maildir):
    seen: list[str] = []
    for seeder in (MaildirSeeder(maildir), MaildirSeeder(maildir)):
        for _ in range(3):
            seeder.replace(three_messages)
            seen += names(maildir)
            for file in files(maildir):
                file.unlink()
    program = (
        "import sys; from pathlib import Path; from conformance.maildrop.corpus import three_messages;"
        "from conformance.maildrop.maildir import MaildirSeeder;"
        "MaildirSeeder(Path(sys.argv[1])).replace(three_messages)"
    )
    subprocess.run([sys.executable, "-c", program, str(maildir)], check=True)
    seen += names(maildir)
    assert len(seen) == len(set(seen)) == 21


def test_names_grow_over_replacements_and_deliveries(maildir):
    seeder, seen = MaildirSeeder(maildir), []
    for _ in range(3):
        seeder.replace(three_messages)
        seen += names(maildir)
        seeder.deliver(one_message[0])
        seen.append(names(maildir)[-1])
        for file in files(maildir):
            file.unlink()
    assert seen == sorted(seen)
    assert len(set(seen)) == 12


def test_new_mail_comes_behind_files_that_others_have_named(maildir):
    seeder = MaildirSeeder(maildir)
    seeder.replace(())
    second = int(time.time())
    (maildir / "cur" / f"{second}.foreign:2,S").write_bytes(b"Subject: foreign\n\n")
    (maildir / "new" / f"{time.time_ns()}.not.a.time").write_bytes(b"Subject: foreign\n\n")
    (maildir / "new" / "no number").write_bytes(b"Subject: foreign\n\n")
    seeder.deliver(one_message[0])
    (ours,) = (name for name in names(maildir) if name.endswith(".pop3-conformance"))
    assert int(ours.partition(".")[0]) == second + 1


def test_replace_takes_messages_from_new_and_cur_and_leaves_what_is_the_servers(maildir):
    seeder = MaildirSeeder(maildir)
    seeder.replace(three_messages)
    seen = files(maildir)[0]
    seen.rename(maildir / "cur" / f"{seen.name}:2,S")
    own = [
        maildir / "dovecot-uidlist",
        maildir / "courierpop3dsizelist",
        maildir / "tmp" / "of a delivery",
        maildir / "cur" / "directory" / "file",
        maildir / ".Sent" / "cur" / "message",
    ]
    for file in own:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"the server's")
    assert seeder.count() == 3
    seeder.replace(one_message)
    assert seeder.count() == 1
    assert [file.read_bytes() for file in own] == [b"the server's"] * len(own)
    assert len(list((maildir / "tmp").iterdir())) == 1


def test_a_message_that_is_in_new_and_cur_at_once_counts_once(maildir):
    seeder = MaildirSeeder(maildir)
    seeder.replace(one_message)
    file = files(maildir)[0]
    os.link(file, maildir / "cur" / f"{file.name}:2,")
    assert seeder.count() == 1


def test_the_mode_holds_whatever_the_umask(maildir):
    before = os.umask(0o077)
    try:
        MaildirSeeder(maildir, mode=0o664).replace(one_message)
    finally:
        os.umask(before)
    assert stat.S_IMODE(files(maildir)[0].stat().st_mode) == 0o664
    for directory in (maildir, maildir / "tmp", maildir / "new", maildir / "cur"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o775


def test_directories_that_are_there_keep_their_permissions(maildir):
    maildir.mkdir(parents=True)
    maildir.chmod(0o700)
    MaildirSeeder(maildir).replace(one_message)
    assert stat.S_IMODE(maildir.stat().st_mode) == 0o700


def one_line(error: BenchError) -> bool:
    return "\n" not in str(error) and "correct the path" in str(error)


def test_a_path_that_is_a_file_is_an_error_of_the_bench(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for seeder in (MaildirSeeder(tmp_path / "file" / "Maildir"), MboxSeeder(tmp_path / "file" / "mbox")):
        for fails in (
            lambda seeder=seeder: seeder.replace(one_message),
            lambda seeder=seeder: seeder.deliver(one_message[0]),
        ):
            with pytest.raises(BenchError, match=r"Not a directory|File exists") as caught:
                fails()
            assert one_line(caught.value)


def test_a_maildir_that_is_a_file_is_an_error_of_the_bench(tmp_path):
    (tmp_path / "Maildir").write_bytes(b"")
    with pytest.raises(BenchError, match="cannot seed the Maildir") as caught:
        MaildirSeeder(tmp_path / "Maildir").replace(one_message)
    assert one_line(caught.value)


@pytest.fixture
def not_root() -> Iterator[None]:
    """Root may write anywhere: be somebody else for as long as a test takes."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


def test_a_store_without_permission_is_an_error_of_the_bench(tmp_path, not_root):
    if os.access(tmp_path, os.W_OK, effective_ids=True):
        tmp_path.chmod(0o500)
    for seeder in (MaildirSeeder(tmp_path / "Maildir"), MboxSeeder(tmp_path / "mbox")):
        with pytest.raises(BenchError, match="Permission denied") as caught:
            seeder.replace(one_message)
        assert one_line(caught.value)


def test_an_mbox_separates_and_quotes(mbox_file):
    MboxSeeder(mbox_file).replace(pick("from-line", "unterminated"))
    lines = mbox_file.read_bytes().split(b"\n")
    assert sum(line.startswith(b"From ") for line in lines) == 2
    assert sum(line.startswith(b">From ") for line in lines) == 2
    assert sum(line.startswith(b">>From ") for line in lines) == 1
    assert lines[-3:] == [b"text", b"", b""]


def test_an_mbox_is_rewritten_in_place_and_its_time_differs_each_time(mbox_file):
    mbox_file.parent.mkdir()
    mbox_file.write_bytes(b"")
    mbox_file.chmod(0o660)
    before = mbox_file.stat()
    times = set()
    for seeder in (MboxSeeder(mbox_file), MboxSeeder(mbox_file)):
        for _ in range(2):
            seeder.replace(one_message)
            after = mbox_file.stat()
            times.add(int(after.st_mtime))
            assert (after.st_ino, after.st_mode, after.st_uid) == (before.st_ino, before.st_mode, before.st_uid)
    assert len(times) == 4
    assert max(times) < time.time() - 3600


HOLD = {
    "fcntl": "held = open(path, 'r+b'); fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)",
    "flock": "held = open(path, 'r+b'); fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)",
    "dot": "os.open(path + '.lock', os.O_CREAT | os.O_EXCL)",
}
"""How another process locks an mbox, in Python; it fails when it cannot."""


def dot_lock(mbox_file: Path) -> Path:
    return mbox_file.with_name("mbox.lock")


def by_another(mbox_file: Path, way: str, then: str = "") -> list[str]:
    program = f"import fcntl, os, sys; path = sys.argv[1]; {HOLD[way]}; {then}"
    return [sys.executable, "-c", program, str(mbox_file)]


@contextmanager
def locked_by_another(mbox_file: Path, way: str) -> Iterator[None]:
    command = by_another(mbox_file, way, "print('locked', flush=True); sys.stdin.read()")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        yield
        holder.communicate()
    if way == "dot":
        dot_lock(mbox_file).unlink()


def another_may_lock(mbox_file: Path, way: str) -> bool:
    return subprocess.run(by_another(mbox_file, way), stderr=subprocess.DEVNULL, check=False).returncode == 0


@pytest.mark.parametrize("way", HOLD)
def test_an_mbox_that_stays_locked_is_an_error_of_the_bench(mbox_file, monkeypatch, way):
    seeder = MboxSeeder(mbox_file)
    seeder.replace(one_message)
    monkeypatch.setattr(mbox, "_LOCK_PATIENCE", 0.1)
    with locked_by_another(mbox_file, way):
        with pytest.raises(BenchError, match=r"has kept it locked for 0\.1 seconds"):
            seeder.replace(three_messages)
        assert seeder.count() == 1
    monkeypatch.undo()
    seeder.replace(three_messages)
    assert seeder.count() == 3
    assert not dot_lock(mbox_file).exists()


@pytest.mark.parametrize("way", HOLD)
def test_no_mail_arrives_while_a_session_keeps_the_mbox_locked(mbox_file, monkeypatch, way):
    seeder = MboxSeeder(mbox_file)
    seeder.replace(three_messages)
    monkeypatch.setattr(mbox, "_DELIVERY_PATIENCE", 0.1)
    with locked_by_another(mbox_file, way):
        with pytest.raises(NotRun, match="the server keeps the mbox locked while a session is open"):
            seeder.deliver(five_messages[3])
        assert seeder.count() == 3
        # The lock of another is left to it; our own is not left over.
        assert dot_lock(mbox_file).exists() == (way == "dot")
    monkeypatch.undo()
    seeder.deliver(five_messages[3])
    assert seeder.count() == 4


@pytest.mark.parametrize("way", HOLD)
def test_an_mbox_is_locked_in_every_way_and_let_go(mbox_file, way):
    MboxSeeder(mbox_file).replace(one_message)
    with locked(mbox_file, 0.0):
        assert not another_may_lock(mbox_file, way)
    assert not dot_lock(mbox_file).exists()
    assert another_may_lock(mbox_file, way)


def test_the_locks_are_let_go_when_writing_fails(mbox_file):
    MboxSeeder(mbox_file).replace(one_message)
    with pytest.raises(OSError, match="disk full"), locked(mbox_file, 0.0):
        raise OSError("disk full")
    assert not dot_lock(mbox_file).exists()
    assert another_may_lock(mbox_file, "fcntl")


def test_an_mbox_is_seeded_where_no_other_file_may_be_created(mbox_file, monkeypatch):
    really_open = os.open

    def open_in_spool(path, *arguments):
        if path == dot_lock(mbox_file):
            raise PermissionError
        return really_open(path, *arguments)

    monkeypatch.setattr(os, "open", open_in_spool)
    MboxSeeder(mbox_file).replace(one_message)
    assert MboxSeeder(mbox_file).count() == 1


def test_as_found_never_writes():
    seeder = AsFound()
    assert not seeder.seeds
    assert seeder.count() is None
    with pytest.raises(NotRun, match="the maildrop is used as found"):
        seeder.replace(())
    with pytest.raises(NotRun, match="the maildrop is used as found"):
        seeder.deliver(one_message[0])


def test_the_seed_table_chooses_the_seeder(tmp_path):
    seeder = seeder_for(MaildirSeed(maildir=tmp_path / "Maildir", line_ends="exact"))
    assert isinstance(seeder, MaildirSeeder)
    assert seeder.promise.line_ends is LineEnds.EXACT
    seeder.replace(one_message)
    assert len(files(tmp_path / "Maildir")) == 1
    assert seeder_for(MaildirSeed(maildir=tmp_path / "Maildir")).promise.line_ends is LineEnds.NORMALISED
    assert isinstance(seeder_for(MboxSeed(mbox=tmp_path / "mbox")), MboxSeeder)
    assert isinstance(seeder_for(AsFoundSeed(as_found=True)), AsFound)
    with pytest.raises(BenchError, match="not available in this version"):
        seeder_for(CommandSeed(command=["true"]))
