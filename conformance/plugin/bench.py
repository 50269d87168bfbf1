"""What a run shares between its checks: the target, the facts about it, and the maildrops."""

import fcntl
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conformance.maildrop.corpus import three_messages
from conformance.maildrop.keeper import Keeper, Maildrop
from conformance.maildrop.seeder import seeder_for
from conformance.profile import Account, Profile
from conformance.target import Facts, Target, survey
from conformance.verdict import BenchError, NotRun

USED_AT_ONCE = 2
"""Maildrops that a check uses at one time, at the most."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one of several processes gets of the bench: the facts, and the users whose maildrops are its own.

    rare: the users of whom there are not enough for each. lock: the file that has to be locked to use them.
    """

    facts: Facts
    own: tuple[str, ...]
    rare: tuple[str, ...]
    lock: Path


class Bench:
    """The server under test and its maildrops, ready for checks.

    share: what this process may use; by default it has the server for itself, and looks at it first.
    Raises `BenchError` when the server cannot be tested.
    """

    def __init__(self, profile: Profile, share: Share | None = None) -> None:
        self.profile = profile
        self.target = Target(profile)
        every = profile.accounts
        # Accounts whose passwords have spaces are for the checks about just that (RFC 1939 section 7, PASS):
        # a server that gets those wrong would otherwise fail checks that have nothing to do with it.
        self.spaced_accounts = tuple(account for account in every if " " in account.secret())
        ordinary = [account for account in every if account not in self.spaced_accounts] or list(every)
        self.keeper = Keeper([Maildrop(account, seeder_for(account.seed)) for account in ordinary])
        self.facts: Facts = self._survey() if share is None else self._told(share.facts)
        refused = [account for account in self.keeper.accounts if account.user in self.facts.refused]
        if self.facts.reopening:
            self.keeper.retire(self._first_maildrop())
        for account in refused:
            self.keeper.retire(self.keeper.of(account))
        self._share = share
        self._rare: list[Maildrop] = []
        if share is not None:
            drops = {account.user: self.keeper.of(account) for account in self.keeper.accounts}
            self._rare = [drops[user] for user in share.rare]
            self.keeper = Keeper([drops[user] for user in share.own])
        self.apop_candidates = self._apop_candidates(refused)

    def shares(self, processes: int, lock: Path) -> list[Share]:
        """Deal the maildrops out to that many processes, or to fewer, so that each has as many as a check uses.

        How fast logins follow each other, and how many fail, can only be limited where there is one process.
        """
        accounts = self.keeper.accounts
        seedable = [account for account in accounts if self.keeper.of(account).can_be_seeded] or accounts
        commands, limits = self.facts.login_commands, self.profile.limits
        commonest = Counter(commands[account.user] for account in seedable).most_common(1)[0][0]
        dealt = [account.user for account in seedable if commands[account.user] == commonest]
        rare = tuple(account.user for account in accounts if account.user not in dealt)
        limited = limits.login_interval > 0 or limits.failed_logins is not None
        count = 1 if limited else max(1, min(processes, len(dealt) // USED_AT_ONCE))
        return [Share(self.facts, tuple(dealt[first::count]), rare, lock) for first in range(count)]

    @contextmanager
    def rare_accounts(self) -> Iterator[None]:
        """Use, beside its own, the accounts that this process has in common with others; they wait meanwhile."""
        if self._share is None:
            yield
            return
        with self._share.lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for maildrop in self._rare:
                maildrop.dirty = True
            self.keeper.take_back(self._rare)
            try:
                yield
            finally:
                for account in [maildrop.account for maildrop in self._rare]:
                    if account in self.keeper.accounts:
                        self.keeper.retire(self.keeper.of(account))

    def _survey(self) -> Facts:
        first = self._first_maildrop()
        # A server that lets nobody into an empty maildrop would otherwise seem to know one account only.
        for account in self.keeper.accounts:
            if (maildrop := self.keeper.of(account)).can_be_seeded and maildrop is not first:
                maildrop.fill(three_messages)
        return survey(self.target, [first.account, *(it for it in self.keeper.accounts if it != first.account)])

    def _told(self, facts: Facts) -> Facts:
        self.target.greets = facts.greeting is not None
        self.target.login_commands.update(facts.login_commands)
        return facts

    def _apop_candidates(self, refused: Sequence[Account]) -> list[Account]:
        """Return the accounts that may log in by APOP, the likely ones first.

        RFC 1939 section 13 wants an account to have either PASS or APOP, so that those that log in by PASS seldom do:
        two of them are enough to see whether this server lets them. None where the greeting has no timestamp.
        """
        if self.facts.timestamp is None:
            return []
        commands = self.facts.login_commands
        accounts = [*self.keeper.accounts, *(maildrop.account for maildrop in self._rare)]
        by_pass = [account for account in accounts if commands[account.user] == "PASS"]
        by_apop = [account for account in accounts if commands[account.user] == "APOP"]
        return [*by_apop, *refused, *by_pass[:2]]

    def _first_maildrop(self) -> Maildrop:
        try:
            return self.keeper.holding(three_messages)
        except NotRun as reason:
            if maildrop := self.keeper.as_found():
                return maildrop
            raise BenchError(str(reason)) from reason
