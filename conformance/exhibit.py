"""The reference server by itself, with mail in it, for people who test clients."""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.maildrop.corpus import five_messages, inbox
from conformance.maildrop.maildir import MaildirSeeder
from conformance.reference.__main__ import main as serve

USER, PASSWORD = "conf1", "secret1"


def serve_until_stopped(host: str, port: int, faults: Sequence[str], variants: Sequence[str], mail: Path | None) -> int:
    """Serve until SIGINT or SIGTERM, and return the exit code.

    mail: a directory with the file `users` and USER/Maildir for each; without it there is one user with some messages.
    """
    arguments = ["--host", host, "--port", str(port)]
    arguments += [argument for fault in faults for argument in ("--fault", fault)]
    arguments += [argument for variant in variants for argument in ("--variant", variant)]
    if mail is not None:
        return serve([*arguments, "--users", str(mail / "users"), "--mail", str(mail)])
    with TemporaryDirectory(prefix="pop3-") as directory:
        users = Path(directory) / "users"
        users.write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        MaildirSeeder(Path(directory) / USER / "Maildir", "exact").replace((*five_messages, *inbox))
        print(f"user {USER}, password {PASSWORD}; Ctrl-C stops", file=sys.stderr)
        return serve([*arguments, "--users", str(users), "--mail", directory])
