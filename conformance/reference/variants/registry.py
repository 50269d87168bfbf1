"""How a lawful variant is declared and found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from conformance.reference.service import Service

_Class = TypeVar("_Class", bound=type[Service])


@dataclass(frozen=True, slots=True)
class Variant:
    """One way in which the reference server differs and still conforms.

    allowed_by: what leaves room for it, in our own words, with the section. warns: ids of the requirements
    that a report may warn of, since a SHOULD or the strict reading of an ambiguous text speaks against the variant;
    none of them may fail it.
    """

    name: str
    sentence: str
    allowed_by: str
    warns: tuple[str, ...]
    service: type[Service]


REGISTERED: dict[str, Variant] = {}
"""The variants by name, filled by the modules beside this one as they are imported."""


def variant(name: str, allowed_by: str, warns: tuple[str, ...] = ()) -> Callable[[_Class], _Class]:
    """Declare the decorated service, whose docstring is one sentence, to be a lawful variant.

    Raises ValueError when the name is taken or the sentence is missing.
    """

    def declare(service: _Class) -> _Class:
        if name in REGISTERED:
            raise ValueError(f"there are two variants {name!r}")
        if not service.__doc__:
            raise ValueError(f"the variant {name!r} has no sentence")
        REGISTERED[name] = Variant(name, " ".join(service.__doc__.split()), allowed_by, warns, service)
        return service

    return declare
