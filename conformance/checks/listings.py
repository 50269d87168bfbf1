"""What a session says about its whole maildrop."""

from conformance.target import Facts
from conformance.wire.octets import visible
from conformance.wire.session import Session


def listings(session: Session, facts: Facts) -> str:
    """Return what STAT, LIST and UIDL say, as in "STAT: 2 320; LIST: 1 120, 2 200; UIDL: 1 a, 2 b".

    session: one in TRANSACTION state. The lines are put in the order of their numbers, since that of a reply is the
    server's choice (RFC 1939 section 5). UIDL is left out where it is not offered. Raises `Deviation` when one of them
    is refused or cannot be read.
    """
    stat = session.stat()
    parts = [f"STAT: {stat.count} {stat.size}"]
    parts += ["LIST: " + ", ".join(f"{number} {size}" for number, size in sorted(session.list().rows))]
    if facts.uidl:
        unique_ids = sorted(session.uidl().rows)
        parts += ["UIDL: " + ", ".join(f"{number} {visible(unique_id)}" for number, unique_id in unique_ids)]
    return "; ".join(parts)
