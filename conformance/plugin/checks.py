"""Pytest items as checks: their ids, what they verify, and how they are selected."""

import difflib
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import pytest

from conformance.plugin import every_reply
from conformance.requirements import load_catalogue
from conformance.wire.reply import Defect


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

    A name matches with its parameter or without, with its topic or without. A topic is that of the check (`top`) or
    that of a requirement (`TOP`), each as it is spelled in the ids.
    """
    requirements = tuple(requirements)
    if rfc := re.fullmatch(r"(?:rfc ?)?(\d{3,4})", expression, re.IGNORECASE):
        return any(requirement.startswith(f"R{rfc[1]}-") for requirement in requirements)
    topic, _, rest = name.partition("/")
    plain = rest.partition(":")[0]
    topics = (requirement.split("-", 2)[2].rpartition("-")[0] for requirement in requirements)
    names = (name, topic, rest, plain, f"{topic}/{plain}", *requirements, *topics)
    # Parameters may hold what a glob gives a meaning to.
    return any(candidate == expression or fnmatchcase(candidate, expression) for candidate in names)


def wanted(select: Sequence[str], exclude: Sequence[str], name: str, requirements: Sequence[str]) -> bool:
    """True if the expressions let the check run; without any to select it, every check is selected."""
    chosen = not select or any(matches(expression, name, requirements) for expression in select)
    return chosen and not any(matches(expression, name, requirements) for expression in exclude)


def selected(
    items: Sequence[pytest.Item], select: Sequence[str], exclude: Sequence[str]
) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Split items into those that run and those that do not. Raises `pytest.UsageError` for an idle expression.

    What selects nothing but checks of every reply lets all run: these are the replies.
    """
    names = {item: (check_id(item), requirements_of(item)) for item in items}
    of_every_reply = [(every_reply.check_id(defect), (defect.requirement,)) for defect in Defect]
    for expression in (*select, *exclude):
        if not any(matches(expression, *name) for name in (*names.values(), *of_every_reply)):
            raise pytest.UsageError(_idle(expression, (name for name, _ in names.values())))
    select = [expression for expression in select if any(matches(expression, *name) for name in names.values())]
    chosen = [item for item in items if wanted(select, exclude, *names[item])]
    return chosen, [item for item in items if item not in set(chosen)]


def _idle(expression: str, names: Iterable[str]) -> str:
    topics = dict.fromkeys(part for name in names for part in (name.partition(":")[0], name.partition("/")[0]))
    near = difflib.get_close_matches(expression, (*topics, *load_catalogue()), n=1)
    hint = f"; did you mean {near[0]}?" if near else "; `pop3-conformance list checks` shows what there is"
    return f"no check matches {expression!r}{hint}"
