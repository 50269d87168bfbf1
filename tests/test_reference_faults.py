"""The faults and the lawful variants: each is well declared, can be built, and differs from the conforming server.

The probes below speak to services without sockets and with a clock that they move themselves. A fault that answers
every probe as the conforming server does would be one that no check could ever find.
"""

import hashlib
import itertools
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from conformance.reference.assembly import UnknownName, assemble
from conformance.reference.faults import FAULTS, Fault
from conformance.reference.service import Ending, Pause, Reply, Service
from conformance.reference.site import Site, accounts
from conformance.reference.variants import VARIANTS, Variant
from conformance.requirements import load_catalogue

USERS = {
    "conformance1": "Open Sesame:1",
    "conformance2": "second",
    "Empty": "nothing",
    "apop": "{APOP}digest",
    "pass": "{PASS}plain",
    "broken": "file",
}
HEADER = b"From: a@example.org\r\nX-UIDL: forged\r\nMessage-ID: <1@example.org>\r\nSubject: a\r\n folded\r\n\r\n"
MESSAGES = {
    "01.dots": b"X: 1\r\n.Y: 2\r\n\r\n.first\r\n.\r\n..\r\n...a.b\r\n .x\r\nend.\r\n.last\r\n",
    "02.one": HEADER + b"one\r\n",
    "03.two": HEADER + b"two\r\n",
    "04.cut": b"Subject: cut\r\n\r\nno line end",
    "05.header": b"Subject: header\r\nX: only\r\n",
    "06.octets": b"Subject: odd\r\n\r\nnul\0nul\r\nz\x1a\r\n\xe9 \xc3\xa9\r\nbare\rcr\r\nbare\nlf\n.\n..\r\nend\r\n",
    "07.white": b"Subject: white\r\n\r\n\ttab\r\n  lead\r\ntrail  \r\nFrom here\r\n\r\n\r\nend\r\n\r\n\r\n\r\n",
    "08.long": b"Subject: long\r\n\r\n" + b"x" * 1500 + b"\r\n" + b"y" * 1023 + b"." * 70_000 + b"\r\nend\r\n",
    "09.many": b"Subject: many\r\n\r\n" + b".\r\n" * 50_000,
    "10.mime": b"Subject: mime\r\n\r\npreamble\r\n--x\r\npart\r\n.part\r\n\r\n$part {} %s %% \\part\r\n--x--\r\n",
    "11.empty": b"",
    "12.eight-bit": "Subject: caf\u00e9\r\n\r\nbody\r\n".encode(),
}
LARGE = b"Subject: large\r\n\r\n" + (b"z" * 98 + b"\r\n") * 11_000
_STAMP = re.compile(rb"<\d+\.[0-9a-f]{24}@reference\.invalid>")


class Bench:
    """A server without sockets: its maildrops, its clock, and what its connections have sent."""

    def __init__(self, service: type[Service], directory: Path) -> None:
        self.service = service
        self.directory = directory
        self.now = 1000.0
        self.log: list[object] = []
        users = accounts(USERS)
        self.site = Site(users, directory, clock=lambda: self.now)
        for user in USERS:
            (directory / user / "Maildir" / "new").mkdir(parents=True)
        (directory / "broken" / "Maildir" / "cur").write_bytes(b"")

    def seed(self, names: Iterator[str] | list[str], user: str = "conformance1") -> None:
        for name in names:
            self.deliver(name, MESSAGES[name], user)

    def deliver(self, name: str, octets: bytes, user: str = "conformance1") -> None:
        (self.directory / user / "Maildir" / "new" / name).write_bytes(octets)

    def connect(self) -> "Client":
        return Client(self)

    def session(self, user: str = "conformance1") -> "Client":
        client = self.connect()
        client.ask(f"USER {user}", f"PASS {USERS[user].rpartition('}')[2]}")
        return client

    def stored(self) -> None:
        self.log.append(sorted(str(path.relative_to(self.directory)) for path in self.directory.glob("*/*/*/*")))


PATIENCE = 1000
"""Pauses of the server after which a client goes away."""


class Client:
    """One connection to the bench; everything that comes is written to the bench's log."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.service = bench.service(bench.site)
        self.stamp = self.service.stamp.encode()
        self.open = True
        self._take(self.service.connected())

    def _take(self, reply: Reply) -> None:
        pauses = 0
        for item in self.service.segments(reply):
            if isinstance(item, Pause):
                self.bench.now += item.seconds
                pauses += 1
            if pauses > PATIENCE:
                self._end()
                return
            self.bench.log.append(_STAMP.sub(b"<STAMP>", item) if isinstance(item, bytes) else item)
            if isinstance(item, Ending):
                self._end()
                return

    def _end(self) -> None:
        self.open = False
        self.service.closed()

    def send(self, octets: bytes) -> None:
        if self.open:
            self._take(self.service.received(octets))
        self.bench.log.append("|")

    def ask(self, *commands: str) -> None:
        for command in commands:
            self.send(command.encode("utf-8") + b"\r\n")

    def apop(self, name: str, secret: str, change: Callable[[bytes], bytes] = bytes) -> None:
        digest = hashlib.md5(self.stamp + secret.encode()).hexdigest().encode()
        self.send(b"APOP " + name.encode() + b" " + change(digest) + b"\r\n")

    def fin(self) -> None:
        if self.open:
            self._take(self.service.end_of_input())
            self._end()

    def reset(self) -> None:
        if self.open:
            self.service.connection_lost()
            self._end()

    def wait(self, seconds: float) -> None:
        self.bench.now += seconds
        self.bench.log.append(f"{seconds} s")
        if self.open and self.service.seconds_left() <= 0:
            self._take(self.service.expired())


def greeting(bench: Bench) -> None:
    clients = [bench.connect() for _ in range(3)]
    bench.log.append(len({client.stamp for client in clients}))
    bench.log.append(all(_STAMP.fullmatch(client.stamp) for client in clients))
    for client in clients:
        client.ask("QUIT", "NOOP")


def before_login(bench: Bench) -> None:
    bench.seed(["01.dots", "02.one"])
    client = bench.connect()
    client.ask("STAT", "LIST", "RETR 1", "DELE 1", "NOOP", "RSET", "TOP 1 0", "UIDL", "LAST", "CAPA", "XTND")
    client.ask("USER conformance1", "STAT", "LIST", "RETR 1", "USER conformance1", "PASS Open Sesame:1", "QUIT")
    bench.stored()


def syntax(bench: Bench) -> None:
    bench.seed(["02.one", "03.two"])
    client = bench.session()
    client.ask(
        "DELE 2", "noop", "NoOp", "NOOPX", "NOO", "QUI", "QUITX", "", " ", "X", "", "XYZZY", "LAST", "XTND", "STAT"
    )
    client.ask("AUTH", "STLS", "RPOP x", "NOOP x", "LIST  1", "LIST\t1", "NOOP ", "LIST 1 2", "LIST 01", "XREFERENCE")
    client.ask("RETR", "DELE", "TOP", "TOP 1", "USER", "A" * 300, "LIST " + "1" * 40, "STAT")
    client.send(b"NOOP\rx\r\n")
    for line in (b"NOOP\0x\r\n", b"NO\x01OP\r\n", b"NOOP\n", b"\r\n", b"NO\xffOP\r\n", b"NOOP\r", b"\n"):
        client.send(line)
    for octet in b"STAT\r\n":
        client.send(bytes([octet]))
    client.send(b"NO")
    client.send(b"OP\r\nBAD\r\nRETR 1\r\nRETR 1\r\nNOOP\r\n")
    client.send(b"NOOP\r\nNO")
    client.send(b"OP\r\n" + b"STAT\r\nNOOP\r\n" * 20 + b"TOP 1 0\r\nSTAT\r\n")
    client.ask(*["BAD"] * 12)
    client.send(b"QUIT")
    client.fin()
    bench.stored()


def quit_variants(bench: Bench) -> None:
    bench.seed(["02.one", "03.two", "04.cut"])
    client = bench.session()
    client.ask("DELE 1 2", "QUIT now", "QUITX", "QUI", "STAT")
    bench.stored()
    client.fin()
    bench.stored()
    client = bench.connect()
    client.send(b"USER conformance1\r\nPASS Open Sesame:1\r\nSTAT\r\n")
    client.send(b"DELE 1\r\nDELE 2\r\nQUIT\r\n")
    bench.stored()
    for commands in (["BAD"], ["LIST"], ["PASS x", "STAT"], ["rset", "STAT", "DELE 1"]):
        bench.seed(["02.one", "11.empty"])
        bench.session().ask("DELE 1", *commands, "quit")
        bench.stored()
    bench.session().ask("DELE 1", "DELE 2", "QUIT")
    bench.stored()
    client = bench.connect()
    digest = hashlib.md5(client.stamp + b"Open Sesame:1").hexdigest()
    client.ask(f"apop conformance1 {digest}")
    client.fin()
    bench.connect().ask("BAD", "USER conformance1", "PASS Open Sesame:1")


def content(bench: Bench) -> None:
    bench.seed(iter(MESSAGES))
    client = bench.session()
    client.ask("STAT", "LIST", "UIDL")
    for number in range(1, len(MESSAGES) + 1):
        client.ask(f"LIST {number}", f"UIDL {number}", f"RETR {number}", f"TOP {number} 0", f"TOP {number} 1")
        client.ask(*(f"TOP {number} {count}" for count in (2, 3, 4, 5, 6, 99999, 2**31)))
    client.ask("STAT", "LIST", "UIDL", "LAST", "RETR 1", "QUIT")
    bench.stored()
    bench.session().ask("STAT", "UIDL")


def large(bench: Bench) -> None:
    bench.deliver("1", LARGE)
    client = bench.session()
    client.ask("STAT", "RETR 1", "TOP 1 99999")
    client.send(b"RETR 1\r\nRETR 1\r\n")
    taken = client.service.received(b"RETR 1\r\n")
    for item in client.service.segments(taken):
        bench.now += 100
        bench.log.append(len(item) if isinstance(item, bytes) else item)


def many(bench: Bench) -> None:
    for number in range(1, 26):
        bench.deliver(f"{number:02}.many", b"Subject: %d\r\n\r\n%s\r\n" % (number, b"x" * 2600 * number))
    client = bench.session()
    client.ask(
        "LIST", "DELE 1", "TOP 2 0", "RSET", *(f"DELE {number}" for number in range(2, 26)), "NOOP", "STAT", "QUIT"
    )
    bench.stored()


def empty(bench: Bench) -> None:
    client = bench.session("Empty")
    client.ask("STAT", "LIST", "UIDL", "LIST 1", "RETR 1", "TOP 1 0", "DELE 1", "RSET", "QUIT")


def numbers(bench: Bench) -> None:
    bench.seed(["02.one", "03.two", "04.cut"])
    arguments = ["0", "00", "-1", "+1", "1x", "0x1", "1.0", "1e0", "4", "x", "65537", "4294967297", "9" * 30]
    arguments += ["1L", "0_1", "#1"]
    for command, argument in itertools.product(("LIST", "UIDL", "RETR", "TOP", "DELE"), arguments):
        client = bench.session()
        client.ask(f"{command} {argument}" + (" 0" if command == "TOP" else ""), "STAT")
        client.fin()
    bench.session().ask("TOP 1 -1", "TOP 1 x", "TOP 1", "TOP 1 1 1", "TOP 1 +1", "TOP 1 ")


def deletion(bench: Bench) -> None:
    bench.seed(["01.dots", "02.one", "03.two", "04.cut"])
    client = bench.session()
    client.ask("RETR 1", "STAT", "DELE 1", "DELE 1", "LIST 1", "UIDL 1", "RETR 1", "TOP 1 0", "STAT", "LIST", "UIDL")
    bench.stored()
    client.ask(
        "DELE 3", "NOOP", "LIST 2", "UIDL 2", "LIST", "UIDL", "BAD", "STAT", "RSET", "STAT", "LIST", "UIDL", "RSET"
    )
    client.ask(
        "USER conformance1", "PASS Open Sesame:1", "APOP conformance1 00", "AUTH PLAIN", "STAT", "TOP 2 0", "LIST"
    )
    client.ask("DELE 2", "RSET", "QUIT")
    bench.stored()
    client = bench.session()
    client.ask("UIDL", "DELE 1", "DELE 3")
    client.send(b"QUIT\r\nDELE 2\r\nNOOP\r\n")
    bench.stored()
    client = bench.session()
    client.ask("UIDL", "LIST", "RETR 1", "DELE 1", "DELE 2")
    bench.deliver("99.new", b"new\r\n")
    client.ask("LIST", "LIST 3", "STAT", "RSET", "LIST", "DELE 1", "DELE 2", "QUIT")
    bench.stored()
    bench.session().ask("UIDL", "RETR 1", "LIST")


def endings(bench: Bench) -> None:
    for end in (Client.fin, Client.reset, lambda client: client.wait(601)):
        bench.seed(["01.dots", "02.one", "03.two"])
        client = bench.session()
        client.ask("UIDL", "RETR 3", "DELE 1", "DELE 2")
        end(client)
        bench.stored()
        bench.session("conformance2").ask("STAT", "QUIT")
        again = bench.session()
        again.ask("UIDL", "STAT", "QUIT")
        bench.session().ask("STAT", "QUIT")


def timers(bench: Bench) -> None:
    bench.seed(["02.one"])
    waiting = bench.connect()
    waiting.wait(160)
    waiting.wait(200)
    waiting.wait(500)
    for command in ("NOOP", "BAD", "STAT"):
        client = bench.session()
        for _ in range(4):
            client.wait(290)
            client.ask(command)
        client.wait(601)
        client.ask("STAT")
        client.fin()


def logins(bench: Bench) -> None:
    bench.seed(["02.one"])
    bench.seed(["01.dots"], "conformance2")
    passwords = ["wrong", "", "Open", "Open Sesame:", "Open Sesame:1 x", "open sesame:1", " Open Sesame:1 ", "second"]
    passwords += ["Open Sesxx", " Open Sesame:1", "Open Sesame:1 ", "Open Sesame:2", "open Sesame:1", "Open Sesame:1"]
    for password in passwords:
        client = bench.connect()
        client.ask("USER conformance1", f"PASS {password}", "STAT", "PASS Open Sesame:1", "STAT", "QUIT")
        client.fin()
    for commands in (
        ["PASS Open Sesame:1", "STAT"],
        ["USER conformance1", "NOOP", "PASS Open Sesame:1"],
        ["USER conformance1", "PASS wrong", "PASS Open Sesame:1"],
        ["USER conformance1", "USER conformance2", "PASS second", "RETR 1"],
        ["USER conformance1", "USER", "PASS Open Sesame:1"],
        ["USER conformance1", "PASS"],
        ["USER CONFORMANCE1", "PASS Open Sesame:1"],
        ["USER conformance1", "QUIT"],
        ["USER nobody", "PASS x", "QUIT"],
        ["USER nobody", "USER conformance1", "PASS Open Sesame:1"],
        ["USER conformance1", "PASS wrong", "USER conformance2", "PASS second", "RETR 1"],
        ["USER conformance2", "PASS second", "RETR 1", "QUIT"],
        ["USER conformance1", "RPOP x", "STAT"],
        ["USER " + "u" * 40, "PASS x"],
        ["USER broken", "PASS file"],
        ["USER conformance1", "PASS 1", "USER conformance1", "PASS 2", "USER conformance1", "PASS 3", "NOOP"],
    ):
        client = bench.connect()
        client.ask(*commands)
        client.fin()
    (bench.directory / "broken/Maildir/cur").unlink()
    bench.session("broken").ask("STAT")


def apop(bench: Bench) -> None:
    bench.seed(["02.one", "03.two"])
    for change in (
        bytes,
        bytes.upper,
        lambda digest: digest[:16] + b"0" * 16,
        lambda digest: b"0" * 32,
        lambda digest: b"Open Sesame:1".replace(b" ", b"_"),
        lambda digest: hashlib.md5(b"Open Sesame:1").hexdigest().encode(),
    ):
        client = bench.connect()
        client.apop("conformance1", "Open Sesame:1", change)
        client.ask("STAT", "UIDL", "USER conformance1", "PASS Open Sesame:1", "QUIT")
        client.fin()
    client = bench.connect()
    client.apop("apop", "digest", lambda digest: b"digest")
    client.apop("APOP", "digest")
    client.ask("APOP", "APOP apop", "APOP apop x y", "STAT", "USER apop")
    client.apop("apop", "digest")
    client.fin()
    client = bench.connect()
    client.stamp = client.stamp[1:-1]
    client.apop("conformance1", "Open Sesame:1")
    client.fin()
    old = bench.connect()
    client = bench.connect()
    client.stamp = old.stamp
    client.apop("conformance1", "Open Sesame:1")
    client.fin()
    client = bench.connect()
    client.apop("pass", "plain")
    client.ask("STAT")
    client.fin()
    client = bench.connect()
    client.apop("conformance2", "second")
    client.ask("STAT")
    client.fin()
    client = bench.connect()
    client.ask("USER apop", "PASS digest", "STAT")
    client.fin()
    for name, secret, change in (
        ("conformance1", "Open Sesame:1", lambda digest: bytes([digest[0] ^ 1]) + digest[1:]),
        ("conformance1", "second", bytes),
        ("nobody", "", bytes),
    ):
        client = bench.connect()
        client.apop(name, secret, change)
        client.ask("STAT")
        client.fin()
    client = bench.connect()
    client.apop("conformance1", "wrong")
    client.apop("conformance1", "wrong")
    client.fin()
    client = bench.connect()
    client.apop("conformance1", "wrong")
    client.ask("PASS Open Sesame:1", "STAT")
    client.fin()
    client = bench.connect()
    client.ask("USER conformance2")
    client.apop("conformance1", "Open Sesame:1")
    client.ask("STAT")
    client.fin()
    client = bench.connect()
    # The digest of this timestamp begins with a zero.
    client.service.stamp = "<6.zero@reference.invalid>"
    client.stamp = client.service.stamp.encode()
    client.apop("conformance1", "Open Sesame:1")
    client.fin()
    client, newer = bench.connect(), bench.connect()
    client.apop("conformance1", "Open Sesame:1")
    client.fin()
    newer.fin()


def locks(bench: Bench) -> None:
    bench.seed(["01.dots", "02.one", "03.two"])
    bench.seed(["01.dots", "02.one", "03.two"], "conformance2")
    first = bench.session()
    first.ask("UIDL")
    insistent = bench.connect()
    insistent.ask(*["USER conformance1", "PASS Open Sesame:1"] * 3)
    insistent.fin()
    for _ in range(3):
        second = bench.connect()
        second.ask("USER conformance1", "PASS Open Sesame:1", "STAT", "DELE 1", "QUIT")
        second.fin()
    first.ask("STAT", "RETR 1", "RETR 2", "LIST")
    third = bench.connect()
    third.apop("conformance1", "Open Sesame:1")
    third.ask("STAT")
    third.fin()
    other = bench.session("conformance2")
    first.ask("DELE 3")
    other.ask("STAT", "LIST", "QUIT")
    first.ask("STAT", "QUIT")
    bench.session().ask("STAT", "QUIT")
    guesser = bench.connect()
    guesser.ask("USER conformance1", "PASS wrong")
    bench.session().ask("STAT", "QUIT")
    bench.now += 20
    bench.session().ask("STAT", "DELE 1", "QUIT")
    bench.session().ask("STAT", "QUIT")
    for command in ("RSET", "DELE 1", "BAD"):
        first = bench.session()
        first.ask(command)
        bench.session().ask("STAT", "QUIT")
        first.reset()
    first = bench.session()
    for command in ("QUIT", "PASS wrong"):
        bench.connect().ask("USER conformance1", command)
        bench.session().ask("STAT", "QUIT")
    first.reset()
    other = bench.session("conformance2")
    other.ask("DELE 1")
    named = bench.connect()
    named.ask("USER conformance1")
    bench.connect().ask("USER conformance2")
    named.ask("PASS Open Sesame:1", "QUIT")
    other.reset()
    bench.stored()
    other = bench.session("conformance2")
    other.ask("DELE 1")
    bench.session().ask("QUIT")
    other.reset()
    bench.stored()


def reuse(bench: Bench) -> None:
    for turn in range(3):
        bench.deliver(f"{turn}.a", b"%d\r\n" % turn)
        bench.deliver(f"{turn}.b", b"%d\r\n" % turn)
        client = bench.session()
        client.ask("UIDL", "DELE 1", "QUIT")


PROBES = (
    greeting, before_login, syntax, quit_variants, content, empty, numbers, deletion, endings, timers, logins, apop,
    locks, reuse, large, many,
)  # fmt: skip


def _transcript(probe: Callable[[Bench], None], service: type[Service], directory: Path) -> list[object]:
    bench = Bench(service, directory)
    probe(bench)
    return bench.log


@pytest.fixture(scope="session")
def conforming(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Callable[[Bench], None]], list[object]]:
    @cache
    def transcript(probe: Callable[[Bench], None]) -> list[object]:
        return _transcript(probe, Service, tmp_path_factory.mktemp(probe.__name__))

    return transcript


WITHOUT_LOGIN = {
    "login-without-transaction",
    "no-way-to-log-in",
    "pass-not-implemented",
    "password-with-spaces-closes-silently",
}


def _first_probe_that_differs(
    service: type[Service], conforming: Callable[[Callable[[Bench], None]], list[object]], directory: Path
) -> str | None:
    for probe in PROBES:
        if _transcript(probe, service, directory / probe.__name__) != conforming(probe):
            return probe.__name__
    return None


def test_conforming_server_answers_the_probes_alike_twice(
    conforming: Callable[[Callable[[Bench], None]], list[object]], tmp_path: Path
) -> None:
    assert _first_probe_that_differs(Service, conforming, tmp_path) is None


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_observable(
    name: str, conforming: Callable[[Callable[[Bench], None]], list[object]], tmp_path: Path
) -> None:
    assert _first_probe_that_differs(assemble([name]), conforming, tmp_path)


@pytest.mark.parametrize("name", VARIANTS)
def test_variant_is_observable(
    name: str, conforming: Callable[[Callable[[Bench], None]], list[object]], tmp_path: Path
) -> None:
    assert _first_probe_that_differs(assemble(variants=[name]), conforming, tmp_path)


def test_declarations() -> None:
    entries: list[Fault | Variant] = [*FAULTS.values(), *VARIANTS.values()]
    for entry in entries:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.name)
        assert re.fullmatch(r"[A-Z0-9].{10,}\.", entry.sentence), entry
        assert ". " not in entry.sentence, entry
        assert "".join(word.capitalize() for word in entry.name.split("-")) == entry.service.__name__


def test_variants_say_what_allows_them() -> None:
    for variant in VARIANTS.values():
        assert re.match(r"RFC \d{4}\b", variant.allowed_by), variant


def test_requirements_named_are_in_the_catalogue() -> None:
    for entry in FAULTS.values():
        assert entry.breaks, entry
        assert len(set(entry.breaks)) == len(entry.breaks), entry
    named = {name for fault in FAULTS.values() for name in fault.breaks}
    named |= {name for variant in VARIANTS.values() for name in variant.warns}
    assert named <= load_catalogue().keys()


def test_every_testable_requirement_of_rfc_1939_is_broken() -> None:
    """What a report can fail must be broken by a fault, what it can only warn of by a fault or a variant."""
    faulty = {name for fault in FAULTS.values() for name in fault.breaks}
    doubtful = faulty | {name for variant in VARIANTS.values() for name in variant.warns}
    unbroken = [
        requirement.id
        for requirement in load_catalogue().values()
        if requirement.rfc == 1939 and requirement.testable != "no" and not requirement.restates
        if requirement.id not in {"FAIL": faulty, "WARN": doubtful}.get(requirement.cap, {requirement.id})
    ]
    assert unbroken == []


def test_names_of_faults_and_variants_are_different() -> None:
    assert not FAULTS.keys() & VARIANTS.keys()


def test_variants_combine() -> None:
    for names in itertools.permutations(VARIANTS, 2):
        assert issubclass(assemble(variants=names), Service)


def test_earlier_overrides_later() -> None:
    built = assemble(["retr-not-stuffed"], ["no-top", "bare-status", "no-top"])
    assert [base.__name__ for base in built.__bases__] == ["RetrNotStuffed", "NoTop", "BareStatus"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["retr-not-stufed"], []), "no fault 'retr-not-stufed'; did you mean retr-not-stuffed"),
        (([], ["zzz"]), "no variant 'zzz'$"),
    ],
)
def test_unknown_name(arguments: tuple[list[str], list[str]], message: str) -> None:
    with pytest.raises(UnknownName, match=message):
        assemble(*arguments)


def test_clients_can_log_in_unless_that_is_the_point(tmp_path: Path) -> None:
    def logs_in(name: str) -> bool:
        bench = Bench(assemble([name]), tmp_path / name)
        bench.seed(["02.one"])
        bench.session().ask("LIST", "RETR 1")
        received = b"".join(item for item in bench.log if isinstance(item, bytes))
        return b"Message-ID: <1@example" in received

    assert {name for name in FAULTS if not logs_in(name)} == WITHOUT_LOGIN
