"""Servers without some of the optional commands."""

from conformance.reference.service import Service
from conformance.reference.variants.registry import variant


@variant(
    "no-top", allowed_by="RFC 1939 section 7: TOP is optional, though strongly encouraged", warns=("R1939-7-TOP-01",)
)
class NoTop(Service):
    """TOP is an unknown command."""

    def supports(self, keyword: str) -> bool:
        return keyword != "TOP" and super().supports(keyword)


@variant(
    "no-uidl", allowed_by="RFC 1939 section 7: UIDL is optional, though strongly encouraged", warns=("R1939-7-TOP-01",)
)
class NoUidl(Service):
    """UIDL is an unknown command."""

    def supports(self, keyword: str) -> bool:
        return keyword != "UIDL" and super().supports(keyword)


@variant("no-apop", allowed_by="RFC 1939 section 7: APOP is optional, and the timestamp comes with it")
class NoApop(Service):
    """APOP is an unknown command, and the greeting has no timestamp."""

    def supports(self, keyword: str) -> bool:
        return keyword != "APOP" and super().supports(keyword)


@variant("no-capa", allowed_by="RFC 2449 section 5: a server without CAPA answers it as an unknown command")
class NoCapa(Service):
    """CAPA is an unknown command."""

    def supports(self, keyword: str) -> bool:
        return keyword != "CAPA" and super().supports(keyword)


@variant("minimal", allowed_by="RFC 1939 section 7: none of TOP, UIDL, APOP is required", warns=("R1939-7-TOP-01",))
class Minimal(NoTop, NoUidl, NoApop, NoCapa):
    """There is no command that RFC 1939 does not require: no TOP, UIDL, APOP, CAPA."""


@variant("apop-only", allowed_by="RFC 1939 section 7 and appendix A: USER and PASS are optional too")
class ApopOnly(Service):
    """USER and PASS are unknown commands."""

    def supports(self, keyword: str) -> bool:
        return keyword not in ("USER", "PASS") and super().supports(keyword)
