"""What all connections of one reference server share: the accounts, the locks, the settings."""

import itertools
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from conformance.reference.store import LineEnds, Message, open_maildir

AUTOLOGOUT = 600.0
"""Seconds: the shortest autologout timer that RFC 1939 section 3 allows."""

_NAME = re.compile(rb"[\x21-\x7e\x80-\xff]+")
_SCHEME = re.compile(rb"\{([^}]*)\}(.*)", re.DOTALL)


class UsersError(ValueError):
    """The file of users has a line that cannot be used; the message says which and why."""


class Mechanism(StrEnum):
    """A way to log in (RFC 1939 section 7)."""

    PASS = "pass"
    APOP = "apop"


# Section 13 wants a user to have one of the two; PLAIN gives both, so that either can be tested with one account.
_MECHANISMS = {
    b"PLAIN": frozenset(Mechanism),
    b"PASS": frozenset({Mechanism.PASS}),
    b"APOP": frozenset({Mechanism.APOP}),
}


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the server."""

    name: bytes
    secret: bytes
    mechanisms: frozenset[Mechanism] = frozenset(Mechanism)

    @classmethod
    def parse(cls, name: bytes, password: bytes) -> "Account":
        """Return the account for a name and a password of the form `{SCHEME}secret` or `secret`.

        The scheme PLAIN (the default) admits by USER/PASS and by APOP, PASS and APOP by that one alone.
        Raises UsersError for an unknown scheme and for a name that cannot be an argument or a directory.
        """
        if not _NAME.fullmatch(name) or b"/" in name or name in (b".", b".."):
            raise UsersError(f"{name!r} cannot be the name of a user")
        match = _SCHEME.fullmatch(password)
        scheme, secret = match.groups() if match else (b"PLAIN", password)
        if scheme.upper() not in _MECHANISMS:
            raise UsersError(f"the password of {name!r} has the unknown scheme {scheme!r}")
        return cls(name, secret, _MECHANISMS[scheme.upper()])


def accounts(passwords: Mapping[str, str]) -> dict[bytes, Account]:
    """Return the accounts for names with their passwords, written as in `Account.parse`; UsersError as there."""
    parsed = (Account.parse(os.fsencode(name), os.fsencode(password)) for name, password in passwords.items())
    return {account.name: account for account in parsed}


def load_users(path: Path) -> dict[bytes, Account]:
    """Read a file with lines `user:{PLAIN}password`; empty lines and lines that begin with # are left out.

    The password is the rest of the line, whatever it holds. Raises OSError and UsersError.
    """
    users: dict[bytes, Account] = {}
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        line = line.removesuffix(b"\r")
        if not line or line.startswith(b"#"):
            continue
        name, colon, password = line.partition(b":")
        if not colon:
            raise UsersError(f"{path}, line {number}: expected user:{{PLAIN}}password")
        users[name] = Account.parse(name, password)
    return users


@dataclass(slots=True)
class Locks:
    """The exclusive-access locks on the maildrops (RFC 1939 section 4): who holds which."""

    _holders: dict[bytes, object] = field(default_factory=dict)

    def take(self, name: bytes, holder: object) -> bool:
        """Lock the maildrop of `name` for `holder`; return whether `holder` has it now."""
        return self._holders.setdefault(name, holder) is holder

    def give_back(self, name: bytes, holder: object) -> None:
        """Release the lock if `holder` has it."""
        if self._holders.get(name) is holder:
            del self._holders[name]


@dataclass(slots=True)
class Site:
    """One server: its users, where their mail is, and what its connections have in common.

    mail: the directory with a Maildir `USER/Maildir` for each user.
    autologout: seconds without a command after which a connection is closed.
    memory: what a fault or a variant has to remember from one connection to the next.
    """

    users: Mapping[bytes, Account]
    mail: Path
    line_ends: LineEnds = LineEnds.EXACT
    autologout: float = AUTOLOGOUT
    host_name: str = "reference.invalid"
    clock: Callable[[], float] = time.monotonic
    locks: Locks = field(default_factory=Locks)
    connections: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    memory: dict[str, Any] = field(default_factory=dict)

    def open_maildrop(self, account: Account) -> tuple[Message, ...]:
        """Return the messages of an account as they are now; OSError when the maildrop cannot be read."""
        return open_maildir(self.mail / os.fsdecode(account.name) / "Maildir", self.line_ends)
