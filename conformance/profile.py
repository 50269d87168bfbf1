"""The profile: what the suite has to know about a server under test.

A profile is a TOML file, or a URL for a server that needs no more than an address and a user. Every path in it is
relative to the profile's own file. `python -m conformance.profile` prints its JSON Schema, which is published
beside this module.
"""

import difflib
import json
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import ErrorDetails

POP3_PORT = 110
"""Clear text (RFC 1939 section 3)."""
POP3S_PORT = 995
"""Implicit TLS (RFC 8314 section 3.2)."""
URL_PASSWORD_VARIABLE = "POP3_PASSWORD"
"""The environment variable that a target given as URL takes its password from."""
_URL_SCHEMES = {"pop3": ("port", POP3_PORT), "pops": ("tls_port", POP3S_PORT)}

_T = TypeVar("_T")

LAUNCH_PLACEHOLDERS = ("state", "port", "tls_port")
"""Known only once the server is being started; `python` and `profile_dir` are filled in on loading."""


class ProfileError(Exception):
    """A profile cannot be used; the message has one line for each reason, which says what to do."""


def expand(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with each `{name}` of `values` replaced; other braces stay as they are."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _directory(info: ValidationInfo) -> Path:
    return info.context["directory"] if info.context else Path.cwd()


def _from_profile(text: str, info: ValidationInfo) -> str:
    if "\0" in text:
        raise ValueError("must not hold NUL")
    return expand(text, {"profile_dir": str(_directory(info)), "python": sys.executable})


def _path_from_profile(path: Path, info: ValidationInfo) -> Path:
    text = _from_profile(str(path), info)
    return Path(text) if text.startswith("{state}") else _directory(info) / text


def _words(value: object) -> object:
    return shlex.split(value) if isinstance(value, str) else value


def _not_empty(values: tuple[_T, ...]) -> tuple[_T, ...]:
    # Rather than min_length, which does not count values that are wrong, and so reports them twice.
    if not values:
        raise ValueError("must not be empty")
    return values


def _one_line(text: str) -> str:
    if any(octet in text for octet in "\r\n\0"):
        # An argument ends where its command line ends (RFC 1939 section 3).
        raise ValueError("must not hold CR, LF or NUL")
    return text


def _one_line_secret(secret: SecretStr) -> SecretStr:
    _one_line(secret.get_secret_value())
    return secret


def _variables(environment: Mapping[str, str]) -> Mapping[str, str]:
    for name in environment:
        if not name or "=" in name or "\0" in name:
            raise ValueError(f"{name!r} cannot be the name of a variable")
    return environment


def _regular_expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


Text = Annotated[str, Field(min_length=1)]
Port = Annotated[int, Field(strict=True, ge=0, le=65535)]
Flag = Annotated[bool, Field(strict=True)]
Seconds = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
ProfilePath = Annotated[Path, AfterValidator(_path_from_profile)]
LaunchText = Annotated[str, AfterValidator(_from_profile)]
Command = Annotated[
    tuple[LaunchText, ...],
    AfterValidator(_not_empty),
    BeforeValidator(_words, json_schema_input_type=tuple[str, ...] | str),
]


class Table(BaseModel):
    """One table of a profile: immutable, and without keys that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _name_the_nearest_key(cls, value: object) -> object:
        if isinstance(value, dict):
            for key in value:
                if key not in cls.model_fields:
                    raise ValueError(unknown_key(key, tuple(cls.model_fields)))
        return value


def unknown_key(key: str, known: tuple[str, ...]) -> str:
    """Return the sentence that says that `key` is unknown, and which of the `known` is nearest."""
    match difflib.get_close_matches(key, known, n=1):
        case [nearest]:
            return f"unknown key {key!r}; did you mean {nearest!r}?"
        case _:
            return f"unknown key {key!r}; known are {', '.join(known)}"


class Server(Table):
    """`[server]`: what the report calls it."""

    name: Text


class Endpoint(Table):
    """`[endpoint]`: where it listens. A port 0 means that a free one is chosen when the server is started."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["port"]}, {"required": ["tls_port"]}]})

    host: Text
    port: Port | None = Field(default=None, description="clear text, may offer STLS")
    tls_port: Port | None = Field(default=None, description="implicit TLS")
    ca_file: ProfilePath | None = Field(default=None, description="PEM of the authorities to trust")
    tls_verify: Flag = True

    @model_validator(mode="after")
    def _is_reachable(self) -> Self:
        if self.port is None and self.tls_port is None:
            raise ValueError("neither port nor tls_port is given; give at least one")
        if self.ca_file is not None and not self.tls_verify:
            raise ValueError("ca_file contradicts tls_verify = false; leave one out")
        return self


class MaildirSeed(Table):
    """Messages are put in by writing files into the Maildir that the server reads."""

    maildir: ProfilePath
    line_ends: Literal["lf", "exact"] = Field(
        default="lf", description="lf: files hold LF, the server makes CRLF of it; exact: octets as on the wire"
    )


class MboxSeed(Table):
    """Messages are put in by writing the mbox file that the server reads."""

    mbox: ProfilePath


class AsFoundSeed(Table):
    """Nothing is put in: the maildrop is taken as it is found."""

    as_found: Literal[True]


class CommandSeed(Table):
    """Messages are put in by a command of the operator's."""

    command: Command


class LmtpSeed(Table):
    """Messages are delivered by LMTP to `host:port`."""

    lmtp: Text


class SmtpSeed(Table):
    """Messages are delivered by SMTP to `host:port`."""

    smtp: Text


class ImapSeed(Table):
    """Messages are put in by IMAP APPEND at `host:port`."""

    imap: Text


_SEEDS = ("maildir", "mbox", "as_found", "command", "lmtp", "smtp", "imap")
_AVAILABLE_SEEDS = ("maildir", "mbox", "as_found")


def _seed_kind(value: object) -> str | None:
    given = value if isinstance(value, dict) else type(value).model_fields if isinstance(value, Table) else ()
    return next((kind for kind in _SEEDS if kind in given), None)


def _exactly_one_kind(value: object) -> object:
    if isinstance(value, dict):
        kinds = [kind for kind in _SEEDS if kind in value]
        if not kinds and value:
            raise ValueError(unknown_key(str(next(iter(value))), _SEEDS))
        if len(kinds) != 1:
            given = " and ".join(kinds) or "none"
            raise ValueError(f"give exactly one of {', '.join(_SEEDS)}; {given} given")
        if kinds[0] not in _AVAILABLE_SEEDS:
            available = ", ".join(_AVAILABLE_SEEDS)
            raise ValueError(f"{kinds[0]} is not available in this version; use one of {available}")
    return value


Seed = Annotated[
    Annotated[MaildirSeed, Tag("maildir")]
    | Annotated[MboxSeed, Tag("mbox")]
    | Annotated[AsFoundSeed, Tag("as_found")]
    | Annotated[CommandSeed, Tag("command")]
    | Annotated[LmtpSeed, Tag("lmtp")]
    | Annotated[SmtpSeed, Tag("smtp")]
    | Annotated[ImapSeed, Tag("imap")],
    Discriminator(_seed_kind, custom_error_type="table", custom_error_message="must be a table"),
    BeforeValidator(_exactly_one_kind),
]

_PASSWORD_KEYS = ("password", "password_env", "password_file")


class Account(Table):
    """One of `[[accounts]]`: a user, its password from one of three sources, and how its maildrop is filled."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [key]} for key in _PASSWORD_KEYS]})

    user: Annotated[Text, AfterValidator(_one_line)]
    password: Annotated[SecretStr, Field(min_length=1), AfterValidator(_one_line_secret)] | None = None
    password_env: Text | None = Field(default=None, description="the environment variable that holds it")
    password_file: ProfilePath | None = Field(
        default=None, description="the file that holds it; one line end at its end is not part of it"
    )
    seed: Seed = AsFoundSeed(as_found=True)
    disposable: Flag = Field(default=True, description="whether its messages may be deleted")

    @model_validator(mode="after")
    def _has_one_password(self) -> Self:
        given = [key for key in _PASSWORD_KEYS if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(_PASSWORD_KEYS)}; {' and '.join(given) or 'none'} given")
        return self

    def secret(self) -> str:
        """Return the password, from wherever the profile says it is. Raises ProfileError if it is not there."""
        if self.password is not None:
            return self.password.get_secret_value()
        if self.password_env is not None:
            source, secret = f"environment variable {self.password_env}", os.environ.get(self.password_env)
        else:
            source, secret = f"file {self.password_file}", self._secret_in_file()
        if not secret:
            raise ProfileError(f"{source} has no password for {self.user}; put it there")
        try:
            return _one_line(secret)
        except ValueError as error:
            raise ProfileError(f"{source}: the password for {self.user} {error}") from None

    def _secret_in_file(self) -> str:
        assert self.password_file is not None
        try:
            # No newline translation: a password may end in a space or hold anything but a line end.
            text = self.password_file.read_bytes().decode()
        except OSError as error:
            raise ProfileError(f"file {self.password_file}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ProfileError(f"file {self.password_file} is not UTF-8") from None
        return text.removesuffix("\n").removesuffix("\r")


class Launch(Table):
    """`[launch]`: how the server is started and stopped. Commands may be an array, or a string split as sh does.

    `{state}`, `{port}`, `{tls_port}`, `{python}` and `{profile_dir}` may stand in commands, environment and
    working directory, and in the paths of seeds and of `ca_file`.
    """

    command: Command
    ready: Annotated[str, AfterValidator(_regular_expression)] | None = Field(
        default=None, description="awaited on standard output; default: until the ports accept connections"
    )
    ready_timeout: Seconds = 15.0
    environment: Annotated[Mapping[str, LaunchText], AfterValidator(_variables)] = {}
    working_directory: ProfilePath = Field(default=Path(), validate_default=True)
    stop: Command | None = Field(default=None, description="default: SIGTERM to the process group")
    requires: Text | None = Field(default=None, description="the executable that has to be installed")
    install: Text | None = Field(default=None, description="the command line that installs it")


class Limits(Table):
    """`[limits]`: how patient the suite is, and what the server takes from one client. Times in seconds."""

    connect: Seconds = 10.0
    greeting: Seconds = 60.0
    reply: Seconds = 20.0
    failed_login: Seconds = 30.0
    quiet: Seconds = Field(default=0.3, description="silence after which nothing more is expected")
    login_interval: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)] = Field(
        default=0.0, description="least time between two logins"
    )
    connections: Annotated[int, Field(strict=True, ge=1)] = Field(default=10, description="at once")
    failed_logins: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        default=None, description="how many wrong logins an account tolerates; default: any number"
    )


class Clients(Table):
    """`[clients]`: what the operator declares, because no client can see it."""

    default_configuration: Flag = Field(default=False, description="the server runs as it is shipped")
    locking: Literal["unknown", "exclusive", "none"] = Field(
        default="unknown", description="whether a session locks the maildrop (RFC 1939 section 4)"
    )


class Known(Table):
    """One of `[[known]]`: a deviation that the operator knows of, and why."""

    check: Text
    reason: Text
    link: Annotated[str, Field(pattern=r"^https?://\S+$")]
    fingerprint: Text | None = Field(default=None, description="of the evidence, as the report gives it")
    until: date | None = Field(default=None, description="the last day on which it is accepted")


class Profile(Table):
    """A server under test."""

    model_config = ConfigDict(title="Profile of a POP3 server under test")

    server: Server
    endpoint: Endpoint
    accounts: Annotated[tuple[Account, ...], AfterValidator(_not_empty), Field(json_schema_extra={"minItems": 1})]
    launch: Launch | None = None
    limits: Limits = Limits()
    clients: Clients = Clients()
    known: tuple[Known, ...] = ()

    @model_validator(mode="after")
    def _users_differ(self) -> Self:
        first: dict[str, int] = {}
        for index, account in enumerate(self.accounts):
            if account.user in first:
                earlier = first[account.user]
                raise ValueError(f"accounts[{index}].user: {account.user!r} is also accounts[{earlier}].user")
            first[account.user] = index
        return self

    @model_validator(mode="after")
    def _only_a_launch_fills_in(self) -> Self:
        if self.launch is not None:
            return self
        for key in ("port", "tls_port"):
            if getattr(self.endpoint, key) == 0:
                raise ValueError(f"endpoint.{key}: 0 needs [launch]; give the port")
        for place, path in [("endpoint.ca_file", self.endpoint.ca_file), *self._stores()]:
            for name in LAUNCH_PLACEHOLDERS:
                if f"{{{name}}}" in str(path):
                    raise ValueError(f"{place}: {{{name}}} needs [launch]; give the path")
        return self

    def _stores(self) -> Iterator[tuple[str, Path]]:
        """Yield the place in the profile and the path of each maildrop that is filled through the file system."""
        for index, account in enumerate(self.accounts):
            match account.seed:
                case MaildirSeed(maildir=path):
                    yield f"accounts[{index}].seed.maildir", path
                case MboxSeed(mbox=path):
                    yield f"accounts[{index}].seed.mbox", path

    def _faults_outside(self) -> Iterator[str]:
        """Yield a line for each thing that the profile relies on and that is not there."""
        for index, account in enumerate(self.accounts):
            try:
                account.secret()
            except ProfileError as error:
                yield f"accounts[{index}]: {error}"
        if self.launch is not None:
            # It may create them.
            return
        if self.endpoint.ca_file is not None and not self.endpoint.ca_file.is_file():
            yield f"endpoint.ca_file: no file {self.endpoint.ca_file}; create it, or correct the path"
        for place, path in self._stores():
            if not path.parent.is_dir():
                yield f"{place}: no directory {path.parent}; create it, or correct the path"


def load_profile(path: Path) -> Profile:
    """Read the profile in the TOML file `path`. Raises ProfileError, with one line for each mistake."""
    try:
        data = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ProfileError(f"{path}: not UTF-8, which TOML has to be") from None
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{path}: not TOML: {error}") from None
    return _validated(data, path.absolute().parent, str(path))


def profile_from_url(url: str, password: SecretStr | None = None) -> Profile:
    """Return the profile for `pop3://user@host[:port]` (clear text) or `pops://...` (implicit TLS).

    The form is that of RFC 2384, without its `;AUTH=`. The one account is taken as found and its messages stay.
    password: of that user; None takes it from the environment variable POP3_PASSWORD.
    Raises ProfileError with one line, in which a password never appears.
    """
    # No message repeats the URL: a password may be in it where nobody expects one.
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ProfileError(f"URL: {error}") from None
    if parts.password is not None:
        raise ProfileError(f"URL: a password does not belong in it; put it in {URL_PASSWORD_VARIABLE}")
    if parts.scheme not in _URL_SCHEMES:
        raise ProfileError("URL: must begin with pop3:// or pops://")
    key, default_port = _URL_SCHEMES[parts.scheme]
    try:
        port = default_port if parts.port is None else parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ProfileError("URL: the port must be a number from 1 to 65535")
    if not parts.hostname or not parts.username:
        raise ProfileError(f"URL: write {parts.scheme}://USER@HOST:PORT")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ProfileError("URL: nothing may follow the port")
    if ";" in parts.username:
        raise ProfileError("URL: ;AUTH= cannot be chosen here; a ; in the user name is written %3B")
    try:
        user = unquote(parts.username, errors="strict")
    except UnicodeDecodeError:
        raise ProfileError("URL: the user name must be percent-encoded UTF-8") from None
    account: dict[str, Any] = {"user": user, "disposable": False}
    account |= {"password_env": URL_PASSWORD_VARIABLE} if password is None else {"password": password}
    data = {
        "server": {"name": f"{parts.hostname}:{port}"},
        "endpoint": {"host": parts.hostname, key: port},
        "accounts": [account],
    }
    return _validated(data, Path.cwd(), "URL")


def _validated(data: dict[str, Any], directory: Path, source: str) -> Profile:
    try:
        profile = Profile.model_validate(data, context={"directory": directory})
    except ValidationError as error:
        lines = [_line(details) for details in error.errors()]
    else:
        lines = list(profile._faults_outside())
    if lines:
        # From None: a traceback must not carry what was in the profile.
        raise ProfileError("\n".join(f"{source}: {line}" for line in lines)) from None
    return profile


_SENTENCES = {
    "missing": "missing; give it",
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "finite_number": "must be finite",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "path_type": "must be a path",
    "tuple_type": "must be an array (an array of tables is written [[name]])",
    "dict_type": "must be a table",
    "mapping_type": "must be a table",
    "model_type": "must be a table",
    "string_pattern_mismatch": "must begin with http:// or https://",
    "value_error": "{error}",
}


def _line(details: ErrorDetails) -> str:
    place = ""
    keys = list(details["loc"])
    if "seed" in keys[:-1]:
        # pydantic puts the kind of a seed into the place; the profile's author did not write it.
        del keys[keys.index("seed") + 1]
    for key in keys:
        place += f"[{key}]" if isinstance(key, int) else f".{key}" if place else key
    sentence = _SENTENCES.get(details["type"], details["msg"]).format(**details.get("ctx", {}))
    return f"{place}: {sentence}" if place else sentence


def schema_text() -> str:
    """Return the JSON Schema of a profile, as it is published in `profile.schema.json`."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Profile.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
