"""Which account holds which messages, so that a maildrop is seeded again only when a check has changed it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from conformance.maildrop.corpus import Message
from conformance.maildrop.promise import Promise
from conformance.maildrop.seeder import Seeder
from conformance.profile import Account
from conformance.verdict import NotRun


@dataclass
class Maildrop:
    """The maildrop of one account: what was put into it, and whether that still stands."""

    account: Account
    seeder: Seeder
    messages: tuple[Message, ...] | None = None
    dirty: bool = True
    uses: int = field(default=0, compare=False)

    @property
    def promise(self) -> Promise:
        """What the seeder can promise of the octets."""
        return self.seeder.promise

    @property
    def can_be_seeded(self) -> bool:
        """True if messages can be put in and those that are there may be lost."""
        return self.account.disposable and self.seeder.seeds

    def deliver(self, message: Message) -> None:
        """Put one more message in, as new mail arrives."""
        self.dirty = True
        self.seeder.deliver(message)

    def holds(self, messages: Sequence[Message]) -> bool:
        """True if exactly these messages are in it, as far as we know."""
        return not self.dirty and self.messages == tuple(messages) and self.seeder.count() in (None, len(messages))

    def fill(self, messages: tuple[Message, ...]) -> None:
        """Make it hold exactly these messages. Raises `BenchError` or `NotRun`."""
        self.dirty = True
        self.seeder.replace(messages)
        self.messages, self.dirty = messages, False


class Keeper:
    """The maildrops of a run."""

    def __init__(self, maildrops: Sequence[Maildrop]) -> None:
        self._maildrops = list(maildrops)

    @property
    def accounts(self) -> list[Account]:
        """The accounts, in the order of the profile."""
        return [maildrop.account for maildrop in self._maildrops]

    def holding(self, messages: tuple[Message, ...], besides: Collection[Maildrop] = ()) -> Maildrop:
        """Return a maildrop that holds exactly these messages, seeding one if none does.

        besides: maildrops that are in use already. Raises `NotRun` when no account is left or may be seeded.
        """
        free = [maildrop for maildrop in self._maildrops if maildrop not in besides]
        # In turn, so that the lock of the session before has time to go away.
        if holding := [maildrop for maildrop in free if maildrop.holds(messages)]:
            maildrop = min(holding, key=lambda candidate: candidate.uses)
            maildrop.uses += 1
            return maildrop
        seedable = [maildrop for maildrop in free if maildrop.can_be_seeded]
        if not seedable:
            raise NotRun("needs a disposable account with a seeder" if free else "needs another account")
        maildrop = min(seedable, key=lambda candidate: _reluctance(candidate, messages))
        maildrop.fill(messages)
        maildrop.uses += 1
        return maildrop

    def of(self, account: Account) -> Maildrop:
        """Return the maildrop of that account."""
        return next(maildrop for maildrop in self._maildrops if maildrop.account == account)

    def as_found(self, besides: Collection[Maildrop] = ()) -> Maildrop | None:
        """Return a maildrop that is used as found, if the profile has one."""
        free = (maildrop for maildrop in self._maildrops if maildrop not in besides)
        return next((maildrop for maildrop in free if not maildrop.can_be_seeded), None)

    def lend(self, count: int, keeping: int, only: Collection[str]) -> list[Maildrop]:
        """Give away up to `count` maildrops that can be seeded, until `take_back`; the least worth keeping first.

        keeping: how many of them stay for the other checks, at the least. only: the users whose maildrops may go.
        """
        spare = [maildrop for maildrop in self._maildrops if maildrop.account.user in only and maildrop.can_be_seeded]
        spare.sort(key=lambda maildrop: _reluctance(maildrop, ()))
        lent = spare[: max(0, min(count, len(spare) - keeping))]
        self._maildrops = [maildrop for maildrop in self._maildrops if maildrop not in lent]
        return lent

    def take_back(self, lent: Iterable[Maildrop]) -> None:
        """Have maildrops again that `lend` gave away."""
        self._maildrops += lent

    def retire(self, maildrop: Maildrop) -> None:
        """Use that maildrop no more: its account can no longer log in."""
        self._maildrops = [other for other in self._maildrops if other is not maildrop]


def _reluctance(maildrop: Maildrop, messages: tuple[Message, ...]) -> tuple[bool, bool, bool, int]:
    """Order in which maildrops are seeded: what is worth keeping comes last."""
    return (maildrop.messages != messages, maildrop.messages is not None, not maildrop.dirty, maildrop.uses)
