"""One run of the suite inside pytest: from the profile to the results."""

import pickle
import random
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from conformance import launch
from conformance.plugin.bench import Bench, Share
from conformance.plugin.checks import check_id, requirements_of, selected, title_of, wanted
from conformance.plugin.every_reply import judge_every_reply
from conformance.plugin.idle import SlowLane, Watch
from conformance.plugin.judging import Judge, Judgement, judgement
from conformance.plugin.known import KnownDeviations
from conformance.plugin.outcome import Exit, Gate, exit_code, notes
from conformance.profile import Profile, ProfileError, load_profile, profile_from_url
from conformance.report.baseline import NO_BASELINE, Baseline
from conformance.report.data import (
    CheckResult,
    Observation,
    Report,
    RunFacts,
    TargetFacts,
    TranscriptEntry,
    build_report,
)
from conformance.report.visible import visible
from conformance.report.write import write_report
from conformance.requirements import catalogue_digest, load_catalogue
from conformance.verdict import BenchError, NotRun, Verdict
from conformance.wire.session import Recorder
from conformance.wire.transcript import Redactor

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
        self.usage = ""
        """Why the run cannot be made as it was asked for."""
        self.failure = ""
        """Why the server cannot be tested, or the report cannot be written."""
        self.crashed: list[str] = []
        """The node ids of checks whose process has died."""
        self.report: Report | None = None
        self.started = datetime.now(UTC)
        self.bench: Bench | None = None
        self.slow_lane: SlowLane | None = None
        self._resources = ExitStack()
        self._workerinput: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._shares: list[Share] = []
        self._share_of: dict[str, Share] = {}
        if self._workerinput is None:
            seed = config.getoption("--pop3-seed")
            self.seed: int = random.SystemRandom().randrange(2**32) if seed is None else seed
            try:
                self.profile = _profile(config.getoption("--pop3-profile"))
                baseline = config.getoption("--pop3-baseline")
                self.gate = Gate(config.getoption("--pop3-gate"), Baseline.read(baseline) if baseline else NO_BASELINE)
            except (ProfileError, ValueError) as error:
                raise pytest.UsageError(str(error)) from error
        else:
            self.seed = self._workerinput["pop3_seed"]
            self.profile = pickle.loads(self._workerinput["pop3_profile"])
            self.gate = pickle.loads(self._workerinput["pop3_gate"])
        self.known = KnownDeviations(self.profile.known)
        self.redactor = Redactor.of(account.secret() for account in self.profile.accounts)
        config.option.pop3_seed = self.seed
        if config.getoption("dist", "no") == "each":
            raise pytest.UsageError("the checks share maildrops, so that each is run once: not with --dist each")

    # -- collection ----------------------------------------------------------------------------------------------

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Let the checks that wait for minutes wait."""
        if _is_slow(item):
            item.add_marker(pytest.mark.timeout(0))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Select checks, put those that wait for minutes last, and give each its hard ceiling."""
        checks = [item for item in items if requirements_of(item)]
        try:
            _refuse_other_fixtures(checks, config)
            chosen, left_out = selected(checks, config.getoption("--pop3-select"), config.getoption("--pop3-exclude"))
        except pytest.UsageError as error:
            self.usage = str(error)
            if self._workerinput is None:
                raise
            chosen, left_out = [], checks  # the process that reports says so when we are done
        if left_out:
            config.hook.pytest_deselected(items=left_out)
        if len(checks) == len(items):
            # What hypothesis would otherwise leave in the directory where the user happens to be.
            set_hypothesis_home_dir(self._resources.enter_context(TemporaryDirectory(prefix="pop3-")))
        items[:] = [item for item in items if item not in set(left_out)]
        items.sort(key=_is_slow)
        ceiling = max(60.0, CEILING * self.profile.limits.reply)
        for item in chosen:
            if not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(ceiling, method="signal"))

    # -- the run -------------------------------------------------------------------------------------------------

    def pytest_report_header(self) -> str:
        """Say what is tested, and with which random seed."""
        return f"POP3 server under test: {visible(self.profile.server.name)}, random seed {self.seed}"

    def pytest_sessionstart(self) -> None:
        """Look at the server before there are workers, and see how many can share it."""
        if self._is_controller_of_workers:
            self._look(None)
            assert self.bench is not None
            lock = Path(self._resources.enter_context(TemporaryDirectory(prefix="pop3-")), "rare-accounts")
            self._shares = self.bench.shares(len(self.config.option.tx), lock)
            del self.config.option.tx[len(self._shares) :]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Look at the server, run the checks, and judge what no single one can."""
        if session.config.option.collectonly or not (self._is_controller_of_workers or self._has_checks(session)):
            return (yield)
        if not self._is_controller_of_workers:
            self._look(None if self._workerinput is None else pickle.loads(self._workerinput["pop3_share"]))
            assert self.bench is not None
            self.slow_lane = self._make_slow_lane(self.bench, session.items)
        try:
            return (yield)
        finally:
            if self._workerinput is None:
                self._judge_every_reply()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand a worker of pytest-xdist its share (called in the process that reports)."""
        # One that has crashed is replaced by another with a name of its own.
        share = next(share for share in self._shares if share not in self._share_of.values())
        self._share_of[node.workerinput["workerid"]] = share
        node.workerinput["pop3_seed"] = self.seed
        node.workerinput["pop3_profile"] = pickle.dumps(self._launched())
        node.workerinput["pop3_share"] = pickle.dumps(share)
        node.workerinput["pop3_gate"] = pickle.dumps(self.gate)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take back the share of a worker, and take over what it had against the usage."""
        self._share_of.pop(node.workerinput["workerid"], None)
        self.usage = self.usage or getattr(node, "workeroutput", {}).get("pop3_usage", "")

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str) -> None:
        """Remember a check that has no verdict, since its worker has died (called in the process that reports)."""
        self.crashed.append(crashitem)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the report; pytest's own exit code stands unless it would call the run good."""
        if self._workerinput is not None:
            self.config.workeroutput["pop3_usage"] = self.usage  # type: ignore[attr-defined]
            return
        if self.usage:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        if not self.results:
            return
        self.report = self._make_report(interrupted=exitstatus == pytest.ExitCode.INTERRUPTED)
        if exitstatus == pytest.ExitCode.OK or self.crashed:
            session.exitstatus = self.report.run.exit
        if directory := self.config.getoption("--pop3-report-dir"):
            try:
                write_report(self.report, directory)
            except OSError as error:
                self.failure = error.strerror or str(error)
                session.exitstatus = Exit.USAGE

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what the failures of single checks do not say."""
        usage = self.usage if self._is_controller_of_workers else ""  # elsewhere pytest says it
        for line in filter(None, (usage, self.failure, *(self.report.run.notes if self.report else ()))):
            terminalreporter.write_line(f"pop3-conformance: {line}", red=True)

    def pytest_unconfigure(self) -> None:
        """Stop the server."""
        self._resources.close()

    def _make_report(self, interrupted: bool) -> Report:
        gone = self.known.gone(self.results)
        code = exit_code(self.results, self.gate, gone, interrupted)
        crashes = [f"The process that ran {check} has died: that check has no verdict." for check in self.crashed]
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
                exit=Exit.SUITE_FAILED if self.crashed else code,
                notes=(*notes(self.results, gone, interrupted), *crashes, *self._changes()),
            ),
        )

    def _changes(self) -> tuple[str, ...]:
        """Return what is different from the baseline, if there is one."""
        return tuple(self.gate.baseline.notes(self.results)) if self.config.getoption("--pop3-baseline") else ()

    def _options(self) -> dict[str, str]:
        """Return the options that make one run differ from another."""
        option = self.config.getoption
        minimum, baseline = option("--pop3-autologout-minimum"), option("--pop3-baseline")
        return {
            "gate": self.gate.name,
            "select": " ".join(option("--pop3-select")),
            "exclude": " ".join(option("--pop3-exclude")),
            "slow": "yes" if option("--pop3-slow") else "no",
            **({} if minimum == AUTOLOGOUT_MINIMUM else {"autologout-minimum": f"{minimum:g}"}),
            **({"baseline": str(baseline)} if baseline else {}),
        }

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Leave out what waits for minutes unless that is wanted."""
        if _is_slow(item) and not self.config.getoption("--pop3-slow"):
            raise NotRun("the slow lane is off; --slow lets it run")

    # -- one check -----------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Give the check its recorder, and the accounts that it may use."""
        with self.bench.rare_accounts() if self.bench is not None and _is_particular(item) else nullcontext():
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
            if state.judgement.violated:
                state.evidence = state.recorder.transcript.rendered(self.redactor)
        elif state.judgement is not None and call.excinfo is not None:
            # What goes wrong behind the verdict does not take it back, unless it was none of a deviation.
            found = judgement(call.excinfo.value, Judge(), requirements_of(item), self.catalogue)
            state.judgement = max(state.judgement, found, key=lambda either: either.verdict.severity)
            self._set_outcome(report, found, item)
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

    def _has_checks(self, session: pytest.Session) -> bool:
        return any(requirements_of(item) for item in session.items)

    def _look(self, share: Share | None) -> None:
        """Start the server if the profile says how, and look at it. Ends the run if it cannot be tested."""
        try:
            self.bench = Bench(self._launched(), share)
        except (BenchError, ProfileError) as error:
            self.failure = self.redactor.text(str(error))
            pytest.exit(f"the server cannot be tested: {self.failure}", returncode=Exit.CANNOT_TEST)
        self.facts = facts_of(self.bench)

    def _judge_every_reply(self) -> None:
        select, exclude = self.config.getoption("--pop3-select"), self.config.getoption("--pop3-exclude")
        for check in judge_every_reply(self.defects, self.results, self.catalogue):
            # A deviation counts unless it is excluded, a pass only where the selected checks can speak for it.
            deviates = check.verdict is not Verdict.PASS
            if wanted(() if deviates else select, exclude, check.id, check.requirements):
                self.config.hook.pytest_runtest_logreport(report=self._report_of(self.known.applied_to(check)))

    def _launched(self) -> Profile:
        if self._workerinput is not None:
            return self.profile
        if not hasattr(self, "_running"):
            self._running = self._resources.enter_context(launch.running(self.profile))
        return self._running.profile

    def _make_slow_lane(self, bench: Bench, items: Sequence[pytest.Item]) -> SlowLane:
        used = {name for item in items for name in getattr(item, "fixturenames", ())}
        wanted = [watch for watch in Watch if watch.value in used]
        minimum: float = self.config.getoption("--pop3-autologout-minimum")
        lane = SlowLane(bench, minimum, wanted)
        self._resources.callback(lane.stop)
        # Of several workers one gets all the slow checks; which one shows when it comes to them.
        if self.config.getoption("--pop3-slow") and self._workerinput is None:
            lane.start()
        return lane

    def _set_outcome(self, report: pytest.TestReport, found: Judgement, item: pytest.Item) -> None:
        """Say in pytest's own words what the verdict means for the run."""
        if found.verdict in (Verdict.NOT_APPLICABLE, Verdict.NOT_RUN):
            path, line, _ = item.location
            reason = self._redacted(f"{found.verdict}: {found.reason}")
            report.outcome, report.longrepr = "skipped", (path, line or 0, reason)
        elif found.verdict is Verdict.ERROR or self._stops(check_id(item), found):
            report.outcome, report.longrepr = "failed", self._explained(found)
        elif report.when == "setup" and found.verdict is not Verdict.PASS:
            # A fixture has met a deviation that does not fail the gate; there is nothing to call the check with.
            path, line, _ = item.location
            report.outcome, report.longrepr = "skipped", (path, line or 0, self._explained(found))
        else:
            report.outcome, report.longrepr = "passed", None

    def _stops(self, check: str, found: Judgement) -> bool:
        assert self.bench is not None
        return self.gate.stops(check, self.bench.target.transport, found.verdict, found.fingerprint)

    def _explained(self, found: Judgement) -> str:
        if found.verdict is Verdict.ERROR:
            return self._redacted(f"the bench failed: {found.reason}")
        expected = "\n      or: ".join(found.expected)
        rules = "\n".join(f"{id_}: {self.catalogue[id_].statement}" for id_ in found.violated)
        return self._redacted(f"{rules}\nexpected: {expected}\nobserved: {found.observed}")

    def _redacted(self, text: str) -> str:
        return self.redactor.text(text)

    def _record(self, item: pytest.Item, state: CheckState) -> dict[str, Any]:
        """Return what the reporting process needs to know of a check, fit for JSON, secrets taken out."""
        assert self.bench is not None
        found = state.judgement or Judgement(Verdict.ERROR, "the check did not run to its end")
        transcript = state.evidence or state.recorder.transcript.rendered(self.redactor)
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
        failed = self.gate.stops(check.id, check.transport, check.verdict, check.fingerprint)
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


def _is_slow(item: pytest.Item) -> bool:
    """True for a check that waits for minutes. A project may have a mark of that name for tests of its own."""
    return bool(requirements_of(item)) and item.get_closest_marker("slow") is not None


def _refuse_other_fixtures(checks: Sequence[pytest.Item], config: pytest.Config) -> None:
    """Raise `pytest.UsageError` if the checks would get a fixture of somebody else's by the name of one of ours."""
    ours = config.pluginmanager.get_plugin("pop3-fixtures")
    assert isinstance(ours, ModuleType)
    for item in checks:
        assert isinstance(item, pytest.Function)
        for name, definitions in item._fixtureinfo.name2fixturedefs.items():
            source = definitions[-1].func.__module__
            if hasattr(ours, name) and source not in (ours.__name__, item.module.__name__):
                raise pytest.UsageError(
                    f"the fixture {name!r} of {source} hides that of the checks: run them in another directory, "
                    "or with --noconftest"
                )


def _is_particular(item: pytest.Item) -> bool:
    """True for a check that any account will not do for: it asks for one of a kind, or for the bench itself."""
    if not (requirements_of(item) and isinstance(item, pytest.Function)):
        return False
    return "bench" in signature(item.function).parameters or bool(
        {"apop_account", "pass_account"} & set(item.fixturenames)
    )


def _profile(target: str) -> Profile:
    return profile_from_url(target) if "://" in target else load_profile(Path(target))


def facts_of(bench: Bench) -> dict[str, Any]:
    """Return what the report says about the target."""
    facts, endpoint, redacted = bench.facts, bench.target.endpoint, bench.target.redactor.text
    before, after = (
        None if lines is None else [redacted(line) for line in lines]
        for lines in (facts.capabilities_before, facts.capabilities_after)
    )
    implementation = [
        line.partition(" ")[2] for line in (after or before or ()) if line.upper().startswith("IMPLEMENTATION ")
    ]
    return {
        "name": bench.profile.server.name,
        "host": endpoint.host,
        "port": endpoint.port,
        "transports": [bench.target.transport],
        "greeting": redacted(str(facts.greeting)) if facts.greeting else None,
        "implementation": implementation[0] if implementation else None,
        "capabilities": {"AUTHORIZATION": before, "TRANSACTION": after},
    }
