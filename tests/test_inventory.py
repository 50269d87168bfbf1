"""What the suite has, as `list` and `explain` show it."""

import re

import pytest

from conformance import inventory
from conformance.plugin.checks import matches
from conformance.requirements import load_catalogue

CATALOGUE = load_catalogue()


@pytest.fixture(scope="module")
def checks() -> list[inventory.Check]:
    return inventory.checks()


def test_ids_are_unique_and_of_one_form(checks: list[inventory.Check]) -> None:
    ids = [check.id for check in checks]
    assert len(ids) == len(set(ids))
    assert not [id_ for id_ in ids if not re.fullmatch(r"[a-z0-9_]+/[a-z0-9_]+(:[ -~]+)?", id_)]


def test_every_check_verifies_requirements_that_exist(checks: list[inventory.Check]) -> None:
    wrong = {check.id: check.requirements for check in checks if not set(check.requirements) & set(CATALOGUE)}
    unknown = {id_ for check in checks for id_ in check.requirements if id_ not in CATALOGUE}
    assert not wrong
    assert not unknown


def test_every_check_says_in_a_sentence_what_it_does(checks: list[inventory.Check]) -> None:
    assert not [check.id for check in checks if not check.title.endswith(".") or "\n" in check.title]


def test_the_checks_of_every_reply_are_listed(checks: list[inventory.Check]) -> None:
    assert "every_reply/status_line_end" in [check.id for check in checks]


def test_slow_checks_are_known(checks: list[inventory.Check]) -> None:
    assert {check.id.partition("/")[0] for check in checks if check.slow} == {"autologout"}


def test_coverage_has_each_requirement_and_each_function_once(checks: list[inventory.Check]) -> None:
    covered = inventory.coverage(CATALOGUE, checks)
    assert list(covered) == list(CATALOGUE)
    assert covered["R1939-7-TOP-06"]
    assert all(len(functions) == len(set(functions)) for functions in covered.values())


TOP_06 = ("R1939-7-TOP-06", "R1939-3-MULTILINE-02")


@pytest.mark.parametrize(
    "expression",
    [
        "R1939-7-TOP-06",
        "R1939-7-*",
        "1939",
        "RFC 1939",
        "rfc1939",
        "top",
        "TOP",
        "MULTILINE",
        "top/lines",
        "lines",
        "top/lines:10[a]",
        "top/lines:*",
        "lines:10*",
        "t?p",
    ],
)
def test_expression_selects(expression: str) -> None:
    assert matches(expression, "top/lines:10[a]", TOP_06)


@pytest.mark.parametrize("expression", ["R1939-7-TOP-0", "1081", "939", "Top", "op", "lines:11", "TOP-06", "", "retr"])
def test_expression_does_not_select(expression: str) -> None:
    assert not matches(expression, "top/lines:10[a]", TOP_06)
