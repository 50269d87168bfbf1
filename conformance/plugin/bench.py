"""What a run shares between its checks: the target, the facts about it, and the maildrops."""

from collections.abc import Sequence

from conformance.maildrop.corpus import three_messages
from conformance.maildrop.keeper import Keeper, Maildrop
from conformance.maildrop.seeder import seeder_for
from conformance.profile import Account, Profile
from conformance.target import Facts, Target, survey
from conformance.verdict import BenchError, NotRun


class Bench:
    """The server under test and its maildrops, ready for checks.

    accounts: those of the profile that this process may use; all by default.
    Raises `BenchError` when the server cannot be tested.
    """

    def __init__(self, profile: Profile, accounts: Sequence[Account] | None = None) -> None:
        self.profile = profile
        self.target = Target(profile)
        every = tuple(accounts or profile.accounts)
        # Accounts whose passwords have spaces are for the checks about just that (RFC 1939 section 7, PASS):
        # a server that gets those wrong would otherwise fail checks that have nothing to do with it.
        self.spaced_accounts = tuple(account for account in every if " " in account.secret())
        ordinary = [account for account in every if account not in self.spaced_accounts] or list(every)
        self.keeper = Keeper([Maildrop(account, seeder_for(account.seed)) for account in ordinary])
        self.facts: Facts = self._survey()

    def _survey(self) -> Facts:
        first = self._first_maildrop().account
        return survey(self.target, [first, *(account for account in self.keeper.accounts if account != first)])

    def _first_maildrop(self) -> Maildrop:
        try:
            return self.keeper.holding(three_messages)
        except NotRun as reason:
            if maildrop := self.keeper.as_found():
                return maildrop
            raise BenchError(str(reason)) from reason
