"""The transcript of a check as lines to read, with the one that shows the deviation marked."""

from dataclasses import dataclass, replace

from conformance.report.data import CheckResult, Side
from conformance.report.visible import visible, visible_lines

SPEAKER = {"client": "C:", "server": "S:", "bench": "--"}
"""What stands before a line of each side."""

LINE_LIMIT = 1000
"""Characters of one line that a renderer shows."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript, safe to show.

    at: seconds since the check began; None for the further lines of what one side sent at once.
    marked: it is what the check names as observed.
    """

    side: Side
    text: str
    at: float | None
    marked: bool = False

    @property
    def speaker(self) -> str:
        """What stands before it."""
        return SPEAKER[self.side]


def transcript_lines(check: CheckResult, limit: int) -> list[Line]:
    """Return the transcript, line by line, without its middle if it has more than `limit` lines."""
    lines = _lines(check)
    if len(lines) <= limit:
        return lines
    half = limit // 2
    left_out = Line("bench", f"[... {len(lines) - 2 * half} lines ...]", None)
    return [*lines[:half], left_out, *lines[-half:]]


def excerpt(check: CheckResult, length: int) -> list[Line]:
    """Return the few lines that show the deviation: those that lead to the marked one, or else the last exchange."""
    lines = _lines(check)
    marked = next((place for place, line in enumerate(lines) if line.marked), None)
    if marked is not None:
        return lines[max(0, marked + 2 - length) : marked + 2]
    last_command = max((place for place, line in enumerate(lines) if line.side == "client"), default=0)
    start = max(0, min(last_command, len(lines) - length))
    return lines[start : start + length]


def _lines(check: CheckResult) -> list[Line]:
    lines = [
        Line(entry.side, text, entry.t if number == 0 else None)
        for entry in check.transcript
        for number, text in enumerate(visible_lines(entry.text, LINE_LIMIT))
    ]
    place = _place(lines, visible(check.observed))
    if place is not None:
        lines[place] = replace(lines[place], marked=True)
    return lines


def _place(lines: list[Line], observed: str) -> int | None:
    """Return the index of the last line of the server that is what was observed, whole; None if there is none."""
    seen = observed.removesuffix("\\r\\n")
    for place in range(len(lines) - 1, -1, -1):
        said = lines[place].text.removesuffix("\\r\\n")
        if lines[place].side == "server" and said and (seen == said or seen.endswith(f": {said}")):
            return place
    return None
