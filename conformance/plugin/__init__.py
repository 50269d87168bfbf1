"""The pytest plugin: runs the checks against a profile, and turns their outcomes into verdicts and a report.

`pytest --pyargs conformance.checks --pop3-profile FILE` is all it takes; without `--pop3-profile` the plugin does
nothing at all, so that having it installed changes no other test run.
"""

from pathlib import Path

import pytest

from conformance.plugin import fixtures
from conformance.plugin.run import AUTOLOGOUT_MINIMUM, Run


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the suite."""
    group = parser.getgroup("pop3", "POP3 conformance")
    group.addoption(
        "--pop3-profile", metavar="FILE", help="the profile of the server under test, or its URL; checks need it"
    )
    group.addoption("--pop3-report-dir", metavar="DIR", type=Path, help="write the report into this directory")
    group.addoption(
        "--pop3-select",
        metavar="EXPR",
        action="append",
        default=[],
        help="only checks that match: requirement id, RFC number, topic or check name; globs; may be repeated",
    )
    group.addoption(
        "--pop3-exclude", metavar="EXPR", action="append", default=[], help="no checks that match; may be repeated"
    )
    group.addoption(
        "--pop3-gate",
        choices=("must", "should", "never"),
        default="must",
        help="which findings make the run fail: violated MUSTs (default), SHOULDs as well, or none",
    )
    group.addoption(
        "--pop3-baseline",
        metavar="FILE",
        type=Path,
        help="a report.json: what it found with the same evidence does not make the run fail",
    )
    group.addoption("--pop3-seed", metavar="N", type=int, help="the random seed; chosen and printed if not given")
    group.addoption("--pop3-slow", action="store_true", help="also run the checks that wait for minutes")
    group.addoption(
        "--pop3-autologout-minimum",
        metavar="SECONDS",
        type=float,
        default=AUTOLOGOUT_MINIMUM,
        help="least inactivity timer that passes; less than the RFC's 600 only serves to test the suite itself",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks, and the rest of the plugin when a profile is given."""
    for mark in (
        "verifies(*requirements): the requirements that the check verifies, by id",
        "maildrop(messages): the check needs a maildrop that holds exactly these messages",
        "any_maildrop(least): the check needs a maildrop with at least that many messages of any content",
        "deletes: the check marks messages as deleted; the account must be disposable",
        "two_accounts: the check needs a second account",
        "slow: the check waits for minutes; it runs with --pop3-slow only",
    ):
        config.addinivalue_line("markers", mark)
    if config.getoption("--pop3-profile"):
        config.pluginmanager.register(fixtures, "pop3-fixtures")
        config.pluginmanager.register(Run(config), "pop3-run")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say what is missing when checks are collected without a profile."""
    if config.option.collectonly or config.pluginmanager.has_plugin("pop3-run"):
        return
    if any(item.get_closest_marker("verifies") for item in items):
        raise pytest.UsageError("the checks of conformance.checks need --pop3-profile FILE")
