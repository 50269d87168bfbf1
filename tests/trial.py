"""The suite, tried on the reference server with faults or lawful variants."""

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from conformance import inventory
from conformance.console import ConsoleReporter
from conformance.plugin.run import Run
from conformance.reference.server import running_reference

# Two for the maildrops that most checks share, one to spare, one by APOP, and passwords with spaces in every place.
USERS = {
    "conf1": "{PASS}secret1",
    "conf2": "{PASS}secret2",
    "conf3": "{PASS}secret3",
    "conf4": "{PASS}secret4",
    "apop1": "{APOP}sesame1",
    "space1": "{PASS}two  spaces inside",
    "space2": "{PASS} space before",
    "space3": "{PASS}space after ",
}

BY_BOTH_COMMANDS = {user: "{PLAIN}" + password.partition("}")[2] for user, password in USERS.items()}
"""The same users, each of whom may log in by PASS and by APOP."""

WITHOUT_APOP = {user: password for user, password in USERS.items() if not password.startswith("{APOP}")}

AUTOLOGOUT = 2.4
"""Seconds that stand for the RFC's ten minutes."""

TIMER = 3.0
"""Seconds of the reference server's timer: more than it owes, since on a busy machine its clock starts before ours."""

SLOW_OPTIONS = ("--pop3-slow", f"--pop3-autologout-minimum={AUTOLOGOUT}")
"""Options that let the checks about the autologout timer run in that time."""

_PROFILE = """
[server]
name = "Reference server"
[endpoint]
host = "127.0.0.1"
port = {port}
[limits]
connect = 2
greeting = 2.5
reply = 2.5
failed_login = 2.5
quiet = 0.1
"""

_ACCOUNT = """
[[accounts]]
user = "{user}"
password = "{password}"
seed = {{ maildir = "{mail}/{user}/Maildir", line_ends = "exact" }}
"""


def trial(
    directory: Path,
    faults: Sequence[str] = (),
    variants: Sequence[str] = (),
    select: Iterable[str] = (),
    options: Sequence[str] = (),
    users: Mapping[str, str] = USERS,
) -> Run:
    """Run the checks that `select` names (all by default) against the reference server, and return the run."""
    mail = directory / "mail"
    for user in users:
        (mail / user).mkdir(parents=True, exist_ok=True)
    with running_reference(users, mail, faults, variants, autologout=TIMER) as port:
        profile = directory / "profile.toml"
        accounts = (
            _ACCOUNT.format(user=user, password=password.partition("}")[2], mail=mail)
            for user, password in users.items()
        )
        profile.write_text(_PROFILE.format(port=port) + "".join(accounts))
        arguments = [f"--pop3-profile={profile}", "--pop3-seed=1", "-p", "no:xdist", "-p", "no:timeout"]
        arguments += [f"--pop3-select={expression}" for expression in select]
        reporter = ConsoleReporter(Console(file=io.StringIO()))
        pytest.main([*inventory.PYTEST_OPTIONS, *arguments, *options], plugins=[reporter])
    assert isinstance(reporter.run, Run), reporter.pytest_output.getvalue()
    return reporter.run
