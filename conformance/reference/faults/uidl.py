"""Faults of UIDL: format, uniqueness and persistence of unique-ids (RFC 1939 section 7)."""

import hashlib
import re
from collections.abc import Iterable

from conformance.reference.faults.registry import fault
from conformance.reference.service import Refused, Reply, Service
from conformance.reference.site import Account
from conformance.reference.store import Message


class _Row(Service):
    """The rows of UIDL have another format; UIDL with a message-number is right."""

    def row(self, number: int, unique_id: str) -> str:
        raise NotImplementedError

    def do_uidl(self, argument: bytes | None = None) -> Reply:
        if argument is not None:
            yield from super().do_uidl(argument)
            return
        yield self.ok()
        yield from self.listing(self.row(number, self.unique_id(self.message(number))) for number in self.listed())


@fault("uidl-row-without-number", breaks=("R1939-7-UIDL-07",))
class UidlRowWithoutNumber(_Row):
    """The rows of UIDL have the unique-id only."""

    def row(self, number: int, unique_id: str) -> str:
        return unique_id


@fault("uidl-row-three-spaces", breaks=("R1939-7-UIDL-07",), seen_in="thunderbird/thunderbird-android#323")
class UidlRowThreeSpaces(_Row):
    """The rows of UIDL have three spaces between number and unique-id."""

    def row(self, number: int, unique_id: str) -> str:
        return f"{number}   {unique_id}"


@fault("uidl-row-trailing-text", breaks=("R1939-7-UIDL-08",))
class UidlRowTrailingText(_Row):
    """The rows of UIDL have the size after the unique-id."""

    def row(self, number: int, unique_id: str) -> str:
        return f"{number} {unique_id} {self.size(self.message(number))}"


@fault("uidl-row-trailing-space", breaks=("R1939-7-UIDL-08",))
class UidlRowTrailingSpace(_Row):
    """The rows of UIDL end with a space."""

    def row(self, number: int, unique_id: str) -> str:
        return f"{number} {unique_id} "


@fault("uidl-last-row-missing", breaks=("R1939-7-UIDL-04",))
class UidlLastRowMissing(Service):
    """UIDL leaves out the last message."""

    def listed(self) -> list[int]:
        return super().listed()[:-1] if self.keyword == "UIDL" else super().listed()


@fault("uidl-shows-marked", breaks=("R1939-7-UIDL-15",), seen_in="Mailpit")
class UidlShowsMarked(Service):
    """UIDL shows messages that are marked as deleted."""

    def listed(self) -> list[int]:
        return list(range(1, len(self.messages) + 1)) if self.keyword == "UIDL" else super().listed()


@fault("uidl-renumbers-after-dele", breaks=("R1939-4-MSGNUM-01", "R1939-7-UIDL-15"), seen_in="WildDuck, Courier 6.0.0")
class UidlRenumbersAfterDele(Service):
    """UIDL numbers the messages that are left from 1, while RETR and DELE keep the old numbers."""

    def do_uidl(self, argument: bytes | None = None) -> Reply:
        if argument is not None:
            yield from super().do_uidl(argument)
            return
        yield self.ok()
        names = [self.unique_id(self.message(number)) for number in self.listed()]
        yield from self.listing(f"{place} {name}" for place, name in enumerate(names, start=1))


@fault("uidl-n-without-number", breaks=("R1939-7-UIDL-03",), seen_in="twisted/twisted#9104")
class UidlNWithoutNumber(Service):
    """UIDL with a message-number answers the unique-id only."""

    def do_uidl(self, argument: bytes | None = None) -> Reply:
        if argument is None:
            yield from super().do_uidl()
        else:
            yield self.ok(self.unique_id(self.message(self.message_number(argument))))


@fault("uidl-argument-ignored", breaks=("R1939-7-UIDL-03",), seen_in="axllent/mailpit#552")
class UidlArgumentIgnored(Service):
    """UIDL with a message-number lists all messages."""

    def do_uidl(self, argument: bytes | None = None) -> Reply:
        if argument is not None:
            self.message_number(argument)
        yield from super().do_uidl()


@fault("uidl-n-of-marked", breaks=("R1939-7-UIDL-01", "R1939-5-DELE-05"), seen_in="WildDuck 1.50.0")
class UidlNOfMarked(Service):
    """UIDL of a message that is marked as deleted is answered +OK."""

    def is_marked(self, number: int) -> bool:
        return self.keyword != "UIDL" and super().is_marked(number)


@fault("uidl-n-differs", breaks=("R1939-7-UIDL-05",))
class UidlNDiffers(Service):
    """UIDL with a message-number gives another unique-id than UIDL."""

    def do_uidl(self, argument: bytes | None = None) -> Reply:
        if argument is None:
            yield from super().do_uidl()
        else:
            number = self.message_number(argument)
            yield self.ok(f"{number} {number}.{self.unique_id(self.message(number))}"[:75])


@fault("uidl-refused-when-empty", breaks=("R1939-7-UIDL-06",))
class UidlRefusedWhenEmpty(Service):
    """UIDL of an empty maildrop is answered -ERR."""

    def do_uidl(self, argument: bytes | None = None) -> Reply:
        if argument is None and not self.listed():
            raise Refused("no messages")
        yield from super().do_uidl(argument)


@fault("unique-id-over-70-octets", breaks=("R1939-7-UIDL-09",), seen_in="fastmail.com/blog, UIDLs over 70 characters")
class UniqueIdOver70Octets(Service):
    """Unique-ids have 71 octets."""

    def unique_id(self, message: Message) -> str:
        return super().unique_id(message).rjust(71, "x")


@fault("unique-id-empty", breaks=("R1939-7-UIDL-09", "R1939-7-UIDL-07"), seen_in="getmail 4.7.4 changelog")
class UniqueIdEmpty(Service):
    """The unique-id of the first message is empty."""

    def unique_id(self, message: Message) -> str:
        return "" if message is self.messages[0] else super().unique_id(message)


@fault(
    "unique-id-with-space",
    breaks=("R1939-7-UIDL-09", "R1939-7-UIDL-08"),
    seen_in="fetchmail NEWS, spaces in the ID part",
)
class UniqueIdWithSpace(Service):
    """Unique-ids have a space in them."""

    def unique_id(self, message: Message) -> str:
        return "id " + super().unique_id(message)[:60]


@fault("unique-id-eight-bit", breaks=("R1939-7-UIDL-09",), seen_in="mpop, comment in pop3.c")
class UniqueIdEightBit(Service):
    """Unique-ids have an octet above 127 in them."""

    def unique_id(self, message: Message) -> str:
        return "\xe9" + super().unique_id(message)[:60]


def _short(*parts: object) -> str:
    """Return a well-formed unique-id that depends on the parts and on nothing else."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


@fault("unique-id-is-number", breaks=("R1939-7-UIDL-11", "R1939-7-UIDL-14"))
class UniqueIdIsNumber(Service):
    """The unique-id of a message is its message-number."""

    def unique_id(self, message: Message) -> str:
        return str(self.messages.index(message) + 1)


@fault("unique-id-changes-within-session", breaks=("R1939-7-UIDL-05",))
class UniqueIdChangesWithinSession(Service):
    """Unique-ids change when a message has been marked."""

    def unique_id(self, message: Message) -> str:
        return _short(message.unique_id, len(self.marked)) if self.marked else super().unique_id(message)


@fault("unique-id-changes-after-retr", breaks=("R1939-7-UIDL-05", "R1939-7-UIDL-11"))
class UniqueIdChangesAfterRetr(Service):
    """The unique-id of a message changes when it has been retrieved, in this session or an earlier one."""

    def retr_lines(self, message: Message) -> list[bytes]:
        self.site.memory.setdefault("retrieved", set()).add(message.unique_id)
        return self.lines_of(message)

    def unique_id(self, message: Message) -> str:
        return _short(message.unique_id, message.unique_id in self.site.memory.get("retrieved", ()))


@fault("unique-id-changes-with-session", breaks=("R1939-7-UIDL-11", "R1939-7-UIDL-12"), seen_in="Zimbra ZCS-12967")
class UniqueIdChangesWithSession(Service):
    """Unique-ids are new in each session."""

    def unique_id(self, message: Message) -> str:
        return _short(message.unique_id, self.number_of_connection)


@fault("unique-id-changes-after-drop", breaks=("R1939-7-UIDL-12",))
class UniqueIdChangesAfterDrop(Service):
    """Unique-ids are new after a session that ended without QUIT."""

    def closed(self) -> None:
        if self.account is not None and self.state.name == "TRANSACTION":
            self.site.memory[self._drops()] = self.site.memory.get(self._drops(), 0) + 1
        super().closed()

    def _drops(self) -> str:
        return f"drops of {self.account.name!r}" if self.account else ""

    def unique_id(self, message: Message) -> str:
        return _short(message.unique_id, self.site.memory.get(self._drops(), 0))


@fault("unique-id-changes-after-removal", breaks=("R1939-7-UIDL-11",))
class UniqueIdChangesAfterRemoval(Service):
    """Unique-ids depend on the number of messages, so that they change when another one is removed."""

    def unique_id(self, message: Message) -> str:
        return _short(message.unique_id, len(self.messages))


@fault("unique-id-depends-on-login", breaks=("R1939-7-UIDL-13",))
class UniqueIdDependsOnLogin(Service):
    """Unique-ids after APOP differ from those after USER and PASS."""

    way = ""

    def admit(self, account: Account) -> Reply:
        self.way = self.keyword
        return super().admit(account)

    def unique_id(self, message: Message) -> str:
        return _short(message.unique_id, self.way)


@fault("unique-id-shared", breaks=("R1939-7-UIDL-10",))
class UniqueIdShared(Service):
    """The first two messages have the same unique-id, whatever their content."""

    def unique_id(self, message: Message) -> str:
        return super().unique_id(self.messages[0] if message in self.messages[:2] else message)


def _header(message: Message, name: bytes) -> str:
    found = re.search(rb"^" + name + rb":[ \t]*([\x21-\x7e]{1,70})", message.octets(), re.IGNORECASE | re.MULTILINE)
    return found[1].decode("ascii") if found else message.unique_id


@fault("unique-id-from-x-uidl", breaks=("R1939-7-UIDL-10",), seen_in="Dovecot pop3_reuse_xuidl, old qpopper")
class UniqueIdFromXUidl(Service):
    """The unique-id is what the sender wrote into a X-UIDL header."""

    def unique_id(self, message: Message) -> str:
        return _header(message, b"X-UIDL")


@fault("unique-id-from-message-id", breaks=("R1939-7-UIDL-10",))
class UniqueIdFromMessageId(Service):
    """The unique-id is the Message-ID, which two different messages can share."""

    def unique_id(self, message: Message) -> str:
        return _header(message, b"Message-ID")


@fault("unique-id-from-size", breaks=("R1939-7-UIDL-10",))
class UniqueIdFromSize(Service):
    """The unique-id depends on the size only."""

    def unique_id(self, message: Message) -> str:
        return _short(message.size)


@fault("unique-id-from-header", breaks=("R1939-7-UIDL-10",), seen_in="pvfserver, MD5 of characteristics")
class UniqueIdFromHeader(Service):
    """The unique-id is a hash of the header, so that messages that differ in the body share it."""

    def unique_id(self, message: Message) -> str:
        return _short(message.octets().partition(b"\r\n\r\n")[0])


@fault("unique-id-reused", breaks=("R1939-7-UIDL-14",), seen_in="cyrusimap/cyrus-imapd#374")
class UniqueIdReused(Service):
    """A new message gets the unique-id that a removed one had."""

    def open_maildrop(self, account: Account) -> tuple[Message, ...]:
        messages = super().open_maildrop(account)
        known: dict[bytes, int] = self.site.memory.setdefault(f"ids of {account.name!r}", {})
        present = {message.base_name for message in messages}
        for gone in known.keys() - present:
            del known[gone]
        free = (number for number in range(1, len(messages) + 1) if number not in known.values())
        for message in messages:
            if message.base_name not in known:
                known[message.base_name] = next(free)
        return messages

    def unique_id(self, message: Message) -> str:
        name = self.account.name if self.account else b""
        return f"id-{self.site.memory[f'ids of {name!r}'][message.base_name]}"


class _Counted(Service):
    """Unique-ids are counted by maildrop, and the count goes back at some time."""

    def ids(self, account: Account | None) -> dict[bytes, int]:
        known: dict[bytes, int] = self.site.memory.setdefault(f"ids of {account.name!r}" if account else "", {})
        return known

    def open_maildrop(self, account: Account) -> tuple[Message, ...]:
        messages = super().open_maildrop(account)
        known = self.ids(account)
        highest = self.highest(account)
        for gone in known.keys() - {message.base_name for message in messages}:
            del known[gone]
        for message in messages:
            if message.base_name not in known:
                known[message.base_name] = highest = highest + 1
        self.site.memory[f"highest of {account.name!r}"] = highest if messages else 0
        return messages

    def highest(self, account: Account) -> int:
        """Return the highest count, after which the next one is counted."""
        raise NotImplementedError

    def unique_id(self, message: Message) -> str:
        return f"id-{self.ids(self.account)[message.base_name]}"


@fault("unique-id-count-reset-when-empty", breaks=("R1939-7-UIDL-14",))
class UniqueIdCountResetWhenEmpty(_Counted):
    """Unique-ids are counted, and counted from 1 again after a session that has found the maildrop empty."""

    def highest(self, account: Account) -> int:
        return int(self.site.memory.get(f"highest of {account.name!r}", 0))


@fault("unique-id-after-highest", breaks=("R1939-7-UIDL-14",))
class UniqueIdAfterHighest(_Counted):
    """A new message gets the unique-id after the highest of the session before, which may be that of a removed one."""

    def highest(self, account: Account) -> int:
        return max(self.ids(account).values(), default=0)


@fault("unique-id-from-first-512-octets", breaks=("R1939-7-UIDL-10",))
class UniqueIdFromFirst512Octets(Service):
    """The unique-id is a hash of the first 512 octets, so that messages that differ behind them share it."""

    def unique_id(self, message: Message) -> str:
        return _short(message.octets()[:512])


@fault("unique-id-from-first-8192-octets", breaks=("R1939-7-UIDL-10",))
class UniqueIdFromFirst8192Octets(Service):
    """The unique-id is a hash of size and first 8192 octets, so that messages that differ behind them share it."""

    def unique_id(self, message: Message) -> str:
        return _short(message.size, message.octets()[:8192])


@fault("unique-id-changes-after-top", breaks=("R1939-7-UIDL-05",))
class UniqueIdChangesAfterTop(Service):
    """The unique-id of a message changes when TOP has read it in this session."""

    read_by_top = ""

    def top_lines(self, message: Message, count: int) -> Iterable[bytes]:
        self.read_by_top = message.unique_id
        return super().top_lines(message, count)

    def unique_id(self, message: Message) -> str:
        known = super().unique_id(message)
        return _short(known) if known == self.read_by_top else known


@fault("uidl-n-shifts-after-dele", breaks=("R1939-7-UIDL-05", "R1939-4-MSGNUM-01"))
class UidlNShiftsAfterDele(Service):
    """After DELE, UIDL with a message-number gives the unique-id of the message at that place among those left."""

    def do_uidl(self, argument: bytes | None = None) -> Reply:
        if argument is None:
            yield from super().do_uidl()
        else:
            number = self.message_number(argument)
            left = self.listed()
            yield self.ok(f"{number} {self.unique_id(self.message(left[min(number, len(left)) - 1]))}")


@fault("unique-id-of-empty-message-empty", breaks=("R1939-7-UIDL-09", "R1939-7-UIDL-07"))
class UniqueIdOfEmptyMessageEmpty(Service):
    """A message without any content has an empty unique-id."""

    def unique_id(self, message: Message) -> str:
        return super().unique_id(message) if message.stored() else ""


@fault("unique-ids-start-again", breaks=("R1939-7-UIDL-10",))
class UniqueIdsStartAgain(Service):
    """The unique-ids of the first nine messages are used again for the next."""

    def unique_id(self, message: Message) -> str:
        index = self.messages.index(message)
        return super().unique_id(self.messages[index % 9])
