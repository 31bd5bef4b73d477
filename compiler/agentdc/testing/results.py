"""What became of the tests: each run against what was expected of it (spec 01 §10.1, §10.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentdc.testing.cases import Case
from agentdc.testing.models import FixtureExpected, Scenario, ScenarioExpected

COST = ("llm_calls", "llm_tokens", "node_executions", "policy_denials")
TOLERANCE = 1e-9
_LONGEST = 12  # nodes of a path that one line tells


@dataclass(frozen=True, slots=True)
class Entry:
    """One visit of a node, as far as it is shown; `output` is JSON text, cut when it is long."""

    node: str
    kind: str
    branch: str | None
    output: str


@dataclass(frozen=True, slots=True)
class Ran:
    """How one run went.

    `path`: ids of all nodes entered. `tail`: the last visits. `trail`: (file, line, node, kind) of the nodes that an
    error passed. `seconds`: how long it took. `unused`: answers left over, by queue. `seen`: workflow file to the
    nodes and edges that were taken.
    """

    status: str
    reason: str | None
    error: str | None
    last_node: str | None
    path: tuple[str, ...]
    seconds: float
    counters: Mapping[str, int]
    tail: tuple[Entry, ...] = ()
    trail: tuple[tuple[str, int, str, str], ...] = ()
    unused: Mapping[str, int] = field(default_factory=dict)
    seen: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a test: how it went, and what was not as expected. `ran`: None when it could not be run."""

    ran: Ran | None
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One test with all its runs; `load_error`: why there is nothing to compare, or None."""

    case: Case
    load_error: str | None
    trials: tuple[Trial, ...] = ()

    @property
    def passed_trials(self) -> int:
        """How many runs were as expected."""
        return 0 if self.load_error else sum(not trial.failures for trial in self.trials)

    @property
    def pass_rate(self) -> float:
        """Share of the runs that were as expected."""
        return self.passed_trials / self.case.trials

    @property
    def pass_k(self) -> float:
        """1.0 when every run was as expected, else 0.0."""
        return float(self.passed_trials == self.case.trials)

    @property
    def min_pass_rate(self) -> float | None:
        """The share that the test asks for; None = every run."""
        return self.case.test.min_pass_rate if isinstance(self.case.test, Scenario) else None

    @property
    def passed(self) -> bool:
        """Whether the test met its own bar."""
        if self.load_error is not None:
            return False
        bar = self.min_pass_rate
        return self.pass_k == 1.0 if bar is None else self.pass_rate >= bar - TOLERANCE

    @property
    def cost(self) -> dict[str, int]:
        """The counters of the first run."""
        first = next((trial.ran for trial in self.trials), None)
        return {name: 0 if first is None else first.counters[name] for name in COST}

    @property
    def tokens(self) -> int:
        """Tokens of all runs."""
        return sum(trial.ran.counters["llm_tokens"] for trial in self.trials if trial.ran is not None)

    @property
    def tokens_per_success(self) -> float | None:
        """Tokens of all runs for each that was as expected; None without any."""
        return self.tokens / self.passed_trials if self.passed_trials else None

    @property
    def seconds(self) -> float:
        """How long all runs took."""
        return sum(trial.ran.seconds for trial in self.trials if trial.ran is not None)

    @property
    def failures(self) -> list[str]:
        """Everything that was not as expected, by trial."""
        return [
            f"trial {number}: {failure}"
            for number, trial in enumerate(self.trials)
            for failure in trial.failures
        ]


def read(answer: Mapping[str, Any]) -> Ran:
    """A run from the words of the harness."""
    return Ran(
        status=answer["status"],
        reason=answer["reason"],
        error=answer["error"],
        last_node=answer["last_node"],
        path=tuple(answer["path"]),
        seconds=answer["seconds"],
        counters=answer["counters"],
        tail=tuple(Entry(**each) for each in answer["tail"]),
        trail=tuple((file, line, node, kind) for file, line, node, kind in answer["trail"]),
        unused=answer["unused"],
        seen=answer["seen"],
    )


def expected_of(case: Case) -> FixtureExpected:
    """What the test expects."""
    assert case.test is not None
    return case.test.expected


def judged(case: Case, ran: Ran) -> Trial:
    """A run against what its test expects."""
    return Trial(ran, tuple(mismatches(expected_of(case), ran, scenario=case.scenario)))


def concluded(case: Case, trials: tuple[Trial, ...], problem: str | None) -> Result:
    """A test when all its runs are over; a fixture whose run errors unexpectedly counts as not loaded."""
    if problem is None and not case.scenario and trials:
        ran = trials[0].ran
        if ran is not None and ran.status == "errored" and expected_of(case).status != "errored":
            problem = f"the run errored: {ran.error}"
    return Result(case, problem, trials)


def path_of(ran: Ran, *, scenario: bool) -> tuple[str, ...]:
    """The path that expectations are about: an errored run of a scenario has none (spec 01 §10.2)."""
    return () if scenario and ran.status == "errored" else ran.path


def mismatches(expected: FixtureExpected, ran: Ran, *, scenario: bool) -> Iterator[str]:
    """One line for each thing that is not as expected."""
    if expected.status is not None and ran.status != expected.status:
        why = ran.reason or ran.error
        yield f"status: expected {expected.status}, actual {ran.status}{f' ({why})' if why else ''}"
    last = None if scenario and ran.status == "errored" else ran.last_node
    if expected.last_node is not None and last != expected.last_node:
        yield f"last_node: expected {expected.last_node}, actual {last or 'none'}"
    yield from _reason(expected, ran, scenario=scenario)
    path = path_of(ran, scenario=scenario)
    at = difference(expected, path)
    if at is not None:
        told = f"expected {_line(expected.path, at)}, actual {_line(path, at)}"
        yield f"path: {told} (step {at + 1} differs)"
    if isinstance(expected, ScenarioExpected):
        yield from _counts(expected, ran)


def difference(expected: FixtureExpected, path: tuple[str, ...]) -> int | None:
    """The first step, from 0, at which the path is not as expected; None when it is."""
    if not expected.path:
        return None
    for at, node in enumerate(expected.path):
        if at >= len(path) or path[at] != node:
            return at
    return len(expected.path) if expected.path_exact and len(path) > len(expected.path) else None


def _reason(expected: FixtureExpected, ran: Ran, *, scenario: bool) -> Iterator[str]:
    wanted = expected.reason_contains
    if wanted is None:
        return
    told = ran.reason if ran.status == "failed" else None
    if ran.status == "errored" and (scenario or expected.status == "errored"):
        told = ran.error
    if told is None:
        yield f'reason: expected one with "{wanted}", actual none (the run {ran.status})'
    elif wanted not in told:
        yield f'reason: expected one with "{wanted}", actual "{told}"'


def _counts(expected: ScenarioExpected, ran: Ran) -> Iterator[str]:
    calls, tokens = ran.counters["llm_calls"], ran.counters["llm_tokens"]
    denials = ran.counters["policy_denials"]
    if expected.max_llm_calls is not None and calls > expected.max_llm_calls:
        yield f"llm_calls: expected at most {expected.max_llm_calls}, actual {calls}"
    if expected.max_total_tokens is not None and tokens > expected.max_total_tokens:
        yield f"llm_tokens: expected at most {expected.max_total_tokens}, actual {tokens}"
    if expected.min_policy_denials is not None and denials < expected.min_policy_denials:
        yield f"policy_denials: expected at least {expected.min_policy_denials}, actual {denials}"


def _line(path: tuple[str, ...], at: int) -> str:
    """A path on one line, cut around the step that matters."""
    first = max(0, at - _LONGEST // 2)
    part = path[first : first + _LONGEST]
    before, after = "… → " if first else "", " → …" if first + _LONGEST < len(path) else ""
    return f"{before}{' → '.join(part)}{after}" if part else f"{before}nothing"
