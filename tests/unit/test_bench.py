"""The benchmarks run: each part once, with the smallest counts. No time is judged here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # `bench` is run from the checkout and never installed

from bench import __main__ as bench  # noqa: E402
from bench import report, walk, workflows  # noqa: E402
from bench.baselines import by_hand  # noqa: E402
from bench.effort import Effort  # noqa: E402


@pytest.mark.parametrize("part", sorted(bench.PARTS))
def test_part_runs(part: str) -> None:
    sections = bench.PARTS[part](Effort.SMOKE)
    assert sections
    for section in sections:
        assert section.rows
        assert section.title in report.as_text(section)


@pytest.mark.parametrize("workload", walk.WORKLOADS, ids=lambda each: str(each.title))
def test_contenders_do_the_same(workload: walk.Workload) -> None:
    found, _ = walk.contenders(workload)
    walk.agree(found)
    assert len(workload.hand(workflows.INPUT)[3]) == workload.visited


def test_a_contender_that_cheats_is_found() -> None:
    found, _ = walk.contenders(walk.WORKLOADS[0])
    cheat = walk.Contender("cheat", lambda _count: None, list)
    with pytest.raises(AssertionError, match="cheat does not do what compiled does"):
        walk.agree([*found, cheat])


def test_the_floor_ends_where_the_chain_ends() -> None:
    assert by_hand.floor(workflows.INPUT) == by_hand.chain(workflows.INPUT)[1]


def test_two_builds_that_differ_are_reported() -> None:
    row = report.Row("two builds", "1 file", "differ: a", "byte-identical", met=False)
    section = report.Section("builds", "How.", (row,))
    assert section.missed == [row]
    assert "MISSED" in report.as_text(section)


def test_markdown_goes_between_the_marks(tmp_path: Path) -> None:
    section = report.Section("a", "How.", (report.Row("b | c", "1 ns"),), ("left out: d",))
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write_markdown(page, [section], "python -m bench")
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| b \\| c | 1 ns |" in text
    assert "- left out: d" in text
    report.write_markdown(page, [section], "python -m bench")
    assert page.read_text() == text
