"""What RFC 1939 leaves open about STAT, LIST, sizes and unique-ids."""

import hashlib
from collections.abc import Iterable

from conformance.reference.service import Reply, Service
from conformance.reference.site import Site
from conformance.reference.store import Message
from conformance.reference.variants.registry import variant

_DISCOURAGED = "RFC 1939 section 5 makes no requirement on what follows the size, and strongly discourages it"


@variant("listing-descending", allowed_by="RFC 1939 section 5: no order is stated for the lines of LIST and UIDL")
class ListingDescending(Service):
    """LIST and UIDL begin with the last message."""

    def listed(self) -> list[int]:
        return super().listed()[::-1]


@variant(
    "listing-shuffled",
    allowed_by="RFC 1939 section 5 gives each line of LIST its form; neither it nor section 7 orders the lines",
)
class ListingShuffled(Service):
    """The lines of LIST, UIDL and CAPA begin at another place in each reply."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.listings = 0

    def listing(self, rows: Iterable[str]) -> Reply:
        self.listings += 1
        in_order = list(rows)
        start = self.listings % (len(in_order) or 1)
        return super().listing(in_order[start:] + in_order[:start])


@variant("scan-listing-with-text", allowed_by=_DISCOURAGED, warns=("R1939-5-LIST-11",))
class ScanListingWithText(Service):
    """Scan listings have text after the size."""

    def scan_listing(self, number: int) -> str:
        return super().scan_listing(number) + " octets"


@variant("scan-listing-with-space", allowed_by=_DISCOURAGED, warns=("R1939-5-LIST-11",))
class ScanListingWithSpace(Service):
    """Scan listings have a space after the size."""

    def scan_listing(self, number: int) -> str:
        return super().scan_listing(number) + " "


@variant("drop-listing-with-text", allowed_by=_DISCOURAGED, warns=("R1939-5-STAT-09",))
class DropListingWithText(Service):
    """The drop listing has text after the size."""

    def drop_listing(self) -> str:
        return super().drop_listing() + " octets"


@variant(
    "stat-size-estimated",
    allowed_by="RFC 1939 section 5: the maildrop's size is not said to be the sum of the messages' sizes",
    warns=("R1939-5-STAT-05",),
)
class StatSizeEstimated(Service):
    """STAT rounds each size up to 1024 octets."""

    def total(self) -> int:
        return sum(-(-self.size(self.message(number)) // 1024) * 1024 for number in self.listed())


@variant(
    "added-line-end-not-counted",
    allowed_by="RFC 1939 section 11: whether a CRLF that the server adds to the last line counts is not said",
    warns=("R1939-5-SIZE-01",),
)
class AddedLineEndNotCounted(Service):
    """The size of a message without a final line end does not count the CRLF that RETR adds."""

    def size(self, message: Message) -> int:
        return message.size - (2 if message.stored() and not message.stored().endswith(b"\n") else 0)


@variant(
    "unique-id-hash", allowed_by="RFC 1939 section 7, UIDL: a unique-id may be a hash, shared by identical messages"
)
class UniqueIdHash(Service):
    """The unique-id is a hash of the message."""

    def unique_id(self, message: Message) -> str:
        return hashlib.sha256(message.octets()).hexdigest()


@variant("unique-id-numeric", allowed_by="RFC 1939 section 7, UIDL: the string is the server's choice")
class UniqueIdNumeric(Service):
    """The unique-id is a number, which is not the message-number."""

    def unique_id(self, message: Message) -> str:
        return str(int(hashlib.sha256(message.base_name).hexdigest(), 16) % 10**9 + 1000)


@variant("unique-id-70-octets", allowed_by="RFC 1939 section 7, UIDL: a unique-id has up to 70 octets")
class UniqueId70Octets(Service):
    """The unique-id has 70 octets."""

    def unique_id(self, message: Message) -> str:
        return hashlib.sha256(message.base_name).hexdigest().rjust(70, "~")


@variant("unique-id-with-punctuation", allowed_by="RFC 1939 section 7, UIDL: any octet from 0x21 to 0x7E may be in it")
class UniqueIdWithPunctuation(Service):
    """The unique-id begins with the termination octet, and has other odd characters."""

    def unique_id(self, message: Message) -> str:
        return ".!\"#$%&'()*+,-/:;<=>?@[\\]^_`{|}~" + hashlib.sha256(message.base_name).hexdigest()[:20]


@variant("unique-id-case-matters", allowed_by="RFC 1939 section 7, UIDL: unique-ids are octets, so their case counts")
class UniqueIdCaseMatters(Service):
    """Unique-ids differ in nothing but upper and lower case."""

    def unique_id(self, message: Message) -> str:
        bits = f"{int(hashlib.sha256(message.base_name).hexdigest()[:16], 16):064b}"
        return "".join("Xx"[int(bit)] for bit in bits)


@variant(
    "numbers-padded",
    allowed_by="RFC 1939 section 4: numbers are decimal; that they have no leading zeros is not said",
    warns=("R1939-4-MSGNUM-03",),
)
class NumbersPadded(Service):
    """LIST and UIDL give message-numbers with leading zeros."""

    def scan_listing(self, number: int) -> str:
        return "000" + super().scan_listing(number)

    def unique_id_listing(self, number: int) -> str:
        return "000" + super().unique_id_listing(number)
