"""Faults of the greeting (RFC 1939 sections 3 and 4)."""

from conformance.reference.faults.registry import fault
from conformance.reference.service import Reply, Service


@fault("greeting-missing", breaks=("R1939-3-GREETING-01",))
class GreetingMissing(Service):
    """The server says nothing when the connection opens, and answers commands all the same."""

    def greeting(self) -> Reply:
        yield from ()


@fault("greeting-two-lines", breaks=("R1939-4-GREETING-01", "R1939-3-RESP-SYNTAX-01"))
class GreetingTwoLines(Service):
    """The greeting has a second line."""

    def greeting(self) -> Reply:
        yield from super().greeting()
        yield self.ok("unauthorized use is prohibited")


@fault("greeting-negative", breaks=("R1939-4-GREETING-02",))
class GreetingNegative(Service):
    """The greeting is -ERR, yet the server stays and serves."""

    def greeting(self) -> Reply:
        yield self.err(f"busy, but go on {self.stamp}")


@fault("greeting-lower-case", breaks=("R1939-3-RESP-SYNTAX-05",))
class GreetingLowerCase(Service):
    """The greeting begins with +ok."""

    def greeting(self) -> Reply:
        yield self.status_line("+ok", f"ready {self.stamp}", "")


@fault("greeting-of-another-protocol", breaks=("R1939-4-GREETING-02", "R1939-3-RESP-SYNTAX-04"))
class GreetingOfAnotherProtocol(Service):
    """The greeting is that of an IMAP server."""

    def greeting(self) -> Reply:
        yield self.status_line("* OK", f"ready {self.stamp}", "")


@fault("greeting-over-512-octets", breaks=("R1939-3-LINE-LENGTH-02",))
class GreetingOver512Octets(Service):
    """The greeting is longer than a response may be."""

    def greeting(self) -> Reply:
        yield f"+OK {'.' * 600} {self.stamp}\r\n".encode("ascii")


@fault("greeting-bare-lf", breaks=("R1939-3-RESP-SYNTAX-03",))
class GreetingBareLf(Service):
    """The greeting ends with LF without CR."""

    def greeting(self) -> Reply:
        yield f"+OK ready {self.stamp}\n".encode("ascii")
