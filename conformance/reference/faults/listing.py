"""Faults of STAT and LIST: formats, counts, sizes (RFC 1939 sections 4, 5 and 11)."""

from conformance.reference.faults.registry import fault
from conformance.reference.service import Refused, Reply, Service
from conformance.reference.site import Site
from conformance.reference.store import Message


@fault("stat-counts-marked", breaks=("R1939-5-STAT-10",), seen_in="Mailpit, Stalwart, qmail-pop3d")
class StatCountsMarked(Service):
    """STAT counts messages that are marked as deleted."""

    def count(self) -> int:
        return len(self.messages)


@fault("stat-total-includes-marked", breaks=("R1939-5-STAT-10", "R1939-5-STAT-05"))
class StatTotalIncludesMarked(Service):
    """The size that STAT gives includes messages that are marked as deleted."""

    def total(self) -> int:
        return sum(self.size(message) for message in self.messages)


@fault("stat-count-wrong", breaks=("R1939-5-STAT-04",))
class StatCountWrong(Service):
    """STAT counts one message too many."""

    def count(self) -> int:
        return super().count() + 1


@fault("stat-counts-unread", breaks=("R1939-5-RETR-05", "R1939-5-STAT-04"))
class StatCountsUnread(Service):
    """STAT counts only messages that have not been retrieved in this session."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.retrieved: set[int] = set()

    def do_retr(self, argument: bytes) -> Reply:
        yield from super().do_retr(argument)
        self.retrieved.add(int(argument))

    def count(self) -> int:
        return len(set(self.listed()) - self.retrieved)


@fault("stat-total-wrong", breaks=("R1939-5-STAT-05",), seen_in="hivesolutions/netius#97")
class StatTotalWrong(Service):
    """The size that STAT gives is not the sum of the sizes that LIST gives."""

    def total(self) -> int:
        return super().total() * 2 + 1


@fault("stat-extra-text", breaks=("R1939-5-STAT-09",))
class StatExtraText(Service):
    """STAT adds text after the size, which section 5 strongly discourages."""

    def drop_listing(self) -> str:
        return super().drop_listing() + " octets"


@fault("stat-in-words", breaks=("R1939-5-STAT-04", "R1939-5-STAT-03"))
class StatInWords(Service):
    """STAT wraps its numbers in words."""

    def drop_listing(self) -> str:
        return f"maildrop has {self.count()} messages ({self.total()} octets)"


@fault("stat-response-code", breaks=("R1939-5-STAT-04",))
class StatResponseCode(Service):
    """STAT puts a response code before its numbers."""

    def drop_listing(self) -> str:
        return "[X] " + super().drop_listing()


@fault("stat-two-spaces", breaks=("R1939-5-STAT-04",))
class StatTwoSpaces(Service):
    """STAT separates its numbers by two spaces."""

    def drop_listing(self) -> str:
        return super().drop_listing().replace(" ", "  ")


@fault("stat-without-size", breaks=("R1939-5-STAT-04",))
class StatWithoutSize(Service):
    """STAT gives the number of messages only."""

    def drop_listing(self) -> str:
        return str(self.count())


@fault("stat-negative-size", breaks=("R1939-5-STAT-04", "R1939-4-MSGNUM-03"), seen_in="jstedfast/MailKit#872")
class StatNegativeSize(Service):
    """The size that STAT gives has overflowed and is negative."""

    def drop_listing(self) -> str:
        return f"{self.count()} {self.total() - 2**31}"


@fault("stat-refused-when-empty", breaks=("R1939-5-STAT-11",))
class StatRefusedWhenEmpty(Service):
    """STAT of an empty maildrop is answered -ERR."""

    def do_stat(self) -> Reply:
        if not self.listed():
            raise Refused("maildrop is empty")
        yield from super().do_stat()


@fault("list-argument-ignored", breaks=("R1939-5-LIST-03",), seen_in="axllent/mailpit#518")
class ListArgumentIgnored(Service):
    """LIST with a message-number lists all messages."""

    def do_list(self, argument: bytes | None = None) -> Reply:
        if argument is not None:
            self.message_number(argument)
        yield from super().do_list()


@fault("list-n-without-number", breaks=("R1939-5-LIST-03", "R1939-5-LIST-07"), seen_in="twisted/twisted#10542")
class ListNWithoutNumber(Service):
    """LIST with a message-number answers the size only."""

    def do_list(self, argument: bytes | None = None) -> Reply:
        if argument is None:
            yield from super().do_list()
        else:
            yield self.ok(str(self.size(self.message(self.message_number(argument)))))


@fault("list-n-size-differs", breaks=("R1939-5-SIZE-02",))
class ListNSizeDiffers(Service):
    """LIST with a message-number gives another size than LIST."""

    def do_list(self, argument: bytes | None = None) -> Reply:
        if argument is None:
            yield from super().do_list()
        else:
            number = self.message_number(argument)
            yield self.ok(f"{number} {self.size(self.message(number)) + 1}")


@fault("list-n-of-marked", breaks=("R1939-5-LIST-01", "R1939-5-DELE-05"), seen_in="WildDuck 1.50.0")
class ListNOfMarked(Service):
    """LIST of a message that is marked as deleted is answered +OK."""

    def is_marked(self, number: int) -> bool:
        return self.keyword != "LIST" and super().is_marked(number)


@fault("list-shows-marked", breaks=("R1939-5-LIST-12",), seen_in="Mailpit")
class ListShowsMarked(Service):
    """LIST shows messages that are marked as deleted."""

    def listed(self) -> list[int]:
        return list(range(1, len(self.messages) + 1)) if self.keyword == "LIST" else super().listed()


@fault("list-refused-when-empty", breaks=("R1939-5-LIST-06", "R1939-A-LIST-01"))
class ListRefusedWhenEmpty(Service):
    """LIST of an empty maildrop is answered -ERR."""

    def do_list(self, argument: bytes | None = None) -> Reply:
        if argument is None and not self.listed():
            raise Refused("no messages")
        yield from super().do_list(argument)


@fault("list-renumbers-after-dele", breaks=("R1939-4-MSGNUM-01", "R1939-5-LIST-12"), seen_in="WildDuck, Courier 6.0.0")
class ListRenumbersAfterDele(Service):
    """LIST numbers the messages that are left from 1, while RETR and DELE keep the old numbers."""

    def do_list(self, argument: bytes | None = None) -> Reply:
        if argument is not None:
            yield from super().do_list(argument)
            return
        yield self.ok()
        sizes = [self.size(self.message(number)) for number in self.listed()]
        yield from self.listing(f"{place} {size}" for place, size in enumerate(sizes, start=1))


@fault("dele-renumbers", breaks=("R1939-4-MSGNUM-01", "R1939-5-DELE-05"), seen_in="apache/james-project JAMES-3709")
class DeleRenumbers(Service):
    """DELE takes the message out at once, and the later ones move up by one number."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.taken_out: list[Message] = []

    def mark(self, number: int) -> None:
        self.taken_out.append(self.message(number))
        self.messages = self.messages[: number - 1] + self.messages[number:]

    def update(self) -> bool:
        outcomes = [self.remove(message) for message in self.taken_out]
        return all(outcomes)


class _ScanListing(Service):
    """The rows of LIST have another format; LIST with a message-number is right."""

    def row(self, number: int, size: int) -> str:
        raise NotImplementedError

    def do_list(self, argument: bytes | None = None) -> Reply:
        if argument is not None:
            yield from super().do_list(argument)
            return
        yield self.ok()
        yield from self.listing(self.row(number, self.size(self.message(number))) for number in self.listed())


@fault("list-extra-text", breaks=("R1939-5-LIST-11",))
class ListExtraText(_ScanListing):
    """The rows of LIST have text after the size, which section 5 strongly discourages."""

    def row(self, number: int, size: int) -> str:
        return f"{number} {size} octets"


@fault("list-row-two-spaces", breaks=("R1939-5-LIST-07",))
class ListRowTwoSpaces(_ScanListing):
    """The rows of LIST have two spaces between number and size."""

    def row(self, number: int, size: int) -> str:
        return f"{number}  {size}"


@fault("list-row-tab", breaks=("R1939-5-LIST-07",))
class ListRowTab(_ScanListing):
    """The rows of LIST have a TAB between number and size."""

    def row(self, number: int, size: int) -> str:
        return f"{number}\t{size}"


@fault("list-row-indented", breaks=("R1939-5-LIST-07",))
class ListRowIndented(_ScanListing):
    """The rows of LIST begin with white space, as in a table."""

    def row(self, number: int, size: int) -> str:
        return f"{number:5} {size}"


@fault("list-row-status", breaks=("R1939-5-LIST-07",), seen_in="K-9 Mail issue 1237")
class ListRowStatus(_ScanListing):
    """The rows of LIST begin with +OK."""

    def row(self, number: int, size: int) -> str:
        return f"+OK {number} {size}"


@fault("list-row-misprinted", breaks=("R1939-5-LIST-07", "R1939-4-MSGNUM-03"), seen_in="axllent/mailpit#312")
class ListRowMisprinted(_ScanListing):
    """The sizes of LIST are printed by a wrong format."""

    def row(self, number: int, size: int) -> str:
        return f"{number} %!d(float64={size})"


@fault("list-row-thousands", breaks=("R1939-4-MSGNUM-03", "R1939-5-LIST-07"))
class ListRowThousands(_ScanListing):
    """The sizes of LIST are grouped by commas."""

    def row(self, number: int, size: int) -> str:
        return f"{number} {size:,}"


@fault("list-row-hexadecimal", breaks=("R1939-4-MSGNUM-03",))
class ListRowHexadecimal(_ScanListing):
    """The sizes of LIST are hexadecimal."""

    def row(self, number: int, size: int) -> str:
        return f"{number} {size:x}"


@fault("list-row-size-first", breaks=("R1939-5-LIST-07", "R1939-5-LIST-05"))
class ListRowSizeFirst(_ScanListing):
    """The rows of LIST have the size before the number."""

    def row(self, number: int, size: int) -> str:
        return f"{size} {number}"


@fault("list-last-row-missing", breaks=("R1939-5-LIST-05",))
class ListLastRowMissing(Service):
    """LIST leaves out the last message."""

    def listed(self) -> list[int]:
        return super().listed()[:-1] if self.keyword == "LIST" else super().listed()


@fault("list-row-twice", breaks=("R1939-5-LIST-05",))
class ListRowTwice(Service):
    """LIST shows the first message twice."""

    def listed(self) -> list[int]:
        numbers = super().listed()
        return numbers[:1] + numbers if self.keyword == "LIST" else numbers


@fault("list-from-zero", breaks=("R1939-4-MSGNUM-02",))
class ListFromZero(_ScanListing):
    """LIST numbers the messages from 0."""

    def row(self, number: int, size: int) -> str:
        return f"{number - 1} {size}"


@fault("numbers-with-gap", breaks=("R1939-4-MSGNUM-02",))
class NumbersWithGap(Service):
    """There is no message 2: the numbers are 1, 3, 4 and so on."""

    def numbers(self) -> list[int]:
        return [1, *range(3, len(self.messages) + 2)][: len(self.messages)]

    def listed(self) -> list[int]:
        return [number for number in self.numbers() if number not in self.marked]

    def exists(self, number: int) -> bool:
        return number in self.numbers()

    def message(self, number: int) -> Message:
        return self.messages[self.numbers().index(number)]


@fault("size-counts-lf", breaks=("R1939-11-SIZE-02", "R1939-5-SIZE-01"), seen_in="aenetmail/aenetmail#150, netqmail")
class SizeCountsLf(Service):
    """Sizes count the end of a line as one octet."""

    def size(self, message: Message) -> int:
        return message.size - message.octets().count(b"\r\n")


@fault("size-counts-stuffing", breaks=("R1939-11-SIZE-03", "R1939-5-SIZE-01"))
class SizeCountsStuffing(Service):
    """Sizes count the octets that byte-stuffing adds."""

    def size(self, message: Message) -> int:
        return message.size + sum(line.startswith(b".") for line in message.lines())


@fault("size-counts-terminator", breaks=("R1939-5-SIZE-01",))
class SizeCountsTerminator(Service):
    """Sizes count the termination line."""

    def size(self, message: Message) -> int:
        return message.size + len(self.terminator())


@fault("size-rounded", breaks=("R1939-5-SIZE-01",), seen_in="fetchmail FAQ S3, OpenMail")
class SizeRounded(Service):
    """Sizes are multiples of 1024."""

    def size(self, message: Message) -> int:
        return -(-message.size // 1024) * 1024


@fault("size-off-by-one", breaks=("R1939-5-SIZE-01",))
class SizeOffByOne(Service):
    """Sizes are one octet too small."""

    def size(self, message: Message) -> int:
        return message.size - 1


@fault("size-of-body", breaks=("R1939-5-SIZE-01",))
class SizeOfBody(Service):
    """Sizes are those of the body without the header."""

    def size(self, message: Message) -> int:
        return len(message.octets().partition(b"\r\n\r\n")[2])


@fault("size-in-characters", breaks=("R1939-5-SIZE-01",))
class SizeInCharacters(Service):
    """Sizes count characters of UTF-8, not octets."""

    def size(self, message: Message) -> int:
        return len(message.octets().decode("utf-8", "replace"))


@fault("size-changes-with-session", breaks=("R1939-5-SIZE-02",))
class SizeChangesWithSession(Service):
    """Sizes are larger in each session than in the one before."""

    def size(self, message: Message) -> int:
        return message.size + self.number_of_connection


@fault("size-changes-after-retr", breaks=("R1939-4-SIZE-01", "R1939-5-RETR-05"))
class SizeChangesAfterRetr(Service):
    """After RETR the size of a message includes a status header that was written into it."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.grown: set[Message] = set()

    def retr_lines(self, message: Message) -> list[bytes]:
        self.grown.add(message)
        return self.lines_of(message)

    def size(self, message: Message) -> int:
        return message.size + (len("Status: RO\r\n") if message in self.grown else 0)


@fault("list-ends-at-twenty", breaks=("R1939-5-LIST-05",))
class ListEndsAtTwenty(Service):
    """LIST and UIDL show twenty messages at the most."""

    def listed(self) -> list[int]:
        return super().listed()[:20]


@fault("stat-count-one-digit", breaks=("R1939-5-STAT-03", "R1939-5-STAT-04"))
class StatCountOneDigit(Service):
    """STAT counts nine messages at the most."""

    def count(self) -> int:
        return min(super().count(), 9)


@fault("stat-total-modulo-65536", breaks=("R1939-5-STAT-05",))
class StatTotalModulo65536(Service):
    """The size that STAT gives is kept in 16 bits."""

    def total(self) -> int:
        return super().total() % 65536


@fault("stat-total-modulo-1048576", breaks=("R1939-5-STAT-05",))
class StatTotalModulo1048576(Service):
    """The size that STAT gives wraps around at one mebibyte."""

    def total(self) -> int:
        return super().total() % 1048576


@fault("stat-total-without-first-after-dele", breaks=("R1939-5-STAT-05",))
class StatTotalWithoutFirstAfterDele(Service):
    """Each DELE takes the size of the first message from the size that STAT gives."""

    def total(self) -> int:
        return sum(self.size(message) for message in self.messages[len(self.marked) :])


@fault("stat-subtracts-three-at-most", breaks=("R1939-5-STAT-10",))
class StatSubtractsThreeAtMost(Service):
    """STAT counts no less than three messages below what it counted at first."""

    def count(self) -> int:
        return len(self.messages) - min(len(self.marked), 3)


@fault("stat-subtracts-sixteen-at-most", breaks=("R1939-5-STAT-10",))
class StatSubtractsSixteenAtMost(Service):
    """STAT counts no less than sixteen messages below what it counted at first."""

    def count(self) -> int:
        return len(self.messages) - min(len(self.marked), 16)
