"""What `explain` says of a requirement, a check, a topic, a fault or a variant."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from conformance import inventory
from conformance.plugin.checks import matches
from conformance.reference.faults import FAULTS, Fault
from conformance.reference.variants import VARIANTS, Variant
from conformance.requirements import Requirement, load_catalogue


def explain(what: str) -> str | None:
    """Return the explanation of all that is called `what` (globs work), or None if nothing is."""
    checks = inventory.checks()
    texts = [
        *(_requirement(r, checks) for r in load_catalogue().values() if what == r.topic or fnmatchcase(r.id, what)),
        *(_check(c) for c in checks if matches(what, c.id, ())),
        *(_fault(fault, checks) for name, fault in FAULTS.items() if fnmatchcase(name, what)),
        *(_variant(variant) for name, variant in VARIANTS.items() if fnmatchcase(name, what)),
    ]
    return "\n\n".join(texts) if texts else None


def _requirement(requirement: Requirement, checks: Iterable[inventory.Check]) -> str:
    verifying = dict.fromkeys(check.function for check in checks if requirement.id in check.requirements)
    return "\n".join(
        (
            f"{requirement.id}  (RFC {requirement.rfc} {_part(requirement)}, {requirement.level})",
            f"  {requirement.statement}",
            f"  {requirement.url}",
            *_labelled("a breach is at most a", {"FAIL": "fail", "WARN": "warn", "INFO": "info"}.get(requirement.cap)),
            *_labelled("lawful", requirement.fairness),
            *_labelled("not testable", requirement.why_not),
            *(f"  who suffers: {c.client}: {c.effect} ({c.source})" for c in requirement.clients),
            *(f"  check: {check}" for check in verifying),
            *(f"  fault: {fault.name}: {fault.sentence}" for fault in _breaking(requirement.id)),
        )
    )


def _part(requirement: Requirement) -> str:
    """Return `section 7` or `appendix A`, as its address has it; the heading of a part without a number."""
    return requirement.url.partition("#")[2].replace("-", " ") or f"“{requirement.section}”"


def _check(check: inventory.Check) -> str:
    statements = (load_catalogue()[requirement] for requirement in check.requirements)
    return "\n".join(
        (
            check.id,
            f"  {check.title}",
            *_labelled("runs", "with --slow only" if check.slow else ""),
            *(f"  verifies {requirement.id}: {requirement.statement}" for requirement in statements),
        )
    )


def _fault(fault: Fault, checks: Iterable[inventory.Check]) -> str:
    looking = dict.fromkeys(check.function for check in checks if set(fault.breaks) & set(check.requirements))
    return "\n".join(
        (
            f"{fault.name}  (a fault of the reference server)",
            f"  {fault.sentence}",
            *(f"  breaks {requirement}: {load_catalogue()[requirement].statement}" for requirement in fault.breaks),
            *_labelled("seen in", fault.seen_in),
            *(f"  check: {check}" for check in looking),
        )
    )


def _variant(variant: Variant) -> str:
    return "\n".join(
        (
            f"{variant.name}  (a lawful variant of the reference server)",
            f"  {variant.sentence}",
            f"  {variant.allowed_by}",
            *(f"  may be warned of: {id_}: {load_catalogue()[id_].statement}" for id_ in variant.warns),
        )
    )


def _breaking(requirement: str) -> Iterator[Fault]:
    return (fault for fault in FAULTS.values() if requirement in fault.breaks)


def _labelled(label: str, text: str | None) -> Iterator[str]:
    if text:
        yield f"  {label}: {text}"
