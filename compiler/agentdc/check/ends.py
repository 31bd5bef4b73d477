"""Where runs end, and with what value (spec 01 §6.2)."""

from __future__ import annotations

from collections.abc import Container

from agentdc.check import graph
from agentdc.check.flow import Flow
from agentdc.check.steps import Reader, decided_by
from agentdc.nodes.registry import SPECS
from agentdc.types import NULL, UNKNOWN, Type, union
from agentdc.types.narrow import labels_of


def value_at(name: str, flow: Flow) -> Type | None:
    """The final value of runs that complete at the node; None when none does."""
    node = flow.steps.nodes[name]
    spec = SPECS[node.type]
    if spec.final:
        return NULL if spec.end == "terminate" else None
    plain = {way.label for way in flow.ways.get(name, ()) if not way.loop}
    if spec.end == "pause":
        return None if plain else NULL
    labels = flow.steps.labels(name)
    if labels is None:
        if spec.decides is None:
            return flow.outputs.get(name, UNKNOWN)
        given = labels_of(Reader(flow.view(name), flow.steps.world).or_null(decided_by(node)))
        ends = given is None or not given <= plain
        return flow.outputs.get(name, UNKNOWN) if ends else None
    found = [
        flow.outcomes.get((name, label)) or flow.outputs.get(name, UNKNOWN)
        for label in labels
        if label not in plain and flow.possible(name, label)
    ]
    return union(found) if found else None


def results(flow: Flow) -> dict[str, Type]:
    """The final value for each start: of every place where a run from it can complete."""
    values = {name: value_at(name, flow) for name in flow.envs}
    found: dict[str, Type] = {}
    for start, entry in flow.entries.items():
        reached = graph.reachable([entry], flow.nexts) & values.keys()
        found[start] = union(end for name in sorted(reached) if (end := values[name]) is not None)
    return found


def without_value(flow: Flow, unheard: Container[str] = ()) -> dict[str, str]:
    """Ends that give null, each with an end that gives a value in runs from the same start.

    A node that only some label ends at is no end that anybody meant, and does not count as the other one.
    `unheard`: starts whose final values nobody gets.
    """
    values = {name: value_at(name, flow) for name in flow.envs}
    empty = {name for name, value in values.items() if value == NULL}
    valued = [name for name, value in values.items() if value not in (None, NULL)]
    meant = [name for name in valued if not flow.ways.get(name) and not _decides(flow, name)]
    found: dict[str, str] = {}
    for start, entry in flow.entries.items():
        if start in unheard:
            continue
        reached = graph.reachable([entry], flow.nexts)
        other = next((name for name in meant if name in reached), None)
        if other is not None:
            found |= dict.fromkeys(sorted(empty & reached), other)
    return found


def _decides(flow: Flow, name: str) -> bool:
    return SPECS[flow.steps.nodes[name].type].decides is not None
