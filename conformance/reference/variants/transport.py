"""How octets are cut into segments and spread in time, which no RFC says."""

from conformance.reference.service import SEGMENT, Ending, Pause, Reply, Service
from conformance.reference.variants.registry import variant

_STREAM = "RFC 1939 section 3: POP3 runs over TCP, whose segments have no meaning"


@variant("one-octet-per-segment", allowed_by=_STREAM)
class OneOctetPerSegment(Service):
    """The first 2048 octets of each batch of replies are sent one by one."""

    def segments(self, reply: Reply) -> Reply:
        sent = 0
        for item in super().segments(reply):
            if not isinstance(item, bytes):
                yield item
                continue
            single = max(0, 2048 - sent)
            yield from (item[place : place + 1] for place in range(min(single, len(item))))
            if item[single:]:
                yield item[single:]
            sent += len(item)


@variant("line-per-segment", allowed_by=_STREAM)
class LinePerSegment(Service):
    """Each line is sent as soon as there is one."""

    def segments(self, reply: Reply) -> Reply:
        return reply


@variant("segment-ends-inside-crlf", allowed_by=_STREAM)
class SegmentEndsInsideCrlf(Service):
    """The CR of the last line of a reply is sent a while before its LF."""

    def segments(self, reply: Reply) -> Reply:
        for item in super().segments(reply):
            if isinstance(item, bytes) and item.endswith(b"\r\n") and len(item) < SEGMENT:
                yield item[:-1]
                yield Pause(0.005)
                yield item[-1:]
            else:
                yield item


@variant("terminator-alone", allowed_by=_STREAM)
class TerminatorAlone(Service):
    """The termination line is sent a while after the content."""

    def segments(self, reply: Reply) -> Reply:
        for item in super().segments(reply):
            if isinstance(item, bytes) and item.endswith(b"\r\n.\r\n"):
                yield item[:-3]
                yield Pause(0.005)
                yield item[-3:]
            else:
                yield item


@variant("all-in-one-segment", allowed_by=_STREAM, warns=("R1939-3-AUTOLOGOUT-05",))
class AllInOneSegment(Service):
    """The replies to all commands of one segment are sent at once, however long they are."""

    def segments(self, reply: Reply) -> Reply:
        gathered = b""
        for item in super().segments(reply):
            if isinstance(item, bytes):
                gathered += item
                continue
            yield gathered
            yield item
            gathered = b""
        yield gathered


@variant("replies-delayed", allowed_by="RFC 1939 sets no time in which a reply has to come")
class RepliesDelayed(Service):
    """Every batch of replies comes after a two-hundredth of a second."""

    def received(self, octets: bytes) -> Reply:
        yield Pause(0.005)
        yield from super().received(octets)


@variant("greeting-delayed", allowed_by="RFC 1939 section 3: the server greets first; it may take its time")
class GreetingDelayed(Service):
    """The greeting comes after a fiftieth of a second."""

    def greeting(self) -> Reply:
        yield Pause(0.02)
        yield from super().greeting()


@variant(
    "quit-resets-after-reply", allowed_by="RFC 1939 section 6: the connection is closed; how TCP does it is not said"
)
class QuitResetsAfterReply(Service):
    """After the reply to QUIT the connection is closed by a RST."""

    def farewell(self, removed: bool) -> Reply:
        yield from super().farewell(removed)
        yield Pause(0.02)
        yield Ending.RST


@variant("quit-closes-late", allowed_by="RFC 1939 section 6 sets no time in which the connection has to be closed")
class QuitClosesLate(Service):
    """The connection is closed a twentieth of a second after the reply to QUIT."""

    def farewell(self, removed: bool) -> Reply:
        yield from super().farewell(removed)
        yield Pause(0.05)
