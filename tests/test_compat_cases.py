"""Every `tests/cases/compat/<name>/`: what becomes of runs of `old.toml` in `new.toml`, as text beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runner import case_id, check_golden, find, orphans

from agentdc.compat import render
from agentdc.driver.compat import compat

ROOT = Path(__file__).parent / "cases" / "compat"
CASES = find(ROOT, "*/new.toml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case_id(ROOT, case.parent))
def test_case(case: Path, golden_update: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case.parent)
    report = compat("old.toml", "new.toml", None)
    check_golden(case.with_name("verdict.txt"), render.as_text(report), golden_update)
    told = json.loads(render.as_json(report))
    assert [each["verdict"] for each in told["points"]] == [each.verdict for each in report.judged]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case_id(ROOT, case.parent))
def test_a_version_takes_over_from_itself(case: Path) -> None:
    for name in ("old.toml", "new.toml"):
        path = str(case.with_name(name))
        assert {each.verdict for each in compat(path, path, None).judged} <= {"resumes"}, name


def test_nothing_is_left_over() -> None:
    used = {case.with_name(name) for case in CASES for name in ("old.toml", "new.toml", "verdict.txt")}
    used |= set(ROOT.glob("*/input.schema.json"))
    assert not orphans(ROOT, used)
