"""The seeder that seeds nothing: for an account whose mail is not ours."""

from collections.abc import Sequence

from conformance.maildrop.corpus.message import Message
from conformance.maildrop.promise import Promise
from conformance.verdict import NotRun

_REASON = "the maildrop is used as found"


class AsFound:
    """A maildrop that is left as it is."""

    promise = Promise()
    seeds = False

    def replace(self, messages: Sequence[Message]) -> None:
        """Raise `NotRun`: no check may ask for certain messages here."""
        raise NotRun(_REASON)

    def deliver(self, message: Message) -> None:
        """Raise `NotRun`: no mail of ours arrives here."""
        raise NotRun(_REASON)

    def count(self) -> None:
        """Return None: the store is out of sight."""
