"""Whether the edges that leave a node fit the labels it can give, by the types that reach it.

What needs no types (a label that the kind never gives, an unhandled `error`) is in `lints`.
"""

from __future__ import annotations

from collections.abc import Iterator

from agentdc.check import ends, errors
from agentdc.check.flow import Flow
from agentdc.check.links import split
from agentdc.check.starts import scheduled
from agentdc.check.steps import HEADS, Reader, decided_by
from agentdc.diagnostics import Diagnostic
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.parse.positions import Places
from agentdc.types import Type
from agentdc.types.narrow import labels_of


def check(workflow: Workflow, flow: Flow, at: Places) -> Iterator[Diagnostic]:
    """Labels that cannot come, values that no edge takes, ends without a value."""
    for index, edge in enumerate(workflow.edges):
        if not flow.reaches(edge.from_) or edge.max_iterations == 0 or flow.possible(edge.from_, edge.when):
            continue
        if _never_there(flow, edge.from_):
            continue  # which is told of the path
        spec = SPECS[flow.steps.nodes[edge.from_].type]
        place = ("edges", index) if edge.when is None else ("edges", index, "when")
        gives = labels_of(_decided(flow, edge.from_)) if spec.decides == "label" else None
        others = sorted(gives or (label for label in spec.labels or () if flow.possible(edge.from_, label)))
        yield errors.impossible_label(edge.from_, edge.when, others, at.value(place))
    for index, node in enumerate(workflow.nodes):
        if SPECS[node.type].decides == "label" and flow.reaches(node.id):
            leaving = {edge.when for edge in workflow.edges if edge.from_ == node.id}
            missing = _missing(_decided(flow, node.id), leaving)
            if missing:
                yield errors.switch_label_missing(node.id, missing, at.value(("nodes", index, "id")))
    yield from _empty_ends(workflow, flow, at)


def _never_there(flow: Flow, name: str) -> bool:
    """Whether a node decides by a value that is never there."""
    node = flow.steps.nodes[name]
    if SPECS[node.type].decides is None:
        return False
    path = decided_by(node)
    head = split(path)[0]
    return not (head in HEADS or flow.reaches(head)) or not flow.resolve(path, name).possible


def _decided(flow: Flow, name: str) -> Type:
    """What the value that decides can be, null for one that is not there."""
    return Reader(flow.view(name), flow.steps.world).or_null(decided_by(flow.steps.nodes[name]))


def _missing(value: Type, leaving: set[str | None]) -> list[str]:
    """Labels that a value can give and no edge takes; `1.0` is not told beside `1`, which a schema says with it."""
    labels = labels_of(value)
    if labels is None:
        return []
    return sorted(
        label for label in labels if label not in leaving and label.removesuffix(".0") not in labels - {label}
    )


def _empty_ends(workflow: Workflow, flow: Flow, at: Places) -> Iterator[Diagnostic]:
    """Ends that give nothing, where a run from the same start can end with a value that somebody gets."""
    found = ends.without_value(flow, scheduled(workflow))
    for index, node in enumerate(workflow.nodes):
        if node.id in found:
            yield errors.end_without_value(node.id, found[node.id], at.value(("nodes", index, "id")))
