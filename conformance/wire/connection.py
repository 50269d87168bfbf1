"""A connection to the server under test: TCP over IPv4 or IPv6, with or without TLS; every wait has a deadline."""

import select
import socket
import ssl
import struct
import time
from contextlib import suppress
from typing import Self

READ_SIZE = 64 * 1024
"""Octets asked for in one read."""


class Deadline:
    """A point in time. `remaining()` is what is left of it, in seconds."""

    __slots__ = ("_at", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left, never less than 0."""
        return max(0.0, self._at - time.monotonic())

    def sooner(self, seconds: float) -> float:
        """Return `seconds`, or what is left if that is less."""
        return min(seconds, self.remaining())


class Connection:
    """One connection; `open` makes it, and one of `close`, `reset` ends it."""

    def __init__(self, sock: socket.socket) -> None:
        # Never blocking: all waiting is done in `_wait`, so that it is the same with TLS and without.
        sock.setblocking(False)
        self._socket = sock
        self._tls = sock if isinstance(sock, ssl.SSLSocket) else None
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(sock, select.POLLIN)
        self._writable.register(sock, select.POLLOUT)

    @classmethod
    def open(cls, host: str, port: int, within: float, tls: ssl.SSLContext | None = None) -> Self:
        """Connect to `host` and `port` within that many seconds, and finish the TLS handshake if `tls` is given.

        A host with several addresses has that long for each. Raises OSError (ssl.SSLError is one) when all fail.
        """
        deadline = Deadline(within)
        sock = socket.create_connection((host, port), timeout=within)
        try:
            # A check says in which segments its octets go out; Nagle's algorithm would decide otherwise.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                sock.settimeout(max(deadline.remaining(), 0.001))
                sock = tls.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
        return cls(sock)

    def send(self, octets: bytes, within: float) -> None:
        """Send all octets as one write. Raises TimeoutError or another OSError.

        Nothing is read meanwhile: it is for the caller not to have more replies on their way than the buffers of the
        two ends can hold.
        """
        deadline = Deadline(within)
        left = memoryview(octets)
        while left:
            try:
                left = left[self._socket.send(left) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                _wait(self._writable, deadline.remaining())
            except ssl.SSLWantReadError:
                _wait(self._readable, deadline.remaining())

    def receive(self, within: float) -> bytes:
        """Return the octets of the next segment, nothing at the end of the stream.

        Raises TimeoutError when nothing came within that many seconds (0: when nothing is waiting),
        ConnectionResetError on a reset.
        """
        deadline = Deadline(within)
        while True:
            if not (self._tls and self._tls.pending()):
                _wait(self._readable, deadline.remaining())
            # A TLS record that has not come in full, or is not for us, leaves nothing to read yet.
            with suppress(BlockingIOError, ssl.SSLWantReadError):
                return self._socket.recv(READ_SIZE)

    @property
    def has_more(self) -> bool:
        """True if octets, or the end of the stream, can be received without waiting."""
        return bool((self._tls and self._tls.pending()) or self._readable.poll(0))

    def half_close(self) -> None:
        """Send FIN, and go on reading (TCP half-close).

        With TLS a server may take that for a truncation, and end the session: it is without a close_notify, since
        the ssl module cannot send one and still read what comes.
        """
        with suppress(OSError):  # the other end may have gone already, which is what half-closing is about
            # A TLS socket's own method would forget its keys, and what comes could not be read any more.
            socket.socket.shutdown(self._socket, socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection with RST, as a client that crashes does."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """End the connection with FIN, behind the close_notify of TLS where there is TLS."""
        if self._tls is not None:
            with suppress(OSError):  # the server's own close_notify is not waited for
                self._tls.unwrap()
        # Closing alone sends RST instead when the server has said something that nobody has read.
        self.half_close()
        self._socket.close()


def _wait(poll: select.poll, seconds: float) -> None:
    if not poll.poll(seconds * 1000):
        raise TimeoutError("nothing has happened in time")
