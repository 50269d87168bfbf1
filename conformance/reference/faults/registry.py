"""How a fault is declared and found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from conformance.reference.service import Service

_Class = TypeVar("_Class", bound=type[Service])


@dataclass(frozen=True, slots=True)
class Fault:
    """One deviation of the reference server that breaks a requirement.

    breaks: ids of the requirements that it violates. seen_in: where a real server was seen to do so; empty when
    the fault is our own idea.
    """

    name: str
    sentence: str
    breaks: tuple[str, ...]
    seen_in: str
    service: type[Service]


REGISTERED: dict[str, Fault] = {}
"""The faults by name, filled by the modules beside this one as they are imported."""


def fault(name: str, breaks: tuple[str, ...], seen_in: str = "") -> Callable[[_Class], _Class]:
    """Declare the decorated service, whose docstring is one sentence, to be a fault.

    Raises ValueError when the name is taken or the sentence is missing.
    """

    def declare(service: _Class) -> _Class:
        if name in REGISTERED:
            raise ValueError(f"there are two faults {name!r}")
        if not service.__doc__:
            raise ValueError(f"the fault {name!r} has no sentence")
        REGISTERED[name] = Fault(name, " ".join(service.__doc__.split()), breaks, seen_in, service)
        return service

    return declare
