"""A former report, and how the present one has moved away from it (spec 01 §10.3)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agentdc.testing.results import TOLERANCE, Result


class BadBaseline(Exception):
    """A text that is not a report; the message says why."""


@dataclass(frozen=True, slots=True)
class Then:
    """What a scenario did before."""

    pass_rate: float
    tokens_per_success: float | None
    llm_calls: float | None


@dataclass(frozen=True, slots=True)
class Baseline:
    """Scenario name to what it did before."""

    scenarios: dict[str, Then]

    def regressions(self, results: Sequence[Result]) -> list[str]:
        """Scenarios whose pass rate has fallen."""
        found = []
        for result in results:
            then = self.scenarios.get(result.case.name)
            if then is not None and result.pass_rate < then.pass_rate - TOLERANCE:
                rates = f"from {then.pass_rate:.2f} to {result.pass_rate:.2f}"
                found.append(f"{result.case.name}: pass rate fell {rates}")
        return found

    def drift(self, results: Sequence[Result]) -> list[str]:
        """Everything that has moved, better or worse, one line each."""
        found = []
        for result in results:
            then = self.scenarios.get(result.case.name)
            if then is None:
                found.append(f"{result.case.name}: new")
                continue
            moved = [
                _moved("pass rate", then.pass_rate, result.pass_rate),
                _moved("tokens per success", then.tokens_per_success, result.tokens_per_success),
                _moved("model calls", then.llm_calls, result.cost["llm_calls"]),
            ]
            told = ", ".join(each for each in moved if each)
            if told:
                found.append(f"{result.case.name}: {told}")
        names = {result.case.name for result in results}
        return [*found, *(f"{name}: gone" for name in sorted(self.scenarios.keys() - names))]


def read(text: str) -> Baseline:
    """The baseline in a report of `agentdc test --json`; BadBaseline when it is none."""
    try:
        report = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise BadBaseline("it is not JSON") from problem
    entries = report.get("scenarios") if isinstance(report, dict) else None
    if not isinstance(entries, list):
        raise BadBaseline("it has no list of scenarios")
    return Baseline(dict(_entry(each) for each in entries))


def _entry(entry: Any) -> tuple[str, Then]:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise BadBaseline("a scenario in it has no name")
    rate = _number(entry.get("pass_rate"))
    if rate is None:
        raise BadBaseline(f'the scenario "{entry["name"]}" in it has no pass rate')
    cost = entry.get("cost")
    calls = _number(cost.get("llm_calls")) if isinstance(cost, dict) else None
    return entry["name"], Then(rate, _number(entry.get("cost_per_success_tokens")), calls)


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _moved(what: str, then: float | None, now: float | None) -> str:
    same = then == now or (then is not None and now is not None and abs(then - now) <= TOLERANCE)
    return "" if same else f"{what} {_shown(then)} → {_shown(now)}"


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
