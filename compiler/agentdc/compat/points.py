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
    places = _Places(flow)
    names = [name for name in flow.steps.nodes if flow.reaches(name)]
    for name in names:
        if SPECS[flow.steps.nodes[name].type].end == "pause":
            following = flow.ways.get(name, ())
            for way in following:
                yield places.point(name, name, way.to)
            if all(way.loop for way in following):
                yield places.point(name, name, None)
    for name in names:
        yield places.point(name, None, name)


class _Places:
    """What can have run before a node, looked up once."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._stored = stored(flow)
        self._after = {name: graph.reachable(flow.nexts.get(name, ()), flow.nexts) for name in flow.envs}
        self._loops = {way.to for ways in flow.ways.values() for way in ways if way.loop}

    def point(self, at: str, after: str | None, resume: str | None) -> Point:
        """A run that stands before a node, or behind it: then `after` is the same."""
        flow = self._flow
        heads = [head for head in self._stored if head == after or self._may_have_run(head, at)]
        outputs = {head: flow.outputs[head] if head == after else flow.type_of(head, at) for head in heads}
        sure = {head for head in heads if flow.ran(head, at)}
        if after is not None and not flow.steps.doubtful(after):
            sure.add(after)
        looped = any(to == at or at in self._after.get(to, ()) for to in self._loops)
        return Point(after is not None, after, resume, outputs, frozenset(sure), looped)

    def _may_have_run(self, head: str, at: str) -> bool:
        return head == TRIGGER or at in self._after.get(head, ())


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
