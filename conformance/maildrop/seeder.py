"""What puts messages into a maildrop."""

from collections.abc import Sequence
from typing import Protocol

from conformance.maildrop.as_found import AsFound
from conformance.maildrop.corpus.message import Message
from conformance.maildrop.maildir import MaildirSeeder
from conformance.maildrop.mbox import MboxSeeder
from conformance.maildrop.promise import Promise
from conformance.profile import AsFoundSeed, MaildirSeed, MboxSeed, Seed
from conformance.verdict import BenchError


class Seeder(Protocol):
    """Puts messages into one maildrop. Every method raises `BenchError` when the store does not let it."""

    @property
    def promise(self) -> Promise:
        """What can be promised of the octets."""

    @property
    def seeds(self) -> bool:
        """False if the maildrop can only be used as it is found."""

    def replace(self, messages: Sequence[Message]) -> None:
        """Make the maildrop hold exactly these messages, in this order."""

    def deliver(self, message: Message) -> None:
        """Add one message behind the others, as new mail arrives. Raises `NotRun` when a session keeps mail out."""

    def count(self) -> int | None:
        """Return how many messages the store holds now, or None if it cannot be looked into."""


def seeder_for(seed: Seed) -> Seeder:
    """Return the seeder that an account's seed table describes. Raises `BenchError` if there is none for it."""
    match seed:
        case MaildirSeed():
            return MaildirSeeder(seed.maildir, seed.line_ends)
        case MboxSeed():
            return MboxSeeder(seed.mbox)
        case AsFoundSeed():
            return AsFound()
        case _:
            raise BenchError("this way of seeding is not available in this version; use maildir, mbox or as_found")
