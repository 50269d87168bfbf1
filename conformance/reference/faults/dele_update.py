"""Faults of DELE, RSET, QUIT and the UPDATE state (RFC 1939 sections 5 and 6)."""

from pathlib import Path

from conformance.reference.faults.registry import fault
from conformance.reference.service import Command, Ending, Refused, Reply, Service, State
from conformance.reference.site import Account, Site
from conformance.reference.store import Message


@fault("dele-at-once", breaks=("R1939-5-DELE-06", "R1939-6-UPDATE-03"), seen_in="GreenMail, DeleCommand")
class DeleAtOnce(Service):
    """DELE removes the message at once."""

    def mark(self, number: int) -> None:
        super().mark(number)
        self.remove(self.message(number))


@fault("dele-twice-ok", breaks=("R1939-5-DELE-01", "R1939-5-DELE-05"), seen_in="Mailpit")
class DeleTwiceOk(Service):
    """DELE of a message that is marked already is answered +OK."""

    def is_marked(self, number: int) -> bool:
        return self.keyword != "DELE" and super().is_marked(number)


@fault("dele-marks-next", breaks=("R1939-5-DELE-03",))
class DeleMarksNext(Service):
    """DELE marks the message after the one it names, unless that is the last."""

    def mark(self, number: int) -> None:
        super().mark(min(number + 1, len(self.messages)))


@fault("dele-does-nothing", breaks=("R1939-5-DELE-03", "R1939-6-UPDATE-05"))
class DeleDoesNothing(Service):
    """DELE is answered +OK and marks nothing."""

    def mark(self, number: int) -> None:
        pass


@fault("retr-of-marked", breaks=("R1939-5-RETR-01", "R1939-5-DELE-05"), seen_in="inbucket/inbucket#618")
class RetrOfMarked(Service):
    """RETR of a message that is marked as deleted sends it."""

    def is_marked(self, number: int) -> bool:
        return self.keyword != "RETR" and super().is_marked(number)


@fault("retr-marks", breaks=("R1939-5-RETR-05",))
class RetrMarks(Service):
    """RETR marks the message as deleted."""

    def do_retr(self, argument: bytes) -> Reply:
        yield from super().do_retr(argument)
        self.mark(int(argument))


class _Retrieved(Service):
    """Remembers which messages RETR has sent."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.retrieved: set[Message] = set()

    def retr_lines(self, message: Message) -> list[bytes]:
        self.retrieved.add(message)
        return self.lines_of(message)

    def remove_retrieved(self) -> None:
        for message in self.retrieved:
            self.remove(message)


@fault("retrieved-removed-at-quit", breaks=("R1939-5-RETR-05", "R1939-6-UPDATE-09"))
class RetrievedRemovedAtQuit(_Retrieved):
    """QUIT removes what RETR has sent, although EXPIRE NEVER is announced."""

    def update(self) -> bool:
        self.remove_retrieved()
        return super().update()


@fault("retrieved-removed-at-drop", breaks=("R1939-8-RETENTION-06", "R1939-6-UPDATE-03"))
class RetrievedRemovedAtDrop(_Retrieved):
    """What RETR has sent is removed when the connection ends without QUIT."""

    def closed(self) -> None:
        if self.state is State.TRANSACTION:
            self.remove_retrieved()
        super().closed()


@fault("update-at-fin", breaks=("R1939-6-UPDATE-03", "R1939-5-DELE-06"), seen_in="Dovecot before 2.2.36.1 and 2.3.4")
class UpdateAtFin(Service):
    """What is marked is removed when the client closes the connection without QUIT."""

    def end_of_input(self) -> Reply:
        self.update()
        yield from super().end_of_input()


@fault("update-at-reset", breaks=("R1939-6-UPDATE-03", "R1939-8-RETENTION-06", "R1939-5-DELE-06"))
class UpdateAtReset(Service):
    """What is marked is removed when the connection is reset."""

    def connection_lost(self) -> None:
        self.update()
        super().connection_lost()


@fault("update-at-autologout", breaks=("R1939-3-AUTOLOGOUT-06", "R1939-6-UPDATE-03"))
class UpdateAtAutologout(Service):
    """What is marked is removed when the autologout timer runs out."""

    def expired(self) -> Reply:
        self.update()
        yield from super().expired()


@fault("rset-keeps-marks", breaks=("R1939-5-RSET-03",))
class RsetKeepsMarks(Service):
    """RSET is answered +OK and unmarks nothing."""

    def do_rset(self) -> Reply:
        yield self.ok()


@fault("rset-unmarks-last-only", breaks=("R1939-5-RSET-03",))
class RsetUnmarksLastOnly(Service):
    """RSET unmarks one message, the one with the highest number."""

    def do_rset(self) -> Reply:
        self.marked -= {max(self.marked, default=0)}
        yield self.ok()


@fault("rset-shows-only", breaks=("R1939-5-RSET-03", "R1939-6-UPDATE-09"))
class RsetShowsOnly(Service):
    """After RSET the marked messages are listed again, and QUIT removes them all the same."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.once_marked: set[int] = set()

    def mark(self, number: int) -> None:
        super().mark(number)
        self.once_marked.add(number)

    def update(self) -> bool:
        self.marked |= self.once_marked
        return super().update()


@fault("rset-refused-when-nothing-marked", breaks=("R1939-5-RSET-04",))
class RsetRefusedWhenNothingMarked(Service):
    """RSET is answered -ERR when no message is marked."""

    def do_rset(self) -> Reply:
        if not self.marked:
            raise Refused("nothing to undelete")
        yield from super().do_rset()


@fault("rset-reloads", breaks=("R1939-4-MSGNUM-01",), seen_in="hMailServer, ProtocolRSET")
class RsetReloads(Service):
    """RSET reads the maildrop anew, and puts the newest message first."""

    def do_rset(self) -> Reply:
        if self.account is not None:
            self.messages = tuple(reversed(self.open_maildrop(self.account)))
        yield from super().do_rset()


@fault("rset-ends-transaction", breaks=("R1939-5-RSET-03", "R1939-5-STATE-01"))
class RsetEndsTransaction(Service):
    """RSET leads back to the AUTHORIZATION state."""

    def do_rset(self) -> Reply:
        yield from super().do_rset()
        self.state = State.AUTHORIZATION
        self.release_lock()


@fault("noop-clears-marks", breaks=("R1939-5-NOOP-03",))
class NoopClearsMarks(Service):
    """NOOP unmarks the messages that are marked as deleted."""

    def do_noop(self) -> Reply:
        self.marked.clear()
        yield from super().do_noop()


@fault("marks-outlive-session", breaks=("R1939-4-STATE-03", "R1939-6-UPDATE-03"))
class MarksOutliveSession(Service):
    """What was marked in a session that ended without QUIT is marked in the next one."""

    def admit(self, account: Account) -> Reply:
        yield from super().admit(account)
        if self.state is State.TRANSACTION:
            left = self.site.memory.pop(f"marks of {account.name!r}", ())
            self.marked = {place for place, message in enumerate(self.messages, start=1) if message.path in left}

    def closed(self) -> None:
        if self.account is not None and self.state is State.TRANSACTION:
            self.site.memory[f"marks of {self.account.name!r}"] = {self.message(number).path for number in self.marked}
        super().closed()


@fault("quit-without-update", breaks=("R1939-3-STATE-04", "R1939-6-UPDATE-01", "R1939-6-UPDATE-05"))
class QuitWithoutUpdate(Service):
    """QUIT removes nothing."""

    def update(self) -> bool:
        return True


@fault("quit-removes-first-only", breaks=("R1939-6-UPDATE-05", "R1939-6-UPDATE-07"), seen_in="GreenMail, WildDuck")
class QuitRemovesFirstOnly(Service):
    """QUIT removes one of the marked messages and is answered +OK."""

    def update(self) -> bool:
        self.marked = set(sorted(self.marked)[:1])
        return super().update()


@fault("quit-removes-neighbour", breaks=("R1939-6-UPDATE-09",))
class QuitRemovesNeighbour(Service):
    """QUIT removes the message after a marked one too."""

    def update(self) -> bool:
        self.marked |= {number + 1 for number in self.marked if self.exists(number + 1)}
        return super().update()


@fault("quit-removes-by-shifted-number", breaks=("R1939-6-UPDATE-09", "R1939-6-UPDATE-05"))
class QuitRemovesByShiftedNumber(Service):
    """QUIT removes marked messages one by one, and the numbers of the others shift meanwhile."""

    def update(self) -> bool:
        left = list(self.messages)
        outcomes = [self.remove(left.pop(number - 1)) for number in sorted(self.marked) if number <= len(left)]
        return all(outcomes)


@fault("quit-removes-new-mail", breaks=("R1939-6-UPDATE-09",))
class QuitRemovesNewMail(Service):
    """When all messages are marked, QUIT empties the maildrop, with what has arrived meanwhile."""

    def update(self) -> bool:
        if self.account is not None and self.marked and not self.listed():
            outcomes = [self.remove(message) for message in self.open_maildrop(self.account)]
            return all(outcomes)
        return super().update()


@fault("quit-removes-late", breaks=("R1939-6-UPDATE-07", "R1939-6-UPDATE-05"))
class QuitRemovesLate(Service):
    """QUIT is answered +OK, and the removal is carried out after the next login to the maildrop."""

    def update(self) -> bool:
        late: list[Message] = self.site.memory.setdefault("to be removed", [])
        late += [self.message(number) for number in self.marked]
        return True

    def admit(self, account: Account) -> Reply:
        yield from super().admit(account)
        late: list[Message] = self.site.memory.setdefault("to be removed", [])
        while late and self.state is State.TRANSACTION:
            self.remove(late.pop())


@fault("quit-not-answered", breaks=("R1939-3-QUIT-01",), seen_in="Stalwart before 0.8.3, Dovecot before 2.2.9")
class QuitNotAnswered(Service):
    """QUIT in the TRANSACTION state closes the connection without a reply."""

    def farewell(self, removed: bool) -> Reply:
        yield from ()


@fault("quit-two-replies", breaks=("R1939-3-RESP-SYNTAX-01",), seen_in="qmail-pop3d, pop3_quit")
class QuitTwoReplies(Service):
    """QUIT has a reply for the removal and one for the farewell."""

    def farewell(self, removed: bool) -> Reply:
        yield self.ok("removed") if removed else self.err("unable to unlink all deleted messages")
        yield self.ok("bye")


@fault("quit-resets", breaks=("R1939-3-QUIT-01",))
class QuitResets(Service):
    """QUIT resets the connection, and the reply is lost."""

    def farewell(self, removed: bool) -> Reply:
        yield Ending.RST


@fault("quit-does-not-close", breaks=("R1939-3-CONN-03", "R1939-6-CONN-01"))
class QuitDoesNotClose(Service):
    """After the reply to QUIT the connection stays open."""

    def do_quit(self) -> Reply:
        return (item for item in super().do_quit() if not isinstance(item, Ending))


@fault("quit-refused-though-removed", breaks=("R1939-6-UPDATE-07",))
class QuitRefusedThoughRemoved(Service):
    """QUIT is answered -ERR when messages were marked, although all of them have been removed."""

    def farewell(self, removed: bool) -> Reply:
        yield self.err("some deleted messages not removed") if self.marked else self.ok("bye")


@fault("quit-refused-though-nothing-marked", breaks=("R1939-6-QUIT-02",))
class QuitRefusedThoughNothingMarked(Service):
    """QUIT is answered -ERR when nothing was marked."""

    def farewell(self, removed: bool) -> Reply:
        yield self.ok("bye") if self.marked else self.err("nothing to remove")


@fault("commands-after-quit-executed", breaks=("R1939-6-UPDATE-06",))
class CommandsAfterQuitExecuted(Service):
    """Commands that come in one segment with QUIT are executed before it, also those that follow it."""

    def received(self, octets: bytes) -> Reply:
        def is_quit(line: object) -> bool:
            return isinstance(line, bytes) and line.upper() == b"QUIT"

        lines = list(self.lines(octets))
        for line in sorted(lines, key=is_quit):
            yield from self.answer(line)
            self.reset_timer(line)


@fault("quit-of-refused-command-updates", breaks=("R1939-6-UPDATE-04", "R1939-3-CMD-SYNTAX-14"))
class QuitOfRefusedCommandUpdates(Service):
    """A keyword that begins with QUIT is refused, and yet what is marked is removed."""

    def split(self, line: bytes) -> tuple[str, bytes | None]:
        if len(line) > 4 and line.upper().startswith(b"QUIT"):
            self.update()
        return super().split(line)


@fault("removed-message-comes-back", breaks=("R1939-6-UPDATE-05",))
class RemovedMessageComesBack(Service):
    """What QUIT has removed is there again after the next QUIT, as when a store is rolled back."""

    def update(self) -> bool:
        returning: dict[Path, bytes] = self.site.memory.setdefault("returning", {})
        for path, octets in returning.items():
            path.write_bytes(octets)
        returning.clear()
        returning.update({message.path: message.stored() for message in map(self.message, self.marked)})
        return super().update()


@fault("update-damages-others", breaks=("R1939-6-UPDATE-09",))
class UpdateDamagesOthers(Service):
    """When QUIT removes a message, the others lose their last line, as in a file that holds all of them."""

    def update(self) -> bool:
        if self.marked:
            for message in map(self.message, self.listed()):
                message.path.write_bytes(b"".join(message.stored().splitlines(keepends=True)[:-1]))
        return super().update()


@fault("dele-reads-one-digit", breaks=("R1939-5-DELE-03",))
class DeleReadsOneDigit(Service):
    """DELE looks at the first digit of the number only."""

    def do_dele(self, argument: bytes) -> Reply:
        yield from super().do_dele(argument[:1])


@fault("rset-works-once", breaks=("R1939-5-RSET-03",))
class RsetWorksOnce(Service):
    """The second RSET of a session is answered +OK and unmarks nothing."""

    used = False

    def do_rset(self) -> Reply:
        if not self.used:
            self.marked.clear()
        self.used = True
        yield self.ok()


@fault("rset-unmarks-at-most-five", breaks=("R1939-5-RSET-03",))
class RsetUnmarksAtMostFive(Service):
    """RSET unmarks the first five messages that are marked."""

    def do_rset(self) -> Reply:
        self.marked -= set(sorted(self.marked)[:5])
        yield self.ok()


@fault("update-removes-at-most-ten", breaks=("R1939-6-UPDATE-05",))
class UpdateRemovesAtMostTen(Service):
    """QUIT removes ten messages at the most."""

    def update(self) -> bool:
        self.marked = set(sorted(self.marked)[:10])
        return super().update()


@fault("update-keeps-large-messages", breaks=("R1939-6-UPDATE-05",))
class UpdateKeepsLargeMessages(Service):
    """QUIT leaves messages of more than 60,000 octets where they are."""

    def remove(self, message: Message) -> bool:
        return message.size > 60_000 or super().remove(message)


@fault("marks-handed-on", breaks=("R1939-4-STATE-03", "R1939-6-UPDATE-03"))
class MarksHandedOn(Service):
    """What a session that breaks off has marked is removed when the next session of the user ends with QUIT."""

    def closed(self) -> None:
        names = {self.message(number).unique_id for number in self.marked}
        self.site.memory.setdefault("handed on", {}).setdefault(self.account, set()).update(names)
        super().closed()

    def update(self) -> bool:
        names = self.site.memory.get("handed on", {}).pop(self.account, set())
        self.marked |= {number for number, message in enumerate(self.messages, 1) if message.unique_id in names}
        return super().update()


@fault("update-needs-dele-last", breaks=("R1939-6-UPDATE-05",))
class UpdateNeedsDeleLast(Service):
    """QUIT removes what is marked only if DELE was the command before it."""

    dele_was_last = False

    def do_dele(self, argument: bytes) -> Reply:
        yield from super().do_dele(argument)
        self.dele_was_last = True

    def do_noop(self) -> Reply:
        self.dele_was_last = False
        yield from super().do_noop()

    def update(self) -> bool:
        return super().update() if self.dele_was_last else True


@fault("update-removes-retrieved", breaks=("R1939-6-UPDATE-09",))
class UpdateRemovesRetrieved(Service):
    """QUIT removes, with the messages that are marked, those that were retrieved."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.retrieved: set[int] = set()

    def do_retr(self, argument: bytes) -> Reply:
        self.retrieved.add(self.message_number(argument))
        yield from super().do_retr(argument)

    def update(self) -> bool:
        if self.marked:
            self.marked |= self.retrieved
        return super().update()


@fault("update-trims-many-messages", breaks=("R1939-6-UPDATE-01",))
class UpdateTrimsManyMessages(Service):
    """QUIT removes the first message of a maildrop that has more than twenty, whether it is marked or not."""

    def update(self) -> bool:
        if len(self.messages) > 20:
            self.marked.add(1)
        return super().update()


class _Cancelled(Service):
    """Some commands make QUIT remove nothing, though the marks stay where they are."""

    cancelled = False

    def update(self) -> bool:
        return self.cancelled or super().update()


@fault("listing-cancels-removal", breaks=("R1939-6-UPDATE-05",))
class ListingCancelsRemoval(_Cancelled):
    """QUIT removes nothing when LIST, UIDL, TOP or CAPA came after DELE."""

    def run(self, arguments: tuple[bytes, ...]) -> Reply:
        self.cancelled = self.keyword in ("LIST", "UIDL", "TOP", "CAPA") or (self.cancelled and self.keyword != "DELE")
        yield from super().run(arguments)


@fault("refused-command-cancels-removal", breaks=("R1939-6-UPDATE-05", "R1939-3-CMD-SYNTAX-14"))
class RefusedCommandCancelsRemoval(_Cancelled):
    """QUIT removes nothing when a command of the session was refused."""

    def err(self, text: str = "", code: str = "") -> bytes:
        self.cancelled = True
        return super().err(text, code)


@fault("refusal-before-quit-cancels-removal", breaks=("R1939-6-UPDATE-05", "R1939-3-CMD-SYNTAX-14"))
class RefusalBeforeQuitCancelsRemoval(RefusedCommandCancelsRemoval):
    """QUIT removes nothing when the command before it was refused."""

    def ok(self, text: str = "", code: str = "") -> bytes:
        self.cancelled = False
        return super().ok(text, code)


@fault("refused-login-clears-marks", breaks=("R1939-3-CMD-SYNTAX-14",))
class RefusedLoginClearsMarks(Service):
    """USER, PASS and APOP are refused in the TRANSACTION state, and the last two unmark all messages."""

    def states(self, command: Command) -> frozenset[State]:
        if self.keyword in ("PASS", "APOP"):
            self.marked.clear()
        return super().states(command)


@fault("update-removes-twins", breaks=("R1939-6-UPDATE-09",))
class UpdateRemovesTwins(Service):
    """QUIT removes with a marked message those that have the same octets, as a store does that keeps them once."""

    def update(self) -> bool:
        marked = {self.message(number).stored() for number in self.marked}
        self.marked |= {number for number in self.listed() if self.message(number).stored() in marked}
        return super().update()


@fault("update-removes-by-size", breaks=("R1939-6-UPDATE-09",))
class UpdateRemovesBySize(Service):
    """QUIT removes with a marked message those that have the same size."""

    def update(self) -> bool:
        marked = {self.message(number).size for number in self.marked}
        self.marked |= {number for number in self.listed() if self.message(number).size in marked}
        return super().update()


@fault("update-keeps-empty-messages", breaks=("R1939-6-UPDATE-05",))
class UpdateKeepsEmptyMessages(Service):
    """QUIT leaves messages without a header where they are."""

    def remove(self, message: Message) -> bool:
        return message.lines()[:1] in ([], [b""]) or super().remove(message)


@fault("quit-second-reply-after-removal", breaks=("R1939-3-RESP-SYNTAX-01",))
class QuitSecondReplyAfterRemoval(Service):
    """QUIT has two replies when messages were marked."""

    def farewell(self, removed: bool) -> Reply:
        if self.marked:
            yield self.ok("removed") if removed else self.err("some deleted messages not removed")
        yield from super().farewell(removed)


@fault("quit-refused-in-empty-maildrop", breaks=("R1939-6-QUIT-02",))
class QuitRefusedInEmptyMaildrop(Service):
    """QUIT is answered -ERR when the maildrop is empty."""

    def farewell(self, removed: bool) -> Reply:
        empty = self.account is not None and not self.messages
        yield self.err("no messages") if empty else next(iter(super().farewell(removed)))


@fault("listing-kept-over-rset", breaks=("R1939-5-RSET-03",))
class ListingKeptOverRset(Service):
    """What STAT, LIST and UIDL show is worked out anew after DELE, and not after RSET."""

    kept: list[int] | None = None

    def mark(self, number: int) -> None:
        super().mark(number)
        self.kept = None

    def listed(self) -> list[int]:
        if self.kept is None:
            self.kept = super().listed()
        return self.kept
