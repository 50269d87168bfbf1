"""Whole sessions as clients hold them: download and keep, download and delete, delete later, read the inbox."""

from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage

from conformance.checks.survivors import survivors, survivors_of_update, update
from conformance.expect import expect
from conformance.maildrop.corpus import Message, five_messages, inbox
from conformance.maildrop.fidelity import expect_nothing_lost
from conformance.maildrop.keeper import Maildrop
from conformance.maildrop.numbering import numbers
from conformance.marks import deletes, maildrop, verifies
from conformance.plugin.fixtures import LogIn
from conformance.target import Facts
from conformance.verdict import NotApplicable, Verdict
from conformance.wire.session import Session

mail = (*inbox, *five_messages)


def expect_all_listed(session: Session, messages: Sequence[Message]) -> None:
    """Send STAT and LIST, and raise `Deviation` unless they have as many messages as were seeded."""
    expect("the count in the drop listing", session.stat().count, len(messages))
    expect("the number of lines in LIST", len(session.list().rows), len(messages))


def retrieve_all(session: Session, drop: Maildrop) -> None:
    """Send STAT, LIST and RETR of each message, and compare what comes with what was seeded."""
    expect_all_listed(session, mail)
    found = numbers(session, drop)
    for message in mail:
        expect_nothing_lost(drop.promise, message, session.retr(found[message.name]).ok().payload)


def expect_kept(facts: Facts, after: dict[str, bytes], before: dict[str, bytes]) -> None:
    """Raise `Deviation` unless the messages that were retrieved, and not deleted, are still there after QUIT.

    A site may remove them (RFC 1939 section 8) and announces that by EXPIRE 0 (RFC 2449 section 6.7). Where there is
    no announcement of another policy that it would contradict, it is a warning.
    """
    if after != before and facts.deletes_what_was_retrieved:
        raise NotApplicable("EXPIRE 0: the server removes what has been retrieved")
    at_most = Verdict.FAIL if facts.announces("EXPIRE") else Verdict.WARN
    expect("messages in the next session", after, before, at_most=at_most)


@verifies("R1939-6-UPDATE-09", "R1939-5-RETR-05", "R1939-5-RETR-04", "R1939-5-LIST-05", "R1939-7-UIDL-11")
@maildrop(mail)
@deletes
def test_download_and_keep(log_in: LogIn, drop: Maildrop, facts: Facts) -> None:
    """A client that leaves mail on the server: login, STAT, LIST, UIDL, RETR of each message, QUIT.

    Each message comes as it was seeded, and the next session shows all of them with the same unique-ids.
    """
    session = log_in()
    before = survivors(session, drop, facts)
    retrieve_all(session, drop)
    update(session)
    expect_kept(facts, survivors(log_in(), drop, facts), before)


@verifies("R1939-6-UPDATE-05", "R1939-6-UPDATE-01", "R1939-5-DELE-03", "R1939-5-RETR-04", "R1939-5-LIST-05")
@maildrop(mail)
@deletes
def test_download_and_delete(log_in: LogIn, drop: Maildrop, facts: Facts) -> None:
    """A client that collects mail: login, STAT, LIST, then RETR and DELE of each message, QUIT.

    Each message comes as it was seeded, whatever has been deleted before it, and the next session has none.
    """
    session = log_in()
    expect_all_listed(session, mail)
    found = numbers(session, drop)
    for message in mail:
        expect_nothing_lost(drop.promise, message, session.retr(found[message.name]).ok().payload)
        session.dele(found[message.name]).ok()
    update(session)
    expect("messages in the next session", survivors_of_update(log_in, drop, facts, found), {})


@verifies("R1939-7-UIDL-11", "R1939-6-UPDATE-05", "R1939-6-UPDATE-09", "R1939-5-RETR-05", "R1939-5-DELE-03")
@maildrop(mail)
@deletes
def test_delete_later(log_in: LogIn, drop: Maildrop, facts: Facts) -> None:
    """A client that leaves mail on the server for some days: what it retrieved in one session it deletes in another.

    That second session has UIDL, DELE of every other message, found by its unique-id and not retrieved again, and
    QUIT. The third one shows exactly the others.
    """
    if not facts.uidl:
        raise NotApplicable("UIDL is not offered")
    session = log_in()
    before = survivors(session, drop, facts)
    retrieve_all(session, drop)
    update(session)
    second = log_in()
    number_of = {unique_id: number for number, unique_id in second.uidl().rows}
    expect_kept(facts, {name: id_ for name, id_ in before.items() if id_ in number_of}, before)
    removed = [message.name for message in mail[::2]]
    for name in removed:
        second.dele(number_of[before.pop(name)]).ok()
    update(second)
    expect("messages in the third session", survivors_of_update(log_in, drop, facts, removed), before)


@verifies("R1939-5-RETR-04", "R1939-7-TOP-06", "R1939-11-MSGFORMAT-01", "R1939-6-UPDATE-09")
@maildrop(inbox)
@deletes
def test_read_the_inbox(log_in: LogIn, drop: Maildrop, facts: Facts) -> None:
    """A mail reader opens the inbox read-only, as JavaMail does: STAT; for each message TOP n 0, LIST n, RETR n; QUIT.

    From, Subject and Date, and the text parts of nested multiparts, are those of the seeded messages. Nothing was
    expunged, so the next session shows all of them.
    """
    session = log_in()
    expect_all_listed(session, inbox)
    before, found = survivors(session, drop, facts), numbers(session, drop)
    for message in inbox:
        number, seeded = found[message.name], parsed(message.octets)
        envelope = session.top(number, 0) if facts.top else session.retr(number)
        expect(f"the envelope of {message.name}", fields(parsed(envelope.ok().payload)), fields(seeded))
        session.list(number)
        content = parsed(session.retr(number).ok().payload)
        expect(f"the text parts of {message.name}", texts(content), texts(seeded))
    session.noop().ok()
    update(session)
    expect_kept(facts, survivors(log_in(), drop, facts), before)


def parsed(octets: bytes) -> EmailMessage:
    """Return a message in Internet Message Format, read as a client reads it."""
    return message_from_bytes(octets, EmailMessage, policy=policy.default)


def fields(message: EmailMessage) -> dict[str, str]:
    """Return what a list of messages shows."""
    return {name: str(message[name]) for name in ("From", "Subject", "Date")}


def texts(message: EmailMessage) -> list[str]:
    """Return the text parts, at whatever depth, without the line ends behind them, which some stores add to."""
    return [part.get_content().rstrip() for part in message.walk() if part.get_content_maintype() == "text"]
