"""The workloads in pydantic-graph: one step per node, `match` for branches, outputs and trace in the shared state.

Instrumentation is off and no deadline is checked. Runs are repeated inside one event loop that is already running.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic as clock
from typing import Any

from pydantic_graph import GraphBuilder

from bench.baselines.steps import Step, step

Trace = list[tuple[str, str | None, Any, float]]


@dataclass(slots=True)
class State:
    """What the steps share."""

    outputs: dict[str, Any]
    trace: Trace = field(default_factory=list)


def prepare(toml: str) -> Callable[[dict[str, Any], int], Trace]:
    """Repeated runs of the built graph: trigger input and count in, the last trace out."""
    document = tomllib.loads(toml)
    builder: Any = GraphBuilder(state_type=State, auto_instrument=False)
    steps = {
        each["id"]: builder.step(_node(each["id"], step(each)), node_id=each["id"])
        for each in document["nodes"]
    }
    ways: dict[str, dict[str, str]] = {}
    for edge in document["edges"]:
        ways.setdefault(edge["from"], {})[edge.get("when", "")] = edge["to"]
    targets = {edge["to"] for edge in document["edges"]}
    root = next(each for each in steps if each not in targets)
    edges = [builder.edge_from(builder.start_node).to(steps[root])]
    for name, each in steps.items():
        out = ways.get(name)
        if out is None:
            edges.append(builder.edge_from(each).to(builder.end_node))
        elif "" in out:
            edges.append(builder.edge_from(each).to(steps[out[""]]))
        else:
            decision = builder.decision()
            for label, target in out.items():
                decision = decision.branch(builder.match(str, matches=_is(label)).to(steps[target]))
            edges.append(builder.edge_from(each).to(decision))
    builder.add(*edges)
    graph = builder.build()
    loop = asyncio.new_event_loop()

    async def several(trigger_input: dict[str, Any], count: int) -> Trace:
        state = State({})
        for _ in range(count):
            state = State({"trigger": {"kind": "manual", **trigger_input}})
            await graph.run(state=state, infer_name=False)
        return state.trace

    return lambda trigger_input, count: loop.run_until_complete(several(trigger_input, count))


def _node(id: str, work: Step) -> Callable[[Any], Any]:
    async def node(context: Any) -> str | None:
        state: State = context.state
        began = clock()
        output, branch = work(state.outputs)
        state.outputs[id] = output
        state.trace.append((id, branch, output, clock() - began))
        return branch

    return node


def _is(label: str) -> Callable[[Any], bool]:
    return lambda value: bool(value == label)
