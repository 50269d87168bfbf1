"""What earlier RFCs had, and what became of it (RFC 1081, 1082, 1460, 1725, 1957)."""

import pytest

from conformance.expect import expect_that
from conformance.marks import any_maildrop, verifies
from conformance.plugin.judging import Judge
from conformance.profile import Account
from conformance.target import Facts
from conformance.verdict import NotApplicable
from conformance.wire.reply import Form, Reply
from conformance.wire.session import Session


@verifies("R1081-x-OBSOLETE-01")
@any_maildrop(least=1)
@pytest.mark.parametrize("line", ["RPOP", "RPOP {user}"], ids=["alone", "with_a_name"])
def test_rpop_does_not_log_in(connection: Session, account: Account, line: str) -> None:
    """USER, then RPOP, which once trusted a client for the number of its port: -ERR, as for any unknown command."""
    connection.user(account.user)
    connection.command(line.format(user=account.user)).err()


@verifies("R1082-x-OBSOLETE-02")
def test_xtnd_before_login(connection: Session) -> None:
    """XTND BBOARDS before login is answered -ERR. RFC 1082 binds no server of today, so +OK is only recorded."""
    reply = connection.command("XTND BBOARDS")
    if reply.is_ok:
        connection.close()  # whether more lines follow is not known
    expect_that("-ERR", reply.status_line, reply.is_err)


@verifies("R1082-x-OBSOLETE-03")
def test_xtnd_is_gone(transaction: Session, judge: Judge) -> None:
    """XTND BBOARDS after login is answered -ERR, or by a server that keeps it as an extension of its own."""
    reply = transaction.command("XTND BBOARDS")
    judge.observe("XTND", "is implemented" if reply.is_ok else "is refused")
    if reply.is_ok:
        transaction.close()  # whether more lines follow is not known
    expect_that("+OK or -ERR", reply.status_line, reply.is_ok or reply.is_err)


@verifies("R1082-x-OBSOLETE-04")
def test_xtnd_has_a_multi_line_reply(transaction: Session) -> None:
    """Where XTND BBOARDS is answered +OK, further lines and the terminating one follow."""
    if not transaction.command("XTND BBOARDS", Form.LISTING).is_ok:
        raise NotApplicable("XTND is not implemented")


@verifies("R1460-5-OBSOLETE-01")
def test_last_before_login(connection: Session) -> None:
    """LAST before login is answered -ERR, by servers that know it and by those that do not."""
    connection.command("LAST").err()


@verifies("R1460-5-OBSOLETE-02", "R1725-x-OBSOLETE-01")
@any_maildrop(least=1)
def test_last_after_login(transaction: Session, judge: Judge) -> None:
    """LAST after login is answered -ERR; +OK and a number of 0 to the number of messages is tolerated.

    RFC 1725 removed the command, and fetchmail still sends it.
    """
    count = transaction.stat().count
    reply = transaction.command("LAST")
    judge.observe("LAST", "is implemented" if reply.is_ok else "is refused")
    numbers = range(count + 1)
    expect_that(f"-ERR, or +OK and 0 to {count}", reply.status_line, reply.is_err or last(reply) in numbers)


@verifies("R1460-5-OBSOLETE-03")
@any_maildrop(least=1)
def test_rset_sets_last_back(transaction: Session) -> None:
    """Where LAST is implemented: RETR 1, then RSET, and LAST tells 0."""
    transaction.retr(1)
    if not transaction.command("LAST").is_ok:
        raise NotApplicable("LAST is not implemented")
    transaction.rset()
    reply = transaction.command("LAST")
    expect_that("+OK 0", reply.status_line, last(reply) == 0)


@verifies("R1957-x-TOP-01")
@any_maildrop(least=1)
def test_clients_find_top_and_uidl(transaction: Session, facts: Facts, judge: Judge) -> None:
    """Whether TOP and UIDL, on which popular clients depend, are there is recorded; a server without them conforms."""
    for keyword, offered, line in (("TOP", facts.top, "TOP 1 0"), ("UIDL", facts.uidl, "UIDL")):
        judge.observe(keyword, "is offered" if offered else "is not offered")
        expect_that(f"+OK or -ERR in reply to {line}", reply := transaction.command(line), reply.is_ok or reply.is_err)


def last(reply: Reply) -> int | None:
    """Return the number in a positive reply to LAST."""
    word = reply.text.partition(b" ")[0]
    return int(word) if reply.is_ok and word.isdigit() else None
