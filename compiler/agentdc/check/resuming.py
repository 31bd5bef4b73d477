"""What a run that goes on at a node needs of what was stored before: read by the compatibility check and by apps.

A run may go on at any node, with outputs that another version of the workflow stored. From there on, up to where
routes part, the run ends or turns back, every node certainly runs. What these read, and none of them gives, must be
among what was stored (`needs`), or the run errors there. What nodes behind the fork read is needed on some routes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from agentdc.check.facts import TRIGGER
from agentdc.check.flow import Flow, Way
from agentdc.check.links import split
from agentdc.check.steps import Steps
from agentdc.ir.ops import Need
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import PathField

MOST = 64  # of one node: apps carry them


def needs(flow: Flow) -> Mapping[str, tuple[Need, ...]]:
    """By node at which a run can go on; nodes that need nothing are left out."""
    following = {node: _only(flow, node) for node in flow.steps.nodes}
    known = {node: tuple(reads(flow.steps, node)) for node in flow.steps.nodes}
    found = {node: tuple(islice(_needs(node, following, known), MOST)) for node in flow.steps.nodes}
    return {node: each for node, each in found.items() if each}


def _needs(
    node: str, following: Mapping[str, str | None], known: Mapping[str, Sequence[tuple[PathField, str]]]
) -> Iterator[Need]:
    """What a run that goes on at a node certainly reads of what was stored, in the order in which it does."""
    given: set[str] = set()
    asked: set[str] = set()
    each: str | None = node
    while each is not None and each not in given:
        for field, path in known[each]:
            head = split(path)[0]
            if field.missing == "error" and head not in given and path not in asked:
                asked.add(path)
                yield Need(each, path, field.needs)
        given.add(each)  # a pause may leave nothing, but then nothing was stored before either
        each = following[each]


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
