"""A report in one line, and in the sentence under it."""

from dataclasses import dataclass
from enum import StrEnum

from conformance.report.data import Report
from conformance.report.findings import findings
from conformance.report.unverified import UNVERIFIED
from conformance.verdict import Verdict


class Standing(StrEnum):
    """Where the server stands after the run."""

    CONFORMS = "conforms"
    WARNINGS = "warnings"
    VIOLATIONS = "violations"
    UNTESTED = "untested"
    """Nothing was found, but not all that was asked for could be carried out."""


@dataclass(frozen=True, slots=True)
class Headline:
    """Where the server stands, the few words for it, and the sentences that say how much was looked at."""

    standing: Standing
    title: str
    detail: str


def headline(report: Report) -> Headline:
    """Return the headline of a report. Nothing but fails makes violations, whatever the gate of the run was."""
    standing, title = _standing(report)
    return Headline(standing, title, " ".join(_sentences(report)))


def counted(number: int, noun: str) -> str:
    """Return the number with its noun: "1 check", "2 checks"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _standing(report: Report) -> tuple[Standing, str]:
    found = findings(report)
    fails = sum(finding.verdict is Verdict.FAIL for finding in found)
    warns = len(found) - fails
    if fails:
        return Standing.VIOLATIONS, counted(fails, "violation")
    if all(check.verdict in UNVERIFIED for check in report.checks):
        return Standing.UNTESTED, "Could not be tested"
    if report.summary.checks[Verdict.ERROR] or report.run.exit not in (0, 1):
        return Standing.UNTESTED, "Not fully tested"
    if warns:
        return Standing.WARNINGS, f"Conforms, with {counted(warns, 'warning')}"
    return Standing.CONFORMS, "Conforms"


def _sentences(report: Report) -> list[str]:
    requirements = report.summary.requirements
    verified = sum(count for verdict, count in requirements.items() if verdict not in UNVERIFIED)
    total = counted(len(report.requirements), "requirement")
    sentences = [f"{verified} of {total} could be verified in {counted(len(report.checks), 'check')}."]
    if violated := requirements[Verdict.FAIL]:
        sentences.append(f"{counted(violated, 'requirement')} {'is' if violated == 1 else 'are'} violated.")
    if known := report.summary.checks[Verdict.KNOWN]:
        sentences.append(f"{counted(known, 'check')} met a deviation that the profile lists.")
    if errors := report.summary.checks[Verdict.ERROR]:
        sentences.append(f"{counted(errors, 'check')} could not be carried out.")
    return sentences
