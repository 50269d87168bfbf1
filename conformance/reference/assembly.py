"""From the names of faults and variants to the service that has them."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from conformance.reference.faults import FAULTS
from conformance.reference.service import Service
from conformance.reference.variants import VARIANTS

_Entry = TypeVar("_Entry")


class UnknownName(LookupError):  # noqa: N818 - the name says it
    """There is no fault or variant of that name; the message has the nearest one."""


def assemble(faults: Iterable[str] = (), variants: Iterable[str] = ()) -> type[Service]:
    """Return the conforming service with these faults and lawful variants, the earlier of which overrides the later.

    Raises UnknownName.
    """
    chosen = [_find(FAULTS, "fault", name).service for name in faults]
    chosen += [_find(VARIANTS, "variant", name).service for name in variants]
    # One that another of them includes is there already, and would have to come after it.
    bases = tuple(
        one for one in dict.fromkeys(chosen) if not any(issubclass(other, one) for other in chosen if other is not one)
    )
    if not bases:
        return Service
    return type("+".join(service.__name__ for service in bases), bases, {})


def _find(registered: Mapping[str, _Entry], kind: str, name: str) -> _Entry:
    try:
        return registered[name]
    except KeyError:
        near = difflib.get_close_matches(name, registered, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UnknownName(f"there is no {kind} {name!r}{hint}") from None
