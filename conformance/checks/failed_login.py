"""A login that fails, for checks about what comes after it."""

from conformance.plugin.failed_logins import FailedLogins
from conformance.profile import Account
from conformance.verdict import NotApplicable
from conformance.wire.reply import Reply
from conformance.wire.session import Session

WRONG_PASSWORD = "not-the-password"


def fail_to_log_in(session: Session, account: Account, failed_logins: FailedLogins) -> Reply:
    """Send USER and a wrong PASS over a session in AUTHORIZATION state; return the reply to PASS.

    Raises `NotRun` when the profile allows no further failed login, `NotApplicable` when USER is refused.
    """
    failed_logins.spend(account)
    if not session.user(account.user).is_ok:
        raise NotApplicable("USER is refused")
    return session.pass_(WRONG_PASSWORD)
