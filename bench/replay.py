"""The same octets over bare sockets: the least time that a run can take."""

import re
import socket
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import md5

from bench.recording import Step

_GIVE_UP = 0.5
"""Seconds after which octets that were there in the recording are no longer waited for."""

_TIMESTAMP = re.compile(rb"<[^<>\r\n]*>")
_APOP = re.compile(rb"APOP (\S+) [0-9a-f]{32}\r\n")


def replay(steps: Sequence[Step], address: tuple[str, int], secrets: Mapping[str, str]) -> int:
    """Do every step again, in order, and return how many reads fell short of the recording.

    The digest of APOP is made anew, since the timestamp of the greeting is.
    """
    sockets: dict[int, socket.socket] = {}
    timestamps: dict[int, bytes] = {}
    short = 0
    for step in steps:
        connection = sockets.get(step.connection)
        if step.what == "call":
            step.call()
        elif step.what == "open":
            connection = sockets[step.connection] = socket.create_connection(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(_GIVE_UP)
        elif connection is None:
            continue
        elif step.what == "send":
            with suppress(OSError):
                connection.sendall(_with_new_digest(step.octets, timestamps.get(step.connection, b""), secrets))
        elif step.what == "receive":
            received = _read(connection, len(step.octets))
            short += len(received) < len(step.octets)
            if match := _TIMESTAMP.search(received):
                timestamps.setdefault(step.connection, match[0])
        else:
            _end(connection, step.what)
            if step.what != "half_close":
                del sockets[step.connection]
    return short


def _read(connection: socket.socket, count: int) -> bytes:
    received = bytearray()
    with suppress(OSError):
        while len(received) < max(count, 1):
            octets = connection.recv(64 * 1024)
            if not octets:
                break
            received += octets
    return bytes(received)


def _with_new_digest(octets: bytes, timestamp: bytes, secrets: Mapping[str, str]) -> bytes:
    match = _APOP.fullmatch(octets)
    if match is None or match[1].decode() not in secrets:
        return octets
    digest = md5(timestamp + secrets[match[1].decode()].encode(), usedforsecurity=False).hexdigest()
    return b"APOP " + match[1] + b" " + digest.encode() + b"\r\n"


def _end(connection: socket.socket, how: str) -> None:
    with suppress(OSError):
        if how == "half_close":
            connection.shutdown(socket.SHUT_WR)
            return
        if how == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
