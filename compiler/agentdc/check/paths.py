"""Every context path against what holds where it is read: head, keys, kind of value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agentdc.check import errors, graph
from agentdc.check.facts import TRIGGER, Facts
from agentdc.diagnostics import Diagnostic, Span
from agentdc.model.node import NodeModel
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import PathField
from agentdc.parse.positions import Places
from agentdc.types import UNKNOWN, Object, Type, Union, follow, kinds


def check(workflow: Workflow, facts: Facts, at: Places) -> Iterator[Diagnostic]:
    """Findings for each path field of each reachable node, in declaration order."""
    nexts = graph.successors((edge.from_, edge.to) for edge in workflow.edges)
    heads = [node.id for node in workflow.nodes]
    for index, node in enumerate(workflow.nodes):
        if node.id not in facts.outputs:
            continue  # a file without start nodes reaches nothing
        for place, field, path in SPECS[node.type].paths_of(node):
            where = at.value(("nodes", index, *place))
            yield from _path(node, field, path, facts, nexts, heads, where)


def _path(
    node: NodeModel,
    field: PathField,
    path: str,
    facts: Facts,
    nexts: Mapping[str, Sequence[str]],
    heads: Sequence[str],
    where: Span,
) -> Iterator[Diagnostic]:
    head, *segments = path.split(".")
    aborts = field.missing == "error"
    if head != TRIGGER and head not in heads:
        yield errors.unknown_head(path, head, (TRIGGER, *heads), where, aborts=aborts)
        return
    if not facts.ran(head, node.id):
        if node.id not in graph.reachable(nexts.get(head, ()), nexts):
            yield errors.not_upstream(path, head, node.id, where, aborts=aborts)
            return
        yield errors.maybe_unset(path, head, node.id, where, aborts=aborts)
    start = facts.outputs.get(head, UNKNOWN)
    found = follow(start, tuple(segments))
    if not found.possible:
        known, segment = _dead_end(start, segments)
        yield errors.unknown_key(path, segment, known, where, aborts=aborts)
        return
    of_value = kinds(found.type)
    accepted = {field.needs} if field.missing == "error" else {field.needs, "null"}
    if field.needs != "any" and of_value is not None and not of_value & accepted:
        yield errors.type_mismatch(path, of_value, field.needs, where)


def _dead_end(start: Type, segments: Sequence[str]) -> tuple[list[str], str]:
    """The keys known where a path stops resolving, and the segment that is not among them."""
    for length in range(1, len(segments) + 1):
        if not follow(start, tuple(segments[:length])).possible:
            return _keys(follow(start, tuple(segments[: length - 1])).type), segments[length - 1]
    raise AssertionError("the path resolves")


def _keys(value: Type) -> list[str]:
    match value:
        case Object(fields):
            return [name for name, _ in fields]
        case Union(members):
            return sorted({name for member in members for name in _keys(member)})
        case _:
            return []
