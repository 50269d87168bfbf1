"""The whole suite against a real Dovecot: nothing but what has been confirmed against the RFC."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.profile import load_profile
from conformance.report.json_ import from_json
from conformance.verdict import Verdict

PROFILE = Path(__file__).parent.parent / "profiles/dovecot.toml"


@pytest.mark.timeout(600)
def test_dovecot_deviates_only_where_the_profile_says_so(tmp_path: Path) -> None:
    launch = load_profile(PROFILE).launch
    assert launch is not None
    if not shutil.which("dovecot", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"])) and not os.environ.get(
        "CI"
    ):
        pytest.skip(f"Dovecot is not installed: {launch.install}")
    command = [sys.executable, "-m", "conformance", "run", str(PROFILE), "--report-dir", str(tmp_path)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert (tmp_path / "report.json").exists(), finished.stderr
    report = from_json((tmp_path / "report.json").read_text())
    blamed = {
        check.id: check.reason or check.observed
        for check in report.checks
        if check.verdict in (Verdict.FAIL, Verdict.ERROR)
    }
    assert not blamed
    assert report.run.notes == ()
    assert finished.returncode == 0
