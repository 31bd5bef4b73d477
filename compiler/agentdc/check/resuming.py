"""What a run that goes on at a node needs of what was stored before: read by the compatibility check and by apps.

A run may go on at any node, with outputs that another version of the workflow stored. From there to where the routes
part every node certainly runs (`forced`); what these read, and none of them gives, must be among what was stored
(`needs_at`), or the run errors there. What nodes behind the fork read is only needed on some routes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agentdc.check.facts import TRIGGER
from agentdc.check.flow import Flow, Way
from agentdc.check.links import split
from agentdc.check.steps import Steps
from agentdc.ir.ops import Need
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import PathField


def needs(flow: Flow) -> Mapping[str, tuple[Need, ...]]:
    """By node at which a run can go on; nodes that need nothing are left out."""
    found = {node: tuple(needs_at(flow, node)) for node in flow.envs}
    return {node: each for node, each in found.items() if each}


def needs_at(flow: Flow, node: str) -> Iterator[Need]:
    """What a run that goes on at a node certainly reads of what was stored, in the order in which it does."""
    given: set[str] = set()
    asked: set[str] = set()
    for each in forced(flow, node):
        for field, path in reads(flow.steps, each):
            head = split(path)[0]
            if field.missing == "error" and head not in given and path not in asked:
                asked.add(path)
                yield Need(each, path, field.needs)
        given.add(each)  # a pause may leave nothing, but then nothing was stored before either


def forced(flow: Flow, node: str) -> list[str]:
    """The nodes that every run passes that goes on at `node`, up to where routes part or it ends or loops."""
    found = [node]
    while (following := _only(flow, found[-1])) is not None and following not in found:
        found.append(following)
    return found


def reads(steps: Steps, node: str) -> Iterator[tuple[PathField, str]]:
    """The paths that a node reads."""
    for _, field, path in SPECS[steps.nodes[node].type].paths_of(steps.nodes[node]):
        yield field, path


def _only(flow: Flow, node: str) -> str | None:
    """The node that comes next whatever this one gives; None when there are several, or none."""
    spec = SPECS[flow.steps.nodes[node].type]
    labels = (None,) if spec.end == "pause" else flow.steps.labels(node)
    if not labels:
        return None
    following = {_next(flow.ways.get(node, ()), label) for label in labels}
    return following.pop() if len(following) == 1 else None


def _next(ways: Sequence[Way], label: str | None) -> str | None:
    taken = [way for way in ways if way.label == label]
    return taken[0].to if len(taken) == 1 and not taken[0].loop else None


def stored(flow: Flow) -> list[str]:
    """The heads that a checkpoint may hold: the trigger, and every node that leaves an output."""
    return [TRIGGER, *(name for name in flow.steps.nodes if flow.steps.stores(name))]
