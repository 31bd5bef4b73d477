"""The report for machines (spec 01 §10.3): `summary` and `scenarios` as agentd writes them, and what agentdc adds.

Added: `fixtures`, `edge_coverage`, `drift` with a baseline, `forecast` when asked for, and `diagnostics` as `agentdc
check --format json` gives them.
"""

from __future__ import annotations

import json
from typing import Any

from agentdc.diagnostics.render import json as diagnostics_json
from agentdc.testing.baseline import Baseline
from agentdc.testing.coverage import CAPABILITIES, Coverage, Place, capabilities, tags_of
from agentdc.testing.results import Result, expected_of, path_of
from agentdc.testing.suite import Forecast, Suite


def render(suite: Suite, baseline: Baseline | None = None, forecast: Forecast | None = None) -> str:
    """One JSON object and a newline."""
    report: dict[str, Any] = {
        "summary": _summary(suite),
        "scenarios": [_scenario(each) for each in suite.scenarios],
        "fixtures": [_fixture(each) for each in suite.fixtures],
        "edge_coverage": _coverage(suite.coverage),
    }
    if baseline is not None:
        report["drift"] = baseline.drift(suite.scenarios)
    if forecast is not None:
        report["forecast"] = _forecast(forecast)
    found = [each for result in suite.results for each in result.case.diagnostics]
    report["diagnostics"] = json.loads(diagnostics_json.render(None, found))["diagnostics"]
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"


def _summary(suite: Suite) -> dict[str, Any]:
    scenarios = suite.scenarios
    passed = sum(each.passed for each in scenarios)
    shown = capabilities(scenarios)
    return {
        "scenarios": len(scenarios),
        "passed": passed,
        "failed": len(scenarios) - passed,
        "mean_pass_k": sum(each.pass_k for each in scenarios) / len(scenarios) if scenarios else 0.0,
        "total_llm_calls": sum(each.cost["llm_calls"] for each in scenarios),
        "total_llm_tokens": sum(each.cost["llm_tokens"] for each in scenarios),
        "cost_per_success_tokens": suite.tokens_per_success,
        "total_trial_tokens": suite.tokens,
        "total_passed_trials": suite.passed_trials,
        "coverage": {
            "covered": len(shown.covered),
            "total": len(CAPABILITIES),
            "fraction": len(shown.covered) / len(CAPABILITIES),
            "uncovered": list(shown.uncovered),
            "unknown_tags": list(shown.unknown),
        },
    }


def _scenario(result: Result) -> dict[str, Any]:
    return {
        "name": result.case.name,
        "capabilities": list(tags_of(result)),
        "trials": result.case.trials,
        "passed_trials": result.passed_trials,
        "pass_k": result.pass_k,
        "pass_rate": result.pass_rate,
        "min_pass_rate": result.min_pass_rate,
        "passed": result.passed,
        "cost": result.cost,
        "cost_per_success_tokens": result.tokens_per_success,
        "total_latency_ms": round(result.seconds * 1000),
        "load_error": result.load_error,
        "failures": result.failures,
    }


def _fixture(result: Result) -> dict[str, Any]:
    ran = result.trials[0].ran if result.trials else None
    expected = None if result.case.test is None else expected_of(result.case)
    return {
        "name": result.case.name,
        "passed": result.passed,
        "load_error": result.load_error,
        "failures": [each for trial in result.trials for each in trial.failures],
        "status": None if ran is None else ran.status,
        "expected_path": [] if expected is None else list(expected.path),
        "path": [] if ran is None else list(path_of(ran, scenario=False)),
        "unused_mocks": {} if ran is None else dict(ran.unused),
        "latency_ms": round(result.seconds * 1000),
    }


def _coverage(coverage: Coverage) -> dict[str, Any]:
    (taken, edges), (entered, nodes) = coverage.edges, coverage.nodes
    return {
        "edges": {"covered": taken, "total": edges, "fraction": coverage.fraction},
        "nodes": {"covered": entered, "total": nodes, "fraction": entered / nodes if nodes else 1.0},
        "files": [
            {
                "file": each.file,
                "edges": each.edges,
                "nodes": each.nodes,
                "uncovered_edges": [_edge(place) for place in each.missed_edges],
                "uncovered_nodes": [{"id": place.node, "line": place.line} for place in each.missed_nodes],
            }
            for each in coverage.files
        ],
    }


def _edge(place: Place) -> dict[str, Any]:
    return {"from": place.node, "to": place.to, "when": place.when, "line": place.line}


def _forecast(forecast: Forecast) -> dict[str, Any]:
    return {
        "runs_per_day": forecast.runs_per_day,
        "tokens_per_day": forecast.tokens_per_day,
        "tokens_per_month": forecast.tokens_per_month,
        "usd_per_month": forecast.usd_per_month,
    }
