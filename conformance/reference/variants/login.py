"""What RFC 1939 leaves open about logging in."""

from collections.abc import Iterator

from conformance.reference.service import Ending, Pause, Refused, Reply, Service
from conformance.reference.site import Account
from conformance.reference.variants.registry import variant


@variant("unknown-user-refused", allowed_by="RFC 1939 section 7, USER: a name without a mailbox may be refused")
class UnknownUserRefused(Service):
    """USER with an unknown name is answered -ERR."""

    def do_user(self, name: bytes) -> Reply:
        if self.find_account(name) is None:
            raise Refused("no such mailbox")
        yield from super().do_user(name)


@variant("failed-login-closes", allowed_by="RFC 1939 section 4: after a negative reply to a login the server may close")
class FailedLoginCloses(Service):
    """A failed login is answered -ERR, and the connection is closed."""

    def deny(self, account: Account | None) -> Reply:
        yield from super().deny(account)
        yield Ending.FIN


@variant("refused-lock-closes", allowed_by="RFC 1939 section 4: after a negative reply to a login the server may close")
class RefusedLockCloses(Service):
    """A login to a maildrop that is in use is answered -ERR, and the connection is closed."""

    def admit(self, account: Account) -> Reply:
        try:
            yield from super().admit(account)
        except Refused as refused:
            yield self.err(refused.text, refused.code)
            yield Ending.FIN


@variant("failed-login-delayed", allowed_by="RFC 1939 sets no time in which a reply has to come")
class FailedLoginDelayed(Service):
    """A failed login is answered after half a second."""

    def deny(self, account: Account | None) -> Reply:
        yield Pause(0.5)
        yield from super().deny(account)


@variant("login-delayed", allowed_by="RFC 1939 sets no time in which a reply has to come")
class LoginDelayed(Service):
    """Opening a maildrop takes a twentieth of a second."""

    def admit(self, account: Account) -> Reply:
        yield Pause(0.05)
        yield from super().admit(account)


@variant("user-name-case-insensitive", allowed_by="RFC 1939 section 7, USER: a name means something to the server only")
class UserNameCaseInsensitive(Service):
    """Upper and lower case of a user name are the same."""

    def find_account(self, name: bytes) -> Account | None:
        same = (account for known, account in self.site.users.items() if known.lower() == name.lower())
        return next(same, None)


@variant(
    "second-user-refused", allowed_by="RFC 1939 section 7, USER: after a successful USER only PASS or QUIT is named"
)
class SecondUserRefused(Service):
    """USER directly after a successful USER is answered -ERR, and so is the PASS after it."""

    def do_user(self, name: bytes) -> Reply:
        if self.user_before is not None:
            raise Refused("PASS expected")
        yield from super().do_user(name)


@variant(
    "user-name-kept",
    allowed_by="RFC 1939 section 7, PASS: strictly it comes immediately after USER; many servers remember the name",
    warns=("R1939-7-PASS-03", "R1939-7-PASS-02"),
)
class UserNameKept(Service):
    """PASS may come after other commands that follow a successful USER, until a PASS has failed."""

    def begin_command(self) -> None:
        kept = self.user_now or self.user_before
        super().begin_command()
        self.user_before = kept

    def do_user(self, name: bytes) -> Reply:
        self.user_before = None
        return super().do_user(name)

    def deny(self, account: Account | None) -> Reply:
        self.user_before = None
        return super().deny(account)


@variant("password-with-spaces-refused", allowed_by="RFC 1939 section 7, PASS: spaces may be part of the password")
class PasswordWithSpacesRefused(Service):
    """PASS with a space in its argument is answered -ERR."""

    def do_pass(self, password: bytes) -> Reply:
        if b" " in password:
            raise Refused("one argument expected")
        yield from super().do_pass(password)


@variant("apop-upper-case-accepted", allowed_by="RFC 1939 section 7, APOP: lower-case digits bind the client")
class ApopUpperCaseAccepted(Service):
    """The digest of APOP is accepted in upper-case hexadecimal digits too."""

    def digest_matches(self, account: Account, digest: bytes) -> bool:
        return super().digest_matches(account, digest.lower())


@variant("apop-after-user-refused", allowed_by="RFC 1939 section 7, APOP: not named after a successful USER")
class ApopAfterUserRefused(Service):
    """APOP directly after a successful USER is answered -ERR."""

    def do_apop(self, name: bytes, digest: bytes) -> Reply:
        if self.user_before is not None:
            raise Refused("PASS expected")
        yield from super().do_apop(name, digest)


@variant(
    "closes-after-three-failed-logins",
    allowed_by="RFC 1939 section 4: after a negative reply to a login the server may close",
)
class ClosesAfterThreeFailedLogins(Service):
    """The third failed login on a connection is answered -ERR, and the connection is closed."""

    failures = 0

    def deny(self, account: Account | None) -> Reply:
        yield from super().deny(account)
        self.failures += 1
        if self.failures == 3:
            yield Ending.FIN


@variant("auth-response-code", allowed_by="RFC 3206 section 4: AUTH says that the credentials were at fault")
class AuthResponseCode(Service):
    """A failed login is answered -ERR [AUTH], and AUTH-RESP-CODE is announced."""

    def deny(self, _account: Account | None) -> Reply:
        yield self.err("invalid user name or password", "AUTH")

    def capabilities(self) -> Iterator[str]:
        yield from super().capabilities()
        yield "AUTH-RESP-CODE"


@variant("unknown-user-closes", allowed_by="RFC 1939 section 4: after a negative reply to a login the server may close")
class UnknownUserCloses(Service):
    """USER with an unknown name is answered -ERR, and the connection is closed."""

    def do_user(self, name: bytes) -> Reply:
        if self.find_account(name) is None:
            yield self.err("no such mailbox")
            yield Ending.FIN
        yield from super().do_user(name)


@variant(
    "password-is-first-word",
    allowed_by="RFC 1939 section 7, PASS: spaces may be part of the password, or else separate arguments",
    warns=("R1939-7-PASS-05", "R1939-3-CMD-SYNTAX-12"),
)
class PasswordIsFirstWord(PasswordWithSpacesRefused):
    """Spaces separate arguments of PASS, and all but the first argument are overlooked."""

    def do_pass(self, password: bytes) -> Reply:
        yield from super().do_pass(password.split(b" ")[0])
