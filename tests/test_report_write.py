"""Writing a report: all of it or nothing, and one clear message when it does not work."""

import subprocess
import sys
from pathlib import Path

import pytest

from conformance.report.json_ import from_json
from conformance.report.write import write_report
from tests.report_samples import HOSTILE, hostile_report

FILES = {"report.json", "report.html", "report.md", "junit.xml", "badge.json"}

# A limit of the system on the size of files ends a write just as a full disk does: in the middle.
SHORT_OF_SPACE = """
import resource, sys
from pathlib import Path
from conformance.report.write import write_report
from tests.report_samples import hostile_report
report = hostile_report("new")
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
try:
    write_report(report, Path(sys.argv[1]))
except OSError as error:
    print(f"{error.errno} {error.strerror}")
"""


@pytest.mark.parametrize("text", HOSTILE)
def test_all_formats_are_written(tmp_path: Path, text: str) -> None:
    where = write_report(hostile_report(text), tmp_path / "new" / "directory")
    assert set(where) == FILES
    assert {path.name for path in (tmp_path / "new" / "directory").iterdir()} == FILES


def test_a_later_report_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    write_report(hostile_report("old"), tmp_path)
    where = write_report(hostile_report("new"), tmp_path)
    assert from_json(where["report.json"].read_bytes()) == hostile_report("new")
    assert {path.name for path in tmp_path.iterdir()} == FILES


def test_what_was_there_stays_when_there_is_no_room(tmp_path: Path) -> None:
    write_report(hostile_report("old"), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    child = subprocess.run(
        [sys.executable, "-c", SHORT_OF_SPACE, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert child.stdout == f"27 cannot write the report into {tmp_path}: File too large\n"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_place_that_is_no_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"cannot write the report into .*file: File exists"):
        write_report(hostile_report("x"), tmp_path / "file")
