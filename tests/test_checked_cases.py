"""Workflows as people deploy them, in `tests/cases/checked/`: they check without an error, and build if all is built.

One golden, `types.txt`: what a run begins with at each start, the output of each node in real runs, and what the
checker says below the level of an error. Nothing of the app: `test_valid_cases.py` has that for small workflows.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from compiled import TESTS, checked_file, compiled_file
from runner import case_id, check_golden, find, orphans

from agentdc.check.facts import TRIGGER
from agentdc.check.schemas import uses
from agentdc.diagnostics.render import text as shown
from agentdc.driver.check import Report
from agentdc.types.text import entry

ROOT = TESTS / "cases" / "checked"
CASES = find(ROOT, "*/workflow.toml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case_id(ROOT, case.parent))
def test_case(case: Path, golden_update: bool) -> None:
    report = checked_file(case)
    assert not [each for each in report.diagnostics if each.is_error], shown.render(report.diagnostics)
    check_golden(case.with_name("types.txt"), types_text(report), golden_update)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case_id(ROOT, case.parent))
def test_case_is_built(case: Path) -> None:
    if checked_file(case).unsupported:
        pytest.skip("has a part that this version cannot build")
    assert compiled_file(case).files


def test_there_are_forty() -> None:
    assert len(CASES) >= 40


def test_no_golden_without_a_case() -> None:
    used = [each for case in CASES for each in (case, case.with_name("types.txt"), *_beside(case))]
    assert not orphans(ROOT, used)


def types_text(report: Report) -> str:
    """The types that the checker found, then its findings."""
    facts = report.facts
    assert facts is not None and report.workflow is not None
    lines = [
        entry(f"trigger at {start}", facts.flow.started[start].get(TRIGGER, facts.outputs[TRIGGER]))
        for start in facts.entries
    ]
    lines += [entry(node.id, facts.outputs[node.id]) for node in report.workflow.nodes]
    findings = shown.render(report.diagnostics)
    return "".join(lines) + (f"\n{findings}" if findings else "")


def _beside(case: Path) -> set[Path]:
    """The children of a case, and the schemas that any of them names."""
    members = checked_file(case).members
    found = {case.parent / member.key for member in members}
    for member in members:
        workflow = member.decoded.workflow
        if workflow is not None:
            found |= {case.parent / name for _, name in uses(workflow)}
    return found
