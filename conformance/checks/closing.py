"""What a server may do after it has refused a login: close the connection (RFC 1939 section 4)."""

from collections.abc import Iterator
from contextlib import contextmanager

from conformance.checks.aftermath import is_closed
from conformance.plugin.judging import CLOSED_AFTER_REFUSAL
from conformance.verdict import NotApplicable
from conformance.wire.session import NoReplyError, Session


@contextmanager
def unless_closed(session: Session) -> Iterator[None]:
    """Raise `NotApplicable` when a reply inside does not come because the server has closed the connection."""
    try:
        yield
    except NoReplyError as error:
        if is_closed(session):
            raise NotApplicable(CLOSED_AFTER_REFUSAL) from error
        raise
