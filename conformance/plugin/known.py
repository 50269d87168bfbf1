"""Deviations that the profile lists: still there, changed, or gone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from conformance.plugin.judging import Judgement
from conformance.profile import Known
from conformance.report.data import CheckResult
from conformance.verdict import Verdict


class KnownDeviations:
    """The `[[known]]` tables of a profile."""

    def __init__(self, known: Sequence[Known]) -> None:
        self._known = {entry.check: entry for entry in known}

    def judged(self, check: str, found: Judgement) -> Judgement:
        """Return the judgement with the verdict `known` where the profile lists just this deviation."""
        entry = self._known.get(check)
        if entry is None or found.verdict not in (Verdict.FAIL, Verdict.WARN):
            return found
        if entry.until is not None and entry.until < date.today():
            return replace(found, reason=f"listed as known until {entry.until}: {entry.reason}")
        if entry.fingerprint and entry.fingerprint != found.fingerprint:
            return replace(found, reason=f"listed as known with other evidence ({entry.fingerprint})")
        return replace(found, verdict=Verdict.KNOWN, reason=f"{entry.reason} ({entry.link})")

    def applied_to(self, check: CheckResult) -> CheckResult:
        """Do the same for a check that was judged on its own."""
        evidence = Judgement(check.verdict, check.reason, check.violated, check.expected, check.observed)
        found = self.judged(check.id, evidence)
        return replace(check, verdict=found.verdict, reason=found.reason, fingerprint=found.fingerprint)

    def gone(self, results: Sequence[CheckResult]) -> list[Known]:
        """Return the entries whose check passed, so that they must leave the list."""
        passed = {result.id for result in results if result.verdict is Verdict.PASS}
        return [entry for check, entry in self._known.items() if check in passed]
