"""Logins that fail on purpose, within what the server takes before it locks an account."""

from collections import Counter

from conformance.profile import Account
from conformance.verdict import NotRun


class FailedLogins:
    """Counts them by account; `allowed` is the limit that the profile gives (`limits.failed_logins`), if any."""

    def __init__(self, allowed: int | None) -> None:
        self._allowed = allowed
        self._spent: Counter[str] = Counter()

    def spend(self, account: Account, count: int = 1) -> None:
        """Announce that `count` logins of the account are about to fail. Raises `NotRun` beyond the limit."""
        self._spent[account.user] += count
        if self._allowed is not None and self._spent[account.user] > self._allowed:
            raise NotRun(f"needs failed logins of {account.user}; the profile allows {self._allowed}")
