"""Assertions that say what was expected as a list of alternatives, and what came."""

from conformance.verdict import Deviation, Verdict
from conformance.wire.octets import visible


def expect(
    what: str,
    observed: object,
    *accepted: object,
    requirement: str | None = None,
    at_most: Verdict = Verdict.FAIL,
) -> None:
    """Raise `Deviation` unless `observed` equals one of the `accepted` values.

    what: what is compared, as in "the numbers in the scan listing"; it stands in the report.
    requirement: the requirement that a deviation violates; by default all that the check verifies.
    at_most: the worst verdict for it, where that is milder than the cap of the requirement.
    """
    if observed not in accepted:
        expected = tuple(f"{what}: {shown(value)}" for value in accepted)
        raise Deviation(expected, f"{what}: {shown(observed)}", requirement, at_most)


def expect_that(
    claim: str, observed: object, holds: bool, requirement: str | None = None, at_most: Verdict = Verdict.FAIL
) -> None:
    """Raise `Deviation` unless the claim holds; `observed` is what the report shows beside it."""
    if not holds:
        raise Deviation((claim,), shown(observed), requirement, at_most)


def shown(value: object) -> str:
    """Return `value` as a report shows it: octets escaped, long ones without their middle."""
    return visible(value) if isinstance(value, bytes) else str(value)
