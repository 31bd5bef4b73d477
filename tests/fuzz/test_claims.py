"""What the checker proves holds in runs: of thousands of small graphs interpreted, of some compiled."""

from __future__ import annotations

import json
import random
from collections import Counter
from time import monotonic
from typing import Any

import oracle
import pytest
from branchy import given, grown
from claims import Claims, FalseClaim, hold
from mutate import dump

from agentdc.check.validate import Options
from agentdc.diagnostics import SourceFile
from agentdc.driver.check import Report, check_source
from agentdc.driver.compile import Trust, compile_workflow
from agentdc.testing.schemas import violation
from agentdc_runtime.core import drive
from agentdc_runtime.core.process import Process
from agentdc_runtime.core.run import Program, Run
from agentdc_runtime.errors import InternalError
from agentdc_runtime.policy.gate import Gate

PRINCIPAL = {"kind": "anonymous", "name": ""}


def _checked(document: dict[str, Any], allow: frozenset[str] = frozenset()) -> Report:
    return check_source(SourceFile("w.toml", dump(document).encode()), Options(allow=allow))


def _inputs(pick: random.Random, document: dict[str, Any], start: str) -> Any:
    """An input as the server would let it in: what the schema of the route accepts, with the principal."""
    routes = [each for each in document.get("http_routes", ()) if each["start_node"] == start]
    if not routes:
        return given(pick)
    for _ in range(20):
        value = given(pick)
        if violation(json.loads(routes[0]["input_schema"]), value) is None:
            return {**value, "principal": PRINCIPAL}
    return None


def _flat(value: Any) -> dict[str, Any]:
    return {"kind": "http", **(value if isinstance(value, dict) else {"input": value})}


@pytest.mark.parametrize("seed", range(8))
def test_no_interpreted_run_breaks_a_claim(seed: int) -> None:
    made: Counter[str] = Counter()
    for number in range(60):
        pick = random.Random(f"{seed} {number}")
        document = grown(pick)
        report = _checked(document)
        if report.facts is None:
            continue
        claims = Claims(report.facts)
        for _ in range(12):
            start = pick.choice(document["start_nodes"])["name"]
            value = _inputs(pick, document, start)
            if value is None and "http_routes" in document:
                continue
            done = oracle.walk(document, start, value, "http")
            failed = done.last_node if done.status == "errored" else None
            stopped = failed if len(done.trace) == 0 or done.trace[-1][0] != failed else None
            try:
                hold(claims, claims.start(_flat(value), value), done.trace, stopped)
            except FalseClaim as claim:
                raise AssertionError(f"{claim} on {value!r}\n{dump(document)}") from claim
        made += claims.made
    assert made["certain"] > 300
    assert sum(count for what, count in made.items() if what.startswith("fits")) > 20


ALLOW = frozenset(
    (
        "maybe_unset",
        "unknown_output_key",
        "type_mismatch",
        "ambiguous_edges",
        "path_not_upstream",
        "unknown_path_head",
    )
)


@pytest.mark.parametrize("seed", range(6))
def test_no_compiled_run_breaks_a_claim(seed: int) -> None:
    pick = random.Random(f"compiled {seed}")
    ran = 0
    for _ in range(40):
        document = grown(pick)
        document.pop("http_routes", None)  # no app has them yet
        report = _checked(document, ALLOW)
        if report.facts is None or any(each.is_error for each in report.build_diagnostics):
            continue
        app = compile_workflow(report, Trust())
        names: dict[str, Any] = {"__name__": "workflow"}
        exec(compile(app.files[f"{app.package}/workflow.py"], "workflow.py", "exec"), names)
        program: Program = names["PROGRAM"]
        claims = Claims(report.facts)
        for _ in range(6):
            start = pick.choice(document["start_nodes"])["name"]
            value = given(pick)
            run = Run(program, Process("exec-1-1", gate=Gate(None)), "http", value, deadline=monotonic() + 5)
            ending = drive.drive(run, program.starts[start][1])
            assert not isinstance(ending.error, InternalError)
            trace = [(node.id, branch, output) for node, branch, output, _ in run.trace]
            failed = ending.last_node if ending.error is not None else None
            stopped = failed if not trace or trace[-1][0] != failed else None
            hold(claims, claims.start(_flat(value), value), trace, stopped)
            ran += 1
        if ran > 30:
            break
    assert ran > 20
