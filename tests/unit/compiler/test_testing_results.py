"""Runs against expectations, sums over trials, baselines, and how all of it is told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from agentdc.testing import baseline, junit, report_json
from agentdc.testing.cases import Case
from agentdc.testing.coverage import CAPABILITIES, Coverage, FileCoverage, Place
from agentdc.testing.fits import misfit
from agentdc.testing.models import Fixture, Scenario, ScenarioExpected
from agentdc.testing.report_text import TextReport
from agentdc.testing.results import Entry, Ran, Result, concluded, judged, mismatches
from agentdc.testing.suite import Bars, Suite
from agentdc.types import INTEGER, NULL, STRING, UNKNOWN, Array, Literal, Object, Type, record, union

COUNTERS = {"llm_calls": 2, "llm_tokens": 30, "node_executions": 3, "policy_denials": 1}
DONE = Ran("completed", None, None, "c", ("a", "b", "c"), 0.25, COUNTERS)
FAILED = replace(DONE, status="failed", reason="too late")
ERRORED = replace(DONE, status="errored", error="policy violation: no")
LATE = replace(DONE, status="timed_out", last_node=None, path=())


@pytest.mark.parametrize(
    ("expected", "ran", "told"),
    [
        ({}, DONE, []),
        ({}, LATE, []),
        ({"status": "completed"}, DONE, []),
        ({"status": "completed"}, FAILED, ["status: expected completed, actual failed (too late)"]),
        ({"status": "failed"}, ERRORED, ["status: expected failed, actual errored (policy violation: no)"]),
        ({"last_node": "c"}, DONE, []),
        ({"last_node": "b"}, DONE, ["last_node: expected b, actual c"]),
        ({"last_node": "b"}, LATE, ["last_node: expected b, actual none"]),
        ({"reason_contains": "late"}, FAILED, []),
        ({"reason_contains": "early"}, FAILED, ['reason: expected one with "early", actual "too late"']),
        ({"reason_contains": "x"}, DONE, ['reason: expected one with "x", actual none (the run completed)']),
        (
            {"reason_contains": "no"},
            ERRORED,
            ['reason: expected one with "no", actual none (the run errored)'],
        ),
        ({"reason_contains": "no", "status": "errored"}, ERRORED, []),
        ({"path": []}, DONE, []),
        ({"path": [], "path_exact": True}, DONE, []),
        ({"path": ["a", "b"]}, DONE, []),
        ({"path": ["a", "b", "c"], "path_exact": True}, DONE, []),
        (
            {"path": ["a", "b"], "path_exact": True},
            DONE,
            ["path: expected a → b, actual a → b → c (step 3 differs)"],
        ),
        ({"path": ["a", "c"]}, DONE, ["path: expected a → c, actual a → b → c (step 2 differs)"]),
        ({"path": ["a"]}, LATE, ["path: expected a, actual nothing (step 1 differs)"]),
        (
            {"path": ["a", "b", "c", "d"]},
            DONE,
            ["path: expected a → b → c → d, actual a → b → c (step 4 differs)"],
        ),
    ],
)
def test_fixture_expectations(expected: dict[str, Any], ran: Ran, told: list[str]) -> None:
    fixture = Fixture.model_validate({"start": "go", "expected": expected})
    assert list(mismatches(fixture.expected, ran, scenario=False)) == told


@pytest.mark.parametrize(
    ("expected", "ran", "told"),
    [
        ({"reason_contains": "no"}, ERRORED, []),
        ({"path": ["a"]}, ERRORED, ["path: expected a, actual nothing (step 1 differs)"]),
        ({"last_node": "c"}, ERRORED, ["last_node: expected c, actual none"]),
        ({"max_llm_calls": 2, "max_total_tokens": 30, "min_policy_denials": 1}, DONE, []),
        ({"max_llm_calls": 1}, DONE, ["llm_calls: expected at most 1, actual 2"]),
        ({"max_total_tokens": 29}, DONE, ["llm_tokens: expected at most 29, actual 30"]),
        ({"min_policy_denials": 2}, ERRORED, ["policy_denials: expected at least 2, actual 1"]),
    ],
)
def test_scenario_expectations(expected: dict[str, Any], ran: Ran, told: list[str]) -> None:
    assert list(mismatches(ScenarioExpected.model_validate(expected), ran, scenario=True)) == told


def _result(name: str, runs: list[Ran], **keys: Any) -> Result:
    table = {"name": name, "trials": len(runs), "expected": {"status": "completed"}, **keys}
    case = Case(f"{name}.toml", Scenario.model_validate(table), scenario=True)
    return concluded(case, tuple(judged(case, ran) for ran in runs), None)


@pytest.mark.parametrize(
    ("runs", "bar", "rate", "k", "passed"),
    [
        ([DONE, DONE], None, 1.0, 1.0, True),
        ([DONE, FAILED], None, 0.5, 0.0, False),
        ([DONE, FAILED], 0.5, 0.5, 0.0, True),
        ([DONE, FAILED, FAILED], 0.5, 1 / 3, 0.0, False),
        ([DONE, DONE, FAILED], 0.6666666667, 2 / 3, 0.0, True),  # within the tolerance
        ([FAILED], 0.0, 0.0, 0.0, True),
        ([DONE], 1.0, 1.0, 1.0, True),
    ],
)
def test_bars(runs: list[Ran], bar: float | None, rate: float, k: float, passed: bool) -> None:
    result = _result("s", runs, **({} if bar is None else {"min_pass_rate": bar}))
    assert (result.pass_rate, result.pass_k, result.passed) == (rate, k, passed)


def test_cost_is_of_the_first_trial_and_tokens_of_all() -> None:
    dear = replace(DONE, counters=COUNTERS | {"llm_tokens": 70})
    result = _result("s", [DONE, dear, FAILED])
    assert result.cost == COUNTERS
    assert result.tokens == 130
    assert result.tokens_per_success == 65.0
    assert _result("s", [FAILED]).tokens_per_success is None
    assert result.failures == ["trial 2: status: expected completed, actual failed (too late)"]


def test_an_errored_fixture_is_a_load_error_unless_that_is_expected() -> None:
    for status, problem in ((None, "the run errored: policy violation: no"), ("errored", None)):
        expected = {} if status is None else {"status": status}
        case = Case("f", Fixture.model_validate({"start": "go", "expected": expected}))
        assert concluded(case, (judged(case, ERRORED),), None).load_error == problem


COVERED = Coverage((FileCoverage("w.toml", 3, 2, (Place(9, "c"),), (Place(12, "b", "error", "c"),)),))


def _suite(*results: Result) -> Suite:
    return Suite(results, COVERED, 1.5)


@pytest.mark.parametrize(
    ("bars", "told"),
    [
        (Bars(), []),
        (Bars(min_pass_rate=0.5), []),
        (Bars(min_pass_rate=0.6), ["half: pass rate 0.50 is below 0.6"]),
        (Bars(min_edge_coverage=0.5), []),
        (Bars(min_edge_coverage=0.51), ["edge coverage 0.50 is below 0.51"]),
    ],
)
def test_shortfalls(bars: Bars, told: list[str]) -> None:
    half = _result("half", [DONE, FAILED], min_pass_rate=0.4)
    assert _suite(_result("whole", [DONE]), half).shortfalls(bars) == told


def test_nothing_found_is_not_good_enough() -> None:
    assert Suite((), Coverage(()), 0).shortfalls(Bars()) == ["no fixture and no scenario was found"]


def test_baseline_regressions_and_drift() -> None:
    before = _suite(_result("a", [DONE]), _result("b", [DONE]), _result("gone", [DONE]))
    then = baseline.read(report_json.render(before))
    dear = replace(DONE, counters=COUNTERS | {"llm_tokens": 45, "llm_calls": 3})
    now = _suite(
        _result("a", [DONE, FAILED], min_pass_rate=0.1), _result("b", [dear]), _result("new", [DONE])
    )
    assert now.shortfalls(Bars(baseline=then)) == ["a: pass rate fell from 1.00 to 0.50"]
    assert then.drift(now.scenarios) == [
        "a: pass rate 1 → 0.5, tokens per success 30 → 60",
        "b: tokens per success 30 → 45, model calls 2 → 3",
        "new: new",
        "gone: gone",
    ]
    assert then.drift(before.scenarios) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is not JSON"),
        ("[" * 10000, "it is not JSON"),
        ("[]", "it has no list of scenarios"),
        ('{"scenarios": {}}', "it has no list of scenarios"),
        ('{"scenarios": [1]}', "a scenario in it has no name"),
        ('{"scenarios": [{"name": "a", "pass_rate": true}]}', 'the scenario "a" in it has no pass rate'),
    ],
)
def test_what_is_no_baseline(text: str, reason: str) -> None:
    with pytest.raises(baseline.BadBaseline, match=reason):
        baseline.read(text)


def test_forecast() -> None:
    suite = _suite(_result("a", [DONE, DONE, FAILED]))  # 90 tokens for two passed trials
    forecast = suite.forecast(1000, 2.0)
    assert forecast is not None
    assert (forecast.tokens_per_day, forecast.tokens_per_month) == (45_000, 1_350_000)
    assert forecast.usd_per_month == pytest.approx(2.7)
    assert "45000 tokens a day, 1350000 a month, 2.70 USD a month" in TextReport().ending([], forecast, [])
    assert _suite(_result("a", [FAILED])).forecast(1000, 2.0) is None


def test_json_has_the_fields_of_the_specification_in_order() -> None:
    shown = _result("a", [DONE, FAILED], capabilities=["switch", "odd"], min_pass_rate=0.5)
    failed = _result("b", [FAILED], capabilities=["merge"])
    report = json.loads(report_json.render(_suite(shown, failed)))
    assert list(report) == ["summary", "scenarios", "fixtures", "edge_coverage", "diagnostics"]
    assert {key: value for key, value in report["summary"].items() if key != "coverage"} == {
        "scenarios": 2,
        "passed": 1,
        "failed": 1,
        "mean_pass_k": 0.0,
        "total_llm_calls": 4,
        "total_llm_tokens": 60,
        "cost_per_success_tokens": 90.0,
        "total_trial_tokens": 90,
        "total_passed_trials": 1,
    }
    coverage = report["summary"]["coverage"]
    assert list(coverage) == ["covered", "total", "fraction", "uncovered", "unknown_tags"]
    assert (coverage["covered"], coverage["total"], coverage["unknown_tags"]) == (1, 37, ["odd"])
    assert coverage["uncovered"] == [each for each in CAPABILITIES if each != "switch"]
    assert report["scenarios"][0] == {
        "name": "a",
        "capabilities": ["switch", "odd"],
        "trials": 2,
        "passed_trials": 1,
        "pass_k": 0.0,
        "pass_rate": 0.5,
        "min_pass_rate": 0.5,
        "passed": True,
        "cost": COUNTERS,
        "cost_per_success_tokens": 60.0,
        "total_latency_ms": 500,
        "load_error": None,
        "failures": ["trial 1: status: expected completed, actual failed (too late)"],
    }


def test_the_37_capabilities() -> None:
    assert len(CAPABILITIES) == len(set(CAPABILITIES)) == 37


SIDE_BY_SIDE = """\
FAIL  f
      the path differs at step 3:
             expected  actual
          1  a         a
          2  b         b
      >   3  x\\u202e   c
          4  y         –
      the run's last steps (after 2 more):
        c [switch] → odd  {"value":1}

0 passed, 1 failed in 1.50 s
edges taken: 1 of 2 (50%); nodes entered: 2 of 3
  never taken: w.toml:9: node c
  never taken: w.toml:12: edge b → c when "error"
not good enough: f: failed
"""


def _differing(expected: list[str], ran: Ran) -> Suite:
    fixture = Fixture.model_validate({"start": "go", "expected": {"path": expected}})
    case = Case("f", fixture)
    return _suite(concluded(case, (judged(case, ran),), None))


def test_paths_side_by_side() -> None:
    ran = replace(DONE, tail=(Entry("c", "switch", "odd", '{"value":1}'),))
    suite = _differing(["a", "b", "x\u202e", "y"], ran)
    report = TextReport()
    told = report.tests(suite) + report.sums(suite) + report.ending([], None, suite.shortfalls(Bars()))
    assert told == SIDE_BY_SIDE


def test_long_paths_are_cut_around_the_difference() -> None:
    ids = [f"n{number}" for number in range(100)]
    suite = _differing([*ids[:50], "x", *ids[51:]], replace(DONE, path=tuple(ids)))
    told = TextReport().tests(suite)
    assert "… 44 equal steps" in told
    assert "… 43 more steps" in told
    assert "      >  51  x         n50" in told
    assert len(told.splitlines()) < 25
    assert "… → n44" in suite.results[0].failures[0]


def test_colour_only_when_asked_for() -> None:
    suite = _differing(["x"], DONE)
    assert "\x1b[" not in TextReport().tests(suite)
    assert "\x1b[1;31m" in TextReport(colour=True).tests(suite)


def test_junit_has_the_shape_that_build_servers_read() -> None:
    broken = Result(Case("bad\x1b<&>\"'", None, problem="[x] no"), "[x] no")
    suite = _suite(_result("fine", [DONE]), _result("b & c", [FAILED, FAILED]), broken)
    root = ET.fromstring(junit.render(suite))
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "1")
    names = [(group.get("name"), group.get("tests")) for group in root]
    assert names == [("fixtures", "1"), ("scenarios", "2")]
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert list(cases) == ["bad�<&>\"'", "fine", "b & c"]
    assert all(case.get("classname") and float(str(case.get("time"))) >= 0 for case in cases.values())
    failure = cases["b & c"].find("failure")
    assert failure is not None and "expected completed, actual failed" in str(failure.get("message"))
    assert "trials that failed too: 1" in str(failure.text)
    error = cases["bad�<&>\"'"].find("error")
    assert error is not None and error.get("message") == "[x] no"
    assert list(cases["fine"]) == []


OPEN = Object((), UNKNOWN)


@pytest.mark.parametrize(
    ("value", "expected", "told"),
    [
        ({"a": 1}, record({"a": INTEGER}), None),
        ({"a": 1, "b": None}, OPEN, None),
        ({"a": True}, record({"a": INTEGER}), '"a" is a boolean, and the type says integer'),
        ({"a": 1.0}, record({"a": INTEGER}), '"a" is a float, and the type says integer'),
        ({}, record({"a": INTEGER}), "the output lacks 'a'"),
        ({"b": 1}, record({}), "the output has no key 'b'"),
        ([1, "x"], Array(INTEGER), '"[1]" is a string, and the type says integer'),
        (None, union((STRING, NULL)), None),
        (1, union((STRING, NULL)), "the output is an integer, and the type says string"),
        ("ok", Literal("string", "ok"), None),
        ("no", Literal("string", "ok"), "the output is a string, and the type says 'ok'"),
        ([], OPEN, "the output is an array, and the type says object"),
    ],
)
def test_values_against_types(value: Any, expected: Type, told: str | None) -> None:
    assert misfit(value, expected) == told
