"""What holds for all tests of the suite itself."""

import json
import os
from pathlib import Path

import pytest

from conformance import inventory
from conformance.reference.variants import VARIANTS
from tests.test_faults import CAUGHT

KILLS = "POP3_CONFORMANCE_KILLS"
TRIALS = len(CAUGHT) + len(VARIANTS)


def pytest_configure(config: pytest.Config) -> None:
    """Agree with the workers of pytest-xdist on where the kills of each fault are written."""
    if not hasattr(config, "workerinput"):
        directory = config.rootpath / ".pytest_cache" / "kills"
        directory.mkdir(parents=True, exist_ok=True)
        for file in directory.iterdir():
            file.unlink()
        os.environ[KILLS] = str(directory)


@pytest.fixture
def kills() -> Path:
    """Holds, for each fault that has been tried, the ids of the checks that caught it."""
    return Path(os.environ[KILLS])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Name the checks that no fault has made fail; in CI, fail the run for a skipped test."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if hasattr(session.config, "workerinput") or reporter is None:
        return
    for complaint in _checks_without_a_fault():
        reporter.write_line(complaint, yellow=True)
    skipped = reporter.getreports("skipped") if os.environ.get("CI") else []
    for report in skipped:
        reporter.write_line(f"skipped in CI: {report.nodeid}", red=True)
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests were skipped: where a real server is missing, that must be seen."""
    for report in terminalreporter.getreports("skipped"):
        assert isinstance(report.longrepr, tuple)
        terminalreporter.write_line(f"SKIPPED {report.nodeid}: {report.longrepr[2]}", yellow=True)


def _checks_without_a_fault() -> list[str]:
    """Return a complaint for each check that caught no fault and told no variant, once all have been tried."""
    files = list(Path(os.environ[KILLS]).iterdir())
    if len(files) < TRIALS:
        return []
    killing = {check.partition(":")[0] for file in files for check in json.loads(file.read_text())}
    functions = dict.fromkeys(check.function for check in inventory.checks())
    return [f"no fault makes this check fail: {function}" for function in functions if function not in killing]
