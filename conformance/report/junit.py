"""`junit.xml`: the report for CI servers, valid against the XSD that Jenkins goes by.

A check is a test case; its topic is the class. A failed check is a `failure`, a failed bench an `error`, a check
that could not say anything is `skipped` with the reason. A warning fails only with the gate "should".
"""

import re
from collections.abc import Iterator
from itertools import groupby
from xml.etree import ElementTree

from conformance.report.data import CheckResult, Report
from conformance.report.evidence import excerpt
from conformance.report.headline import Standing, headline
from conformance.report.visible import visible
from conformance.verdict import Verdict

EXCERPT = 40
"""Lines of a transcript that a test case shows."""

_TEXT_LIMIT = 2000
_SKIPPED = (Verdict.NOT_RUN, Verdict.NOT_APPLICABLE)


def render(report: Report) -> str:
    """Return the report as JUnit XML."""
    root = ElementTree.Element("testsuites", name=_text(f"POP3 conformance of {report.target.name}"))
    for topic, checks in groupby(report.checks, key=_topic):
        suite = ElementTree.SubElement(root, "testsuite", name=_text(topic))
        _add_properties(suite, report)
        for check in checks:
            _add_case(suite, check, report)
    _add_run(root, report)
    for suite in root:
        _add_totals(suite, report)
    _add_totals(root, report)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _topic(check: CheckResult) -> str:
    return check.id.partition("/")[0]


def _add_properties(suite: ElementTree.Element, report: Report) -> None:
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (
        ("suite", f"{report.suite.name} {report.suite.version}"),
        ("catalogue", report.suite.catalogue),
        ("seed", str(report.run.seed)),
        ("target", f"{report.target.host}:{report.target.port}"),
    ):
        ElementTree.SubElement(properties, "property", name=name, value=_text(value))


def _add_case(suite: ElementTree.Element, check: CheckResult, report: Report) -> None:
    topic, _, name = check.id.partition("/")
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_text(f"pop3.{topic}"),
        name=_text(name or topic),
        time=f"{check.duration_s:.3f}",
    )
    if check.verdict in _SKIPPED:
        ElementTree.SubElement(case, "skipped", message=_text(f"{check.verdict}: {check.reason}"))
    elif check.verdict is Verdict.ERROR:
        error = ElementTree.SubElement(case, "error", type=check.verdict, message=_text(check.reason))
        error.text = "\n".join(_evidence(check))
    elif check.verdict is Verdict.FAIL or (
        check.verdict is Verdict.WARN and report.run.options.get("gate") == "should"
    ):
        failure = ElementTree.SubElement(case, "failure", type=check.verdict, message=_text(check.observed))
        failure.text = "\n".join(_evidence(check))
    elif check.verdict is not Verdict.PASS:
        ElementTree.SubElement(case, "system-out").text = "\n".join(_evidence(check))


def _evidence(check: CheckResult) -> Iterator[str]:
    yield f"{check.verdict}: {_text(check.title)}"
    if check.reason:
        yield f"reason: {_text(check.reason)}"
    if check.violated:
        yield f"violated: {_text(', '.join(check.violated))}"
    for number, expected in enumerate(check.expected):
        yield f"{'or' if number else 'expected'}: {_text(expected)}"
    if check.observed:
        yield f"observed: {_text(check.observed)}"
    for line in excerpt(check, EXCERPT):
        yield f"{'>' if line.marked else ' '} {line.speaker} {line.text}"


def _add_run(root: ElementTree.Element, report: Report) -> None:
    """Add a test case for the run as a whole, so that one that tested nothing is not green."""
    head = headline(report)
    suite = ElementTree.SubElement(root, "testsuite", name="run")
    _add_properties(suite, report)
    case = ElementTree.SubElement(
        suite, "testcase", classname="pop3.run", name="the_server_can_be_tested", time="0.000"
    )
    notes = "\n".join(map(_text, report.run.notes))
    if head.standing is Standing.UNTESTED:
        error = ElementTree.SubElement(case, "error", type="error", message=_text(f"{head.title}. {head.detail}"))
        error.text = notes
    elif notes:
        ElementTree.SubElement(case, "system-out").text = notes


def _add_totals(element: ElementTree.Element, report: Report) -> None:
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    element.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    element.set("errors", str(sum(case.find("error") is not None for case in cases)))
    element.set("time", f"{sum(float(case.get('time', 0)) for case in cases):.3f}")
    if element.tag == "testsuite":
        element.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
        if when := re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", report.run.started, re.ASCII):
            element.set("timestamp", when[0])
        element.set("hostname", _text(report.target.host))


def _text(text: str) -> str:
    """Return `text` as XML 1.0 can hold it, control characters as escapes."""
    return visible(text, _TEXT_LIMIT)
