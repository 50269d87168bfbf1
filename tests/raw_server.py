"""A server on a raw socket, for what no POP3 server would say."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

Speak = Callable[[BinaryIO], None]
"""Speaks with one client over the stream of its connection, which is closed at its end."""


@contextmanager
def raw_server(speak: Speak) -> Iterator[int]:
    """Serve each connection by `speak` in a thread of its own, and yield the port on 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, speak), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)  # closing alone does not wake the thread, which would accept one more


def lines(*replies: bytes) -> Speak:
    """Return what sends the first reply unasked, and the next one for each line that comes; the last one repeats."""

    def speak(stream: BinaryIO) -> None:
        for number in range(10_000):
            stream.write(replies[min(number, len(replies) - 1)])
            if not stream.readline():
                return

    return speak


def _accept(listener: socket.socket, speak: Speak) -> None:
    with suppress(OSError):  # closed at the end
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, speak), daemon=True).start()


def _serve(connection: socket.socket, speak: Speak) -> None:
    with connection, suppress(OSError), connection.makefile("rwb", buffering=0) as stream:
        speak(stream)  # type: ignore[arg-type]
