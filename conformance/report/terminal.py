"""The report for a terminal: findings first, then the counts, what was not verified, and where the rest is."""

import re
import textwrap
from collections.abc import Callable, Iterator

from conformance.report.data import Report
from conformance.report.evidence import Line, excerpt
from conformance.report.findings import Finding, findings
from conformance.report.headline import Standing, counted, headline
from conformance.report.unverified import gaps
from conformance.report.visible import visible
from conformance.verdict import Verdict

EXCERPT = 6
"""Lines of a transcript that a finding shows."""

GAPS = 12
"""Reasons for which requirements were not verified that are shown, the most frequent ones."""

NARROWEST = 40
"""Columns below which lines are not made any shorter."""

_TEXT_LIMIT = 500
_LABEL = 10
_CHARACTER = re.compile(r"(?:\\r)?\\n|\\(?:x[0-9a-f]{2}|u\{[0-9a-f]+\}|.)|.")

_STYLE = {
    "bold": "1",
    "dim": "2",
    Standing.CONFORMS: "1;32",
    Standing.WARNINGS: "1;33",
    Standing.VIOLATIONS: "1;31",
    Standing.UNTESTED: "1;35",
    Verdict.FAIL: "1;31",
    Verdict.WARN: "1;33",
    Verdict.ERROR: "1;35",
    Verdict.PASS: "32",
}

_Paint = Callable[[str, str], str]


def render(report: Report, *, width: int = 80, colour: bool = False, where: str = "") -> str:
    """Return the report as text that ends with a line end.

    width: columns of the terminal; no line is longer unless it is narrower than `NARROWEST`, but the last, which
    must be easy to copy.
    colour: with ANSI colours; without, there is no escape sequence in the text.
    where: the place of the written report, if there is one.
    """
    width = max(width, NARROWEST)
    paint = _painted if colour else _unpainted
    return "\n".join(_document(report, width, paint, where)) + "\n"


def _painted(text: str, style: str) -> str:
    return f"\x1b[{_STYLE[style]}m{text}\x1b[0m" if style in _STYLE else text


def _unpainted(text: str, style: str) -> str:
    return text


def _document(report: Report, width: int, paint: _Paint, where: str) -> Iterator[str]:
    head = headline(report)
    for finding in findings(report):
        yield from _finding(finding, width, paint)
        yield ""
    target = report.target
    yield from _wrapped(f"{target.name} at {target.host} port {target.port}", width)
    yield paint(head.title, head.standing)
    yield from _wrapped(head.detail, width)
    for note in report.run.notes:
        yield from _labelled("note", note, width)
    yield ""
    yield from _counts(report, paint)
    if missing := gaps(report):
        yield ""
        yield paint("Not verified, and why:", "bold")
        for gap in missing[:GAPS]:
            yield from _labelled(f"{gap.size:>8}", f"{gap.verdict}: {gap.reason}", width)
        if rest := missing[GAPS:]:
            yield from _labelled(
                f"{sum(gap.size for gap in rest):>8}", f"for {counted(len(rest), 'other reason')}", width
            )
    yield ""
    yield from _wrapped(f"{report.run.duration_s:.1f} s, seed {report.run.seed}", width)
    if where:
        yield f"report: {visible(where)}"


def _finding(finding: Finding, width: int, paint: _Paint) -> Iterator[str]:
    requirement = finding.requirement
    verdict, *rest = _wrapped(
        f"{finding.verdict.upper()} {requirement.id}, {requirement.place}, {requirement.level}",
        width,
    )
    yield paint(verdict, finding.verdict)
    yield from rest
    yield from _wrapped(requirement.statement, width, "  ")
    for number, expected in enumerate(finding.example.expected):
        yield from _labelled("or" if number else "expected", expected, width)
    yield from _labelled("observed", finding.example.observed, width)
    for line in excerpt(finding.example, EXCERPT):
        yield from _transcript_line(line, width, paint)
    others = f" and {counted(len(finding.others), 'more check')}" if finding.others else ""
    yield from _labelled("shown by", f"{finding.example.id}{others}", width)
    if finding.also:
        yield from _labelled("also", ", ".join(requirement.id for requirement in finding.also), width)
    for client in requirement.clients:
        yield from _labelled("suffers", f"{client.client}: {client.effect} ({client.source})", width)


def _transcript_line(line: Line, width: int, paint: _Paint) -> Iterator[str]:
    """Yield the line in as many rows as it takes, its spaces kept and no escape cut in two."""
    first = f"  {'>' if line.marked else ' '} {line.speaker} "
    rows = [""]
    for character in _CHARACTER.findall(visible(line.text, _TEXT_LIMIT)):
        if len(rows[-1]) + len(character) > width - len(first):
            rows.append("")
        rows[-1] += character
    for number, row in enumerate(rows):
        yield paint((" " * len(first) if number else first) + row, "bold" if line.marked else "dim")


def _counts(report: Report, paint: _Paint) -> Iterator[str]:
    yield paint(f"{'':16}{'checks':>8}{'requirements':>14}", "bold")
    for verdict in Verdict:
        checks, requirements = report.summary.checks[verdict], report.summary.requirements[verdict]
        if checks or requirements:
            yield f"{paint(f'{verdict:16}', verdict)}{checks:>8}{requirements:>14}"


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    first = f"  {label:{_LABEL}}"
    return _wrapped(text, width, first, " " * len(first))


def _wrapped(text: str, width: int, first: str = "", following: str | None = None) -> Iterator[str]:
    yield from textwrap.wrap(
        visible(text, _TEXT_LIMIT),
        width,
        initial_indent=first,
        subsequent_indent=first if following is None else following,
        break_on_hyphens=False,
    ) or [first.rstrip()]
