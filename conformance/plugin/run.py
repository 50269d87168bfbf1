"""One run of the suite inside pytest: from the profile to the results."""

import pickle
import random
import time
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conformance import launch
from conformance.plugin.bench import Bench
from conformance.plugin.checks import check_id, requirements_of, selected, title_of
from conformance.plugin.every_reply import judge_every_reply
from conformance.plugin.judging import Judge, Judgement, judgement
from conformance.plugin.known import KnownDeviations
from conformance.plugin.outcome import Exit, exit_code, notes
from conformance.profile import Account, Profile, ProfileError, load_profile, profile_from_url
from conformance.report.data import (
    CheckResult,
    Observation,
    Report,
    RunFacts,
    TargetFacts,
    TranscriptEntry,
    build_report,
)
from conformance.report.write import write_report
from conformance.requirements import catalogue_digest, load_catalogue
from conformance.verdict import BenchError, Verdict
from conformance.wire.session import Recorder

AUTOLOGOUT_MINIMUM = 600.0
"""Seconds that a session may be idle before it is closed, at the least (RFC 1939 section 3)."""

CEILING = 8
"""The hard limit of a check in pytest-timeout, as a multiple of the reply limit; our own deadlines come first."""


@dataclass
class CheckState:
    """What one check leaves behind while it runs."""

    recorder: Recorder = field(default_factory=Recorder)
    judge: Judge = field(default_factory=Judge)
    started: float = field(default_factory=time.monotonic)
    judgement: Judgement | None = None
    evidence: list[dict[str, float | str]] = field(default_factory=list)
    """The transcript up to the deviation: what follows it, a polite farewell, shows nothing."""


STATE = pytest.StashKey[CheckState]()


class Run:
    """The plugin object of a run: one in the process that reports, and one in each worker of pytest-xdist."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.catalogue = load_catalogue()
        self.results: list[CheckResult] = []
        self.observations: list[Observation] = []
        self.defects: list[tuple[str, str, str]] = []
        self.facts: dict[str, Any] = {}
        self.failure = ""
        self.report: Report | None = None
        self.started = datetime.now(UTC)
        self.bench: Bench | None = None
        self._resources = ExitStack()
        self._workerinput: dict[str, Any] | None = getattr(config, "workerinput", None)
        if self._workerinput is None:
            seed = config.getoption("--pop3-seed")
            self.seed: int = random.SystemRandom().randrange(2**32) if seed is None else seed
            try:
                self.profile = _profile(config.getoption("--pop3-profile"))
            except ProfileError as error:
                raise pytest.UsageError(str(error)) from error
        else:
            self.seed = self._workerinput["pop3_seed"]
            self.profile = pickle.loads(self._workerinput["pop3_profile"])
        self.known = KnownDeviations(self.profile.known)
        config.option.hypothesis_seed = str(self.seed)

    # -- collection ----------------------------------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Select checks, put those that share a maildrop side by side, and give each its hard ceiling."""
        checks = [item for item in items if item.get_closest_marker("verifies")]
        chosen, left_out = selected(checks, config.getoption("--pop3-select"), config.getoption("--pop3-exclude"))
        if left_out:
            config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
        items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
        ceiling = max(60.0, CEILING * self.profile.limits.reply)
        for item in chosen:
            if not item.get_closest_marker("timeout") and not item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.timeout(ceiling))

    # -- the run -------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Start the server if the profile says how, look at it, run the checks, and judge what no single one can."""
        if session.config.option.collectonly:
            return (yield)
        try:
            if not self._is_controller_of_workers:
                self.bench = self._make_bench()
                self.facts = facts_of(self.bench)
        except (BenchError, ProfileError) as error:
            self.failure = str(error)
            pytest.exit(f"the server cannot be tested: {error}", returncode=Exit.CANNOT_TEST)
        result = yield
        if self._workerinput is None:
            for check in judge_every_reply(self.defects, self.results, self.catalogue):
                session.config.hook.pytest_runtest_logreport(report=self._report_of(self.known.applied_to(check)))
        return result

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand a worker of pytest-xdist its share of the accounts (called in the process that reports)."""
        try:
            profile = self._launched()
        except (BenchError, ProfileError) as error:
            self.failure = str(error)
            pytest.exit(f"the server cannot be tested: {error}", returncode=Exit.CANNOT_TEST)
        workers = node.config.getoption("numprocesses")
        index = int(node.workerinput["workerid"].removeprefix("gw"))
        node.workerinput["pop3_seed"] = self.seed
        node.workerinput["pop3_profile"] = pickle.dumps(profile)
        node.workerinput["pop3_accounts"] = list(range(index, len(profile.accounts), workers))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker found out about the target."""
        self.facts = self.facts or getattr(node, "workeroutput", {}).get("pop3_facts", {})

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Stop the server; write the report, or hand the facts to the process that does."""
        self._resources.close()
        if self._workerinput is not None:
            self.config.workeroutput["pop3_facts"] = self.facts  # type: ignore[attr-defined]
        elif self.results:
            self.report = self._make_report(interrupted=exitstatus == pytest.ExitCode.INTERRUPTED)
            if directory := self.config.getoption("--pop3-report-dir"):
                write_report(self.report, directory)

    def _make_report(self, interrupted: bool) -> Report:
        gate = self.config.getoption("--pop3-gate")
        gone = self.known.gone(self.results)
        return build_report(
            catalogue=self.catalogue,
            digest=catalogue_digest(),
            results=self.results,
            observations=self.observations,
            target=TargetFacts.from_dict(self.facts),
            run=RunFacts(
                started=self.started.isoformat(timespec="seconds"),
                duration_s=round((datetime.now(UTC) - self.started).total_seconds(), 2),
                seed=self.seed,
                options=self._options(),
                exit=exit_code(self.results, gate, gone, interrupted),
                notes=notes(self.results, gone, interrupted),
            ),
        )

    def _options(self) -> dict[str, str]:
        """Return the options that make one run differ from another."""
        option = self.config.getoption
        minimum = option("--pop3-autologout-minimum")
        return {
            "gate": option("--pop3-gate"),
            "select": " ".join(option("--pop3-select")),
            "exclude": " ".join(option("--pop3-exclude")),
            "slow": "yes" if option("--pop3-slow") else "no",
            **({} if minimum == AUTOLOGOUT_MINIMUM else {"autologout-minimum": f"{minimum:g}"}),
        }

    # -- one check -----------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Give the check its recorder."""
        item.stash[STATE] = CheckState()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn the outcome of a phase into the verdict of the check."""
        report = yield
        if not requirements_of(item):
            return report
        state = item.stash[STATE]
        if state.judgement is None and (call.excinfo is not None or call.when == "call"):
            error = call.excinfo.value if call.excinfo else None
            found = judgement(error, state.judge, requirements_of(item), self.catalogue)
            state.judgement = self.known.judged(check_id(item), found)
            self._set_outcome(report, state.judgement, item)
            if state.judgement.violated and self.bench:
                state.evidence = state.recorder.transcript.rendered(self.bench.target.redactor)
        if call.when == "teardown":
            report.pop3 = self._record(item, state)  # type: ignore[attr-defined]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the records, from here or from a worker."""
        record: dict[str, Any] | None = getattr(report, "pop3", None)
        if record is None or self._workerinput is not None:
            return
        self.results.append(CheckResult.from_dict(record["result"]))
        self.observations += [Observation(**observation) for observation in record["observations"]]
        self.defects += [tuple(defect) for defect in record["defects"]]

    # -- inside --------------------------------------------------------------------------------------------------

    @property
    def _is_controller_of_workers(self) -> bool:
        return self._workerinput is None and self.config.pluginmanager.has_plugin("dsession")

    def _launched(self) -> Profile:
        if not hasattr(self, "_running"):
            self._running = self._resources.enter_context(launch.running(self.profile))
        return self._running.profile

    def _make_bench(self) -> Bench:
        if self._workerinput is None:
            return Bench(self._launched())
        accounts: list[Account] = [self.profile.accounts[i] for i in self._workerinput["pop3_accounts"]]
        return Bench(self.profile, accounts)

    def _set_outcome(self, report: pytest.TestReport, found: Judgement, item: pytest.Item) -> None:
        """Say in pytest's own words what the verdict means for the run."""
        fails = (Verdict.FAIL, Verdict.ERROR) + ((Verdict.WARN,) * (self.config.getoption("--pop3-gate") == "should"))
        if found.verdict in (Verdict.NOT_APPLICABLE, Verdict.NOT_RUN):
            path, line, _ = item.location
            report.outcome, report.longrepr = "skipped", (path, line or 0, f"{found.verdict}: {found.reason}")
        elif found.verdict in fails:
            report.outcome, report.longrepr = "failed", self._explained(found)
        else:
            report.outcome, report.longrepr = "passed", None

    def _explained(self, found: Judgement) -> str:
        if found.verdict is Verdict.ERROR:
            return self._redacted(f"the bench failed: {found.reason}")
        expected = "\n      or: ".join(found.expected)
        rules = "\n".join(f"{id_}: {self.catalogue[id_].statement}" for id_ in found.violated)
        return self._redacted(f"{rules}\nexpected: {expected}\nobserved: {found.observed}")

    def _redacted(self, text: str) -> str:
        return self.bench.target.redactor.text(text) if self.bench else text

    def _record(self, item: pytest.Item, state: CheckState) -> dict[str, Any]:
        """Return what the reporting process needs to know of a check, fit for JSON, secrets taken out."""
        assert self.bench is not None
        found = state.judgement or Judgement(Verdict.ERROR, "the check did not run to its end")
        transcript = state.evidence or state.recorder.transcript.rendered(self.bench.target.redactor)
        result = CheckResult(
            id=check_id(item),
            title=title_of(item),
            verdict=found.verdict,
            reason=self._redacted(found.reason),
            requirements=requirements_of(item),
            violated=found.violated,
            transport=self.bench.target.transport,
            duration_s=round(time.monotonic() - state.started, 4),
            transcript=tuple(TranscriptEntry.from_dict(entry) for entry in transcript),
            expected=tuple(self._redacted(text) for text in found.expected),
            observed=self._redacted(found.observed),
            fingerprint=found.fingerprint,
        )
        observations = [
            asdict(Observation(key=key, value=self._redacted(value), check=result.id))
            for key, value in state.judge.observations
        ]
        defects = [(defect.name, result.id, self._redacted(where)) for defect, where in state.recorder.defects]
        return {"result": result.to_dict(), "observations": observations, "defects": defects}

    def _report_of(self, check: CheckResult) -> pytest.TestReport:
        """Return a report for a check that no item stands for."""
        failed = check.verdict is Verdict.FAIL
        report = pytest.TestReport(
            nodeid=check.id,
            location=(check.id, 0, check.id),
            keywords={},
            outcome="failed" if failed else "passed",
            longrepr=f"{check.title}\nobserved: {check.observed}" if failed else None,
            when="call",
        )
        report.pop3 = {"result": check.to_dict(), "observations": [], "defects": []}  # type: ignore[attr-defined]
        return report


def _profile(target: str) -> Profile:
    return profile_from_url(target) if "://" in target else load_profile(Path(target))


def facts_of(bench: Bench) -> dict[str, Any]:
    """Return what the report says about the target."""
    facts, endpoint = bench.facts, bench.target.endpoint
    before, after = facts.capabilities_before, facts.capabilities_after
    implementation = [
        line.partition(" ")[2] for line in (after or before or ()) if line.upper().startswith("IMPLEMENTATION ")
    ]
    return {
        "name": bench.profile.server.name,
        "host": endpoint.host,
        "port": endpoint.port,
        "transports": [bench.target.transport],
        "greeting": bench.target.redactor.text(str(facts.greeting)) if facts.greeting else None,
        "implementation": implementation[0] if implementation else None,
        "capabilities": {
            "AUTHORIZATION": None if before is None else list(before),
            "TRANSACTION": None if after is None else list(after),
        },
    }
