"""The reference server by itself, with mail in it, for people who test clients."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.maildrop.corpus import five_messages, inbox
from conformance.maildrop.maildir import MaildirSeeder
from conformance.reference.assembly import UnknownName, assemble
from conformance.reference.server import ReferenceServer
from conformance.reference.site import Site, UsersError, load_users

USER, PASSWORD = "conf1", "secret1"


class CannotServe(Exception):  # noqa: N818 - the name says it
    """The server cannot be started; the message is one line that says why."""


def serve_until_stopped(
    host: str, port: int, faults: Sequence[str] = (), variants: Sequence[str] = (), mail: Path | None = None
) -> None:
    """Serve until SIGINT or SIGTERM; prints `ready HOST PORT` when connections are accepted.

    mail: a directory with the file `users` and USER/Maildir for each; without it there is one user with some messages.
    Raises `CannotServe`.
    """
    try:
        service = assemble(faults, variants)
    except UnknownName as error:
        raise CannotServe(f"{error} (`pop3-conformance list faults` and `list variants` show them)") from error
    if mail is not None:
        asyncio.run(_serve(ReferenceServer(_site(mail), service), host, port))
        return
    with TemporaryDirectory(prefix="pop3-") as directory:
        _put_some_mail_into(Path(directory))
        whom = f"user {USER}, password {PASSWORD}; "
        asyncio.run(_serve(ReferenceServer(_site(Path(directory)), service), host, port, whom))


def _put_some_mail_into(directory: Path) -> None:
    (directory / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    MaildirSeeder(directory / USER / "Maildir", "exact").replace((*five_messages, *inbox))


def _site(mail: Path) -> Site:
    users = mail / "users"
    try:
        return Site(load_users(users), mail)
    except UsersError as error:
        raise CannotServe(str(error)) from error
    except OSError as error:
        message = f"{users}: {error.strerror}; it has to have a line user:{{PLAIN}}password for each user"
        raise CannotServe(message) from error


async def _serve(server: ReferenceServer, host: str, port: int, whom: str = "") -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        port = await server.start(host, port)
    except OSError as error:
        # asyncio puts the address before the reason.
        reason = str(error.strerror or error).rpartition(": ")[2]
        raise CannotServe(f"cannot listen on {host} port {port}: {reason}; choose with --host and --port") from error
    print(f"{whom}Ctrl-C stops", file=sys.stderr)
    print(f"ready {host} {port}", flush=True)
    await stop.wait()
    await server.stop()
