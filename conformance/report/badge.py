"""`badge.json`: a Shields endpoint (https://shields.io/badges/endpoint-badge)."""

import json

from conformance.report.data import Report
from conformance.report.headline import Standing, headline
from conformance.report.visible import visible

_COLOR = {
    Standing.CONFORMS: "brightgreen",
    Standing.WARNINGS: "yellow",
    Standing.VIOLATIONS: "red",
    Standing.UNTESTED: "lightgrey",
}

_NAME_LIMIT = 40


def render(report: Report) -> str:
    """Return the badge: the suite and its version, the server as the profile names it, and where it stands."""
    head = headline(report)
    badge = {
        "schemaVersion": 1,
        "label": f"{report.suite.name} {report.suite.version}",
        "message": f"{visible(report.target.name, _NAME_LIMIT)}: {head.title.lower()}",
        "color": _COLOR[head.standing],
    }
    return json.dumps(badge, indent=1) + "\n"
