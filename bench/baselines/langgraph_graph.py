"""The workloads in LangGraph: a `StateGraph`, one node per node, invoked without a checkpointer or callbacks.

Outputs and trace are channels with reducers, the way its guide does it. No deadline is checked.
"""

from __future__ import annotations

import operator
import tomllib
from collections.abc import Callable
from time import monotonic as clock
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph

from bench.baselines.steps import Step, step

Trace = list[tuple[str, str | None, Any, float]]


class State(TypedDict):
    """The channels of the graph."""

    outputs: Annotated[dict[str, Any], operator.or_]
    trace: Annotated[Trace, operator.add]


def prepare(toml: str) -> Callable[[dict[str, Any]], Trace]:
    """One run of the compiled graph: trigger input in, trace out."""
    document = tomllib.loads(toml)
    builder: Any = StateGraph(State)
    for node in document["nodes"]:
        builder.add_node(node["id"], _node(node["id"], step(node)))
    ways: dict[str, dict[str, str]] = {}
    for edge in document["edges"]:
        ways.setdefault(edge["from"], {})[edge.get("when", "")] = edge["to"]
    targets = {edge["to"] for edge in document["edges"]}
    ids = [node["id"] for node in document["nodes"]]
    builder.add_edge(START, next(each for each in ids if each not in targets))
    for each in ids:
        out = ways.get(each, {"": END})
        if "" in out:
            builder.add_edge(each, out[""])
        else:
            builder.add_conditional_edges(each, _branch, out)
    graph = builder.compile()
    config = {"recursion_limit": 10_000}

    def run(trigger_input: dict[str, Any]) -> Trace:
        state = {"outputs": {"trigger": {"kind": "manual", **trigger_input}}, "trace": []}
        trace: Trace = graph.invoke(state, config)["trace"]
        return trace

    return run


def _node(id: str, work: Step) -> Callable[[State], dict[str, Any]]:
    def node(state: State) -> dict[str, Any]:
        began = clock()
        output, branch = work(state["outputs"])
        return {"outputs": {id: output}, "trace": [(id, branch, output, clock() - began)]}

    return node


def _branch(state: State) -> str | None:
    return state["trace"][-1][1]
