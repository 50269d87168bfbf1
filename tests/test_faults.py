"""Every fault is caught by a check of what it breaks, and no lawful variant is blamed."""

from pathlib import Path

import pytest

from conformance.reference.faults import FAULTS
from conformance.reference.variants import VARIANTS
from conformance.requirements import load_catalogue
from conformance.verdict import Verdict
from tests.moved import note
from tests.trial import BY_BOTH_COMMANDS, SLOW_OPTIONS, USERS, WITHOUT_APOP, trial

CATALOGUE = load_catalogue()
DEVIATES = {"FAIL": Verdict.FAIL, "WARN": Verdict.WARN, "INFO": Verdict.INFO, "NONE": Verdict.INFO}
MILDER = {
    Verdict.FAIL: {Verdict.FAIL, Verdict.WARN},
    Verdict.WARN: {Verdict.FAIL, Verdict.WARN},
    Verdict.INFO: {Verdict.FAIL, Verdict.WARN, Verdict.INFO},
}


USERS_OF_VARIANT = {"apop-only": BY_BOTH_COMMANDS, "no-apop": WITHOUT_APOP, "minimal": WITHOUT_APOP}

NOBODY_LOGS_IN = {
    "login-negative-though-done",
    "login-not-answered",
    "no-way-to-log-in",
    "pass-not-implemented",
    "preauthenticated",
}
"""Faults that let nobody in: all that can be said is that the server cannot be tested."""

CAUGHT = [name for name in FAULTS if name not in NOBODY_LOGS_IN]

BOTH_COMMANDS = {"unique-id-depends-on-login"}
"""Faults that show only where an account logs in by PASS and by APOP."""


@pytest.mark.parametrize("name", sorted(NOBODY_LOGS_IN))
def test_server_that_lets_nobody_in_cannot_be_tested(name: str, tmp_path: Path) -> None:
    run = trial(tmp_path, faults=[name])
    assert not run.results
    assert run.failure.startswith("the login of conf1 is refused")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CAUGHT)
def test_fault_is_caught_by_a_check_that_names_what_it_breaks(name: str, tmp_path: Path, moves: Path) -> None:
    fault = FAULTS[name]
    users = BY_BOTH_COMMANDS if name in BOTH_COMMANDS else USERS
    run = trial(tmp_path, faults=[name], select=fault.breaks, options=SLOW_OPTIONS, users=users)
    worst_cap = max((DEVIATES[CATALOGUE[id_].cap] for id_ in fault.breaks), key=lambda verdict: verdict.severity)
    caught = [result for result in run.results if result.verdict in MILDER[worst_cap]]
    note(moves, name, run)
    named = [result for result in caught if set(result.violated) & set(fault.breaks)]
    found = {result.id: (str(result.verdict), result.reason or result.observed) for result in run.results}
    assert named, f"{fault.sentence} Breaks {fault.breaks}; found {found} {run.failure}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", VARIANTS)
def test_lawful_variant_is_not_blamed(name: str, tmp_path: Path, moves: Path) -> None:
    blames = {Verdict.FAIL, Verdict.ERROR} if VARIANTS[name].warns else {Verdict.FAIL, Verdict.ERROR, Verdict.WARN}
    users = USERS_OF_VARIANT.get(name, USERS)
    run = trial(tmp_path, variants=[name], options=SLOW_OPTIONS, users=users)
    blamed = {
        result.id: (str(result.verdict), result.violated, result.reason or result.observed)
        for result in run.results
        if result.verdict in blames
    }
    note(moves, f"variant {name}", run)
    assert run.results, run.failure
    assert not blamed, f"{VARIANTS[name].sentence} {VARIANTS[name].allowed_by}"


@pytest.mark.timeout(300)
def test_conforming_server_passes_every_check(tmp_path: Path, moves: Path) -> None:
    run = trial(tmp_path, options=SLOW_OPTIONS)
    note(moves, "no fault", run)
    others = {
        result.id: (str(result.verdict), result.reason or result.observed)
        for result in run.results
        if result.verdict not in (Verdict.PASS, Verdict.INFO, Verdict.NOT_APPLICABLE)
    }
    assert run.results
    assert not others
