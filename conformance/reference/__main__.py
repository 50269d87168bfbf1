"""`python -m conformance.reference`: the reference server as a process of its own."""

import argparse
import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

from conformance.reference.assembly import UnknownName, assemble
from conformance.reference.server import ReferenceServer
from conformance.reference.site import AUTOLOGOUT, Site, UsersError, load_users
from conformance.reference.store import LineEnds


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code: 0 after that, 2 for a usage that cannot be served."""
    options = _parser().parse_args(arguments)
    try:
        site = Site(load_users(options.users), options.mail, LineEnds(options.line_ends), options.autologout)
        server = ReferenceServer(site, assemble(options.fault, options.variant))
        asyncio.run(_serve(server, options))
    except (OSError, UsersError, UnknownName) as error:
        print(f"{_parser().prog}: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m conformance.reference",
        description="Serve POP3 from Maildirs. Prints 'ready HOST PORT' when connections are accepted.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--users", type=Path, required=True, help="file with lines user:{PLAIN}password")
    parser.add_argument("--mail", type=Path, required=True, help="directory with USER/Maildir for each user")
    parser.add_argument(
        "--line-ends",
        choices=[str(value) for value in LineEnds],
        default=str(LineEnds.EXACT),
        help="exact: files are sent as they are; lf: their LF is sent as CRLF (default: %(default)s)",
    )
    parser.add_argument(
        "--autologout",
        type=float,
        default=AUTOLOGOUT,
        metavar="SECONDS",
        help="close a connection after so long without a command (default: %(default)s)",
    )
    parser.add_argument("--fault", action="append", default=[], metavar="NAME", help="break a rule; repeatable")
    parser.add_argument("--variant", action="append", default=[], metavar="NAME", help="differ lawfully; repeatable")
    parser.add_argument(
        "--exit-with-parent",
        action="store_true",
        help="stop when standard input ends, as it does when a parent that holds its pipe dies",
    )
    return parser


async def _serve(server: ReferenceServer, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.exit_with_parent:
        threading.Thread(target=_wait_for_end_of_input, args=(loop, stop), daemon=True).start()
    port = await server.start(options.host, options.port)
    print(f"ready {options.host} {port}", flush=True)
    await stop.wait()
    await server.stop()


def _wait_for_end_of_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # Below sys.stdin: its lock, held by a thread that waits, would abort the interpreter's shutdown.
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop.set)


if __name__ == "__main__":
    sys.exit(main())
