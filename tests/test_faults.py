"""Every fault is caught by a check of what it breaks, and no lawful variant is blamed."""

import json
from pathlib import Path

import pytest

from conformance.reference.faults import FAULTS
from conformance.reference.variants import VARIANTS
from conformance.requirements import load_catalogue
from conformance.verdict import Verdict
from tests.trial import SLOW_OPTIONS, trial

CATALOGUE = load_catalogue()
DEVIATES = {"FAIL": Verdict.FAIL, "WARN": Verdict.WARN, "INFO": Verdict.INFO, "NONE": Verdict.INFO}
MILDER = {
    Verdict.FAIL: {Verdict.FAIL, Verdict.WARN},
    Verdict.WARN: {Verdict.FAIL, Verdict.WARN},
    Verdict.INFO: {Verdict.FAIL, Verdict.WARN, Verdict.INFO},
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_caught_by_a_check_that_names_what_it_breaks(name: str, tmp_path: Path, kills: Path) -> None:
    fault = FAULTS[name]
    run = trial(tmp_path, faults=[name], select=fault.breaks, options=SLOW_OPTIONS)
    worst_cap = max((DEVIATES[CATALOGUE[id_].cap] for id_ in fault.breaks), key=lambda verdict: verdict.severity)
    caught = [result for result in run.results if result.verdict in MILDER[worst_cap]]
    (kills / f"{name}.json").write_text(json.dumps([result.id for result in caught]))
    named = [result for result in caught if set(result.violated) & set(fault.breaks)]
    found = {result.id: (str(result.verdict), result.reason or result.observed) for result in run.results}
    assert named, f"{fault.sentence} Breaks {fault.breaks}; found {found} {run.failure}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", VARIANTS)
def test_lawful_variant_is_not_blamed(name: str, tmp_path: Path) -> None:
    blames = {Verdict.FAIL, Verdict.ERROR} if VARIANTS[name].warns else {Verdict.FAIL, Verdict.ERROR, Verdict.WARN}
    run = trial(tmp_path, variants=[name], options=SLOW_OPTIONS)
    blamed = {
        result.id: (str(result.verdict), result.violated, result.reason or result.observed)
        for result in run.results
        if result.verdict in blames
    }
    assert run.results, run.failure
    assert not blamed, f"{VARIANTS[name].sentence} {VARIANTS[name].allowed_by}"


@pytest.mark.timeout(300)
def test_conforming_server_passes_every_check(tmp_path: Path) -> None:
    run = trial(tmp_path, options=SLOW_OPTIONS)
    others = {
        result.id: (str(result.verdict), result.reason or result.observed)
        for result in run.results
        if result.verdict not in (Verdict.PASS, Verdict.INFO, Verdict.NOT_APPLICABLE)
    }
    assert run.results
    assert not others
