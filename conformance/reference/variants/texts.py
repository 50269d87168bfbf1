"""Texts of status lines, which RFC 1939 leaves to the server."""

from collections.abc import Iterator

from conformance.reference.service import Reply, Service
from conformance.reference.variants.registry import variant

_FREE = "RFC 1939 section 9: of a reply only the status indicator counts, except for STAT, LIST and UIDL"


@variant("bare-status", allowed_by="RFC 1939 section 3 and RFC 1957: the text after the status indicator is optional")
class BareStatus(Service):
    """Status lines that carry no data are +OK or -ERR and nothing else; the timestamp of APOP is data."""

    def ok(self, text: str = "", code: str = "") -> bytes:
        data = text[:1].isdigit() or text.startswith("POP3 server ready <")
        return super().ok(text if data else "", code)

    def err(self, text: str = "", code: str = "") -> bytes:
        return super().err("", code)


@variant("status-trailing-space", allowed_by="RFC 1957: some servers send a space after a bare status indicator")
class StatusTrailingSpace(Service):
    """A status line without text ends with a space."""

    def status_line(self, indicator: str, text: str, code: str) -> bytes:
        if not text and not code:
            return super().status_line(indicator + " ", text, code)
        return super().status_line(indicator, text, code)


@variant("long-status-text", allowed_by="RFC 1939 section 3: a status line has up to 512 octets")
class LongStatusText(Service):
    """Status lines that carry no data have 512 octets."""

    def ok(self, text: str = "", code: str = "") -> bytes:
        return super().ok(text if text[:1].isdigit() or text.endswith(">") else text.ljust(600, "."), code)

    def err(self, text: str = "", code: str = "") -> bytes:
        return super().err(text.ljust(600, "."), code)


@variant("status-text-with-counts", allowed_by=_FREE)
class StatusTextWithCounts(Service):
    """The status lines of a login, of LIST, UIDL, RSET and QUIT tell the number of messages and their octets."""

    def ok(self, text: str = "", code: str = "") -> bytes:
        tells = self.keyword in ("PASS", "APOP", "LIST", "UIDL", "RSET", "QUIT") and not text[:1].isdigit()
        return super().ok(f"{self.count()} messages ({self.total()} octets)" if tells else text, code)


@variant("retr-status-with-octets", allowed_by="RFC 1939 section 5, RETR: its own example has the size there")
class RetrStatusWithOctets(Service):
    """The status line of RETR tells the size of the message."""

    def do_retr(self, argument: bytes) -> Reply:
        size = self.size(self.message(self.message_number(argument)))
        reply = super().do_retr(argument)
        next(reply)
        yield self.ok(f"{size} octets")
        yield from reply


@variant("status-text-confusing", allowed_by=_FREE)
class StatusTextConfusing(Service):
    """The texts of status lines without data look like other parts of the protocol."""

    def ok(self, text: str = "", code: str = "") -> bytes:
        return super().ok(text if text[:1].isdigit() or text.endswith(">") else "-ERR .", code)

    def err(self, text: str = "", code: str = "") -> bytes:
        return super().err("+OK 0 0", code)


@variant("capability-tags-lower-case", allowed_by="RFC 2449 section 5: capability tags are case-insensitive")
class CapabilityTagsLowerCase(Service):
    """CAPA lists its tags in lower case."""

    def capabilities(self) -> Iterator[str]:
        return (line.lower() for line in super().capabilities())


@variant("capabilities-in-another-order", allowed_by="RFC 2449 section 5: the list has no order")
class CapabilitiesInAnotherOrder(Service):
    """CAPA lists the capabilities backwards, and a private one first."""

    def capabilities(self) -> Iterator[str]:
        yield "X-REFERENCE 1 2"
        yield from reversed(list(super().capabilities()))


@variant("implementation-after-login-only", allowed_by="RFC 2449 section 6.9: IMPLEMENTATION may be kept for later")
class ImplementationAfterLoginOnly(Service):
    """CAPA tells IMPLEMENTATION in the TRANSACTION state only."""

    def capabilities(self) -> Iterator[str]:
        shown = self.state.name == "TRANSACTION"
        return (line for line in super().capabilities() if shown or not line.startswith("IMPLEMENTATION"))


@variant("no-response-codes", allowed_by="RFC 2449 section 6.4: response codes are an optional capability")
class NoResponseCodes(Service):
    """RESP-CODES is not announced, and no response code is sent."""

    def status_line(self, indicator: str, text: str, code: str) -> bytes:
        return super().status_line(indicator, text, "")

    def capabilities(self) -> Iterator[str]:
        return (line for line in super().capabilities() if line != "RESP-CODES")


@variant("pipelining-not-announced", allowed_by="RFC 2449 section 6.6: PIPELINING is an optional capability")
class PipeliningNotAnnounced(Service):
    """PIPELINING is not announced; of several commands in one segment all are executed all the same."""

    def capabilities(self) -> Iterator[str]:
        return (line for line in super().capabilities() if line != "PIPELINING")
