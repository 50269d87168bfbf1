"""Faults of USER and PASS (RFC 1939 sections 4 and 7)."""

from conformance.reference.commandlines import Flaw
from conformance.reference.faults.registry import fault
from conformance.reference.service import Command, Ending, Refused, Reply, Service, State
from conformance.reference.site import Account, Mechanism
from conformance.reference.store import Message


class _Secret(Service):
    """The password is compared in another way."""

    def alike(self, secret: bytes, password: bytes) -> bool:
        raise NotImplementedError

    def password_matches(self, account: Account, password: bytes) -> bool:
        return self.may_use(account, Mechanism.PASS) and self.alike(account.secret, password)


@fault("password-not-checked", breaks=("R1939-7-PASS-07", "R1939-7-PASS-04"))
class PasswordNotChecked(_Secret):
    """Any password is right."""

    def alike(self, secret: bytes, password: bytes) -> bool:
        return True


@fault("password-prefix-accepted", breaks=("R1939-7-PASS-07",))
class PasswordPrefixAccepted(_Secret):
    """The beginning of the password is enough."""

    def alike(self, secret: bytes, password: bytes) -> bool:
        return password != b"" and secret.startswith(password)


@fault("password-empty-accepted", breaks=("R1939-7-PASS-07",))
class PasswordEmptyAccepted(_Secret):
    """An empty password is right."""

    def alike(self, secret: bytes, password: bytes) -> bool:
        return password in (b"", secret)


@fault("password-case-insensitive", breaks=("R1939-7-PASS-07",))
class PasswordCaseInsensitive(_Secret):
    """Upper and lower case of the password are the same."""

    def alike(self, secret: bytes, password: bytes) -> bool:
        return secret.lower() == password.lower()


@fault("password-cut-at-8-octets", breaks=("R1939-7-PASS-07",))
class PasswordCutAt8Octets(_Secret):
    """Only the first eight octets of the password count."""

    def alike(self, secret: bytes, password: bytes) -> bool:
        return secret[:8] == password[:8]


@fault("password-cut-at-space", breaks=("R1939-7-PASS-05",), seen_in="twisted/twisted#9100, Mailpit")
class PasswordCutAtSpace(_Secret):
    """The password ends at its first space, in the command and in the account."""

    def alike(self, secret: bytes, password: bytes) -> bool:
        return secret.partition(b" ")[0] == password.partition(b" ")[0]


@fault("password-rest-ignored", breaks=("R1939-7-PASS-05",))
class PasswordRestIgnored(_Secret):
    """What follows the right password after a space is ignored."""

    def alike(self, secret: bytes, password: bytes) -> bool:
        return password == secret or password.startswith(secret + b" ")


@fault("password-trimmed", breaks=("R1939-7-PASS-07",))
class PasswordTrimmed(_Secret):
    """White space around the password does not count."""

    def alike(self, secret: bytes, password: bytes) -> bool:
        return secret.strip() == password.strip()


@fault("password-leading-spaces-ignored", breaks=("R1939-7-PASS-07",))
class PasswordLeadingSpacesIgnored(_Secret):
    """Spaces before the password in the command do not count."""

    def alike(self, secret: bytes, password: bytes) -> bool:
        return secret == password.lstrip(b" ")


@fault("password-trailing-spaces-ignored", breaks=("R1939-7-PASS-07",))
class PasswordTrailingSpacesIgnored(_Secret):
    """Spaces behind the password in the command do not count."""

    def alike(self, secret: bytes, password: bytes) -> bool:
        return secret == password.rstrip(b" ")


@fault("password-last-character-not-compared", breaks=("R1939-7-PASS-07",))
class PasswordLastCharacterNotCompared(_Secret):
    """The last character of the password is not compared, if only there is one."""

    def alike(self, secret: bytes, password: bytes) -> bool:
        return len(secret) == len(password) and secret[:-1] == password[:-1]


@fault("password-first-character-not-compared", breaks=("R1939-7-PASS-07",))
class PasswordFirstCharacterNotCompared(_Secret):
    """The first character of the password is not compared, if only there is one."""

    def alike(self, secret: bytes, password: bytes) -> bool:
        return len(secret) == len(password) and secret[1:] == password[1:]


class _PasswordCheckedAtFirst(Service):
    """Only so many passwords are compared on a connection; the next one is right, whatever it is."""

    compared = 0

    def password_matches(self, account: Account, password: bytes) -> bool:
        self.compared -= 1
        return self.compared < 0 or super().password_matches(account, password)


@fault("password-not-checked-at-second-try", breaks=("R1939-7-PASS-07",))
class PasswordNotCheckedAtSecondTry(_PasswordCheckedAtFirst):
    """After one wrong password on a connection any password is right."""

    compared = 1


@fault("password-not-checked-at-third-try", breaks=("R1939-7-PASS-07",))
class PasswordNotCheckedAtThirdTry(_PasswordCheckedAtFirst):
    """After two wrong passwords on a connection any password is right."""

    compared = 2


@fault("password-with-spaces-closes-silently", breaks=("R1939-7-PASS-05",))
class PasswordWithSpacesClosesSilently(Service):
    """PASS with a space in its argument closes the connection without a reply."""

    def do_pass(self, password: bytes) -> Reply:
        if b" " in password:
            yield Ending.FIN
        yield from super().do_pass(password)


@fault("password-of-any-user", breaks=("R1939-7-PASS-04",))
class PasswordOfAnyUser(Service):
    """The password of any user opens the maildrop of the user named."""

    def password_matches(self, account: Account, password: bytes) -> bool:
        return any(known.secret == password for known in self.site.users.values())


@fault("login-opens-first-maildrop", breaks=("R1939-7-PASS-04", "R1939-4-LOCK-05"))
class LoginOpensFirstMaildrop(Service):
    """Whoever logs in gets the maildrop of the first user."""

    def admit(self, account: Account) -> Reply:
        return super().admit(next(iter(self.site.users.values())))


@fault("unknown-user-admitted", breaks=("R1939-7-PASS-04",), seen_in="NethServer/dev#5212, an empty maildrop")
class UnknownUserAdmitted(Service):
    """A name that nobody has logs in with any password, to a maildrop without messages."""

    def do_pass(self, password: bytes) -> Reply:
        name = self.user_before
        if name is None or self.find_account(name) is not None:
            yield from super().do_pass(password)
        else:
            yield from self.admit(Account(name, password))
            self.messages = ()


@fault("pass-without-user", breaks=("R1939-3-STATE-07", "R1939-7-PASS-02"))
class PassWithoutUser(Service):
    """PASS without USER logs in the first user who has that password."""

    def do_pass(self, password: bytes) -> Reply:
        if self.user_before is None:
            matching = (known for known in self.site.users.values() if self.password_matches(known, password))
            account = next(matching, None)
            if account is not None:
                yield from self.admit(account)
                return
        yield from super().do_pass(password)


@fault("pass-without-user-answered-ok", breaks=("R1939-3-STATE-07",))
class PassWithoutUserAnsweredOk(Service):
    """PASS without USER is answered +OK, and logs in nobody."""

    def do_pass(self, password: bytes) -> Reply:
        if self.user_before is None:
            yield self.ok("send the name")
        else:
            yield from super().do_pass(password)


@fault("pass-again-after-failed-pass", breaks=("R1939-7-PASS-02", "R1939-A-PASS-01"))
class PassAgainAfterFailedPass(Service):
    """After a wrong password PASS can be tried again without USER."""

    def deny(self, account: Account | None) -> Reply:
        if self.keyword == "PASS":
            self.user_now = self.user_before
        yield from super().deny(account)


@fault("pass-after-refused-user", breaks=("R1939-7-PASS-02",))
class PassAfterRefusedUser(Service):
    """A USER that is refused for its syntax leaves the name of the USER before it in force."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        try:
            yield from super().dispatch(line)
        except Refused:
            if self.keyword == "USER":
                self.user_now = self.user_before
            raise


@fault("pass-not-implemented", breaks=("R1939-7-USER-04", "R1939-7-PASS-06"))
class PassNotImplemented(Service):
    """USER is answered +OK, but PASS is an unknown command."""

    def supports(self, keyword: str) -> bool:
        return keyword != "PASS" and super().supports(keyword)


@fault("no-way-to-log-in", breaks=("R1939-4-STATE-02",))
class NoWayToLogIn(Service):
    """Neither USER and PASS nor APOP is implemented."""

    def supports(self, keyword: str) -> bool:
        return keyword not in ("USER", "PASS", "APOP") and super().supports(keyword)


@fault("user-without-name-ok", breaks=("R1939-7-USER-01", "R1939-3-CMD-SYNTAX-11"))
class UserWithoutNameOk(Service):
    """USER without a name is answered +OK."""

    def arguments(self, command: Command, rest: bytes | None) -> tuple[bytes, ...]:
        return super().arguments(command, b"nobody" if self.keyword == "USER" and rest is None else rest)


@fault("pass-without-password-logs-in", breaks=("R1939-7-PASS-01", "R1939-3-CMD-SYNTAX-11"))
class PassWithoutPasswordLogsIn(Service):
    """PASS without an argument logs in the user who was named."""

    def arguments(self, command: Command, rest: bytes | None) -> tuple[bytes, ...]:
        account = self.find_account(self.user_before or b"")
        if self.keyword == "PASS" and rest is None and account is not None:
            return (account.secret,)
        return super().arguments(command, rest)


@fault("user-once-only", breaks=("R1939-4-STATE-04", "R1939-7-USER-03"))
class UserOnceOnly(Service):
    """After a failed login every further attempt on the connection is refused, while it stays open."""

    failed = False

    def deny(self, account: Account | None) -> Reply:
        self.failed = True
        yield from super().deny(account)

    def run(self, arguments: tuple[bytes, ...]) -> Reply:
        if self.failed and self.keyword in ("USER", "PASS", "APOP"):
            raise Refused("only one attempt")
        yield from super().run(arguments)


@fault("refused-user-locks-out", breaks=("R1939-7-USER-05", "R1939-4-STATE-04", "R1939-4-QUIT-02"))
class RefusedUserLocksOut(Service):
    """USER with an unknown name is refused, and so is everything after it, even QUIT."""

    locked_out = False

    def do_user(self, name: bytes) -> Reply:
        self.locked_out = self.find_account(name) is None
        if self.locked_out:
            raise Refused("no such mailbox")
        yield from super().do_user(name)

    def run(self, arguments: tuple[bytes, ...]) -> Reply:
        if self.locked_out:
            raise Refused("go away")
        yield from super().run(arguments)


@fault("user-after-failed-apop-refused", breaks=("R1939-7-USER-03", "R1939-4-STATE-04"))
class UserAfterFailedApopRefused(Service):
    """After a failed APOP only APOP can be used on the connection."""

    apop_failed = False

    def deny(self, account: Account | None) -> Reply:
        self.apop_failed = self.keyword == "APOP"
        yield from super().deny(account)

    def do_user(self, name: bytes) -> Reply:
        if self.apop_failed:
            raise Refused("use APOP")
        yield from super().do_user(name)


@fault(
    "failed-login-closes-silently", breaks=("R1939-4-CONN-02", "R1939-7-PASS-07"), seen_in="AOL (gaia-email-libs#283)"
)
class FailedLoginClosesSilently(Service):
    """A failed login closes the connection without a reply."""

    def deny(self, account: Account | None) -> Reply:
        yield Ending.FIN


@fault("failed-login-positive", breaks=("R1939-7-PASS-07", "R1939-7-APOP-12"))
class FailedLoginPositive(Service):
    """A failed login is answered +OK, and the session stays in the AUTHORIZATION state."""

    def deny(self, account: Account | None) -> Reply:
        yield self.ok("invalid user name or password")


@fault("failed-login-leaves-residue", breaks=("R1939-4-STATE-05",))
class FailedLoginLeavesResidue(Service):
    """After a failed login a login as another user opens the maildrop of the first one."""

    residue: Account | None = None

    def deny(self, account: Account | None) -> Reply:
        self.residue = self.residue or account
        yield from super().deny(account)

    def open_maildrop(self, account: Account) -> tuple[Message, ...]:
        return super().open_maildrop(self.residue or account)


@fault("login-negative-though-done", breaks=("R1939-4-LOCK-03", "R1939-7-PASS-06", "R1939-7-APOP-11"))
class LoginNegativeThoughDone(Service):
    """A login is answered -ERR, although it has been carried out."""

    def admit(self, account: Account) -> Reply:
        for _ in super().admit(account):
            yield self.err("try again")


@fault("login-not-answered", breaks=("R1939-7-PASS-06", "R1939-3-RESP-SYNTAX-01"))
class LoginNotAnswered(Service):
    """A login with the right password has no reply."""

    def admit(self, account: Account) -> Reply:
        for _ in super().admit(account):
            yield from ()


@fault("login-tells-wrong-count", breaks=("R1939-9-RESP-SYNTAX-01",))
class LoginTellsWrongCount(Service):
    """The reply to the login tells a number of messages, which is one too high."""

    def ok(self, text: str = "", code: str = "") -> bytes:
        tells = self.keyword in ("PASS", "APOP") and self.state is State.TRANSACTION
        return super().ok(f"{self.count() + 1} messages" if tells else text, code)
