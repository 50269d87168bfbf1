"""Assertions that say what was expected as a list of alternatives, and what came."""

from collections.abc import Callable
from typing import Any

from conformance.verdict import Deviation
from conformance.wire.octets import visible


def expect(what: str, observed: object, *accepted: object, requirement: str | None = None) -> None:
    """Raise `Deviation` unless `observed` equals one of the `accepted` values.

    what: what is compared, as in "the numbers in the scan listing"; it stands in the report.
    requirement: the requirement that a deviation violates; by default all that the check verifies.
    """
    if observed not in accepted:
        expected = tuple(f"{what}: {shown(value)}" for value in accepted)
        raise Deviation(expected, f"{what}: {shown(observed)}", requirement)


def expect_that(claim: str, observed: Any, holds: Callable[[Any], bool] | bool, requirement: str | None = None) -> None:
    """Raise `Deviation` unless the claim holds; `observed` is what the report shows beside it."""
    if not (holds(observed) if callable(holds) else holds):
        raise Deviation((claim,), shown(observed), requirement)


def shown(value: object) -> str:
    """Return `value` as a report shows it: octets escaped, long ones without their middle."""
    return visible(value) if isinstance(value, bytes) else str(value)
