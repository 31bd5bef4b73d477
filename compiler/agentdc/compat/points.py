"""Where runs of a workflow can stand between two processes, and what is stored of them there.

A run stands at a pause, or, with a checkpoint after each node, before any node. What is stored is known as types: of
the runs that a workflow can have, what the flow says; of one real run, exactly what is in its row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentdc.check import graph
from agentdc.check.facts import TRIGGER
from agentdc.check.flow import Flow
from agentdc.check.resuming import stored
from agentdc.nodes.registry import SPECS
from agentdc.types import Type
from agentdc.types.from_value import shape_of


@dataclass(frozen=True, slots=True)
class Point:
    """One place. `pauses`: it waits there for approval; else it was on its way.

    `after`: the node that ran last, None where that may be any or none; `resume`: where the run goes on, None = it
    ends. `outputs`: type of each output that may be stored; `sure`: of which it is known that they are. `looped`: it
    may have followed loop edges.
    """

    pauses: bool
    after: str | None
    resume: str | None
    outputs: Mapping[str, Type]
    sure: frozenset[str]
    looped: bool


def points(flow: Flow) -> Iterator[Point]:
    """Every place where a run of this workflow can stand, pauses first; in the order of the file."""
    names = [name for name in flow.steps.nodes if flow.reaches(name)]
    for name in names:
        if SPECS[flow.steps.nodes[name].type].end == "pause":
            following = flow.ways.get(name, ())
            for way in following:
                yield _point(flow, name, name, way.to)
            if all(way.loop for way in following):
                yield _point(flow, name, name, None)
    for name in names:
        yield _point(flow, name, None, name)


def _point(flow: Flow, at: str, after: str | None, resume: str | None) -> Point:
    heads = [head for head in stored(flow) if head == after or _may_have_run(flow, head, at)]
    outputs = {head: flow.outputs[head] if head == after else flow.type_of(head, at) for head in heads}
    sure = {head for head in heads if flow.ran(head, at)}
    if after is not None and not flow.steps.doubtful(after):
        sure.add(after)
    looped = any(
        way.loop and (way.to == at or at in graph.reachable((way.to,), flow.nexts))
        for ways in flow.ways.values()
        for way in ways
    )
    return Point(after is not None, after, resume, outputs, frozenset(sure), looped)


def _may_have_run(flow: Flow, head: str, at: str) -> bool:
    if head == TRIGGER:
        return True
    return flow.reaches(head) and at in graph.reachable(flow.nexts.get(head, ()), flow.nexts)


def stored_point(row: Mapping[str, Any]) -> Point:
    """Where a real run stands: the fields of its checkpoint, decoded."""
    outputs = {head: shape_of(value) for head, value in row["node_outputs"].items()}
    sure = set(outputs)
    if row["approved"] is not None:
        outputs[row["paused_at"]] = shape_of(row["approved"])
        sure.add(row["paused_at"])
    return Point(
        bool(row["awaiting_approval"]),
        row["paused_at"] or None,
        row["resume_node"],
        outputs,
        frozenset(sure),
        any(row["loop_counts"] or ()),
    )
