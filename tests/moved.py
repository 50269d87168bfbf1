"""Which checks the trials have moved: what no fault and no variant moves may not be able to fail."""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from conformance.plugin.run import Run
from conformance.verdict import Verdict

_DEVIATES = (Verdict.FAIL, Verdict.WARN, Verdict.INFO)


def note(directory: Path, trial: str, run: Run) -> None:
    """Write down which checks deviated in a trial, and what each observed."""
    observed = defaultdict(list)
    for observation in run.observations:
        observed[observation.check].append(f"{observation.key}: {observation.value}")
    deviating = [result.id for result in run.results if result.verdict in _DEVIATES]
    (directory / f"{trial}.json").write_text(json.dumps({"deviating": deviating, "observed": observed}))


def unmoved(directory: Path, functions: Iterable[str]) -> list[str]:
    """Return those of the check functions that in no trial deviated, and that observed the same in all of them."""
    moved = set()
    seen: dict[str, set[str]] = defaultdict(set)
    for file in directory.iterdir():
        trial = json.loads(file.read_text())
        moved |= {check.partition(":")[0] for check in trial["deviating"]}
        for check, facts in trial["observed"].items():
            seen[check].add(json.dumps(sorted(facts)))
    moved |= {check.partition(":")[0] for check, ways in seen.items() if len(ways) > 1}
    return [function for function in dict.fromkeys(functions) if function not in moved]
