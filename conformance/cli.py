"""The command line: each command parses, calls one thing, and prints."""

import json
import os
import re
import signal
import sys
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from rich.console import Console

from conformance import __version__, inventory
from conformance.console import ConsoleReporter
from conformance.exhibit import serve_until_stopped
from conformance.explanation import explain as explanation
from conformance.plugin.outcome import Exit
from conformance.plugin.run import Run
from conformance.profile import ProfileError, load_profile, profile_from_url
from conformance.reference.assembly import UnknownName, assemble
from conformance.reference.faults import FAULTS
from conformance.reference.variants import VARIANTS
from conformance.report import terminal
from conformance.requirements import load_catalogue

app = typer.Typer(
    name="pop3-conformance",
    help="A conformance test suite for POP3 servers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PLUGINS = ("conformance.plugin", "pytest_timeout", "_hypothesis_pytestplugin")
"""What a run loads; whatever else is installed beside us is not let in."""


class Gate(StrEnum):
    """Which findings make the exit code 1."""

    MUST = "must"
    SHOULD = "should"
    NEVER = "never"


class Kind(StrEnum):
    """What can be listed."""

    REQUIREMENTS = "requirements"
    CHECKS = "checks"
    FAULTS = "faults"
    VARIANTS = "variants"


class Format(StrEnum):
    """How a list is printed."""

    TEXT = "text"
    JSON = "json"


def main() -> None:
    """Run the command line."""
    arguments, for_pytest = _split(sys.argv[1:])
    # Whoever stops us is to find the report of what ran, and no server of ours left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app(arguments, obj=for_pytest)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.CONFORMS)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Part the arguments at the first `--`: what follows it is pytest's."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"pop3-conformance {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    pass


@app.command(
    epilog="Examples: pop3-conformance run  |  run my-server.toml --select 1939 --select 'R1939-7-*'  |  "
    "run pop3://user@mail.example.org  |  run my-server.toml --gate should -- -x",
)
def run(
    context: typer.Context,
    target: Annotated[
        str | None, typer.Argument(metavar="[PROFILE.toml|URL]", help="Default: the embedded reference server.")
    ] = None,
    report_dir: Annotated[Path | None, typer.Option(help="Where the report goes.", show_default="reports/NAME")] = None,
    select: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EXPR", help="Only checks by requirement id, RFC number, topic or name; globs; repeatable."
        ),
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(metavar="EXPR", help="No checks that match; repeatable.")] = None,
    gate: Annotated[Gate, typer.Option(help="Which findings make the exit code 1.")] = Gate.MUST,
    seed: Annotated[int | None, typer.Option(help="The random seed.", show_default="chosen, and printed")] = None,
    slow: Annotated[bool, typer.Option("--slow", help="Also run the checks that wait for minutes.")] = False,
    workers: Annotated[
        int, typer.Option("-n", min=1, metavar="WORKERS", help="Processes, each with its accounts.")
    ] = 1,
) -> None:
    """Check a server and write a report. What follows -- goes to pytest.

    Exit codes: 0 conforms at the gate, 1 findings, 2 bad usage or profile, 3 the server could not be tested,
    4 the suite itself failed, 130 interrupted (the report of what ran is written).
    """
    profile = target or str(bundled_profile("reference"))
    directory = report_dir or Path("reports") / _slug(_name_of(profile))
    arguments = [f"--pop3-profile={profile}", f"--pop3-report-dir={directory}", f"--pop3-gate={gate}"]
    arguments += [f"--pop3-select={expression}" for expression in select or ()]
    arguments += [f"--pop3-exclude={expression}" for expression in exclude or ()]
    arguments += [f"--pop3-seed={seed}"] if seed is not None else []
    arguments += ["--pop3-slow"] if slow else []
    plugins = [*_PLUGINS, *(["xdist.plugin"] if workers > 1 else [])]
    arguments += [f"-n{workers}"] if workers > 1 else []
    arguments += [argument for plugin in plugins for argument in ("-p", plugin)]
    _prepare(directory)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    reporter = ConsoleReporter(Console(stderr=True))
    code = pytest.main([*inventory.PYTEST_OPTIONS, *arguments, *context.obj], plugins=[reporter])
    raise typer.Exit(_finished(reporter, code, directory))


def _finished(reporter: ConsoleReporter, code: int, directory: Path) -> int:
    """Print what the run found, and return the exit code."""
    finished = reporter.run
    if isinstance(finished, Run) and finished.report is not None:
        console = Console()
        colour = console.is_terminal and not console.no_color
        width = min(console.width, 120)
        print(terminal.render(finished.report, width=width, colour=colour, where=str(directory)), end="")
        return finished.report.run.exit
    if isinstance(finished, Run) and finished.failure:
        return _complain(f"the server cannot be tested: {finished.failure}", Exit.CANNOT_TEST)
    if code == pytest.ExitCode.USAGE_ERROR:
        return Exit.USAGE  # pytest has said why on standard error
    if code == pytest.ExitCode.INTERRUPTED:
        return _complain("interrupted before any check ran", Exit.INTERRUPTED)
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        return _complain("no check is selected", Exit.USAGE)
    print(reporter.pytest_output.getvalue(), file=sys.stderr)
    return _complain("the suite itself failed; what pytest said of it stands above", Exit.SUITE_FAILED)


def _complain(message: str, code: Exit) -> Exit:
    print(f"pop3-conformance: {message}", file=sys.stderr)
    return code


def _name_of(profile: str) -> str:
    try:
        return (profile_from_url(profile) if "://" in profile else load_profile(Path(profile))).server.name
    except ProfileError as error:
        raise typer.Exit(_complain(str(error), Exit.USAGE)) from error


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.") or "server"


def _prepare(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the report cannot go into {directory}: {error.strerror}; give another with --report-dir"
        raise typer.Exit(_complain(message, Exit.USAGE)) from error


def bundled_profile(name: str) -> Path:
    """Return the path of a profile that comes with the suite, installed or in a checkout."""
    package = Path(__file__).parent
    installed = package / "profiles" / f"{name}.toml"
    return installed if installed.exists() else package.parent / "profiles" / f"{name}.toml"


@app.command("list", epilog="Examples: pop3-conformance list checks  |  list faults --format json  |  list --coverage")
def list_(
    what: Annotated[Kind | None, typer.Argument(help="What to list.")] = None,
    matching: Annotated[str, typer.Option("--select", metavar="GLOB", help="Only what matches.")] = "*",
    format_: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TEXT,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Which check verifies which requirement; exit code 1 if one lacks.")
    ] = False,
) -> None:
    """List requirements, checks, faults of the reference server or its lawful variants."""
    if coverage:
        raise typer.Exit(_list_coverage(format_))
    if what is None:
        raise typer.Exit(_complain("say what to list: requirements, checks, faults or variants", Exit.USAGE))
    rows = [row for row in _rows(what) if fnmatchcase(row["id"], matching)]
    if not rows:
        raise typer.Exit(_complain(f"no {what} match {matching}", Exit.USAGE))
    if format_ is Format.JSON:
        print(json.dumps(rows, indent=2))
        return
    width = max(len(row["id"]) for row in rows)
    for row in rows:
        print(f"{row['id']:{width}}  {row['text']}")


def _rows(what: Kind) -> list[dict[str, Any]]:
    match what:
        case Kind.REQUIREMENTS:
            return [
                {"id": r.id, "text": r.statement, "level": r.level, "cap": r.cap, "testable": r.testable, "url": r.url}
                for r in load_catalogue().values()
            ]
        case Kind.CHECKS:
            return [
                {"id": c.id, "text": c.title, "requirements": list(c.requirements), "slow": c.slow}
                for c in inventory.checks()
            ]
        case Kind.FAULTS:
            return [
                {"id": f.name, "text": f.sentence, "breaks": list(f.breaks), "seen_in": f.seen_in}
                for f in FAULTS.values()
            ]
        case Kind.VARIANTS:
            return [{"id": v.name, "text": v.sentence, "allowed_by": v.allowed_by} for v in VARIANTS.values()]


def _list_coverage(format_: Format) -> Exit:
    """Print which checks verify which requirement, and fail if a testable one has none."""
    catalogue = load_catalogue()
    covered = inventory.coverage(catalogue, inventory.checks())
    lacking = [id_ for id_, checks in covered.items() if not checks and catalogue[id_].testable != "no"]
    if format_ is Format.JSON:
        print(json.dumps({"covered": covered, "lacking": lacking}, indent=2))
        return Exit.FINDINGS if lacking else Exit.CONFORMS
    for id_, checks in covered.items():
        requirement = catalogue[id_]
        nothing = f"not testable: {requirement.why_not}" if requirement.testable == "no" else "NO CHECK"
        print(f"{id_:26} {', '.join(checks) or nothing}")
    testable = sum(requirement.testable != "no" for requirement in catalogue.values())
    print(f"\n{testable - len(lacking)} of {testable} testable requirements have a check; ", end="")
    print(f"{len(catalogue) - testable} of {len(catalogue)} are not testable, with the reason.")
    return Exit.FINDINGS if lacking else Exit.CONFORMS


@app.command(epilog="Examples: pop3-conformance explain R1939-7-TOP-06  |  explain TOP  |  explain 'uidl/*'")
def explain(
    what: Annotated[str, typer.Argument(metavar="ID", help="Requirement, check, topic, fault or variant; globs.")],
) -> None:
    """Explain a requirement, a check, a topic, a fault or a variant."""
    text = explanation(what)
    if text is None:
        raise typer.Exit(
            _complain(f"nothing is called {what}; `pop3-conformance list` shows what there is", Exit.USAGE)
        )
    print(text)


@app.command(epilog="Examples: pop3-conformance serve --port 1110  |  serve --port 1110 --fault retr-not-stuffed")
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.")] = 1110,
    fault: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A rule to break; repeatable.")] = None,
    variant: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A lawful difference; repeatable.")] = None,
    mail: Annotated[
        Path | None, typer.Option(help="Holds USER/Maildir and the file users.", show_default="five messages of ours")
    ] = None,
) -> None:
    """Run the reference server by itself, for people who test clients. Ctrl-C stops it."""
    try:
        assemble(fault or (), variant or ())
    except UnknownName as error:
        raise typer.Exit(_complain(str(error), Exit.USAGE)) from error
    raise typer.Exit(serve_until_stopped(host, port, fault or [], variant or [], mail))
