"""What the suite has: its checks, found by collecting them as pytest does."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from conformance.plugin import every_reply
from conformance.plugin.checks import check_id, requirements_of, title_of
from conformance.requirements import Requirement
from conformance.wire.reply import Defect

PYTEST_OPTIONS = (
    "--pyargs",
    "conformance.checks",
    "--noconftest",
    "-c",
    "/dev/null",
    "-p",
    "no:cacheprovider",
    "--capture=no",
)
"""What every run of ours gives to pytest, so that no file of the user's changes it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its id, what it does and accepts, the requirements it verifies, whether it waits for minutes."""

    id: str
    title: str
    requirements: tuple[str, ...]
    slow: bool = False

    @property
    def function(self) -> str:
        """The id without the parameter set."""
        return self.id.partition(":")[0]


class _Collector:
    def __init__(self) -> None:
        self.checks: list[Check] = []

    def pytest_collection_modifyitems(self, items: Sequence[pytest.Item]) -> None:
        for item in items:
            slow = item.get_closest_marker("slow") is not None
            self.checks.append(Check(check_id(item), title_of(item), requirements_of(item), slow))


def checks() -> list[Check]:
    """Return every check of the suite, those about every reply of a run included."""
    collector = _Collector()
    with contextlib.redirect_stdout(io.StringIO()) as output:
        code = pytest.main([*PYTEST_OPTIONS, "--collect-only", "-q"], plugins=[collector])
    if code != pytest.ExitCode.OK:
        raise RuntimeError(f"the checks cannot be collected:\n{output.getvalue()}")
    of_every_reply = [
        Check(every_reply.check_id(defect), every_reply.title(defect), (defect.requirement,)) for defect in Defect
    ]
    return collector.checks + of_every_reply


def coverage(catalogue: Mapping[str, Requirement], of: Sequence[Check]) -> dict[str, list[str]]:
    """Return, by requirement, the ids (without parameter sets) of the checks that verify it."""
    covered: dict[str, list[str]] = {requirement: [] for requirement in catalogue}
    for check in of:
        for requirement in check.requirements:
            if check.function not in covered[requirement]:
                covered[requirement].append(check.function)
    return covered
