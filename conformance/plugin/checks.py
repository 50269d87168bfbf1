"""Pytest items as checks: their ids, what they verify, and how they are selected."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import pytest


def check_id(item: pytest.Item) -> str:
    """Return the id of a check: topic, function, and the parameter set if there is one.

    It depends on the names of the module and the function only, not on where the package lies.
    """
    assert isinstance(item, pytest.Function)
    topic = item.module.__name__.rpartition(".")[2].removeprefix("test_")
    name = f"{topic}/{item.originalname.removeprefix('test_')}"
    callspec = getattr(item, "callspec", None)
    return f"{name}:{callspec.id}" if callspec is not None else name


def requirements_of(item: pytest.Item) -> tuple[str, ...]:
    """Return the ids of the requirements that a check verifies, the one it is about first."""
    return tuple(dict.fromkeys(requirement for mark in item.iter_markers("verifies") for requirement in mark.args))


def title_of(item: pytest.Item) -> str:
    """Return what the check does and accepts: its docstring, on one line."""
    assert isinstance(item, pytest.Function)
    return " ".join((item.function.__doc__ or item.originalname).split())


def matches(expression: str, name: str, requirements: Iterable[str]) -> bool:
    """True if the expression selects the check: requirement id, RFC number, topic or check name; globs work.

    A name matches with its parameter or without, with its topic or without.
    """
    requirements = tuple(requirements)
    if rfc := re.fullmatch(r"(?:rfc ?)?(\d{3,4})", expression, re.IGNORECASE):
        return any(requirement.startswith(f"R{rfc[1]}-") for requirement in requirements)
    topic, _, rest = name.partition("/")
    plain = rest.partition(":")[0]
    names = (name, topic, rest, plain, f"{topic}/{plain}", *requirements)
    return any(fnmatchcase(candidate, expression) for candidate in names)


def selected(
    items: Sequence[pytest.Item], select: Sequence[str], exclude: Sequence[str]
) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Split items into those that run and those that do not. Raises `pytest.UsageError` for an idle expression."""
    chosen: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    idle = {*select, *exclude}
    for item in items:
        hits = {e for e in (*select, *exclude) if matches(e, check_id(item), requirements_of(item))}
        idle -= hits
        runs = (not select or hits & set(select)) and not hits & set(exclude)
        (chosen if runs else left_out).append(item)
    if idle:
        names = ", ".join(sorted(idle))
        raise pytest.UsageError(f"no check matches {names}; `pop3-conformance list checks` shows what there is")
    return chosen, left_out
