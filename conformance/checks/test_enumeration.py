"""What a server tells about which users it has (RFC 1939 sections 7 and 13)."""

import pytest

from conformance.checks.failed_login import WRONG_PASSWORD
from conformance.marks import verifies
from conformance.plugin.judging import Judge
from conformance.verdict import Verdict
from conformance.wire.session import Session


@pytest.mark.usefixtures("pass_account")
@verifies("R1939-7-ENUMERATION-01", "R1939-13-ENUMERATION-01", "R1939-7-PASS-04")
def test_an_unknown_name_logs_nobody_in(connection: Session, unknown_user: str, judge: Judge) -> None:
    """USER with a name that nobody has may be answered either way; a PASS that follows is answered -ERR.

    -ERR to USER helps to guess names, as section 13 says, and is permitted: it is recorded.
    """
    reply = connection.user(unknown_user)
    judge.observe("USER with an unknown name", "is accepted" if reply.is_ok else "is refused")
    if reply.is_ok:
        reply = connection.pass_(WRONG_PASSWORD)
        if not reply.is_err:
            judge.deviates("-ERR to PASS after an unknown name", str(reply), "R1939-7-PASS-04")
    else:
        judge.deviates("the reply that a known name gets", str(reply), "R1939-13-ENUMERATION-01", Verdict.INFO)
