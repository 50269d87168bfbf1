"""The command line: what it prints where, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from typer.testing import CliRunner, Result

from conformance import __version__
from conformance.cli import app, bundled_profile
from conformance.plugin.outcome import Exit
from conformance.reference.faults import FAULTS
from conformance.reference.variants import VARIANTS
from conformance.requirements import load_catalogue
from conformance.wire.reply import Defect
from tests.raw_server import lines, raw_server

COMMAND = (sys.executable, "-m", "conformance")


def invoke(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, arguments, obj=[], prog_name="pop3-conformance")


def start(directory: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Run a command as a process of its own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "POP3"))}
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=directory,
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the end of a process; return its exit code and what it wrote."""
    try:
        output, complaints = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, output, complaints


def run(directory: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run a command as a process of its own, to its end."""
    return finish(start(directory, *arguments, **environment))


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for a condition that nothing announces."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.02)


def profile(directory: Path, port: int, limits: str = "") -> Path:
    """Write a profile of a server whose mail is taken as found."""
    path = directory / "profile.toml"
    path.write_text(
        f'[server]\nname = "My server"\n[endpoint]\nhost = "127.0.0.1"\nport = {port}\n'
        f'[[accounts]]\nuser = "conf1"\npassword = "secret1"\n[limits]\n{limits}'
    )
    return path


@contextmanager
def serving(directory: Path, fault: str) -> Iterator[Path]:
    """Serve with a fault, and give the profile of that server; see that it stops with what it says, and no more."""
    server = start(directory, "serve", "--port", "0", "--fault", fault)
    assert server.stdout is not None
    try:
        yield profile(directory, int(server.stdout.readline().split()[-1]))
    finally:
        server.send_signal(signal.SIGINT)
        code, _, said = finish(server)
    assert code == 0
    assert said == "user conf1, password secret1; Ctrl-C stops\n"


# -- a run ------------------------------------------------------------------------------------------------------------


def test_run(tmp_path: Path) -> None:
    code, output, complaints = run(tmp_path, "run", "--select", "noop", "--seed", "5", FORCE_COLOR="", NO_COLOR="1")
    assert (code, complaints) == (0, "")
    assert output.startswith("Reference server at 127.0.0.1 port ")
    assert output.endswith("s, seed 5\nreport: reports/reference-server\n")
    assert "\x1b" not in output
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]
    record = json.loads((tmp_path / "reports" / "reference-server" / "report.json").read_text())
    assert record["run"]["seed"] == 5
    assert record["run"]["options"]["select"] == "noop"


def test_a_seed_that_was_chosen_is_printed(tmp_path: Path) -> None:
    _, output, _ = run(tmp_path, "run", "--select", "noop", "--report-dir", "here/there")
    record = json.loads((tmp_path / "here" / "there" / "report.json").read_text())
    assert f"seed {record['run']['seed']}\n" in output


def test_run_on_a_server_with_a_fault(tmp_path: Path) -> None:
    """The whole way: exit code, finding, evidence, colours where they are wanted, no progress where it is piped."""
    environment = {"FORCE_COLOR": "1", "NO_COLOR": ""}
    with serving(tmp_path, "greeting-bare-lf") as path:
        found = run(tmp_path, "run", str(path), "--select", "noop", **environment)
    code, output, complaints = found
    assert (code, complaints) == (Exit.FINDINGS, "")
    assert output.startswith("\x1b[1;31mFAIL R1939-3-RESP-SYNTAX-03")
    assert "every_reply/status_line_end" in output
    assert "report: reports/my-server" in output


def test_what_a_baseline_has_does_not_fail_the_run(tmp_path: Path) -> None:
    """The same fault twice, the second time beside the report of the first; then another one, which is news."""

    def run_against(fault: str, *arguments: str, directory: str) -> tuple[int, str]:
        with serving(tmp_path, fault) as path:
            code, output, _ = run(tmp_path, "run", str(path), "--select", "noop", "--report-dir", directory, *arguments)
        return code, output

    assert run_against("greeting-bare-lf", directory="first")[0] == Exit.FINDINGS
    baseline = ("--baseline", "first/report.json")
    code, output = run_against("greeting-bare-lf", *baseline, directory="second")
    assert code == Exit.CONFORMS
    assert "Nothing has changed since the baseline." in output
    code, output = run_against("noop-not-implemented", *baseline, directory="third")
    assert code == Exit.FINDINGS
    assert "New since the baseline: noop/" in output


def test_output_whose_reader_has_gone(tmp_path: Path) -> None:
    process = start(tmp_path, "list", "checks")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    code, _, complaints = finish(process)
    assert (code, complaints) == (0, "")


def test_what_pytest_is_asked_for_is_printed(tmp_path: Path) -> None:
    code, output, complaints = run(tmp_path, "run", "--select", "noop", "--", "--collect-only", "-q")
    assert (code, complaints) == (0, "")
    assert "test_noop.py::" in output
    assert list(tmp_path.iterdir()) == []


# -- what cannot be done ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["--exclude", "*"], Exit.USAGE, "no check is selected; `pop3-conformance list checks` shows what there is"),
        (["-n", "2", "--select", "tsates"], Exit.USAGE, "no check matches 'tsates'; did you mean states?"),
        (["--", "--bogus"], Exit.USAGE, "unrecognized arguments: --bogus"),
        (["--baseline", "none"], Exit.USAGE, "cannot read the baseline none: No such file or directory"),
    ],
)
def test_selection_that_cannot_be(tmp_path: Path, arguments: Sequence[str], code: Exit, line: str) -> None:
    assert run(tmp_path, "run", *arguments) == (code, "", f"pop3-conformance: {line}\n")
    assert list(tmp_path.iterdir()) == []


def test_server_that_cannot_be_tested(tmp_path: Path) -> None:
    with raw_server(lines(b"+OK\r\n", b"-ERR no\r\n")) as port:
        found = run(tmp_path, "run", str(profile(tmp_path, port)))
    why = r"the login of conf1 is refused (PASS: -ERR no\r\n): check user and password in the profile"
    assert found == (Exit.CANNOT_TEST, "", f"pop3-conformance: the server cannot be tested: {why}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["profile.toml"]


def test_report_directory_that_was_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    found = run(tmp_path, "run", "--select", "tsates", "--report-dir", "mine/new")
    assert found == (Exit.USAGE, "", "pop3-conformance: no check matches 'tsates'; did you mean states?\n")
    assert list((tmp_path / "mine").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "profile.toml: No such file or directory"),
        ("[[[", "profile.toml: not TOML: "),
        ('[server]\nnam = "x"', "profile.toml: server: unknown key 'nam'; did you mean 'name'?"),
    ],
)
def test_profile_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        Path("profile.toml").write_text(text)
    result = invoke("run", "profile.toml")
    assert result.exit_code == Exit.USAGE
    assert result.stderr.startswith(f"pop3-conformance: {line}")
    assert not Path("reports").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run", ""], "Is a directory"),
        (["run", "."], ".: Is a directory"),
        (["run", "imap://a@127.0.0.1"], "URL: must begin with pop3:// or pops://"),
        (["run", "pop3://a:secret1@127.0.0.1"], "URL: a password does not belong in it; put it in POP3_PASSWORD"),
        (["run", "--report-dir", "/dev/null/x"], "the report cannot go into /dev/null/x: Not a directory"),
        (["run", "--report-dir", "/dev/null"], "the report cannot go into /dev/null: File exists"),
        (
            ["serve", "--fault", "tpo-of-marked"],
            "there is no fault 'tpo-of-marked'; did you mean top-of-marked?",
        ),
        (["serve", "--mail", "/dev/null"], "/dev/null/users: Not a directory"),
        (["serve", "--host", "192.0.2.1"], "cannot listen on 192.0.2.1 port 1110: cannot assign requested address"),
        (["list"], "say what to list: requirements, checks, faults or variants"),
        (["list", "faults", "--select", "nothing*"], "no faults match nothing*"),
        (["explain", "nothing"], "nothing is called 'nothing'"),
    ],
)
def test_usage_that_cannot_be(arguments: Sequence[str], line: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == Exit.USAGE
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("pop3-conformance: ")
    assert line in result.stderr
    assert "secret1" not in result.output
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run", "--bogus"], "No such option: --bogus"),
        (["run", "--seed", "x"], "'--seed'"),
        (["run", "-n", "0"], "'-n'"),
        (["run", "--gate", "maybe"], "'--gate'"),
        (["run", "one", "two"], "unexpected extra argument"),
        (["serve", "--port", "99999"], "'--port'"),
        (["list", "nothing"], "'nothing' is not one of 'requirements', 'checks', 'faults', 'variants'"),
        (["explain"], "Missing argument"),
        (["frobnicate"], "No such command 'frobnicate'"),
    ],
)
def test_options_that_cannot_be(arguments: Sequence[str], line: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == Exit.USAGE
    assert line in result.stderr
    assert "Try 'pop3-conformance" in result.stderr
    assert "Traceback" not in result.output


def test_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = invoke("serve", "--port", str(port))
    assert result.exit_code == Exit.USAGE
    assert f"cannot listen on 127.0.0.1 port {port}: address already in use" in result.stderr


# -- being stopped ----------------------------------------------------------------------------------------------------

BLOCKS = '''
import threading
from pathlib import Path
from conformance.marks import verifies

@verifies("R1939-5-NOOP-01")
def test_waits(transaction):
    """Waits until it is stopped."""
    Path("started").touch()
    threading.Event().wait(60)
'''


def _start_and_wait(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a run that has got to a check which never ends."""
    (directory / "test_block.py").write_text(BLOCKS)
    process = start(directory, "run", *arguments, "--select", "noop", "--select", "block", "--", "test_block.py")
    until(lambda: (directory / "started").exists() or process.poll() is not None)
    return process


def _report(directory: Path) -> dict[str, Any]:
    (path,) = (directory / "reports").glob("*/report.json")
    record: dict[str, Any] = json.loads(path.read_text())
    return record


def _is_served(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_leaves_a_report_of_what_ran(tmp_path: Path, number: signal.Signals) -> None:
    process = _start_and_wait(tmp_path)
    process.send_signal(number)
    code, output, complaints = finish(process)
    assert (code, complaints) == (Exit.INTERRUPTED, "")
    assert "The run was interrupted" in output
    record = _report(tmp_path)
    assert record["run"]["exit"] == Exit.INTERRUPTED
    ids = [check["id"] for check in record["checks"]]
    assert [id_ for id_ in ids if id_.startswith("noop/")]
    assert "block/waits" not in ids
    assert not _is_served(record["target"]["port"])


def test_a_run_that_is_stopped_twice_leaves_no_server(tmp_path: Path) -> None:
    text = bundled_profile("reference").read_text().replace("{profile_dir}/reference", str(tmp_path))
    (tmp_path / "users").write_text((bundled_profile("reference").parent / "reference" / "users").read_text())
    stop = 'stop = ["sh", "-c", "touch stopping; exec sleep 60"]'
    (tmp_path / "slow.toml").write_text(text.replace("[launch]", f"[launch]\n{stop}"))
    process = _start_and_wait(tmp_path, "slow.toml")
    process.send_signal(signal.SIGINT)
    until((tmp_path / "stopping").exists)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    code, _, complaints = finish(process)
    assert (code, complaints) == (Exit.INTERRUPTED, "")
    assert time.monotonic() - begun < 4  # and not the grace that a server has
    assert not _is_served(_report(tmp_path)["target"]["port"])


def test_a_run_that_is_stopped_before_any_check(tmp_path: Path) -> None:
    connected = threading.Event()

    def speak(stream: BinaryIO) -> None:
        connected.set()
        stream.readline()

    with raw_server(speak) as port:
        process = start(tmp_path, "run", str(profile(tmp_path, port)))
        assert connected.wait(30)
        process.send_signal(signal.SIGINT)
        found = finish(process)
    assert found == (Exit.INTERRUPTED, "", "pop3-conformance: interrupted before any check had run\n")
    assert not (tmp_path / "reports").exists()


def test_serve_with_mail_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("me:{PLAIN}mine\n")
    process = start(tmp_path, "serve", "--port", "0", "--mail", ".")
    assert process.stdout is not None
    try:
        _, host, port = process.stdout.readline().split()
        with socket.create_connection((host, int(port)), 5) as client, client.makefile("rw", newline="") as stream:
            client.settimeout(5)
            assert stream.readline().startswith("+OK ")
            for command in ("USER me", "PASS mine", "STAT"):
                stream.write(f"{command}\r\n")
                stream.flush()
                reply = stream.readline()
        process.send_signal(signal.SIGTERM)
        code, _, complaints = finish(process)
    finally:
        process.kill()
    assert reply == "+OK 0 0\r\n"
    assert (code, complaints) == (0, "Ctrl-C stops\n")


# -- list, explain, help ----------------------------------------------------------------------------------------------


def listed(*arguments: str) -> list[dict[str, Any]]:
    result = invoke("list", *arguments, "--format", "json")
    assert result.exit_code == 0
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


@pytest.mark.parametrize(
    ("what", "count", "types"),
    [
        (
            "requirements",
            len(load_catalogue()),
            {"id": str, "text": str, "level": str, "cap": str, "testable": str, "url": str},
        ),
        ("checks", None, {"id": str, "text": str, "requirements": list, "slow": bool}),
        ("faults", len(FAULTS), {"id": str, "text": str, "breaks": list, "seen_in": str}),
        ("variants", len(VARIANTS), {"id": str, "text": str, "allowed_by": str, "warns": list}),
    ],
)
def test_list_as_json(what: str, count: int | None, types: dict[str, type]) -> None:
    """The keys and their types, which programs rely on."""
    rows = listed(what)
    assert {key: {type(row[key]) for row in rows} for key in rows[0]} == {key: {kind} for key, kind in types.items()}
    assert all(list(row) == list(types) for row in rows)
    if count is not None:
        assert len(rows) == count
    assert len({row["id"] for row in rows}) == len(rows)


def test_list_as_text() -> None:
    result = invoke("list", "requirements", "--select", "R1939-5-NOOP-*")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        row["id"] for row in listed("requirements", "--select", "R1939-5-NOOP-*")
    ]


def test_list_coverage() -> None:
    result = invoke("list", "--coverage", "--format", "json")
    record = json.loads(result.stdout)
    assert set(record) == {"covered", "lacking"}
    assert set(record["covered"]) == set(load_catalogue())
    assert result.exit_code == (Exit.FINDINGS if record["lacking"] else Exit.CONFORMS)
    assert f"every_reply/{Defect.SURPLUS.name.lower()}" in record["covered"][Defect.SURPLUS.requirement]
    text = invoke("list", "--coverage")
    assert text.exit_code == result.exit_code
    assert text.stdout.count("NO CHECK") == len(record["lacking"])
    assert f"of {len(load_catalogue())} are not testable, with the reason.\n" in text.stdout


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("R1939-7-TOP-06", ["(RFC 1939 section 7, DESCRIPTIVE)", "https://www.rfc-editor.org/rfc/rfc1939#section-7"]),
        ("R1939-7-TOP-0?", ["R1939-7-TOP-01", "R1939-7-TOP-09"]),
        ("TOP", ["Zero lines is a valid request, although some descriptions of POP3 ask for a positive number."]),
        ("noop", ["noop/", "  verifies R1939-5-NOOP-"]),
        ("list/every_message_has_a_line", ["list/every_message_has_a_line\n", "  verifies R1939-5-LIST-"]),
        ("autologout", ["  runs: with --slow only"]),
        (
            "top-of-marked",
            ["top-of-marked  (a fault of the reference server)", "  breaks R1939-7-TOP-", "  check: top/"],
        ),
        (
            next(name for name, variant in VARIANTS.items() if variant.warns),
            ["(a lawful variant of the reference server)", "  may be warned of: R1939-"],
        ),
    ],
)
def test_explain(what: str, said: Sequence[str]) -> None:
    result = invoke("explain", what)
    assert result.exit_code == 0
    for text in said:
        assert text in result.stdout


@pytest.fixture(params=["run", "list", "explain", "serve"])
def help_of(request: pytest.FixtureRequest) -> tuple[str, str]:
    result = invoke(request.param, "--help")
    assert result.exit_code == 0
    return request.param, result.stdout


def test_help_has_examples_one_to_a_line(help_of: tuple[str, str]) -> None:
    command, text = help_of
    examples = text.partition("  Examples:\n")[2].splitlines()
    assert len(examples) >= 3
    assert all(example.startswith(f"    pop3-conformance {command}") for example in examples)
    assert max(map(len, text.splitlines())) <= 80


def test_examples_of_explain_and_list_work(help_of: tuple[str, str]) -> None:
    command, text = help_of
    if command in ("list", "explain"):
        for line in text.partition("  Examples:\n")[2].splitlines():
            arguments = line.replace("'", "").split()[1:]
            assert invoke(*arguments).exit_code in (Exit.CONFORMS, Exit.FINDINGS), line


def test_version() -> None:
    assert invoke("--version").stdout == f"pop3-conformance {__version__}\n"
