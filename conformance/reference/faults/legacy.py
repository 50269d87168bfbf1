"""Faults of what RFC 1939 no longer has: LAST and XTND of RFC 1460 and RFC 1082."""

from conformance.reference.commandlines import Flaw
from conformance.reference.faults.registry import fault
from conformance.reference.service import Reply, State
from conformance.reference.variants.syntax import LastImplemented, XtndImplemented


@fault("xtnd-before-login", breaks=("R1082-x-OBSOLETE-02",))
class XtndBeforeLogin(XtndImplemented):
    """XTND is answered +OK in the AUTHORIZATION state too."""

    def dispatch(self, line: bytes | Flaw) -> Reply:
        if self.state is State.AUTHORIZATION and isinstance(line, bytes) and line.startswith(b"XTND "):
            yield from self.serve()
        else:
            yield from super().dispatch(line)


@fault("xtnd-not-terminated", breaks=("R1082-x-OBSOLETE-04",))
class XtndNotTerminated(XtndImplemented):
    """XTND is answered +OK and nothing more."""

    def serve(self) -> Reply:
        yield self.ok()


@fault("last-not-set-back", breaks=("R1460-5-OBSOLETE-03",))
class LastNotSetBack(LastImplemented):
    """RSET does not set back what LAST tells."""

    def run(self, arguments: tuple[bytes, ...]) -> Reply:
        highest = self.last
        yield from super().run(arguments)
        self.last = max(self.last, highest)
