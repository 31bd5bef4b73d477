"""No random workflow that check finds sound dies of what a green check excludes (`claimed`, docs/check.md).

Most are interpreted by the oracle; every tenth is compiled as well, and must do what the oracle did.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from lives import checked, lived, shown
from mutate import dump
from wide import ENV, family

from agentdc.check.validate import Options
from agentdc.driver.check import failed

SEEDS = 24
WORKFLOWS = 90  # that are run, for each seed
COMPILED = 10  # of these, each so many-th


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for key, value in ENV.items():
        monkeypatch.setenv(key, value)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_green_workflow_dies(seed: int, tmp_path: Path) -> None:
    ended: Counter[str] = Counter()
    ran = number = 0
    while ran < WORKFLOWS:
        number += 1
        grown = family(random.Random(f"{seed} {number}"))
        report = checked(grown, dump(grown.main).encode())
        if failed(report.build_diagnostics):
            continue
        ran += 1
        life = lived(grown, report, tmp_path if ran % COMPILED == 0 else None)
        if life.lie:
            pytest.fail(shown(grown, life.lie), pytrace=False)
        ended += life.ended
    print(f"{ran} of {number} ran: {dict(ended)}")
    assert ended["completed"] > WORKFLOWS
    assert ended["compiled"] > COMPILED


def test_a_lie_is_shown_small() -> None:
    """With some errors taken for warnings, workflows die, and the first is printed without most of its nodes."""
    blind = Options(allow=frozenset({"maybe_unset", "type_mismatch"}))
    for number in range(400):
        grown = family(random.Random(f"blind {number}"))
        report = checked(grown, dump(grown.main).encode(), blind)
        if failed(report.build_diagnostics):
            continue
        life = lived(grown, report, None)
        if life.lie:
            assert "a green check excludes" in life.lie
            small = shown(grown, life.lie, blind).partition("# c0.toml")[0]
            assert small.count('"id"') < max(len(grown.main["nodes"]), 2)
            return
    pytest.fail("nothing died")
