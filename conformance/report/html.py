"""`report.html`: the report for people, in one file that loads nothing and needs no JavaScript.

The Content-Security-Policy in it names our own style sheet and script by their hashes and forbids everything else, so
that a hole in the escaping would still run nothing.
"""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from conformance.report.data import CheckResult, Report, RequirementResult
from conformance.report.evidence import Line, transcript_lines
from conformance.report.findings import findings
from conformance.report.headline import Standing, counted, headline
from conformance.report.unverified import gaps
from conformance.report.visible import visible
from conformance.verdict import Verdict

TEXT_LIMIT = 4000
"""Characters of any one text that are shown; `report.json` has them all."""

LINES_LIMIT = 500
"""Lines of the transcript of a check that deviates."""

UNEVENTFUL_LINES_LIMIT = 60
"""Lines of the transcript of any other check: there are hundreds of them, and a telephone must be able to open it."""

_SIGN = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✕",
    Verdict.WARN: "▲",
    Verdict.INFO: "●",
    Verdict.KNOWN: "◆",
    Verdict.ERROR: "!",
    Verdict.NOT_RUN: "○",
    Verdict.NOT_APPLICABLE: "–",  # noqa: RUF001 - a dash is what is meant
}

_STANDING_SIGN = {
    Standing.CONFORMS: "✓",
    Standing.WARNINGS: "▲",
    Standing.VIOLATIONS: "✕",
    Standing.UNTESTED: "!",
}

_BAR = (
    Verdict.FAIL,
    Verdict.WARN,
    Verdict.KNOWN,
    Verdict.INFO,
    Verdict.PASS,
    Verdict.ERROR,
    Verdict.NOT_APPLICABLE,
    Verdict.NOT_RUN,
)
"""The order in which verdicts stand side by side: what needs attention first, what says nothing last."""


def render(report: Report) -> str:
    """Return the report as one HTML document."""
    style, script = _part("html.css"), _part("html.js")
    return _template().render(
        report=report,
        headline=headline(report),
        findings=findings(report),
        gaps=gaps(report),
        chapters=_chapters(report),
        topics=_topics(report),
        observations=_observations(report),
        checks_by_id={check.id: check for check in report.checks},
        bars=[("Requirements", report.summary.requirements), ("Checks", report.summary.checks)],
        style=Markup(style),
        script=Markup(script),
        policy="; ".join(
            (
                "default-src 'none'",
                f"style-src {_hash(style)}",
                f"script-src {_hash(script)}",
                "base-uri 'none'",
                "form-action 'none'",
            )
        ),
    )


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_finalized, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= {
        "bar_order": _BAR,
        "counted": counted,
        "sign": _SIGN,
        "standing_sign": _STANDING_SIGN,
        "lines": _lines,
    }
    environment.filters |= {"address": _address, "wire": _wire}
    return environment.from_string(_part("html.j2"))


@cache
def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _finalized(value: Any) -> Any:
    """Make every text that the template puts out visible; jinja escapes it for HTML after that."""
    return visible(value, TEXT_LIMIT) if isinstance(value, str) and not isinstance(value, Markup) else value


def _lines(check: CheckResult) -> list[Line]:
    deviates = check.verdict in (Verdict.FAIL, Verdict.WARN, Verdict.KNOWN, Verdict.ERROR)
    return transcript_lines(check, LINES_LIMIT if deviates else UNEVENTFUL_LINES_LIMIT)


def _address(url: str) -> str:
    """Return the address if it is one to link to, else an empty text: no other scheme gets into a link."""
    return url if re.fullmatch(r"https://[\w./#-]+", url, re.ASCII) else ""


def _wire(text: str) -> Markup:
    """Return a line of a transcript with its escapes set apart; the CR LF at its end is the least worth noticing."""
    line = text.removesuffix("\\r\\n")
    end = text[len(line) :]
    pieces = re.split(r"(\\\\|\\[rnt]|\\x[0-9a-f]{2}|\\u\{[0-9a-f]+\})", line)
    marked = Markup().join(
        Markup("<i>{}</i>").format(piece) if number % 2 else piece for number, piece in enumerate(pieces)
    )
    return marked + (Markup('<i class="crlf">{}</i>').format(end) if end else Markup())


def _chapters(report: Report) -> list[tuple[int, list[list[RequirementResult]]]]:
    """Return the requirements by RFC, and by its sections."""
    chapters = []
    for rfc, of_rfc in groupby(report.requirements, key=lambda requirement: requirement.rfc):
        sections: dict[str, list[RequirementResult]] = {}
        for requirement in of_rfc:
            sections.setdefault(requirement.section, []).append(requirement)
        chapters.append((rfc, list(sections.values())))
    return chapters


def _topics(report: Report) -> list[tuple[str, list[CheckResult]]]:
    return [(topic, list(checks)) for topic, checks in groupby(report.checks, key=lambda c: c.id.partition("/")[0])]


def _observations(report: Report) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Return what was observed by key and value, with the checks that saw it."""
    found: dict[str, dict[str, list[str]]] = {}
    for seen in report.observations:
        checks = found.setdefault(seen.key, {}).setdefault(seen.value, [])
        if seen.check not in checks:
            checks.append(seen.check)
    return [(key, list(values.items())) for key, values in found.items()]
