"""Several commands in one segment (RFC 1939 section 3; PIPELINING of RFC 2449 section 6.6)."""

from collections.abc import Iterator
from contextlib import contextmanager

from conformance.target import Facts
from conformance.verdict import Verdict
from conformance.wire.session import NoReplyError


@contextmanager
def in_one_segment(facts: Facts, before_login: bool = False) -> Iterator[Verdict]:
    """Give the worst verdict for a command that is lost inside, and see to it where a reply does not come.

    RFC 1939 has client and server take turns, and promises nothing else: it is a warning for a server that does not
    announce PIPELINING, in the state that the commands are given in.
    """
    announced = any(line.upper() == "PIPELINING" for line in facts.capabilities_before or ())
    at_most = Verdict.FAIL if announced or (not before_login and facts.announces("PIPELINING")) else Verdict.WARN
    try:
        yield at_most
    except NoReplyError as error:
        error.at_most = Verdict.WARN if error.refused else at_most
        raise
