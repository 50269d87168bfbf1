"""What a profile may say, and what its author reads when it is wrong."""

import json
import re
import tomllib
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from pydantic import SecretStr

import conformance.profile
from conformance.profile import (
    Account,
    AsFoundSeed,
    Known,
    Limits,
    MaildirSeed,
    MboxSeed,
    Profile,
    ProfileError,
    load_profile,
    profile_from_url,
    schema_text,
)

SMALLEST = """
[server]
name = "My server"

[endpoint]
host = "127.0.0.1"
port = 1110                # clear text, may offer STLS
tls_port = 1995            # implicit TLS; either may be left out
ca_file = "ca.pem"         # or tls_verify = false

[[accounts]]               # one or more; all of them are disposable unless `disposable = false`
user = "conf1"
password = "secret1"       # or password_env = "NAME", or password_file
seed = { maildir = "state/conf1/Maildir" }   # or mbox, lmtp, smtp, imap, command, as_found
"""

SERVER = '[server]\nname = "S"\n'
ENDPOINT = '[endpoint]\nhost = "h"\nport = 110\n'
ACCOUNT = '[[accounts]]\nuser = "u"\npassword = "p"\n'
LAUNCH = '[launch]\ncommand = "run it"\n'
PLAIN = SERVER + ENDPOINT + ACCOUNT

SEEDS = "maildir, mbox, as_found, command, lmtp, smtp, imap"
PASSWORDS = "give exactly one of password, password_env, password_file"

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Load a profile from text, as a file that is named relative to the working directory."""
    monkeypatch.chdir(tmp_path)

    def load_text(text: str) -> Profile:
        Path("my.toml").write_text(text)
        return load_profile(Path("my.toml"))

    return load_text


def test_the_smallest_profile_loads_with_everything_else_at_its_default(load, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    (tmp_path / "state/conf1").mkdir(parents=True)
    profile = load(SMALLEST)
    assert (profile.server.name, profile.endpoint.port, profile.endpoint.tls_port) == ("My server", 1110, 1995)
    assert profile.endpoint.ca_file == tmp_path / "ca.pem"
    assert profile.endpoint.tls_verify
    [account] = profile.accounts
    assert account.seed == MaildirSeed(maildir=tmp_path / "state/conf1/Maildir", line_ends="lf")
    assert account.disposable
    assert account.secret() == "secret1"
    assert profile.launch is None
    assert profile.limits == Limits()
    assert (profile.clients.default_configuration, profile.clients.locking) == (False, "unknown")
    assert profile.known == ()


def test_a_profile_that_says_everything(load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_B", "b's")
    (tmp_path / "c.secret").write_bytes(b" c's \r\n")
    profile = load("""
        [server]
        name = "S"
        [endpoint]
        host = "::1"
        port = 0
        tls_port = 0
        tls_verify = false
        [[accounts]]
        user = "a"
        password = "two  spaces "
        seed = { maildir = "{state}/a/Maildir", line_ends = "exact" }
        [[accounts]]
        user = "b"
        password_env = "SECRET_OF_B"
        seed = { mbox = "{profile_dir}/spool/b" }
        [[accounts]]
        user = "c"
        password_file = "c.secret"
        disposable = false
        [launch]
        command = "serve --port {port} 'two words'"
        stop = ["{python}", "stop.py"]
        ready = "^ready"
        ready_timeout = 2.5
        environment = { STATE = "{state}", HERE = "{profile_dir}" }
        working_directory = "sub"
        requires = "serve"
        install = "apt-get install serve"
        [limits]
        reply = 5
        login_interval = 1.5
        failed_logins = 3
        [clients]
        default_configuration = true
        locking = "none"
        [[known]]
        check = "top/zero_lines"
        reason = "not fixed yet"
        link = "https://example.org/1"
        fingerprint = "0123"
        until = 2030-01-31
    """)
    assert [account.secret() for account in profile.accounts] == ["two  spaces ", "b's", " c's "]
    assert [account.seed for account in profile.accounts] == [
        MaildirSeed(maildir=Path("{state}/a/Maildir"), line_ends="exact"),
        MboxSeed(mbox=tmp_path / "spool/b"),
        AsFoundSeed(as_found=True),
    ]
    assert [account.disposable for account in profile.accounts] == [True, True, False]
    assert profile.launch is not None
    assert profile.launch.command == ("serve", "--port", "{port}", "two words")
    assert profile.launch.environment == {"STATE": "{state}", "HERE": str(tmp_path)}
    assert profile.launch.working_directory == tmp_path / "sub"
    assert profile.limits == Limits(reply=5.0, login_interval=1.5, failed_logins=3)
    assert profile.known == (
        Known(
            check="top/zero_lines",
            reason="not fixed yet",
            link="https://example.org/1",
            fingerprint="0123",
            until=date(2030, 1, 31),
        ),
    )


def test_a_server_is_started_in_the_directory_of_its_profile(load, tmp_path: Path) -> None:
    assert load(PLAIN + LAUNCH).launch.working_directory == tmp_path


WRONG = {
    "not TOML": ("[server\n", "not TOML: Expected ']' at the end of a table declaration (at line 1, column 8)"),
    "empty server": ("[server]\n" + ENDPOINT + ACCOUNT, "server.name: missing; give it"),
    "no accounts": (SERVER + ENDPOINT, "accounts: missing; give it"),
    "zero accounts": ("accounts = []\n" + SERVER + ENDPOINT, "accounts: must not be empty"),
    "one account as a table": (
        PLAIN.replace("[[accounts]]", "[accounts]"),
        "accounts: must be an array (an array of tables is written [[name]])",
    ),
    "key near a known one": (
        PLAIN.replace("port", "prot"),
        "endpoint: unknown key 'prot'; did you mean 'port'?",
    ),
    "key near none": (
        PLAIN.replace('name = "S"', 'name = "S"\nxyz = 1'),
        "server: unknown key 'xyz'; known are name",
    ),
    "table near a known one": (PLAIN + "[limit]\n", "unknown key 'limit'; did you mean 'limits'?"),
    "key of an account": (
        PLAIN + "disposible = false\n",
        "accounts[0]: unknown key 'disposible'; did you mean 'disposable'?",
    ),
    "no port": (
        SERVER + '[endpoint]\nhost = "h"\n' + ACCOUNT,
        "endpoint: neither port nor tls_port is given; give at least one",
    ),
    "port as text": (PLAIN.replace("110", '"110"'), "endpoint.port: must be a whole number"),
    "port too high": (PLAIN.replace("110", "65536"), "endpoint.port: must be at most 65535"),
    "port as truth": (PLAIN.replace("110", "true"), "endpoint.port: must be a whole number"),
    "port 0 of a server that runs": (
        PLAIN.replace("110", "0"),
        "endpoint.port: 0 needs [launch]; give the port",
    ),
    "authority and no verification": (
        SERVER + ENDPOINT + 'ca_file = "ca.pem"\ntls_verify = false\n' + ACCOUNT,
        "endpoint: ca_file contradicts tls_verify = false; leave one out",
    ),
    "no authority": (
        SERVER + ENDPOINT + 'ca_file = "ca.pem"\n' + ACCOUNT,
        "endpoint.ca_file: no file {tmp}/ca.pem; create it, or correct the path",
    ),
    "no password": (PLAIN.replace('password = "p"', ""), f"accounts[0]: {PASSWORDS}; none given"),
    "two passwords": (
        PLAIN + 'password_env = "E"\n',
        f"accounts[0]: {PASSWORDS}; password and password_env given",
    ),
    "empty password": (PLAIN.replace('"p"', '""'), "accounts[0].password: must not be empty"),
    "password with a line end": (
        PLAIN.replace('"p"', '"p\\n"'),
        "accounts[0].password: must not hold CR, LF or NUL",
    ),
    "user with a line end": (PLAIN.replace('"u"', '"u\\r"'), "accounts[0].user: must not hold CR, LF or NUL"),
    "variable not set": (
        PLAIN.replace('password = "p"', 'password_env = "NO_SUCH_VARIABLE"'),
        "accounts[0]: environment variable NO_SUCH_VARIABLE has no password for u; put it there",
    ),
    "no password file": (
        PLAIN.replace('password = "p"', 'password_file = "p.secret"'),
        "accounts[0]: file {tmp}/p.secret: No such file or directory",
    ),
    "password file with two lines": (
        PLAIN.replace('password = "p"', 'password_file = "two-lines"'),
        "accounts[0]: file {tmp}/two-lines: the password for u must not hold CR, LF or NUL",
    ),
    "the same user twice": (PLAIN + ACCOUNT, "accounts[1].user: 'u' is also accounts[0].user"),
    "seed as text": (PLAIN + 'seed = "maildir"\n', "accounts[0].seed: must be a table"),
    "empty seed": (PLAIN + "seed = {}\n", f"accounts[0].seed: give exactly one of {SEEDS}; none given"),
    "two seeds": (
        PLAIN + 'seed = { maildir = "m", mbox = "b" }\n',
        f"accounts[0].seed: give exactly one of {SEEDS}; maildir and mbox given",
    ),
    "unknown seed": (
        PLAIN + 'seed = { mailbox = "m" }\n',
        "accounts[0].seed: unknown key 'mailbox'; did you mean 'mbox'?",
    ),
    "unknown key beside the seed": (
        PLAIN + 'seed = { maildir = "m", line_end = "lf" }\n',
        "accounts[0].seed: unknown key 'line_end'; did you mean 'line_ends'?",
    ),
    "unknown line ends": (
        PLAIN + 'seed = { maildir = "m", line_ends = "crlf" }\n',
        "accounts[0].seed.line_ends: must be 'lf' or 'exact'",
    ),
    "not as found": (PLAIN + "seed = { as_found = false }\n", "accounts[0].seed.as_found: must be True"),
    "seed of a later version": (
        PLAIN + 'seed = { lmtp = "127.0.0.1:24" }\n',
        "accounts[0].seed: lmtp is not available in this version; use one of maildir, mbox, as_found",
    ),
    "maildir in no directory": (
        PLAIN + 'seed = { maildir = "gone/Maildir" }\n',
        "accounts[0].seed.maildir: no directory {tmp}/gone; create it, or correct the path",
    ),
    "mbox in no directory": (
        PLAIN + 'seed = { mbox = "gone/u" }\n',
        "accounts[0].seed.mbox: no directory {tmp}/gone; create it, or correct the path",
    ),
    "state of a server that runs": (
        PLAIN + 'seed = { maildir = "{state}/u/Maildir" }\n',
        "accounts[0].seed.maildir: {state} needs [launch]; give the path",
    ),
    "no command": (PLAIN + "[launch]\n", "launch.command: missing; give it"),
    "empty command": (PLAIN + "[launch]\ncommand = ''\n", "launch.command: must not be empty"),
    "open quotation": (PLAIN + '[launch]\ncommand = "it\'s"\n', "launch.command: No closing quotation"),
    "broken expression": (
        PLAIN + LAUNCH + 'ready = "("\n',
        "launch.ready: not a regular expression: missing ), unterminated subpattern at position 0",
    ),
    "number in the environment": (
        PLAIN + LAUNCH + "environment = { PORT = 110 }\n",
        "launch.environment.PORT: must be a string",
    ),
    "impossible variable": (
        PLAIN + LAUNCH + 'environment = { "A=B" = "" }\n',
        "launch.environment: 'A=B' cannot be the name of a variable",
    ),
    "impossible word": (PLAIN + '[launch]\ncommand = ["a", "\\u0000"]\n', "launch.command[1]: must not hold NUL"),
    "no patience": (PLAIN + "[limits]\nreply = 0\n", "limits.reply: must be more than 0"),
    "too much patience": (PLAIN + "[limits]\nreply = inf\n", "limits.reply: must be finite"),
    "patience as text": (PLAIN + '[limits]\nreply = "5s"\n', "limits.reply: must be a number"),
    "no connections": (PLAIN + "[limits]\nconnections = 0\n", "limits.connections: must be at least 1"),
    "other locking": (
        PLAIN + '[clients]\nlocking = "maybe"\n',
        "clients.locking: must be 'unknown', 'exclusive' or 'none'",
    ),
    "truth as text": (
        PLAIN + '[clients]\ndefault_configuration = "yes"\n',
        "clients.default_configuration: must be true or false",
    ),
    "known without reason": (
        PLAIN + '[[known]]\ncheck = "a/b"\nlink = "https://example.org/"\n',
        "known[0].reason: missing; give it",
    ),
    "known with another link": (
        PLAIN + '[[known]]\ncheck = "a/b"\nreason = "r"\nlink = "javascript:alert(1)"\n',
        "known[0].link: must begin with http:// or https://",
    ),
}


@pytest.mark.parametrize(("text", "line"), WRONG.values(), ids=WRONG)
def test_a_wrong_profile_is_told_in_one_line(load, tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "two-lines").write_text("one\ntwo\n")
    with pytest.raises(ProfileError) as caught:
        load(text)
    assert str(caught.value) == "my.toml: " + line.replace("{tmp}", str(tmp_path))


def test_each_mistake_has_its_line(load) -> None:
    with pytest.raises(ProfileError) as caught:
        load(PLAIN.replace("110", "-1") + "[limits]\nreply = 0\n")
    assert str(caught.value).splitlines() == [
        "my.toml: endpoint.port: must be at least 0",
        "my.toml: limits.reply: must be more than 0",
    ]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("gone.toml", "gone.toml: No such file or directory"),
        (".", ".: Is a directory"),
        ("latin1.toml", "latin1.toml: not UTF-8, which TOML has to be"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, line: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("latin1.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(ProfileError) as caught:
        load_profile(Path(name))
    assert str(caught.value) == line


def test_a_launch_may_create_what_the_profile_names(load, tmp_path: Path) -> None:
    profile = load(PLAIN + 'seed = { maildir = "made/u/Maildir" }\n' + LAUNCH)
    assert profile.accounts[0].seed == MaildirSeed(maildir=tmp_path / "made/u/Maildir")


def test_a_secret_is_nowhere_to_be_read(load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hidden2")
    profile = load(
        SERVER + ENDPOINT + '[[accounts]]\nuser="a"\npassword="hidden1"\n'
        '[[accounts]]\nuser="b"\npassword_env="SECRET"\n'
    )
    for text in (repr(profile), str(profile), str(profile.model_dump()), profile.model_dump_json()):
        assert "hidden" not in text
    with pytest.raises(ProfileError) as caught:
        load(SERVER + ENDPOINT + '[[accounts]]\nuser=1\npassword="hidden3"\n')
    assert "hidden" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_profile_does_not_change(load) -> None:
    profile = load(PLAIN)
    with pytest.raises(ValueError, match="frozen"):
        profile.server.name = "another"


def test_the_variable_is_read_when_the_password_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(user="u", password_env="LATER")
    with pytest.raises(ProfileError, match=r"^environment variable LATER has no password for u; put it there$"):
        account.secret()
    monkeypatch.setenv("LATER", "now")
    assert account.secret() == "now"


# --- URL -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "host", "port", "tls_port", "user"),
    [
        ("pop3://conf1@127.0.0.1:1110", "127.0.0.1", 1110, None, "conf1"),
        ("pop3://conf1@localhost", "localhost", 110, None, "conf1"),
        ("pops://conf1@mail.example.org", "mail.example.org", None, 995, "conf1"),
        ("pops://conf1@[::1]:1995/", "::1", None, 1995, "conf1"),
        ("POP3://a%40b%3Ac@h", "h", 110, None, "a@b:c"),
        ("pop3://a%3Bb%C3%A9@h", "h", 110, None, "a;bé"),
        ("pop3://me@example.org@h", "h", 110, None, "me@example.org"),
    ],
)
def test_a_url_is_a_profile(
    monkeypatch: pytest.MonkeyPatch, url: str, host: str, port: int | None, tls_port: int | None, user: str
) -> None:
    monkeypatch.setenv("POP3_PASSWORD", "from the environment")
    profile = profile_from_url(url)
    assert (profile.endpoint.host, profile.endpoint.port, profile.endpoint.tls_port) == (host, port, tls_port)
    assert profile.server.name == f"{host}:{port or tls_port}"
    [account] = profile.accounts
    assert (account.user, account.secret()) == (user, "from the environment")
    assert (account.seed, account.disposable) == (AsFoundSeed(as_found=True), False)


def test_a_password_that_was_typed_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POP3_PASSWORD", "from the environment")
    profile = profile_from_url("pop3://u@h", SecretStr("typed"))
    assert profile.accounts[0].secret() == "typed"


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("pop3://u:hidden@h", "a password does not belong in it; put it in POP3_PASSWORD"),
        ("pop3://u:hidden@[::1", "Invalid IPv6 URL"),
        ("pop3:/u:hidden@h", "write pop3://USER@HOST:PORT"),
        ("imap://u@h", "must begin with pop3:// or pops://"),
        ("pop3://h", "write pop3://USER@HOST:PORT"),
        ("pops://u@", "write pops://USER@HOST:PORT"),
        ("pop3://u@h:x", "the port must be a number from 1 to 65535"),
        ("pop3://u@h:65536", "the port must be a number from 1 to 65535"),
        ("pop3://u@h:0", "the port must be a number from 1 to 65535"),
        ("pop3://u@h/INBOX", "nothing may follow the port"),
        ("pop3://u;AUTH=+APOP@h", ";AUTH= cannot be chosen here; a ; in the user name is written %3B"),
        ("pop3://%ff@h", "the user name must be percent-encoded UTF-8"),
        ("pop3://u%0d%0aDELE%201@h", "accounts[0].user: must not hold CR, LF or NUL"),
    ],
)
def test_a_wrong_url_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, url: str, line: str) -> None:
    monkeypatch.setenv("POP3_PASSWORD", "p")
    with pytest.raises(ProfileError) as caught:
        profile_from_url(url)
    assert str(caught.value) == f"URL: {line}"


def test_a_url_without_a_password_says_where_to_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POP3_PASSWORD", raising=False)
    with pytest.raises(ProfileError) as caught:
        profile_from_url("pop3://u@h")
    assert str(caught.value) == (
        "URL: accounts[0]: environment variable POP3_PASSWORD has no password for u; put it there"
    )


# --- published -------------------------------------------------------------------------------------------------


def test_the_published_schema_is_up_to_date() -> None:
    published = Path(conformance.profile.__file__).with_name("profile.schema.json")
    assert published.read_text() == schema_text(), "run: python -m conformance.profile > " + str(published)


def test_the_schema_accepts_and_refuses_what_the_model_does() -> None:
    schema = json.loads(schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(tomllib.loads(SMALLEST))
    assert validator.is_valid(tomllib.loads(PLAIN + LAUNCH))
    for case in ("key near a known one", "no port", "no password", "two passwords", "two seeds", "no command"):
        assert not validator.is_valid(tomllib.loads(WRONG[case][0])), case


@pytest.mark.parametrize("path", sorted((REPOSITORY / "profiles").glob("*.toml")), ids=lambda path: path.stem)
def test_a_profile_of_ours_loads_and_fits_the_schema(path: Path) -> None:
    profile = load_profile(path)
    assert profile.launch is not None
    jsonschema.validate(tomllib.loads(path.read_text()), json.loads(schema_text()))


@pytest.mark.parametrize("name", ["reference", "dovecot"])
def test_the_users_file_and_the_profiles_name_the_same_passwords(name: str) -> None:
    lines = (REPOSITORY / "profiles" / name / "users").read_text().splitlines()
    users = dict(re.split(r":\{[A-Z]+\}", line) for line in lines)
    assert users == {
        account.user: account.secret() for account in load_profile(REPOSITORY / f"profiles/{name}.toml").accounts
    }
