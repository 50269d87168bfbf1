"""The report in a terminal: findings first, and no octet of the server that the terminal would obey."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.report import terminal
from conformance.report.data import Report, TranscriptEntry
from conformance.requirements import Suffering
from conformance.verdict import Verdict
from tests.report_samples import HOSTILE, A, B, C, hostile_report, report_of, requirement, result

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def sample() -> Report:
    transcript = (
        TranscriptEntry(0.0, "client", "DELE 2\\r\\n"),
        TranscriptEntry(0.1, "server", "+OK deleted\\r\\n"),
        TranscriptEntry(0.2, "client", "LIST\\r\\n"),
        TranscriptEntry(0.3, "server", "+OK\\r\\n1 120\\r\\n2 200\\r\\n.\\r\\n"),
    )
    return report_of(
        result(
            "states/numbers_stay",
            Verdict.FAIL,
            A,
            B,
            expected=("the last line of the scan listing: 3 200", "the scan listing: empty"),
            observed="the last line of the scan listing: 2 200",
            transcript=transcript,
        ),
        result("states/other", Verdict.FAIL, A),
        result("top/absent", Verdict.NOT_APPLICABLE, C, reason="the server does not offer TOP"),
        catalogue=(
            requirement(A, clients=(Suffering("K-9 Mail", "deletes the wrong message", "thunderbird-android#1"),)),
            requirement(B, cap="WARN"),
            requirement(C),
            requirement("R1939-8-RETENTION-01", testable="no", why_not="advice"),
        ),
        exit=1,
        notes=("quit/gone is listed as known, and passes",),
    )


EXPECTED = """\
FAIL R1939-5-DELE-03, RFC 1939 section 5, MUST
  The statement of R1939-5-DELE-03.
  expected  the last line of the scan listing: 3 200
  or        the scan listing: empty
  observed  the last line of the scan listing: 2 200
    S: +OK deleted\\r\\n
    C: LIST\\r\\n
    S: +OK\\r\\n
    S: 1 120\\r\\n
  > S: 2 200\\r\\n
    S: .\\r\\n
  shown by  states/numbers_stay and 1 more check
  also      R1939-5-LIST-07
  suffers   K-9 Mail: deletes the wrong message (thunderbird-android#1)

A server at 127.0.0.1 port 110
1 violation
2 of 4 requirements could be verified in 3 checks. 1 requirement is violated.
  note      quit/gone is listed as known, and passes

                  checks  requirements
fail                   2             1
warn                   0             1
not-applicable         1             1
not-run                0             1

Not verified, and why:
         1  not-run: nothing of it shows to a client
         1  not-applicable: the server does not offer TOP

1.0 s, seed 7
report: reports/a/report.html
"""


def test_the_whole_report() -> None:
    assert terminal.render(sample(), where="reports/a/report.html") == EXPECTED


def test_colour_changes_nothing_but_colour() -> None:
    coloured = terminal.render(sample(), colour=True, where="reports/a/report.html")
    assert "\x1b[1;31mFAIL R1939-5-DELE-03" in coloured
    assert COLOUR.sub("", coloured) == EXPECTED


@pytest.mark.parametrize("width", [40, 53, 80, 200])
@pytest.mark.parametrize("text", HOSTILE)
def test_lines_are_no_wider_than_the_terminal(text: str, width: int) -> None:
    lines = terminal.render(hostile_report(text), width=width).splitlines()
    assert max(map(len, lines)) <= width


def test_a_long_line_is_cut_between_octets() -> None:
    entry = TranscriptEntry(0.0, "server", "+OK" + "\\x00" * 20 + "\\r\\n")
    shown = terminal.render(report_of(result("topic/a", Verdict.FAIL, A, transcript=(entry,))), width=40)
    assert "    S: +OK" + "\\x00" * 7 + "\n       " + "\\x00" * 8 + "\n       " + "\\x00" * 5 + "\\r\\n\n" in shown


def assert_obeyed_by_no_terminal(shown: str) -> None:
    assert all(unicodedata.category(character)[0] not in "CZ" or character in " \n" for character in shown)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_visible(text: str) -> None:
    assert_obeyed_by_no_terminal(terminal.render(hostile_report(text), where=text))
    assert_obeyed_by_no_terminal(COLOUR.sub("", terminal.render(hostile_report(text), colour=True)))


@given(st.text(st.characters(exclude_categories=())))
@settings(deadline=None)
def test_any_text_is_visible(text: str) -> None:
    assert_obeyed_by_no_terminal(terminal.render(hostile_report(text)))


def test_rare_reasons_are_counted_together() -> None:
    reasons = terminal.GAPS + 3
    requirements = [requirement(f"R1939-5-DELE-{n:02}") for n in range(1, reasons + 1)]
    checks = [
        result(f"topic/{n}", Verdict.NOT_RUN, entry.id, reason=f"reason {n}") for n, entry in enumerate(requirements)
    ]
    shown = terminal.render(report_of(*checks, catalogue=tuple(requirements)))
    assert shown.count("not-run: reason") == terminal.GAPS
    assert "         3  for 3 other reasons\n" in shown
