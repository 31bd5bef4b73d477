"""Findings beyond agentd's validator that need no types: edges, labels, ids, retries, triggers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from agentdc.check import errors
from agentdc.check.facts import TRIGGER
from agentdc.check.matching import judged
from agentdc.check.schedule import ScheduleProblem, cron, interval_seconds
from agentdc.diagnostics import CODES, Diagnostic, Span
from agentdc.diagnostics.codes import find
from agentdc.model.node import NodeModel
from agentdc.model.trigger import Cron, FsWatch, Interval, ResourceCreated, ResourceUpdated
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import NodeSpec
from agentdc.parse.positions import Places
from agentdc.parse.wording import dotted

FS_EVENTS = ("create", "modify", "remove", "rename")


def any_label(node: str, label: str | None) -> bool:  # noqa: ARG001 - the shape of the hook
    """Whether a node can give a label, when nothing is known of values."""
    return True


Possible = Callable[[str, str | None], bool]


def check(
    workflow: Workflow, at: Places, possible: Possible = any_label, backends: Collection[str] | None = None
) -> Iterator[Diagnostic]:
    """All findings, settings first, then triggers, nodes, edges.

    `possible`: labels that a node can give. `backends`: the models of the workflow that runs this one.
    """
    yield from _allowed(workflow, at)
    yield from _start(workflow, at)
    yield from _triggers(workflow, at)
    yield from _nodes(workflow, at, backends)
    yield from _edges(workflow, at, possible)


def _allowed(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    for index, text in enumerate(() if workflow.check is None else workflow.check.allow):
        if find(text) is None:
            yield errors.unknown_allowed(text, CODES, at.value(("check", "allow", index)))


def _start(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    """Sidecars run without a start node; routes and triggers name one, whose absence is told there."""
    others = workflow.sidecars or workflow.triggers or workflow.http_routes
    if not workflow.start_nodes and (workflow.nodes or not others):
        yield errors.no_start_node(f"[[{dotted(('start_nodes',), at.prefix)}]]", at.key(("name",)))


def _triggers(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    for index, trigger in enumerate(workflow.triggers):
        match trigger:
            case Cron(schedule=text):
                yield from _cron(text, at.value(("triggers", index, "schedule")))
            case Interval(every=text):
                yield from _interval(text, at.value(("triggers", index, "every")))
            case FsWatch(events=events):
                for position, event in enumerate(events):
                    if event.lower() not in {*FS_EVENTS, "delete"}:
                        where = at.value(("triggers", index, "events", position))
                        yield errors.bad_fs_event(event, FS_EVENTS, where)
            case ResourceUpdated() | ResourceCreated():
                yield from _watched(workflow, trigger, at, index)


def _watched(
    workflow: Workflow, trigger: ResourceUpdated | ResourceCreated, at: Places, index: int
) -> Iterator[Diagnostic]:
    """A trigger whose server is not there, or lets nobody read what is watched, never fires."""
    name, resource = trigger.server, trigger.resource
    server = next((each for each in workflow.mcp_servers if each.name == name), None)
    if server is None:
        why = f'the MCP server "{name}" is not declared'
        yield errors.trigger_never_fires(why, at.value(("triggers", index, "server")))
    elif not server.allow_resources or (
        not resource.endswith("*") and judged("name", server.allow_resources, (resource,)) == "denied"
    ):
        why = f'allow_resources of the server "{name}" does not cover "{resource}"'
        yield errors.trigger_never_fires(why, at.value(("triggers", index, "resource")))


def _cron(text: str, where: Span) -> Iterator[Diagnostic]:
    try:
        if cron(text).crontab:
            yield errors.crontab_fields(where)
    except ScheduleProblem as problem:
        yield errors.bad_schedule(str(problem), where)


def _interval(text: str, where: Span) -> Iterator[Diagnostic]:
    try:
        interval_seconds(text)
    except ScheduleProblem as problem:
        yield errors.bad_schedule(str(problem), where)


def _nodes(workflow: Workflow, at: Places, backends: Collection[str] | None) -> Iterator[Diagnostic]:
    declared = [each.name for each in workflow.intelligence.backends] if workflow.intelligence else []
    if backends is not None:
        declared = list(backends)
    for index, node in enumerate(workflow.nodes):
        if not node.id or "." in node.id:
            yield errors.unaddressable_id(node.id, at.value(("nodes", index, "id")))
        if node.id == TRIGGER:
            yield errors.reserved_id(at.value(("nodes", index, "id")))
        yield from _backends(node, declared, index, at)
        if node.retry is not None:
            where = at.value(("nodes", index, "retry"))
            if not SPECS[node.type].retryable:
                yield errors.retry_ignored(node.id, f"{node.type} nodes are not retried", where)
            elif node.retry.max_attempts < 2:
                where = at.value(("nodes", index, "retry", "max_attempts"))
                yield errors.retry_ignored(node.id, "max_attempts counts the first attempt too", where)


def _backends(node: NodeModel, declared: Sequence[str], index: int, at: Places) -> Iterator[Diagnostic]:
    known = (*declared, "default")  # the command line's (spec 03 §6.2)
    for effect in SPECS[node.type].effects(node):
        if effect.family == "model" and effect.constant not in known:
            where = at.value(("nodes", index, "backend"))
            yield errors.unknown_backend(node.id, str(effect.constant), known, where)


def _edges(workflow: Workflow, at: Places, possible: Possible) -> Iterator[Diagnostic]:
    specs = {node.id: SPECS[node.type] for node in workflow.nodes}
    first: dict[tuple[str, str | None, bool], int] = {}
    leaving: dict[str, set[str | None]] = {}
    for index, edge in enumerate(workflow.edges):
        where = at.value(("edges", index))
        if edge.max_iterations == 0:
            yield errors.loop_edge_zero(at.value(("edges", index, "max_iterations")))
        key = (edge.from_, edge.when, edge.max_iterations is not None)
        applies = edge.max_iterations != 0 and can_take(specs[edge.from_], edge.when)
        if applies and key in first:
            here, there = (at.value(("edges", each, "to")) for each in (index, first[key]))
            yield errors.ambiguous_edges(edge.from_, edge.when, here, there)
        if applies:
            first.setdefault(key, index)
        leaving.setdefault(edge.from_, set()).add(edge.when)
        spec = specs[edge.from_]
        if not can_take(spec, edge.when):
            place = where if edge.when is None else at.value(("edges", index, "when"))
            ends = spec.final
            yield errors.dead_when(edge.from_, spec.kind, edge.when, spec.labels or (), place, ends=ends)
    for index, node in enumerate(workflow.nodes):
        handled = leaving.get(node.id, set())
        missing = [label for label in specs[node.id].labels or () if label not in handled]
        yield from _missing(
            node.id, specs[node.id], [each for each in missing if possible(node.id, each)], index, at
        )


def can_take(spec: NodeSpec, when: str | None) -> bool:
    """Whether some outcome of the kind takes an edge with this `when`."""
    if spec.final:
        return False
    if when is None:
        return not spec.always_labelled
    return spec.labels is None or when in spec.labels


def _missing(
    node: str, spec: NodeSpec, missing: Sequence[str], index: int, at: Places
) -> Iterator[Diagnostic]:
    if not missing:
        return
    if spec.kind == "condition":
        yield errors.condition_one_sided(node, missing, at.value(("nodes", index, "id")))
    else:
        yield errors.unhandled_branch(node, missing[0], at.value(("nodes", index, "id")))
