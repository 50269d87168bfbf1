"""The pytest plugin: what becomes of a check, and what the plugin leaves alone."""

import io
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest
from rich.console import Console

from conformance.console import ConsoleReporter
from conformance.plugin.outcome import Exit
from conformance.plugin.run import Run
from conformance.reference.server import running_reference
from conformance.report.data import CheckResult
from conformance.verdict import Verdict
from tests.raw_server import Speak, lines, raw_server
from tests.trial import trial

USERS = {"conf1": "secret1", "conf2": "secret2", "conf3": "secret3", "conf4": "secret4"}

# Requirements with each of the caps.
MUST, SHOULD, OPEN = "R1939-7-TOP-06", "R1939-7-TOP-01", "R1939-3-AUTOLOGOUT-01"

HEAD = f"""
import os
import pytest
from conformance.expect import expect, expect_that
from conformance.maildrop.corpus import three_messages
from conformance.marks import any_maildrop, deletes, maildrop, two_accounts, verifies
from conformance.verdict import BenchError, Deviation, NotApplicable, NotRun, Verdict

MUST, SHOULD, OPEN = {MUST!r}, {SHOULD!r}, {OPEN!r}
"""


@dataclass
class Outcome:
    """How a run of the plugin ended."""

    code: int
    run: Run
    output: str

    @property
    def results(self) -> dict[str, CheckResult]:
        """The results of the checks that are no checks of every reply, by their names."""
        return {
            result.id.partition("/")[2]: result
            for result in self.run.results
            if not result.id.startswith("every_reply/")
        }

    @property
    def verdicts(self) -> dict[str, str]:
        return {name: str(result.verdict) for name, result in self.results.items()}


def profile_text(
    port: int, users: Mapping[str, str], mail: Path | None, more: str = "", limits: str = "", account: str = ""
) -> str:
    """Return a profile; without mail the maildrops are as found. limits, account: further lines of these tables."""
    accounts = [
        f"[[accounts]]\nuser = {json.dumps(user)}\npassword = {json.dumps(password)}\n"
        + (f'seed = {{ maildir = "{mail}/{user}/Maildir", line_ends = "exact" }}\n' if mail else "")
        + account
        for user, password in users.items()
    ]
    limits = f"connect = 2\ngreeting = 0.6\nreply = 0.6\nfailed_login = 0.6\nquiet = 0.1\n{limits}"
    server = f'[server]\nname = "A server"\n[endpoint]\nhost = "127.0.0.1"\nport = {port}\n[limits]\n{limits}\n'
    return "\n".join((server, *accounts, more))


def run_plugin(directory: Path, profile: str, source: str, *options: str) -> Outcome:
    """Run the checks in `source` in this process."""
    (directory / "profile.toml").write_text(profile)
    (directory / "test_own.py").write_text(HEAD + textwrap.dedent(source))
    arguments = [str(directory / "test_own.py"), "-c", "/dev/null", "--import-mode=importlib"]
    arguments += ["-p", "no:cacheprovider", "-p", "no:xdist", f"--pop3-profile={directory / 'profile.toml'}"]
    for name in [name for name in sys.modules if name.rpartition(".")[2] == "test_own"]:
        del sys.modules[name]
    reporter = ConsoleReporter(Console(file=io.StringIO()))
    code = pytest.main([*arguments, *options], plugins=[reporter])
    assert isinstance(reporter.run, Run), reporter.pytest_output.getvalue()
    return Outcome(int(code), reporter.run, reporter.pytest_output.getvalue())


def run_own(
    directory: Path,
    source: str,
    *options: str,
    faults: Sequence[str] = (),
    **profile: str,
) -> Outcome:
    """Run the checks in `source` against the reference server; `profile` adds lines to the profile's tables."""
    mail = directory / "mail"
    for user in USERS:
        (mail / user).mkdir(parents=True, exist_ok=True)
    with running_reference({user: f"{{PASS}}{secret}" for user, secret in USERS.items()}, mail, faults) as port:
        return run_plugin(directory, profile_text(port, USERS, mail, **profile), source, *options)


def run_against(directory: Path, speak: Speak, source: str) -> Outcome:
    """Run the checks in `source` against a raw server."""
    with raw_server(speak) as port:
        return run_plugin(directory, profile_text(port, USERS, None), source)


# -- verdicts ---------------------------------------------------------------------------------------------------------


def test_verdicts(tmp_path: Path) -> None:
    outcome = run_own(
        tmp_path,
        """
        @verifies(MUST)
        def test_passes(connection): "It holds."

        @verifies(MUST)
        def test_must(connection): expect("a number", 1, 2, 3)

        @verifies(SHOULD)
        def test_should(): expect("a number", 1, 2)

        @verifies(OPEN)
        def test_open(): expect("a number", 1, 2)

        @verifies(SHOULD, MUST)
        def test_worst(): expect("a number", 1, 2)

        @verifies(SHOULD, MUST)
        def test_milder(): expect("a number", 1, 2, requirement=SHOULD)

        @verifies(MUST)
        def test_at_most(): expect("a number", 1, 2, at_most=Verdict.WARN)

        @verifies(SHOULD)
        def test_at_most_does_not_raise(): expect("a number", 1, 2, at_most=Verdict.FAIL)

        @verifies(MUST)
        def test_plain_assertion(): assert 1 == 2, "one is two"

        @verifies(MUST)
        def test_not_applicable(): raise NotApplicable("has no such thing")

        @verifies(MUST)
        def test_not_run(): raise NotRun("needs something")

        @verifies(MUST)
        def test_skipped(): pytest.skip("not today")

        @verifies(MUST, SHOULD)
        def test_judge_goes_on(judge):
            judge.deviates("a", "b", SHOULD)
            judge.deviates("c", "d", MUST)
            judge.observe("key", 5)

        @verifies(MUST, SHOULD)
        def test_judge_and_an_assertion(judge):
            judge.deviates("a", "b", SHOULD)
            expect("a number", 1, 2, requirement=MUST)
        """,
    )
    assert outcome.verdicts == {
        "passes": "pass",
        "must": "fail",
        "should": "warn",
        "open": "info",
        "worst": "fail",
        "milder": "warn",
        "at_most": "warn",
        "at_most_does_not_raise": "warn",
        "plain_assertion": "fail",
        "not_applicable": "not-applicable",
        "not_run": "not-run",
        "skipped": "not-run",
        "judge_goes_on": "fail",
        "judge_and_an_assertion": "fail",
    }
    results = outcome.results
    assert results["passes"].title == "It holds."
    assert results["passes"].fingerprint == ""
    assert results["must"].expected == ("a number: 2", "a number: 3")
    assert results["must"].observed == "a number: 1"
    assert results["must"].violated == (MUST,)
    assert results["milder"].violated == (SHOULD,)
    assert results["not_applicable"].reason == "has no such thing"
    assert results["skipped"].reason == "not today"
    assert results["judge_goes_on"].observed == "d"
    assert set(results["judge_goes_on"].violated) == {MUST, SHOULD}
    assert results["judge_and_an_assertion"].observed == "a number: 1"
    assert [(seen.key, seen.value, seen.check) for seen in outcome.run.observations] == [
        ("key", "5", "own/judge_goes_on")
    ]
    assert outcome.run.report is not None
    assert outcome.run.report.run.exit == Exit.FINDINGS
    # What pytest itself says of it: the fails, and nothing else.
    assert outcome.code == pytest.ExitCode.TESTS_FAILED
    assert re.search(r"\b5 failed, \d+ passed, 3 skipped", outcome.output)


def test_the_bench_is_to_blame(tmp_path: Path) -> None:
    outcome = run_own(
        tmp_path,
        """
        @pytest.fixture
        def cannot_be_set_up(): raise BenchError("no seeding")

        @pytest.fixture
        def cannot_be_torn_down():
            yield
            raise BenchError("no clearing")

        @verifies(MUST)
        def test_call(): raise BenchError("unreachable")

        @verifies(MUST)
        def test_setup(cannot_be_set_up): pass

        @verifies(MUST)
        def test_teardown(cannot_be_torn_down): pass

        @verifies(MUST)
        def test_teardown_of_a_deviation(cannot_be_torn_down): expect("a number", 1, 2)

        @verifies(MUST)
        def test_passes(connection): pass
        """,
        "--pop3-gate=never",
    )
    assert outcome.verdicts == {
        "call": "error",
        "setup": "error",
        "teardown": "error",
        "teardown_of_a_deviation": "fail",
        "passes": "pass",
    }
    assert outcome.results["teardown"].reason == "no clearing"
    assert outcome.results["teardown_of_a_deviation"].observed == "a number: 1"
    assert outcome.run.report is not None
    assert outcome.run.report.run.exit == Exit.CANNOT_TEST


def test_a_deviation_in_a_fixture_ends_the_check(tmp_path: Path) -> None:
    """Also where it is none that fails the gate: there is nothing that the check could be called with."""
    outcome = run_own(
        tmp_path,
        """
        @pytest.fixture
        def session(): expect("a number", 1, 2)

        @verifies(MUST)
        def test_must(session): session.noop()

        @verifies(SHOULD)
        def test_should(session): session.noop()

        @verifies(OPEN)
        def test_open(session): session.noop()
        """,
    )
    assert outcome.verdicts == {"must": "fail", "should": "warn", "open": "info"}


def test_no_more_connections_than_the_profile_allows(tmp_path: Path) -> None:
    outcome = run_own(
        tmp_path,
        """
        @verifies(MUST)
        def test_two(connect):
            connect()
            connect()

        @verifies(MUST)
        def test_three(connect, open_connection):
            connect().close()
            connect()
            open_connection()
            connect()
        """,
        limits="connections = 2",
    )
    assert outcome.verdicts == {"two": "pass", "three": "not-run"}
    assert outcome.results["three"].reason == "needs 3 connections at once; the profile allows 2"


def test_mail_that_is_not_disposable_is_used_as_found(tmp_path: Path) -> None:
    outcome = run_own(
        tmp_path,
        """
        @verifies(MUST)
        @any_maildrop(least=0)
        def test_reads(transaction): transaction.stat()

        @verifies(MUST)
        @deletes
        def test_deletes(transaction): transaction.stat()
        """,
        account="disposable = false\n",
    )
    assert outcome.verdicts == {"reads": "pass", "deletes": "not-run"}


def test_the_suite_is_to_blame(tmp_path: Path) -> None:
    outcome = run_own(
        tmp_path,
        """
        @verifies(MUST)
        def test_error(): {}["key"]

        @verifies(MUST)
        def test_passes(connection): pass
        """,
    )
    assert outcome.results["error"].verdict is Verdict.ERROR
    assert outcome.results["error"].reason == "the suite failed: KeyError: 'key'"
    assert outcome.run.report is not None
    assert outcome.run.report.run.exit == Exit.SUITE_FAILED


def test_the_hard_ceiling_ends_a_check_and_not_the_run(tmp_path: Path) -> None:
    outcome = run_own(
        tmp_path,
        """
        import threading

        @verifies(MUST)
        @pytest.mark.timeout(0.5)
        def test_hangs(): threading.Event().wait()

        @verifies(MUST)
        def test_passes(connection): pass
        """,
        "-p",
        "timeout",
    )
    assert outcome.verdicts == {"hangs": "error", "passes": "pass"}
    assert outcome.results["hangs"].reason == "the check was ended: Timeout (>0.5s) from pytest-timeout."
    assert outcome.run.report is not None
    assert outcome.run.report.run.exit == Exit.CANNOT_TEST


def test_nothing_observed_is_not_green(tmp_path: Path) -> None:
    outcome = run_own(
        tmp_path,
        """
        @verifies(MUST)
        def test_not_run(): raise NotRun("needs something")
        """,
    )
    assert outcome.run.report is not None
    assert outcome.run.report.run.exit == Exit.CANNOT_TEST
    assert outcome.code == Exit.CANNOT_TEST
    assert outcome.run.report.run.notes == ("No check ran: nothing can be said about the server.",)


# -- the gate, and known deviations -----------------------------------------------------------------------------------

TWO_DEVIATIONS = """
@verifies(MUST)
def test_must(): expect("a number", 17, 2)

@verifies(SHOULD)
def test_should(): expect("a number", 1, 2)
"""


@pytest.mark.parametrize(
    ("gate", "failed", "code"),
    [("must", ["must"], Exit.FINDINGS), ("should", ["must", "should"], Exit.FINDINGS), ("never", [], Exit.CONFORMS)],
)
def test_gate(tmp_path: Path, gate: str, failed: list[str], code: Exit) -> None:
    outcome = run_own(tmp_path, TWO_DEVIATIONS, f"--pop3-gate={gate}", "-rf")
    assert outcome.verdicts == {"must": "fail", "should": "warn"}
    assert outcome.run.report is not None
    assert outcome.run.report.run.exit == code
    assert outcome.run.report.run.options["gate"] == gate
    assert outcome.code == code
    assert re.findall(r"^FAILED .*::test_(\w+)", outcome.output, re.MULTILINE) == failed


def test_gate_passes_warnings(tmp_path: Path) -> None:
    outcome = run_own(tmp_path, TWO_DEVIATIONS, "--pop3-exclude=must")
    assert outcome.run.report is not None
    assert (outcome.code, outcome.run.report.run.exit) == (Exit.CONFORMS, Exit.CONFORMS)


KNOWN = """
[[known]]
check = "own/must"
reason = "the library counts so"
link = "https://example.org/1"
"""


def test_known_deviation(tmp_path: Path) -> None:
    outcome = run_own(tmp_path, TWO_DEVIATIONS, more=KNOWN)
    assert outcome.results["must"].verdict is Verdict.KNOWN
    assert outcome.results["must"].reason == "the library counts so (https://example.org/1)"
    assert outcome.results["must"].observed == "a number: 17"
    assert outcome.code == Exit.CONFORMS


def test_known_deviation_by_its_fingerprint(tmp_path: Path) -> None:
    first = run_own(tmp_path, TWO_DEVIATIONS)
    fingerprint = first.results["must"].fingerprint
    # Numbers are no evidence of another deviation.
    again = TWO_DEVIATIONS.replace("17", "19")
    same = run_own(tmp_path, again, more=f'{KNOWN}fingerprint = "{fingerprint}"')
    assert same.results["must"].verdict is Verdict.KNOWN
    changed = TWO_DEVIATIONS.replace("17", '"many"')
    other = run_own(tmp_path, changed, more=f'{KNOWN}fingerprint = "{fingerprint}"')
    assert other.results["must"].verdict is Verdict.FAIL
    assert other.results["must"].reason == f"listed as known with other evidence ({fingerprint})"
    assert other.code == Exit.FINDINGS


@pytest.mark.parametrize(("until", "verdict"), [("2020-02-29", Verdict.FAIL), ("2999-12-31", Verdict.KNOWN)])
def test_known_deviation_until(tmp_path: Path, until: str, verdict: Verdict) -> None:
    outcome = run_own(tmp_path, TWO_DEVIATIONS, more=f"{KNOWN}until = {until}")
    assert outcome.results["must"].verdict is verdict
    if verdict is Verdict.FAIL:
        assert outcome.results["must"].reason == f"listed as known until {until}: the library counts so"


def test_known_deviation_that_is_gone(tmp_path: Path) -> None:
    source = """
    @verifies(MUST)
    def test_must(connection): pass
    """
    note = "The profile lists own/must as a known deviation, but it passed: remove the entry."
    outcome = run_own(tmp_path, source, more=KNOWN)
    assert outcome.run.report is not None
    assert outcome.run.report.run.notes == (note,)
    assert (outcome.code, outcome.run.report.run.exit) == (Exit.FINDINGS, Exit.FINDINGS)
    assert f"pop3-conformance: {note}" in outcome.output
    assert run_own(tmp_path, source, "--pop3-gate=never", more=KNOWN).code == Exit.CONFORMS


# -- selection and order ----------------------------------------------------------------------------------------------

FOUR = """
@pytest.mark.slow
@verifies(MUST)
def test_slow(): pass

@verifies(MUST)
@pytest.mark.parametrize("what", ["a[b]", "c"])
def test_one(connection, what): pass

@verifies("R1939-7-UIDL-03")
def test_two(connection): pass
"""


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ((), ["one:a[b]", "one:c", "two", "slow"]),
        (("--pop3-select=two",), ["two"]),
        (("--pop3-select=own/one",), ["one:a[b]", "one:c"]),
        (("--pop3-select=own/one:a[b]",), ["one:a[b]"]),
        (("--pop3-select=R1939-7-UIDL-*",), ["two"]),
        (("--pop3-select=UIDL", "--pop3-select=slow"), ["two", "slow"]),
        (("--pop3-exclude=one",), ["two", "slow"]),
        (("--pop3-select=1939", "--pop3-exclude=TOP"), ["two"]),
        (("--pop3-select=every_reply/surplus",), ["one:a[b]", "one:c", "two", "slow"]),
    ],
)
def test_selection(tmp_path: Path, options: Sequence[str], names: list[str]) -> None:
    outcome = run_own(tmp_path, FOUR, *options)
    assert list(outcome.results) == names
    assert outcome.verdicts.get("slow") in (None, "not-run")


@pytest.mark.parametrize("option", ["--pop3-select=own/tow", "--pop3-exclude=own/tow"])
def test_idle_expression(tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = run_own(tmp_path, FOUR, "--pop3-select=one", option)
    assert outcome.code == pytest.ExitCode.USAGE_ERROR
    assert outcome.run.usage == "no check matches 'own/tow'; did you mean own/two?"
    assert capsys.readouterr().err.strip() == f"ERROR: {outcome.run.usage}"
    assert outcome.run.report is None


def test_checks_of_every_reply(tmp_path: Path) -> None:
    outcome = run_own(
        tmp_path,
        """
        @verifies("R1939-5-STAT-01")
        def test_one(transaction): transaction.command("XYZZY").err()

        @verifies("R1939-5-STAT-01")
        def test_two(transaction): transaction.retr(99).err()
        """,
        faults=["err-bare-lf"],
    )
    found = {result.id: result for result in outcome.run.results if result.id.startswith("every_reply/")}
    assert found["every_reply/surplus"].verdict is Verdict.PASS
    bare = found["every_reply/status_line_end"]
    assert bare.verdict is Verdict.FAIL
    assert bare.violated == ("R1939-3-RESP-SYNTAX-03",)
    assert "in 2 checks" in bare.observed
    assert bare.transcript
    assert outcome.verdicts == {"one": "pass", "two": "pass"}


# -- the report -------------------------------------------------------------------------------------------------------


def test_report(tmp_path: Path) -> None:
    outcome = run_own(
        tmp_path,
        FOUR,
        f"--pop3-report-dir={tmp_path / 'report'}",
        "--pop3-seed=7",
        "--pop3-select=own/*",
        "--pop3-exclude=one",
        "--pop3-gate=should",
    )
    record = json.loads((tmp_path / "report" / "report.json").read_text())
    assert outcome.run.report is not None
    assert record["run"]["seed"] == 7
    assert record["run"]["options"] == {"gate": "should", "select": "own/*", "exclude": "one", "slow": "no"}
    assert record["run"]["exit"] == 0
    target = record["target"]
    assert target["name"] == "A server"
    assert (target["host"], target["transports"]) == ("127.0.0.1", ["clear"])
    assert target["greeting"].startswith("+OK ")
    assert target["implementation"] == "pop3-conformance-reference"
    assert "UIDL" in target["capabilities"]["AUTHORIZATION"]
    assert "UIDL" in target["capabilities"]["TRANSACTION"]
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == [
        "badge.json",
        "junit.xml",
        "report.html",
        "report.json",
        "report.md",
    ]


def test_report_that_cannot_be_written(tmp_path: Path) -> None:
    place = tmp_path / "file" / "report"
    place.parent.write_text("")
    outcome = run_own(tmp_path, FOUR, f"--pop3-report-dir={place}")
    assert outcome.code == Exit.USAGE
    assert outcome.run.failure == f"cannot write the report into {place}: Not a directory"
    assert f"pop3-conformance: {outcome.run.failure}" in outcome.output


def test_the_seed_decides_what_is_generated(tmp_path: Path) -> None:
    def generated(name: str, *options: str) -> tuple[int, list[str]]:
        # A number of each generated message is in what the client asks TOP for.
        run = trial(tmp_path / name, select=["generated_messages/top_gives_the_first_lines"], options=options)
        (result,) = [result for result in run.results if not result.id.startswith("every_reply/")]
        sent = [entry.text for entry in result.transcript if entry.side == "client"]
        return run.seed, [line for line in sent if line.startswith("TOP")]

    seed, first = generated("first", "--pop3-seed=5")
    assert len(first) > 10
    assert generated("again", f"--pop3-seed={seed}") == (5, first)
    assert generated("other", "--pop3-seed=6")[1] != first


# -- servers that cannot be tested ------------------------------------------------------------------------------------

ONE = """
@verifies(MUST)
def test_one(connection): pass
"""


def _closes(stream: BinaryIO) -> None:
    pass


def _is_silent(stream: BinaryIO) -> None:
    while stream.readline():
        pass


def _speaks_http(stream: BinaryIO) -> None:
    stream.readline()
    stream.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def _refuses_service(stream: BinaryIO) -> None:
    stream.write(b"-ERR too busy\r\n")


@pytest.mark.parametrize(
    ("speak", "failure"),
    [
        (_closes, "the server closes at once, without a greeting (the connection closed by the server)"),
        (_refuses_service, r"the server refuses service: -ERR too busy\r\n"),
        (_is_silent, "sends no greeting and takes no login: check host and port, and whether it is a port for TLS"),
        (_speaks_http, "sends no greeting and takes no login: check host and port, and whether it is a port for TLS"),
        (lines(b"220 ready\r\n", b"500 what?\r\n"), r"does not speak POP3, it begins with 220 ready\r\n: check host"),
        (lines(b"+OK\r\n", b"-ERR no\r\n"), r"the login of conf1 is refused (PASS: -ERR no\r\n): check user and pass"),
    ],
)
def test_server_that_cannot_be_tested(tmp_path: Path, speak: Speak, failure: str) -> None:
    outcome = run_against(tmp_path, speak, ONE)
    assert failure in outcome.run.failure
    assert "\n" not in outcome.run.failure
    assert outcome.code == Exit.CANNOT_TEST
    assert outcome.run.report is None


def test_server_that_is_not_there(tmp_path: Path) -> None:
    with raw_server(_closes) as port:
        pass
    outcome = run_plugin(tmp_path, profile_text(port, USERS, None), ONE)
    assert outcome.run.failure == f"cannot connect to 127.0.0.1 port {port}: Connection refused"
    assert outcome.code == Exit.CANNOT_TEST


def test_server_that_answers_without_a_greeting_is_tested(tmp_path: Path) -> None:
    def speak(stream: BinaryIO) -> None:
        while stream.readline():
            stream.write(b"+OK\r\n")

    outcome = run_against(tmp_path, speak, ONE)
    assert outcome.verdicts == {"one": "pass"}


# -- secrets ----------------------------------------------------------------------------------------------------------

PASSWORDS = ["qu\"ote's", "back\\slash", "<b>bold</b>", "two  spaces ", ".*(re[gex]+$", "ünïcödé", "f0ur"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_no_secret_leaves_the_run(
    tmp_path: Path, password: str, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    """The server repeats the password wherever it can."""
    octets = password.encode()

    def speak(stream: BinaryIO) -> None:
        stream.write(b"+OK hello " + octets + b"\r\n")
        while line := stream.readline():
            if line.startswith(b"CAPA"):
                stream.write(b"+OK\r\nIMPLEMENTATION " + octets + b"\r\n" + octets + b"\r\n.\r\n")
            elif line.startswith(b"NOOP"):
                stream.write(b"-ERR " + octets + b" is no news\n")
            else:
                stream.write(b"+OK " + octets + b" is your password\r\n")

    source = f"""
    SECRET = {password!r}

    @verifies(MUST)
    def test_reply(transaction, judge):
        judge.observe("news", transaction.noop())
        transaction.noop().ok()

    @verifies(MUST)
    def test_argument(transaction): expect("the secret", SECRET, "something else")

    @verifies(MUST)
    def test_error(): raise BenchError(SECRET)

    @verifies(MUST)
    def test_crash(): raise ValueError(SECRET)

    @verifies(MUST)
    def test_skipped(): raise NotRun(f"because of {{SECRET}}")
    """
    with raw_server(speak) as port:
        profile = profile_text(port, {"conf1": password}, None)
        options = (f"--pop3-report-dir={tmp_path / 'report'}", f"--junit-xml={tmp_path / 'report' / 'x.xml'}", "-rA")
        outcome = run_plugin(tmp_path, profile, source, *options)
    assert outcome.verdicts["reply"] == "fail"
    assert len(list((tmp_path / "report").iterdir())) == 6
    texts = {path.name: path.read_text() for path in (tmp_path / "report").iterdir()}
    texts |= {"terminal": outcome.output, "captured": "".join(capsys.readouterr())}
    texts |= {"results": repr(outcome.run.results) + repr(outcome.run.observations) + repr(outcome.run.facts)}
    for name, text in texts.items():
        for form in _forms(password):
            assert form not in text, name


def test_no_secret_in_why_a_server_cannot_be_tested(tmp_path: Path) -> None:
    outcome = run_against(tmp_path, lines(b"+OK\r\n", b"-ERR secret1 is wrong\r\n"), ONE)
    assert "******** is wrong" in outcome.run.failure
    assert "secret1" not in outcome.run.failure + outcome.output


def _forms(secret: str) -> set[str]:
    """Return the ways in which a secret may be written in a file."""
    escaped = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {secret.strip(), escaped, repr(secret)[1:-1], json.dumps(secret)[1:-1], repr(secret.encode())[2:-1]}


# -- within a project of somebody's -----------------------------------------------------------------------------------


class _Project:
    """Runs pytest in a directory as its owner would."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "POP3"))}
        profile = Path(__file__).parents[1] / "profiles" / "reference.toml"
        with_profile = () if "--no-profile" in arguments else (f"--pop3-profile={profile}",)
        own = [argument for argument in arguments if argument != "--no-profile"]
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:randomly", *own, *with_profile],
            cwd=self._directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )


@contextmanager
def _in_project(directory: Path) -> Iterator[_Project]:
    project = directory / "project"
    project.mkdir(exist_ok=True)
    (project / "pytest.ini").write_text(
        "[pytest]\naddopts = -ra --strict-markers\nmarkers = slow: takes long\nfilterwarnings = error\ntimeout = 50\n"
    )
    (project / "test_list.py").write_text(
        "import pytest\n"
        "@pytest.mark.slow\n"
        "def test_mine(request): assert request.node.nodeid == 'test_list.py::test_mine'\n"
        "@pytest.fixture\n"
        "def connection(): return 'mine'\n"
        "def test_other(connection): assert connection == 'mine'\n"
    )
    yield _Project(project)


def test_checks_beside_the_tests_of_a_project(tmp_path: Path) -> None:
    with _in_project(tmp_path) as pytest_:
        result = pytest_(
            ".", "--pyargs", "conformance.checks", "-v", "--pop3-select=list", f"--pop3-report-dir={tmp_path / 'r'}"
        )
    record = json.loads((tmp_path / "r" / "report.json").read_text())
    assert result.returncode == 0, result.stdout
    assert "test_list.py::test_mine PASSED" in result.stdout
    assert "test_list.py::test_other PASSED" in result.stdout
    assert result.stdout.index("::test_mine PASSED") < result.stdout.index("::test_every_message_has_a_line PASSED")
    assert f"POP3 server under test: Reference server, random seed {record['run']['seed']}" in result.stdout
    ids = [check["id"] for check in record["checks"]]
    assert "list/every_message_has_a_line" in ids
    assert not [id_ for id_ in ids if not id_.startswith("list/")]


def test_without_a_profile_the_plugin_does_nothing(tmp_path: Path) -> None:
    with _in_project(tmp_path) as pytest_:
        own = pytest_("--no-profile", "-q")
        checks = pytest_("--no-profile", "-q", "--pyargs", "conformance.checks")
    assert own.returncode == 0
    assert "2 passed" in own.stdout
    assert checks.returncode == pytest.ExitCode.USAGE_ERROR
    assert checks.stderr.strip() == "ERROR: the checks of conformance.checks need --pop3-profile FILE"


def test_a_profile_without_checks_starts_nothing(tmp_path: Path) -> None:
    with _in_project(tmp_path) as pytest_:
        result = pytest_("-q", f"--pop3-report-dir={tmp_path / 'r'}")
    assert result.returncode == 0
    assert not (tmp_path / "r").exists()


def test_a_fixture_of_the_project_that_hides_one_of_the_checks(tmp_path: Path) -> None:
    with _in_project(tmp_path) as pytest_:
        (tmp_path / "project" / "conftest.py").write_text(
            "import pytest\n@pytest.fixture\ndef transaction(): return None\n"
        )
        result = pytest_("-q", "--pyargs", "conformance.checks", "--pop3-select=list")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "the fixture 'transaction' of conftest hides that of the checks" in result.stderr


def test_workers_find_what_one_process_finds(tmp_path: Path) -> None:
    selection = [f"--pop3-select={topic}" for topic in ("apop", "lock", "noop")]
    with _in_project(tmp_path) as pytest_:
        for directory, workers in (("one", ()), ("two", ("-n", "2"))):
            place = f"--pop3-report-dir={tmp_path / directory}"
            result = pytest_("-q", "--pyargs", "conformance.checks", *selection, *workers, place)
            assert result.returncode == 0, result.stdout
    one, two = (json.loads((tmp_path / name / "report.json").read_text()) for name in ("one", "two"))
    assert [(check["id"], check["verdict"]) for check in two["checks"]] == [
        (check["id"], check["verdict"]) for check in one["checks"]
    ]
    assert two["summary"] == one["summary"]
    assert two["target"]["capabilities"] == one["target"]["capabilities"]
    assert two["target"]["greeting"]


def test_a_check_whose_worker_dies_is_named(tmp_path: Path) -> None:
    source = """
        import os

        @verifies(MUST)
        def test_dies(connection): os._exit(7)

        @verifies(MUST)
        def test_passes(connection): "It holds."
        """
    with _in_project(tmp_path) as pytest_:
        (tmp_path / "test_own.py").write_text(HEAD + textwrap.dedent(source))
        result = pytest_("-q", str(tmp_path / "test_own.py"), "-n", "2", f"--pop3-report-dir={tmp_path / 'report'}")
    assert result.returncode == Exit.SUITE_FAILED
    record = json.loads((tmp_path / "report" / "report.json").read_text())
    assert record["run"]["exit"] == Exit.SUITE_FAILED
    (note,) = record["run"]["notes"]
    assert note.endswith("test_own.py::test_dies has died: that check has no verdict.")
    assert "own/passes" in [check["id"] for check in record["checks"]]
