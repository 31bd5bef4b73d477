"""What could not be decided: each place, why, and what would decide it (`--explain-unknown`, `--strict`).

Everything here is silent by default, since a program that takes data from outside always has such places. A path is
on the frontier when nothing says what is there, an effect when the gate decides it at run time, a ceiling when
nothing bounds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agentdc.check import effect_errors as errors
from agentdc.check.ceilings import MEASURES, Ceilings
from agentdc.check.effects import Touch, judge
from agentdc.check.facts import RAW, TRIGGER
from agentdc.check.flow import Flow
from agentdc.check.links import split
from agentdc.check.origins import shown
from agentdc.check.paths import fits
from agentdc.check.steps import decided_by
from agentdc.diagnostics import Diagnostic
from agentdc.model.node import NodeModel
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import PathField
from agentdc.nodes.template import inner_segments, parse
from agentdc.parse.positions import Places
from agentdc.types import follow
from agentdc.types.narrow import labels_of


def paths(workflow: Workflow, flow: Flow, at: Places) -> Iterator[Diagnostic]:
    """Paths of which nothing says what is there, in declaration order."""
    for index, node in enumerate(workflow.nodes):
        if not flow.reaches(node.id):
            continue
        for place, field, path in SPECS[node.type].paths_of(node):
            if _open(flow, node, field, path):
                where = at.value(("nodes", index, *place))
                yield errors.undecided_path(path, field.needs, decider(workflow, flow, path), where)
        yield from _holes(workflow, flow, node, index, at)
        if SPECS[node.type].decides == "label" and _labels_open(flow, node):
            where = at.value(("nodes", index, "expr"))
            path = decided_by(node)
            yield errors.undecided_labels(node.id, path, decider(workflow, flow, path), where)


def _open(flow: Flow, node: NodeModel, field: PathField, path: str) -> bool:
    head, segments = split(path)
    if head not in flow.outputs:
        return False  # told as an error
    found = follow(flow.type_of(head, node.id), segments)
    if found.possible and field.missing == "error" and found.doubt == "open":
        return True
    kind = fits(found.type, field.needs, nullable=field.missing == "null") if field.needs != "any" else "yes"
    return found.possible and kind == "open"


def _holes(workflow: Workflow, flow: Flow, node: NodeModel, index: int, at: Places) -> Iterator[Diagnostic]:
    """Placeholders that may stay as they are, since nothing says what is there."""
    for template in SPECS[node.type].templates:
        source = getattr(node, template.data)
        if source is None and template.absent == "null":
            continue
        head, segments = (RAW, ()) if source is None else split(source)
        if head not in flow.outputs:
            continue
        start = follow(flow.type_of(head, node.id), segments)
        holes = [part for part in parse(getattr(node, template.name)) if not isinstance(part, str)]
        for key in dict.fromkeys(hole.key for hole in holes):
            if start.possible and follow(start.type, inner_segments(key)).doubt == "open":
                path = ".".join((TRIGGER if source is None else source, *inner_segments(key)))
                where = at.value(("nodes", index, template.name))
                yield errors.undecided_hole(key, decider(workflow, flow, path), where)


def _labels_open(flow: Flow, node: NodeModel) -> bool:
    """Whether a switch may get a value that no edge takes, as far as anybody knows."""
    head, segments = split(decided_by(node))
    if head not in flow.outputs:
        return False
    found = follow(flow.type_of(head, node.id), segments)
    return found.possible and labels_of(found.type) is None


def decider(workflow: Workflow, flow: Flow, path: str) -> str:
    """What would say what is at a path."""
    head, segments = split(path)
    node = flow.steps.nodes.get(head)
    if head == TRIGGER and node is None:
        untyped = [each.path for each in workflow.http_routes if each.input_schema is None]
        if untyped:
            return f"an input_schema for the route {untyped[0]}"
        return "an input_schema, where requests start the run; `agentdc infer` writes one from fixtures"
    if node is None:
        return "a node of that id"
    for alias in SPECS[node.type].aliases:
        if segments[:1] == (alias.value,):
            return decider(workflow, flow, str(getattr(node, alias.source)))
    return _DECIDERS.get(node.type, "a condition on it before it is used, with an edge for each case")


_DECIDERS: Mapping[str, str] = {
    "llm_infer": "an output_schema of the node",
    "agent_loop": "an llm_infer node with an output_schema behind it",
    "call": "a typed end of the child workflow",
    "map": "a typed end of the child workflow",
    "parallel": "a typed end of each child workflow",
}


def effects(workflow: Workflow, touched: Sequence[Touch]) -> Iterator[Diagnostic]:
    """Effects that the gate decides at run time, and those that nothing gates."""
    for touch in touched:
        found = judge(workflow, touch)
        if found.verdict == "guarded" and not found.denied and found.why != "climbs":
            texts = [shown(text) for text in touch.texts]
            yield errors.undecided_effect(touch.node, touch.family, texts, found.why, touch.where)


def unbounded(workflow: Workflow, found: Mapping[str, Ceilings], at: Places) -> Iterator[Diagnostic]:
    """Measures of runs that nothing bounds, by start."""
    for index, start in enumerate(workflow.start_nodes):
        for measure in MEASURES:
            ceiling = found.get(start.name, {}).get(measure)
            if ceiling is not None and ceiling.most is None:
                where = at.value(("start_nodes", index, "name"))
                yield errors.unbounded(measure, ceiling, start.name, where)
