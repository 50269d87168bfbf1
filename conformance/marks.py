"""The marks of a check: what it verifies, and what it needs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conformance.maildrop.corpus import Message


def verifies(*requirements: str) -> pytest.MarkDecorator:
    """Name the requirements that the check verifies, by their ids; the first is the one it is about."""
    return pytest.mark.verifies(*requirements)


def maildrop(messages: "Sequence[Message]") -> pytest.MarkDecorator:
    """Ask for a maildrop that holds exactly these messages when the session opens."""
    return pytest.mark.maildrop(tuple(messages))


def any_maildrop(least: int) -> pytest.MarkDecorator:
    """Ask for a maildrop with at least that many messages, whatever they are: mail as found will do."""
    return pytest.mark.any_maildrop(least)


deletes = pytest.mark.deletes
"""The check marks messages as deleted, so the account must be disposable: a faulty server may remove them."""

two_accounts = pytest.mark.two_accounts
"""The check needs a second account."""

slow = pytest.mark.slow
"""The check waits for minutes; it runs with `--slow` only."""
