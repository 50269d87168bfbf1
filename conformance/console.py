"""What a person sees while the checks run: one line that moves on a terminal, plain lines where it is piped."""

import io
from collections import Counter

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from conformance.verdict import Verdict

_SHOWN = (Verdict.FAIL, Verdict.WARN, Verdict.ERROR, Verdict.KNOWN)


class ConsoleReporter:
    """Takes the place of pytest's own terminal output."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._verdicts: Counter[str] = Counter()
        self.pytest_output = io.StringIO()
        """What pytest would have printed; for when pytest itself goes wrong."""
        self.run: object = None
        """The plugin object of the run, once there is one."""
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[verdicts]}"),
            console=console,
            transient=True,
            # Not console.is_terminal: FORCE_COLOR makes that true of a pipe, where a line that moves is but noise.
            disable=not console.file.isatty() or console.is_dumb_terminal,
        )
        self._task = self._progress.add_task("checks", total=None, verdicts="")

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Let pytest print into the void."""
        manager = config.pluginmanager
        self.run = manager.get_plugin("pop3-run")
        manager.unregister(manager.get_plugin("terminalreporter"))
        manager.register(pytest.TerminalReporter(config, self.pytest_output), "terminalreporter")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Begin: the number of checks is known now."""
        self._progress.update(self._task, total=session.testscollected or None)
        self._progress.start()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Move on with each check."""
        record = getattr(report, "pop3", None)
        if record is None:
            return
        verdict = record["result"]["verdict"]
        self._verdicts[verdict] += 1
        counts = "  ".join(f"{self._verdicts[shown]} {shown}" for shown in _SHOWN if self._verdicts[shown])
        # The line names what has run last, cut so that it stays one line.
        self._progress.update(self._task, advance=1, verdicts=counts, description=record["result"]["id"][:44].ljust(44))

    def pytest_sessionfinish(self) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()
