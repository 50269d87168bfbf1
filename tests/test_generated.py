"""Generated messages are what their name says: they conform, and their names tell them apart."""

from hypothesis import given, settings

from conformance.maildrop.corpus import Message
from conformance.maildrop.generated import generated_maildrops


@settings(max_examples=50, deadline=None, database=None)
@given(generated_maildrops(8))
def test_generated_messages_conform(messages: tuple[Message, ...]) -> None:
    assert 1 <= len(messages) <= 8
    assert all(message.conforms for message in messages)
    assert len({message.name for message in messages}) == len(messages)
