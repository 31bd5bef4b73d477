"""Time per node of a walk with its trace kept: compiled, by hand, interpreted, and in two graph libraries.

Every contender first has to give the same trace (ids, branches, outputs). Then all are timed in turns, so that a
noisy moment hits each of them; a sample repeats a run until it takes `seconds`, and the best sample counts. The
garbage collector stays on, as in an app, and is run before each sample.
"""

from __future__ import annotations

import gc
import importlib.util
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter
from types import ModuleType
from typing import Any

from agentdc_runtime.core.drive import drive
from agentdc_runtime.core.process import Process
from agentdc_runtime.core.run import Run
from bench import workflows
from bench.apps import compiled
from bench.baselines import by_hand
from bench.baselines.dict_interpreter import Interpreter
from bench.effort import Effort
from bench.report import Row, Section

COMPILED, HAND, FLOOR = "compiled", "by hand", "by hand, no bookkeeping"
INTERPRETED, LANGGRAPH, PYDANTIC = "dict interpreter", "LangGraph", "pydantic-graph"
HAND_BAR, LANGGRAPH_BAR = 1.5, 100.0

Steps = list[tuple[str, str | None, Any]]


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to run a workload. `several`: does that many runs. `steps`: the trace of one; None = keeps no trace."""

    name: str
    several: Callable[[int], Any]
    steps: Callable[[], Steps] | None


@dataclass(frozen=True, slots=True)
class Workload:
    """A graph and how many of its nodes one run visits."""

    title: str
    text: str
    visited: int
    hand: Callable[[dict[str, Any]], by_hand.Result]


WORKLOADS = (
    Workload("walk alone: 20 texts", workflows.bare(20), 20, by_hand.bare),
    Workload(
        "linear: 20 nodes that render, parse, select and compare", workflows.chain(20), 20, by_hand.chain
    ),
    Workload(
        "branching: 25 visited nodes of 37, 8 branches, 8 joins",
        workflows.branching(4),
        25,
        by_hand.branching,
    ),
)


def measure(effort: Effort) -> list[Section]:
    """A section for each workload."""
    return [_section(each, effort) for each in WORKLOADS[: effort.pick(1, 3, 3)]]


def _section(workload: Workload, effort: Effort) -> Section:
    found, remarks = contenders(workload)
    agree(found)
    times = race(found, seconds=effort.pick(0.0, 0.002, 0.05), samples=effort.pick(1, 3, 20))
    rows = _rows({name: seconds / workload.visited for name, seconds in times.items()})
    about = "Time per visited node, best of the samples; a run includes its own set-up and its ending."
    return Section(workload.title, about, tuple(rows), tuple(remarks))


def _rows(per_node: dict[str, float]) -> list[Row]:
    ours, hand = per_node[COMPILED], per_node[HAND]
    rows = [
        Row(
            COMPILED,
            _ns(ours),
            f"{ours / hand:.2f}× by hand",
            f"≤ {HAND_BAR}× by hand",
            ours / hand <= HAND_BAR,
        )
    ]
    for name, seconds in per_node.items():
        if name == LANGGRAPH:
            met = seconds / ours >= LANGGRAPH_BAR
            rows.append(Row(name, _ns(seconds), f"{seconds / ours:.0f}× compiled", "≥ 100× compiled", met))
        elif name != COMPILED:
            rows.append(
                Row(name, _ns(seconds), f"{seconds / ours:.{0 if seconds > 10 * ours else 2}f}× compiled")
            )
    return rows


def _ns(seconds: float) -> str:
    return f"{seconds * 1e9:,.0f} ns"


def contenders(workload: Workload) -> tuple[list[Contender], list[str]]:
    """Everyone who can run here, and why the others cannot."""
    found = [_compiled(workload), _simple(HAND, lambda: workload.hand(workflows.INPUT)[3])]
    if workload.hand is by_hand.chain:
        found.append(Contender(FLOOR, _repeated(lambda: by_hand.floor(workflows.INPUT)), None))
    interpreter = Interpreter(workload.text)
    found.append(_simple(INTERPRETED, lambda: interpreter.run(workflows.INPUT)[3]))
    remarks = []
    for name, make in ((PYDANTIC, _pydantic_graph), (LANGGRAPH, _langgraph)):
        try:
            found.append(make(workload))
        except ImportError as missing:
            remarks.append(f"{name}: skipped, {missing} (pip install -e '.[bench]')")
    return found, remarks


def _compiled(workload: Workload) -> Contender:
    module = _load(compiled(workload.text).files)
    program = module.PROGRAM
    block = program.starts["go"][1]
    process = Process("exec-1")

    def once() -> Any:
        run = Run(program, process, "manual", workflows.INPUT, deadline=monotonic() + by_hand.TIMEOUT)
        drive(run, block)
        return run.trace

    def steps() -> Steps:
        return [(node.id, branch, output) for node, branch, output, _ in once()]

    return Contender(COMPILED, _repeated(once), steps)


def _load(files: Any) -> ModuleType:
    """The generated module of an app tree, imported by itself; the runtime is the library beside us."""
    path = next(each for each in files if each.endswith("/workflow.py"))
    with tempfile.TemporaryDirectory(prefix="agentdc-bench-") as folder:
        place = Path(folder) / "workflow.py"
        place.write_bytes(files[path])
        spec = importlib.util.spec_from_file_location(f"bench_{path.replace('/', '_')[:-3]}", place)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        spec.loader.exec_module(module)
        sys.dont_write_bytecode = before
    return module


def _simple(name: str, once: Callable[[], by_hand.Trace]) -> Contender:
    return Contender(name, _repeated(once), lambda: [entry[:3] for entry in once()])


def _repeated(once: Callable[[], Any]) -> Callable[[int], Any]:
    def several(count: int) -> None:
        for _ in range(count):
            once()

    return several


def _langgraph(workload: Workload) -> Contender:
    from bench.baselines import langgraph_graph

    run = langgraph_graph.prepare(workload.text)
    return _simple(LANGGRAPH, lambda: run(workflows.INPUT))


def _pydantic_graph(workload: Workload) -> Contender:
    from bench.baselines import pydantic_graph_graph

    run = pydantic_graph_graph.prepare(workload.text)
    return Contender(
        PYDANTIC,
        lambda count: run(workflows.INPUT, count),
        lambda: [entry[:3] for entry in run(workflows.INPUT, 1)],
    )


def agree(found: Sequence[Contender]) -> None:
    """Fail unless all walk the same nodes to the same outputs."""
    want = found[0].steps
    assert want is not None
    for each in found[1:]:
        if each.steps is not None and each.steps() != want():
            raise AssertionError(f"{each.name} does not do what {found[0].name} does")


def race(found: Sequence[Contender], *, seconds: float, samples: int) -> dict[str, float]:
    """Best seconds per run of each contender."""
    counts = {each.name: _count(each, seconds) for each in found}
    best = dict.fromkeys(counts, float("inf"))
    for _ in range(samples):
        for each in found:
            best[each.name] = min(best[each.name], _timed(each, counts[each.name]))
    return best


def _count(contender: Contender, seconds: float) -> int:
    """Runs that fill a sample; finding it warms the contender up."""
    count = 1
    while (one := _timed(contender, count)) * count < seconds / 4:
        count *= 2
    return max(1, round(seconds / one))


def _timed(contender: Contender, count: int) -> float:
    gc.collect()
    began = perf_counter()
    contender.several(count)
    return (perf_counter() - began) / count
