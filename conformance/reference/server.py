"""The reference server on a socket, in the event loop of the caller or in a thread of its own."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from conformance.reference.assembly import assemble
from conformance.reference.service import Ending, Pause, Reply, Service
from conformance.reference.site import AUTOLOGOUT, Site, accounts
from conformance.reference.store import LineEnds

_READ = 65536
_LINGER = 2.0
_NO_LINGER = struct.pack("ii", 1, 0)


class ReferenceServer:
    """A POP3 server that serves each connection by a service of its own."""

    def __init__(self, site: Site, service: type[Service] = Service) -> None:
        self._site = site
        self._service = service
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port, which is a free one when `port` is 0. Raises OSError."""
        self._server = await asyncio.start_server(self._accept, host, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Close the port and every connection; no session enters the UPDATE state by that."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._connections.pop(task).close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        service = self._service(self._site)
        try:
            ending = await self._converse(service, reader, writer)
        finally:
            service.closed()
        await self._end(ending, reader, writer)

    async def _converse(self, service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Ending:
        try:
            ending = await self._send(service.connected(), service, writer)
            while ending is None:
                try:
                    async with asyncio.timeout(service.seconds_left()):
                        octets = await reader.read(_READ)
                except TimeoutError:
                    reply = service.expired()
                else:
                    reply = service.received(octets) if octets else service.end_of_input()
                ending = await self._send(reply, service, writer)
        except ConnectionError:
            service.connection_lost()
            return Ending.RST
        except TimeoutError:
            # The client does not read: to wait for it in a close would be to wait for ever.
            return Ending.RST
        return ending

    async def _send(self, reply: Reply, service: Service, writer: asyncio.StreamWriter) -> Ending | None:
        """Send a reply, at the pace at which the client reads it; return the ending that it asks for."""
        for item in service.segments(reply):
            if isinstance(item, Ending):
                return item
            if isinstance(item, Pause):
                await asyncio.sleep(item.seconds)
            else:
                writer.write(item)
                async with asyncio.timeout(service.autologout()):
                    await writer.drain()
        return None

    async def _end(self, ending: Ending, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if ending is Ending.CRASH:
            for other in self._connections.values():
                _reset(other)
        elif ending is Ending.RST:
            _reset(writer)
        else:
            await _finish(reader, writer)


async def _finish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close with a FIN. Octets that nobody has read would turn it into a RST, which can destroy the last reply."""
    # OSError: the client may have reset the connection by now, and then there is no direction left to close.
    with contextlib.suppress(OSError, TimeoutError):
        if writer.can_write_eof():
            writer.write_eof()
        async with asyncio.timeout(_LINGER):
            while await reader.read(_READ):
                pass
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a RST, unless the client has closed by now."""
    if writer.transport.is_closing():
        return
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    writer.transport.abort()


@contextlib.contextmanager
def running_reference(
    users: Mapping[str, str],
    mail: Path,
    faults: Sequence[str] = (),
    variants: Sequence[str] = (),
    line_ends: LineEnds = LineEnds.EXACT,
    autologout: float = AUTOLOGOUT,
) -> Iterator[int]:
    """Run the server in a thread on a free port of 127.0.0.1, and yield that port; it is stopped at the end.

    users: names with their passwords, as in the file of users. mail: the directory with USER/Maildir for each.
    Raises UnknownName for a fault or variant that does not exist, UsersError for a user that cannot be.
    """
    site = Site(accounts(users), mail, line_ends, autologout)
    server = ReferenceServer(site, assemble(faults, variants))
    started: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        try:
            port = await server.start("127.0.0.1", 0)
        except OSError as error:
            started.set_exception(error)
            return
        started.set_result((port, asyncio.get_running_loop(), stop))
        await stop.wait()
        await server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="reference server", daemon=True)
    thread.start()
    port, loop, stop = started.result()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
