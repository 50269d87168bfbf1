"""What holds for all tests of the suite itself."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from conformance import inventory
from conformance.reference.variants import VARIANTS
from tests.moved import unmoved
from tests.test_faults import CAUGHT

MOVES = "POP3_CONFORMANCE_MOVES"
TRIALS = len(CAUGHT) + len(VARIANTS) + 1


def pytest_configure(config: pytest.Config) -> None:
    """Agree with the workers of pytest-xdist on where it is written which checks a trial has moved."""
    if not hasattr(config, "workerinput"):
        directory = TemporaryDirectory(prefix="pop3-moves-")
        config.add_cleanup(directory.cleanup)
        os.environ[MOVES] = directory.name


@pytest.fixture
def moves() -> Path:
    """Holds, for each trial, which checks it has moved."""
    return Path(os.environ[MOVES])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for a check that no trial has moved, once all have been made; in CI, for a skipped test too."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if hasattr(session.config, "workerinput") or reporter is None:
        return
    complaints = []
    if len(list(Path(os.environ[MOVES]).iterdir())) == TRIALS:
        functions = [check.function for check in inventory.checks()]
        complaints += [
            f"no fault and no variant moves this check: {it}" for it in unmoved(Path(os.environ[MOVES]), functions)
        ]
    if os.environ.get("CI"):
        complaints += [f"skipped in CI: {report.nodeid}" for report in reporter.getreports("skipped")]
    for complaint in complaints:
        reporter.write_line(complaint, red=True)
    if complaints and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests were skipped: where a real server is missing, that must be seen."""
    for report in terminalreporter.getreports("skipped"):
        assert isinstance(report.longrepr, tuple)
        terminalreporter.write_line(f"SKIPPED {report.nodeid}: {report.longrepr[2]}", yellow=True)
