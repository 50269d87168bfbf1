"""`python -m bench`: wall times of whole runs, beside a bare socket that replays the same octets.

The replay sends what the suite sent, in the same segments and on the same connections, reads as many octets as the
suite read, and puts the same messages into the maildrops. What it lacks are the waits in which the suite makes sure
that nothing more comes; these are given apart.
"""

import io
import resource
import shutil
import sys
import time
from pathlib import Path
from statistics import median

import pytest
from rich.console import Console

from bench.recording import recording
from bench.replay import replay
from conformance import inventory
from conformance.cli import bundled_profile
from conformance.console import ConsoleReporter
from conformance.launch import running
from conformance.plugin.run import Run
from conformance.profile import Profile, load_profile

ROUNDS = 3


def main() -> int:
    """Print the times of each profile that can be started here."""
    for name in sys.argv[1:] or ["reference", "dovecot"]:
        profile = load_profile(bundled_profile(name))
        if profile.launch and profile.launch.requires and not _installed(profile.launch.requires):
            print(f"{name}: {profile.launch.requires} is not installed: {profile.launch.install}")
            continue
        _measure(name, profile)
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    return 0


def _installed(executable: str) -> bool:
    return shutil.which(executable, path="/usr/sbin:/usr/bin:/sbin:/bin") is not None


def _measure(name: str, profile: Profile) -> None:
    runs, replays = [], []
    for _ in range(ROUNDS):
        with running(profile) as server:
            with recording() as steps:
                began = time.perf_counter()
                checks = _run(bundled_profile(name), server.profile)
                runs.append(time.perf_counter() - began)
            address = (server.profile.endpoint.host, server.profile.endpoint.port or 0)
            secrets = {account.user: account.secret() for account in server.profile.accounts}
            began = time.perf_counter()
            short = replay(steps, address, secrets)
            replays.append(time.perf_counter() - began)
    octets = sum(len(step.octets) for step in steps)
    print(
        f"{name}: {checks} checks in {median(runs):.2f} s, replay {median(replays):.2f} s,"
        f" ratio {median(runs) / median(replays):.2f}; {len(steps)} steps, {octets / 2**20:.1f} MiB,"
        f" {short} reads shorter than recorded (medians of {ROUNDS})"
    )


def _run(path: Path, profile: Profile) -> int:
    reporter = ConsoleReporter(Console(file=io.StringIO()))
    options = [f"--pop3-profile={path}", "--pop3-seed=1", "-p", "no:xdist"]
    pytest.main([*inventory.PYTEST_OPTIONS, *options], plugins=[reporter, _Started(profile)])
    assert isinstance(reporter.run, Run), reporter.pytest_output.getvalue()
    return len(reporter.run.results)


class _Started:
    """Lets a run use a server that is running already."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile.model_copy(update={"launch": None})

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        run = config.pluginmanager.get_plugin("pop3-run")
        assert isinstance(run, Run)
        run.profile = self._profile


sys.exit(main())
