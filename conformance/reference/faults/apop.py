"""Faults of APOP and its timestamp (RFC 1939 section 7)."""

import hashlib
import time

from conformance.reference.faults.registry import fault
from conformance.reference.service import Command, Ending, Reply, Service
from conformance.reference.site import Account, Mechanism


def _digest(stamp: str, account: Account) -> bytes:
    return hashlib.md5(stamp.encode("ascii") + account.secret).hexdigest().encode("ascii")


@fault("timestamp-constant", breaks=("R1939-7-APOP-05",))
class TimestampConstant(Service):
    """The timestamp is the same on every connection."""

    def timestamp(self) -> str:
        return f"<1896.697170952@{self.site.host_name}>"


@fault("timestamp-per-second", breaks=("R1939-7-APOP-05",), seen_in="Inbucket, process id and time")
class TimestampPerSecond(Service):
    """The timestamp is the same for all connections of one second."""

    def timestamp(self) -> str:
        return f"<1896.{int(time.time())}@{self.site.host_name}>"


@fault("timestamp-counted-modulo-64", breaks=("R1939-7-APOP-05",))
class TimestampCountedModulo64(Service):
    """The timestamp counts connections, and begins again after sixty-four of them."""

    def timestamp(self) -> str:
        return f"<{self.number_of_connection % 64}@{self.site.host_name}>"


@fault("timestamp-of-newest-connection", breaks=("R1939-7-APOP-11", "R1939-7-APOP-07"))
class TimestampOfNewestConnection(Service):
    """The digest is computed from the timestamp of the newest connection, whichever connection sends APOP."""

    def connected(self) -> Reply:
        self.site.memory["newest stamp"] = self.stamp
        return super().connected()

    def digest(self, account: Account) -> bytes:
        return _digest(self.site.memory["newest stamp"], account)


@fault("timestamp-without-at", breaks=("R1939-7-APOP-04",))
class TimestampWithoutAt(Service):
    """The timestamp has no @, so that it is no msg-id."""

    def timestamp(self) -> str:
        return super().timestamp().replace("@", ".")


@fault("timestamp-without-domain", breaks=("R1939-7-APOP-04",))
class TimestampWithoutDomain(Service):
    """The timestamp has nothing after its @."""

    def timestamp(self) -> str:
        return super().timestamp().partition("@")[0] + "@>"


@fault("timestamp-with-space", breaks=("R1939-7-APOP-04",))
class TimestampWithSpace(Service):
    """The timestamp has spaces in it."""

    def timestamp(self) -> str:
        return super().timestamp().replace(".", " ", 1)


@fault("timestamp-truncated", breaks=("R1939-7-APOP-04",))
class TimestampTruncated(Service):
    """The greeting is cut, so that the timestamp has no closing bracket."""

    def greeting(self) -> Reply:
        yield self.ok(f"POP3 server ready {self.stamp[:-1]}")


@fault("apop-digest-not-checked", breaks=("R1939-7-APOP-10", "R1939-7-APOP-12"))
class ApopDigestNotChecked(Service):
    """Any digest is right."""

    def digest_matches(self, account: Account, digest: bytes) -> bool:
        return True


@fault("apop-digest-prefix-accepted", breaks=("R1939-7-APOP-10", "R1939-7-APOP-12"))
class ApopDigestPrefixAccepted(Service):
    """The first half of the digest is enough."""

    def digest_matches(self, account: Account, digest: bytes) -> bool:
        return super().digest_matches(account, digest[:16] + self.digest(account)[16:])


@fault("apop-first-digit-not-compared", breaks=("R1939-7-APOP-10", "R1939-7-APOP-12"))
class ApopFirstDigitNotCompared(Service):
    """The first digit of the digest is not compared."""

    def digest_matches(self, account: Account, digest: bytes) -> bool:
        return super().digest_matches(account, self.digest(account)[:1] + digest[1:])


@fault("apop-digest-loses-leading-zeros", breaks=("R1939-7-APOP-07", "R1939-7-APOP-11"))
class ApopDigestLosesLeadingZeros(Service):
    """The digest is printed as a number, so that zeros at its beginning are lost."""

    def digest(self, account: Account) -> bytes:
        return super().digest(account).lstrip(b"0")


@fault("apop-secret-of-any-user", breaks=("R1939-7-APOP-10",))
class ApopSecretOfAnyUser(Service):
    """A digest that is right for any user opens the maildrop of the user named."""

    def digest_matches(self, account: Account, digest: bytes) -> bool:
        digests = [self.digest(known) for known in self.site.users.values()]
        return digest in digests and self.may_use(account, Mechanism.APOP)


@fault("apop-unknown-name-has-empty-secret", breaks=("R1939-7-APOP-10", "R1939-7-APOP-12"))
class ApopUnknownNameHasEmptySecret(Service):
    """A name that nobody has is looked up with an empty secret, and opens the first maildrop with its digest."""

    def do_apop(self, name: bytes, digest: bytes) -> Reply:
        if self.find_account(name) is None and digest == _digest(self.stamp, Account(name, b"")):
            yield from self.admit(next(iter(self.site.users.values())))
        else:
            yield from super().do_apop(name, digest)


@fault("apop-not-checked-at-second-try", breaks=("R1939-7-APOP-10", "R1939-7-APOP-12"))
class ApopNotCheckedAtSecondTry(Service):
    """After one wrong digest on a connection any digest is right."""

    failed = False

    def digest_matches(self, account: Account, digest: bytes) -> bool:
        matches = self.failed or super().digest_matches(account, digest)
        self.failed = not matches
        return matches


@fault("failed-apop-names-user", breaks=("R1939-7-PASS-02",))
class FailedApopNamesUser(Service):
    """The name of a failed APOP is good for a PASS without USER."""

    def do_apop(self, name: bytes, digest: bytes) -> Reply:
        self.user_now = name
        return super().do_apop(name, digest)


@fault("apop-opens-maildrop-of-user", breaks=("R1939-7-APOP-06",))
class ApopOpensMaildropOfUser(Service):
    """APOP after USER opens the maildrop of the name that USER gave."""

    def admit(self, account: Account) -> Reply:
        named = self.find_account(self.user_before or b"") if self.keyword == "APOP" else None
        return super().admit(named or account)


@fault("apop-upper-case-digest-only", breaks=("R1939-7-APOP-07", "R1939-7-APOP-11"))
class ApopUpperCaseDigestOnly(Service):
    """The digest is accepted in upper-case hexadecimal digits only."""

    def digest(self, account: Account) -> bytes:
        return super().digest(account).upper()


@fault("apop-digest-without-brackets", breaks=("R1939-7-APOP-07", "R1939-7-APOP-11"))
class ApopDigestWithoutBrackets(Service):
    """The digest is computed from the timestamp without its angle brackets."""

    def digest(self, account: Account) -> bytes:
        return _digest(self.stamp[1:-1], account)


@fault("apop-digest-of-secret-alone", breaks=("R1939-7-APOP-10", "R1939-7-APOP-07"))
class ApopDigestOfSecretAlone(Service):
    """The digest of the secret without a timestamp is accepted too."""

    def digest_matches(self, account: Account, digest: bytes) -> bool:
        return digest == _digest("", account) or super().digest_matches(account, digest)


@fault("apop-secret-accepted", breaks=("R1939-7-APOP-10", "R1939-7-APOP-12"))
class ApopSecretAccepted(Service):
    """The password itself is accepted in place of the digest."""

    def digest_matches(self, account: Account, digest: bytes) -> bool:
        return digest == account.secret or super().digest_matches(account, digest)


@fault("apop-replayable", breaks=("R1939-7-APOP-10", "R1939-7-APOP-12"))
class ApopReplayable(Service):
    """A digest for the timestamp of an earlier connection is accepted."""

    def connected(self) -> Reply:
        self.site.memory.setdefault("stamps", []).append(self.stamp)
        return super().connected()

    def digest_matches(self, account: Account, digest: bytes) -> bool:
        return any(digest == _digest(stamp, account) for stamp in self.site.memory["stamps"])


@fault("apop-without-digest-logs-in", breaks=("R1939-7-APOP-01", "R1939-7-APOP-10"))
class ApopWithoutDigestLogsIn(Service):
    """APOP with a name and no digest logs in."""

    def arguments(self, command: Command, rest: bytes | None) -> tuple[bytes, ...]:
        account = self.find_account(rest or b"")
        if self.keyword == "APOP" and account is not None:
            return (account.name, self.digest(account))
        return super().arguments(command, rest)


@fault("apop-without-arguments-ok", breaks=("R1939-7-APOP-01", "R1939-3-CMD-SYNTAX-11"))
class ApopWithoutArgumentsOk(Service):
    """APOP without arguments is answered +OK."""

    def arguments(self, command: Command, rest: bytes | None) -> tuple[bytes, ...]:
        return (b"", b"") if self.keyword == "APOP" and rest is None else super().arguments(command, rest)

    def do_apop(self, name: bytes, digest: bytes) -> Reply:
        if name:
            yield from super().do_apop(name, digest)
        else:
            yield self.ok()


@fault("apop-failed-closes-silently", breaks=("R1939-7-APOP-12", "R1939-4-CONN-02"), seen_in="jstedfast/MailKit#856")
class ApopFailedClosesSilently(Service):
    """A wrong digest closes the connection without a reply."""

    def deny(self, account: Account | None) -> Reply:
        return iter([Ending.FIN]) if self.keyword == "APOP" else super().deny(account)


@fault("apop-announced-but-unknown", breaks=("R1939-7-APOP-03",), seen_in="cyrusimap/cyrus-imapd#396")
class ApopAnnouncedButUnknown(Service):
    """The greeting has a timestamp, but APOP is never successful."""

    def do_apop(self, name: bytes, digest: bytes) -> Reply:
        yield from self.deny(None)


@fault("apop-opens-first-maildrop", breaks=("R1939-7-APOP-06",))
class ApopOpensFirstMaildrop(Service):
    """APOP opens the maildrop of the first user, whoever has logged in."""

    def admit(self, account: Account) -> Reply:
        first = next(iter(self.site.users.values()))
        return super().admit(first if self.keyword == "APOP" else account)


@fault("user-has-pass-and-apop", breaks=("R1939-13-APOP-01", "R1939-A-APOP-01"))
class UserHasPassAndApop(Service):
    """Every user can log in both by USER and PASS and by APOP."""

    def may_use(self, account: Account, mechanism: Mechanism) -> bool:
        return True
