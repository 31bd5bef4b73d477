"""Every `tests/cases/diff/<name>/`: what `agentdc diff old.toml new.toml` says, in each of its formats.

Children and schemas stand in the folder of the case, under the names by which the two workflows call them. Both sides
are also turned round: what is more in one direction is less in the other, and never more in both.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runner import check_golden, find, orphans

from agentdc.check.capabilities import from_bytes
from agentdc.diffing import render
from agentdc.diffing.compare import Difference, Verdict
from agentdc.driver.diff import diff, statement

ROOT = Path(__file__).parent / "cases" / "diff"
CASES = find(ROOT, "*/new.toml")
GOLDENS = {"expected.txt": render.as_text, "expected.json": render.as_json, "expected.md": render.as_markdown}
MORE = {Verdict.WIDENED, Verdict.ADDED}
LESS = {Verdict.NARROWED, Verdict.REMOVED}


def _found(case: Path, monkeypatch: pytest.MonkeyPatch, *, back: bool = False) -> tuple[Difference, ...]:
    monkeypatch.chdir(case.parent)
    names = ("new.toml", "old.toml") if back else ("old.toml", "new.toml")
    return diff(*names).differences


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.parent.name)
def test_case(case: Path, golden_update: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _found(case, monkeypatch)
    for name, rendered in GOLDENS.items():
        check_golden(case.with_name(name), rendered("old.toml", "new.toml", found), golden_update)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.parent.name)
def test_the_way_back(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there, back = _found(case, monkeypatch), _found(case, monkeypatch, back=True)
    assert bool(there) == bool(back)
    for some, others in ((there, back), (back, there)):
        verdicts = {each.verdict for each in others}
        assert not ({each.verdict for each in some} & MORE) or verdicts & (LESS | {Verdict.CHANGED})
    keys = {(each.category, each.of, each.subject) for each in there if each.verdict in MORE}
    assert not keys & {(each.category, each.of, each.subject) for each in back if each.verdict in MORE}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.parent.name)
def test_statements_survive_the_journey(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case.parent)
    for name in ("old.toml", "new.toml"):
        found = statement(name)
        text = json.dumps(found.to_json())
        assert from_bytes(text.encode()) == found
        assert "hunter2" not in text
        assert "user:pass" not in text
        assert diff(name, name).differences == ()


def test_nothing_is_left_over() -> None:
    used = {each.with_name(name) for each in CASES for name in (*GOLDENS, "old.toml", "new.toml")}
    for each in {*ROOT.rglob("*.toml"), *ROOT.rglob("*/*/*.json")} - used:
        case = ROOT / each.relative_to(ROOT).parts[0]
        named = f'"{each.relative_to(case).as_posix()}"'
        if any(named in (case / name).read_text() for name in ("old.toml", "new.toml")):
            used.add(each)
    assert not orphans(ROOT, used)
    assert len(CASES) >= 20
