"""The command line: each command parses, calls one thing, and prints."""

import contextlib
import io
import json
import os
import re
import signal
import sys
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any

import pytest
import typer
from rich.console import Console

from conformance import __version__, inventory
from conformance.console import ConsoleReporter
from conformance.exhibit import CannotServe, serve_until_stopped
from conformance.explanation import explain as explanation
from conformance.plugin.outcome import Exit
from conformance.plugin.run import Run
from conformance.profile import ProfileError, load_profile, profile_from_url
from conformance.reference.faults import FAULTS
from conformance.reference.variants import VARIANTS
from conformance.report import terminal
from conformance.requirements import Requirement, load_catalogue

app = typer.Typer(
    name="pop3-conformance",
    help="A conformance test suite for POP3 servers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PLUGINS = ("conformance.plugin", "pytest_timeout")
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
    app(arguments, obj=for_pytest)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Part the arguments at the first `--`: what follows it is pytest's."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


def _examples(*lines: str) -> str:
    r"""Return the end of a help text; the `\b` keeps typer from making one paragraph of the lines."""
    return "\n".join(("\b", "Examples:", *(f"  pop3-conformance {line}" for line in lines)))


def _print(text: str) -> None:
    """Print the text. That its reader has gone (`| head`) is no failure, and the exit code stays what it is."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # What is still in the buffer would be complained of at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str, code: Exit) -> Exit:
    print(f"pop3-conformance: {message}", file=sys.stderr)
    return code


def _version(wanted: bool) -> None:
    if wanted:
        _print(f"pop3-conformance {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    pass


@app.command(
    epilog=_examples(
        "run",
        "run my-server.toml",
        "run my-server.toml --select TOP --select 'R1939-6-*'",
        "run my-server.toml --gate should -- -x",
        "run my-server.toml --baseline last/report.json",
        "run pop3://user@mail.example.org",
    ),
)
def run(
    context: typer.Context,
    target: Annotated[
        str | None, typer.Argument(metavar="PROFILE.toml|URL", help="Default: the embedded reference server.")
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
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="REPORT.json", help="An earlier report: what it found already does not fail the run."),
    ] = None,
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
    profile = str(bundled_profile("reference")) if target is None else target
    directory = report_dir or Path("reports") / _slug(_name_of(profile))
    arguments = [f"--pop3-profile={profile}", f"--pop3-report-dir={directory}", f"--pop3-gate={gate}"]
    arguments += [f"--pop3-select={expression}" for expression in select or ()]
    arguments += [f"--pop3-exclude={expression}" for expression in exclude or ()]
    arguments += [f"--pop3-baseline={baseline}"] if baseline is not None else []
    arguments += [f"--pop3-seed={seed}"] if seed is not None else []
    arguments += ["--pop3-slow"] if slow else []
    plugins = [*_PLUGINS, *(["xdist.plugin"] if workers > 1 else [])]
    arguments += [f"-n{workers}", "--dist=loadgroup"] if workers > 1 else []
    arguments += [argument for plugin in plugins for argument in ("-p", plugin)]
    with _place_for_report(directory):
        raise typer.Exit(_run([*inventory.PYTEST_OPTIONS, *arguments, *context.obj], directory))


def _run(arguments: list[str], directory: Path) -> int:
    """Run pytest, print what it found, and return the exit code."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    reporter = ConsoleReporter(Console(file=sys.stderr))
    # What pytest says of a usage error is several lines; whatever else comes is passed on.
    with contextlib.redirect_stderr(io.StringIO()) as complaints:
        code = pytest.main(arguments, plugins=[reporter])
    said = complaints.getvalue()
    run = reporter.run if isinstance(reporter.run, Run) else None
    if code == pytest.ExitCode.USAGE_ERROR and (run is None or run.report is None):
        return _complain(run.usage if run is not None and run.usage else _usage_error(said), Exit.USAGE)
    sys.stderr.write(said)
    if run is not None and run.report is not None:
        return _report(run, directory)
    if run is not None and run.failure:
        return _complain(f"the server cannot be tested: {run.failure}", Exit.CANNOT_TEST)
    if code == pytest.ExitCode.INTERRUPTED:
        return _complain("interrupted before any check had run", Exit.INTERRUPTED)
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        return _complain("no check is selected; `pop3-conformance list checks` shows what there is", Exit.USAGE)
    if code == pytest.ExitCode.OK:
        _print(reporter.pytest_output.getvalue())  # pytest was asked for something else: --collect-only, --version
        return Exit.CONFORMS
    sys.stderr.write(reporter.pytest_output.getvalue())
    return _complain("the suite itself failed; what pytest said of it stands above", Exit.SUITE_FAILED)


def _report(run: Run, directory: Path) -> int:
    assert run.report is not None
    console = Console()
    colour = console.color_system is not None and not console.no_color
    where = "" if run.failure else str(directory)
    _print(terminal.render(run.report, width=min(console.width, 120), colour=colour, where=where).rstrip("\n"))
    if run.failure:
        return _complain(f"{run.failure}; give another place with --report-dir", Exit.USAGE)
    return run.report.run.exit


def _usage_error(said: str) -> str:
    """Return the one line of what pytest says of a usage error that tells what is wrong."""
    errors = re.findall(r"error: +(.+)", said, re.IGNORECASE)
    return errors[-1] if errors else said.strip()


def _name_of(profile: str) -> str:
    try:
        return (profile_from_url(profile) if "://" in profile else load_profile(Path(profile))).server.name
    except ProfileError as error:
        raise typer.Exit(_complain(str(error), Exit.USAGE)) from error


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.") or "server"


@contextlib.contextmanager
def _place_for_report(directory: Path) -> Iterator[None]:
    """Make the directory, and see that a file can be put there; what is left empty is removed again."""
    made = [place for place in (directory, *directory.parents) if not place.exists()]
    try:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            TemporaryFile(dir=directory).close()
        except OSError as error:
            message = f"the report cannot go into {directory}: {error.strerror}; give another place with --report-dir"
            raise typer.Exit(_complain(message, Exit.USAGE)) from error
        yield
    finally:
        for place in made:
            with contextlib.suppress(OSError):  # a report is in it
                place.rmdir()


def bundled_profile(name: str) -> Path:
    """Return the path of a profile that comes with the suite, installed or in a checkout."""
    package = Path(__file__).parent
    installed = package / "profiles" / f"{name}.toml"
    return installed if installed.exists() else package.parent / "profiles" / f"{name}.toml"


@app.command("list", epilog=_examples("list checks", "list requirements --select 'R1939-7-*'", "list --coverage"))
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
        _print(json.dumps(rows, indent=2))
        return
    width = max(len(row["id"]) for row in rows)
    _print("\n".join(f"{row['id']:{width}}  {row['text']}" for row in rows))


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
            return [
                {"id": v.name, "text": v.sentence, "allowed_by": v.allowed_by, "warns": list(v.warns)}
                for v in VARIANTS.values()
            ]


def _list_coverage(format_: Format) -> Exit:
    """Print which checks verify which requirement, and fail if a testable one has none."""
    catalogue = load_catalogue()
    covered = inventory.coverage(catalogue, inventory.checks())
    lacking = [id_ for id_, checks in covered.items() if not checks and catalogue[id_].testable != "no"]
    if format_ is Format.JSON:
        _print(json.dumps({"covered": covered, "lacking": lacking}, indent=2))
    else:
        _print("\n".join(_coverage_lines(catalogue, covered, lacking)))
    return Exit.FINDINGS if lacking else Exit.CONFORMS


def _coverage_lines(
    catalogue: Mapping[str, Requirement], covered: Mapping[str, list[str]], lacking: Collection[str]
) -> Iterator[str]:
    for id_, checks in covered.items():
        requirement = catalogue[id_]
        nothing = f"not testable: {requirement.why_not}" if requirement.testable == "no" else "NO CHECK"
        yield f"{id_:26} {', '.join(checks) or nothing}"
    testable = sum(requirement.testable != "no" for requirement in catalogue.values())
    yield ""
    yield (
        f"{testable - len(lacking)} of {testable} testable requirements have a check; "
        f"{len(catalogue) - testable} of {len(catalogue)} are not testable, with the reason."
    )


@app.command(epilog=_examples("explain R1939-7-TOP-06", "explain TOP", "explain 'uidl/*'"))
def explain(
    what: Annotated[str, typer.Argument(metavar="ID", help="Requirement, check, topic, fault or variant; globs.")],
) -> None:
    """Explain a requirement, a check, a topic, a fault or a variant."""
    text = explanation(what)
    if text is None:
        message = f"nothing is called {what!r}; `pop3-conformance list requirements` and so on shows what there is"
        raise typer.Exit(_complain(message, Exit.USAGE))
    _print(text)


@app.command(epilog=_examples("serve", "serve --port 1110 --fault retr-not-stuffed", "serve --mail mail"))
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 1110,
    fault: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A rule to break; repeatable.")] = None,
    variant: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A lawful difference; repeatable.")] = None,
    mail: Annotated[
        Path | None, typer.Option(help="Holds USER/Maildir and the file users.", show_default="some messages of ours")
    ] = None,
) -> None:
    """Run the reference server by itself, for people who test clients. Ctrl-C stops it."""
    try:
        serve_until_stopped(host, port, fault or (), variant or (), mail)
    except CannotServe as error:
        raise typer.Exit(_complain(str(error), Exit.USAGE)) from error
