"""Writing a report into a directory, in all formats or not at all."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from conformance.report import badge, html, junit, markdown
from conformance.report.data import Report
from conformance.report.json_ import to_json

FORMATS: Mapping[str, Callable[[Report], str]] = {
    "report.json": to_json,
    "report.html": html.render,
    "report.md": markdown.render,
    "junit.xml": junit.render,
    "badge.json": badge.render,
}
"""The files of a report, and what makes their text."""


def write_report(report: Report, directory: Path) -> dict[str, Path]:
    """Write all formats into `directory`, which is made if need be, and return where each file is by its name.

    Every file is complete on the disk before the first one takes its place, so that what is there is never half a
    report. Raises `OSError` with one clear message, and leaves what was there, if that does not work.
    """
    texts = {name: render(report) for name, render in FORMATS.items()}
    drafts = {name: directory / f".{name}.{os.getpid()}.draft" for name in texts}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        try:
            for name, text in texts.items():
                _write_through(drafts[name], text)
            for name, draft in drafts.items():
                draft.replace(directory / name)
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(error.errno, f"cannot write the report into {directory}: {reason}") from error
    return {name: directory / name for name in texts}


def _write_through(path: Path, text: str) -> None:
    """Write a file and wait until the disk has it: some disks say that they are full only then."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
