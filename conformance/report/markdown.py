"""`report.md`: the report for the summary page of a CI step, in GitHub's Markdown without any HTML.

Our own words are escaped; whatever the server or the operator wrote stands in code spans and code blocks, which it
cannot leave.
"""

import re
from collections.abc import Iterable, Iterator

from conformance.report.data import Report, RequirementResult
from conformance.report.evidence import excerpt
from conformance.report.findings import Finding, findings
from conformance.report.headline import counted, headline
from conformance.report.unverified import gaps
from conformance.report.visible import visible
from conformance.verdict import Verdict

DETAILED = 30
"""Findings that are shown with their evidence; further ones get a line each: a summary page has 1 MiB at most."""

EXCERPT = 12
"""Lines of a transcript that a finding shows."""

_TEXT_LIMIT = 600
# What means something inside a line, and what would make a list, a heading or a rule of its beginning.
_PUNCTUATION = re.compile(r"[\\`*_\[\]<>#|~&@$]|:(?=//)|^[-+=]|(?<=\d)[.)](?=\s)")


def render(report: Report) -> str:
    """Return the report: headline, findings with their evidence, counts, what was not verified, and the run."""
    return "\n".join(_document(report)) + "\n"


def _document(report: Report) -> Iterator[str]:
    head = headline(report)
    target = report.target
    yield f"## POP3 conformance: {_plain(head.title)}"
    yield ""
    yield f"{_code(target.name)} at {_code(f'{target.host}:{target.port}')}. {_plain(head.detail)}"
    for note in report.run.notes:
        yield f"\n**Note:** {_code(note)}"
    found = findings(report)
    if found:
        yield "\n### Findings"
    for finding in found[:DETAILED]:
        yield from _detailed(finding)
    for finding in found[DETAILED:]:
        yield f"\n- {_title(finding)}"
    yield "\n### Verdicts\n"
    yield from _counts(report)
    if missing := gaps(report):
        yield "\n### Not verified, and why\n"
        yield from (
            f"- {counted(gap.size, 'requirement')}, {_plain(gap.verdict)}: {_code(gap.reason)}" for gap in missing
        )
    yield "\n### Run\n"
    yield from (f"- {_plain(name)}: {_code(value)}" for name, value in _run(report))


def _detailed(finding: Finding) -> Iterator[str]:
    yield f"\n#### {_title(finding)}\n"
    yield f"{_plain(finding.requirement.statement)}\n"
    yield from (
        f"- {'or' if number else 'expected'}: {_code(expected)}"
        for number, expected in enumerate(finding.example.expected)
    )
    yield f"- observed: {_code(finding.example.observed)}"
    yield f"- shown by: {_list(check.id for check in finding.checks[:5])}{_more(len(finding.checks) - 5)}"
    if finding.also:
        yield f"- these checks also found violated: {_list(requirement.id for requirement in finding.also)}"
    yield from (
        f"- who suffers: {_plain(client.client)}: {_plain(client.effect)} ({_plain(client.source)})"
        for client in finding.requirement.clients
    )
    lines = [f"{'>' if line.marked else ' '} {line.speaker} {line.text}" for line in excerpt(finding.example, EXCERPT)]
    if lines:
        fence = _fence("\n".join(lines), 3)
        yield "\n".join(["", f"{fence}text", *lines, fence])


def _title(finding: Finding) -> str:
    requirement = finding.requirement
    return f"{finding.verdict}: {_code(requirement.id)}, {_section(requirement)}, {_plain(requirement.level)}"


def _section(requirement: RequirementResult) -> str:
    name = _plain(requirement.place)
    # Only an address that cannot end the link early is made one.
    return f"[{name}]({requirement.url})" if re.fullmatch(r"https://[\w./#-]+", requirement.url, re.ASCII) else name


def _counts(report: Report) -> Iterator[str]:
    yield f"| | {' | '.join(Verdict)} |"
    yield f"| --- {'| --: ' * len(Verdict)}|"
    for name, counts in (("checks", report.summary.checks), ("requirements", report.summary.requirements)):
        yield f"| {name} | {' | '.join(str(counts[verdict]) for verdict in Verdict)} |"


def _run(report: Report) -> Iterator[tuple[str, str]]:
    yield "suite", f"{report.suite.name} {report.suite.version}, catalogue {report.suite.catalogue}"
    yield "started", report.run.started
    yield "duration", f"{report.run.duration_s:.1f} s"
    yield "seed", str(report.run.seed)
    yield from report.run.options.items()


def _plain(text: str) -> str:
    """Return our own words as Markdown that means just them."""
    return _PUNCTUATION.sub(r"\\\g<0>", visible(text, _TEXT_LIMIT).strip())


def _code(text: str) -> str:
    """Return a code span that holds `text` and nothing else."""
    shown = visible(text, _TEXT_LIMIT)
    if not shown:
        return "*nothing*"
    fence = _fence(shown, 1)
    # A space inside each fence is taken off again; it keeps a backtick apart from the fence.
    edge = " " if shown.strip(" ") and {shown[0], shown[-1]} & {" ", "`"} else ""
    return f"{fence}{edge}{shown}{edge}{fence}"


def _fence(text: str, least: int) -> str:
    """Return more backticks than `text` has anywhere in a row."""
    return "`" * max(least, *(len(run) + 1 for run in re.findall("`+", text)), 0)


def _list(ids: Iterable[str]) -> str:
    return ", ".join(map(_code, ids))


def _more(number: int) -> str:
    return f" and {number} more" if number > 0 else ""
