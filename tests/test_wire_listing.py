"""The formats of STAT, LIST and UIDL: what is read from good lines, and which requirement a bad one breaks."""

import pytest

from conformance.verdict import Deviation
from conformance.wire.listing import DropListing, ScanListing, drop_listing, scan_listing, unique_ids
from conformance.wire.reply import Form, Reply, ReplyReader


def one_line(octets: bytes) -> Reply:
    return Reply(octets)


def listing(*lines: bytes) -> Reply:
    reader = ReplyReader(10_000)
    reader.feed(b"+OK\r\n" + b"".join(lines) + b".\r\n")
    reply = reader.next_reply(Form.LISTING)
    assert reply is not None
    return reply


# -- STAT (RFC 1939 section 5) ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"+OK 2 320\r\n", DropListing(2, 320)),
        (b"+OK 0 0\r\n", DropListing(0, 0)),
        (b"+OK 2 320 octets\r\n", DropListing(2, 320, b"octets")),
        (b"+OK 2 320 \r\n", DropListing(2, 320)),
        (b"+OK 2 320 a\rb\r\n", DropListing(2, 320, b"a\rb")),
        (b"+OK 2 320\n", DropListing(2, 320)),
        (b"+ok 2 320\r\n", DropListing(2, 320)),
        (b"+OK 02 0320\r\n", DropListing(2, 320)),
        (b"+OK 1 18446744073709551616\r\n", DropListing(1, 2**64)),
    ],
)
def test_drop_listing(line: bytes, expected: DropListing) -> None:
    assert drop_listing(one_line(line)) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"+OK\r\n",
        b"+OK \r\n",
        b"+OK 2\r\n",
        b"+OK 2 \r\n",
        b"+OK  2 320\r\n",
        b"+OK 2  320\r\n",
        b"+OK 2\t320\r\n",
        b"+OK2 320\r\n",
        b"+OK 2 320octets\r\n",
        b"+OK 2,320\r\n",
        b"+OK -1 320\r\n",
        b"+OK 2 0x10\r\n",
        b"+OK 2 3.2\r\n",
        b"+OK \xd9\xa2 320\r\n",
        b"+OK two messages\r\n",
        b"+OK [UTF8] 2 320\r\n",
        b"+OK 2 messages, 320 octets\r\n",
        b"+OK 2 320\r\r\n",
        b"+OK 2 " + b"9" * 5000 + b"\r\n",
    ],
)
def test_not_a_drop_listing(line: bytes) -> None:
    with pytest.raises(Deviation) as caught:
        drop_listing(one_line(line))
    assert caught.value.requirement == "R1939-5-STAT-04"
    assert caught.value.observed.startswith("+OK")


# -- LIST (RFC 1939 section 5) ---------------------------------------------------------------------------------------


def test_scan_listings() -> None:
    read = scan_listing(listing(b"1 120\r\n", b"3 200\r\n"))
    assert read == ScanListing(((1, 120), (3, 200)))
    assert read.numbers == [1, 3]
    assert read.sizes == {1: 120, 3: 200}


def test_scan_listings_of_an_empty_maildrop() -> None:
    assert scan_listing(listing()) == ScanListing(())


def test_scan_listing_on_the_status_line() -> None:
    assert scan_listing(one_line(b"+OK 2 200\r\n")) == ScanListing(((2, 200),))


def test_further_text_in_scan_listings() -> None:
    read = scan_listing(listing(b"1 120 new\r\n", b"2 200\r\n", b"3 5 \r\n", b"4 6 a b\r\n"))
    assert read.numbers == [1, 2, 3, 4]
    assert read.further == (b"new", b"a b")


def test_scan_listings_with_bare_line_feeds() -> None:
    """The line ends are a defect of the reply; the rows can be read."""
    assert scan_listing(listing(b"1 120\n", b"2 200\r\n")).numbers == [1, 2]


def test_scan_listings_keep_their_order_and_repetitions() -> None:
    assert scan_listing(listing(b"2 200\r\n", b"1 120\r\n", b"2 200\r\n")).numbers == [2, 1, 2]


BAD_SCAN_LISTINGS = [
    b"",
    b"1",
    b"1 ",
    b" 1 120",
    b"1  120",
    b"1\t120",
    b"1 120octets",
    b"1 -120",
    b"one 120",
    b"+OK 1 120",
    b"1 120\rx",
    b"1 " + b"9" * 5000,
]


@pytest.mark.parametrize("line", BAD_SCAN_LISTINGS)
def test_not_a_scan_listing(line: bytes) -> None:
    with pytest.raises(Deviation) as caught:
        scan_listing(listing(b"1 120\r\n", line + b"\r\n"))
    assert caught.value.requirement == "R1939-5-LIST-07"


@pytest.mark.parametrize("line", BAD_SCAN_LISTINGS)
def test_not_a_scan_listing_on_the_status_line(line: bytes) -> None:
    with pytest.raises(Deviation) as caught:
        scan_listing(one_line(b"+OK " + line + b"\r\n"))
    assert caught.value.requirement == "R1939-5-LIST-03"


# -- UIDL (RFC 1939 section 7) ---------------------------------------------------------------------------------------


def test_unique_ids() -> None:
    read = unique_ids(listing(b"1 !~\r\n", b"2 " + b"x" * 70 + b"\r\n"))
    assert read.numbers == [1, 2]
    assert read.by_number == {1: b"!~", 2: b"x" * 70}


def test_unique_ids_of_an_empty_maildrop() -> None:
    assert unique_ids(listing()).rows == ()


def test_unique_id_on_the_status_line() -> None:
    assert unique_ids(one_line(b"+OK 2 QhdPYR:00WBw1Ph7x7\r\n")).rows == ((2, b"QhdPYR:00WBw1Ph7x7"),)


def test_unique_ids_with_stuffed_dots() -> None:
    """A number comes first, so that nothing is ever stuffed; the dots of the unique-id are its own."""
    assert unique_ids(listing(b"1 .\r\n", b"2 ..\r\n")).by_number == {1: b".", 2: b".."}


@pytest.mark.parametrize(
    ("line", "requirement"),
    [
        (b"", "R1939-7-UIDL-07"),
        (b"1", "R1939-7-UIDL-07"),
        (b"1 ", "R1939-7-UIDL-07"),
        (b"1  a", "R1939-7-UIDL-07"),
        (b"1\ta", "R1939-7-UIDL-07"),
        (b" 1 a", "R1939-7-UIDL-07"),
        (b"one a", "R1939-7-UIDL-07"),
        (b"+OK 1 a", "R1939-7-UIDL-07"),
        (b"9" * 5000 + b" a", "R1939-7-UIDL-07"),
        (b"1 a ", "R1939-7-UIDL-08"),
        (b"1 a\t", "R1939-7-UIDL-08"),
        (b"1 a b", "R1939-7-UIDL-08"),
        (b"1 " + b"x" * 71, "R1939-7-UIDL-09"),
        (b"1 a\x7f", "R1939-7-UIDL-09"),
        (b"1 a\xe4", "R1939-7-UIDL-09"),
        (b"1 a\x00", "R1939-7-UIDL-09"),
        (b"1 a\rb", "R1939-7-UIDL-09"),
    ],
)
def test_not_a_unique_id_listing(line: bytes, requirement: str) -> None:
    with pytest.raises(Deviation) as caught:
        unique_ids(listing(b"1 a\r\n", line + b"\r\n"))
    assert caught.value.requirement == requirement
    with pytest.raises(Deviation) as caught:
        unique_ids(one_line(b"+OK " + line + b"\r\n"))
    # On the status line, the form as a whole is a rule of its own.
    assert caught.value.requirement == requirement.replace("UIDL-07", "UIDL-03")
