"""What a run does to a server and its maildrops, recorded so that it can be done again without the suite."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any
from unittest.mock import patch

from conformance.maildrop.keeper import Maildrop
from conformance.wire.connection import Connection


@dataclass(frozen=True)
class Step:
    """One step: `open`, `send`, `receive`, `half_close`, `reset`, `close` of a connection, or `call` of a seeder."""

    what: str
    connection: int = 0
    octets: bytes = b""
    call: Any = None


@contextmanager
def recording() -> Iterator[list[Step]]:
    """Record every step of the runs in this process; reads that follow each other are one step."""
    steps: list[Step] = []
    numbers: dict[int, int] = {}

    def note(what: str, connection: Connection, octets: bytes = b"") -> None:
        number = numbers[id(connection)]
        if what == "receive" and steps and (steps[-1].what, steps[-1].connection) == (what, number):
            octets = steps.pop().octets + octets
        steps.append(Step(what, number, octets))

    open_, send, receive = Connection.open.__func__, Connection.send, Connection.receive  # type: ignore[attr-defined]

    @wraps(open_)
    def recorded_open(cls: type[Connection], *arguments: Any, **keywords: Any) -> Connection:
        connection: Connection = open_(cls, *arguments, **keywords)
        numbers[id(connection)] = len(numbers) + len(steps)
        note("open", connection)
        return connection

    def recorded_send(self: Connection, octets: bytes, within: float) -> None:
        note("send", self, octets)
        send(self, octets, within)

    def recorded_receive(self: Connection, within: float) -> bytes:
        octets = receive(self, within)
        note("receive", self, octets)
        return octets

    def recorded(what: str) -> Any:
        action = getattr(Connection, what)

        def act(self: Connection) -> None:
            note(what, self)
            action(self)

        return act

    def recorded_call(what: str) -> Any:
        action = getattr(Maildrop, what)

        def act(self: Maildrop, *arguments: Any) -> None:
            steps.append(Step("call", call=lambda: action(self, *arguments)))
            action(self, *arguments)

        return act

    changed = {
        "open": classmethod(recorded_open),
        "send": recorded_send,
        "receive": recorded_receive,
        **{what: recorded(what) for what in ("half_close", "reset", "close")},
    }
    with (
        patch.multiple(Connection, **changed),
        patch.multiple(Maildrop, **{what: recorded_call(what) for what in ("fill", "deliver")}),
    ):
        yield steps
