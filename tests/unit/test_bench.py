"""The benchmarks run: each part once, with the smallest counts. No time is judged here."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # `bench` is run from the checkout and never installed

from bench import __main__ as bench  # noqa: E402
from bench import openloop, report, serve, walk, workflows  # noqa: E402
from bench.baselines import by_hand  # noqa: E402
from bench.effort import Effort  # noqa: E402
from bench.peer import ANSWER  # noqa: E402


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


def test_an_open_loop_counts_the_stall_for_everyone_who_waited() -> None:
    latencies, failed = asyncio.run(_stalled(0.3))
    assert failed == 0
    assert len(latencies) == 50
    # at 100 requests/s some thirty were meant to be sent within the stall; a closed loop would have sent one
    assert sum(each > 0.1 for each in latencies) >= 15


async def _stalled(seconds: float) -> tuple[list[float], int]:
    """Half a second of load on one connection, to a server that does nothing for so long at its first request."""
    stall = [seconds]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readexactly(len(openloop.REQUEST)):
                if stall:
                    await asyncio.sleep(stall.pop())
                writer.write(ANSWER)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        load = await openloop.run(server.sockets[0].getsockname()[1], 100, 0.5, 1)
        for each in load.free:
            each.transport.close()
    return load.latencies, load.failed


def test_without_wrk_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    section = serve._throughput(tmp_path, tmp_path, tmp_path, Effort.SMOKE)
    assert section.remarks == (serve.NO_WRK,)
    assert serve._rate(section.rows[0]) == 0


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
