"""Names that must be unique, and names that must exist (spec 01 §9, checks 1 to 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agentdc.check import errors
from agentdc.diagnostics import Diagnostic, did_you_mean
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places

_ENDS = ("$end", "__end__", "done", "end", "exit", "finish", "stop")


def check(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    """All findings, in the order of the checks."""
    for index, first in _repeats(node.id for node in workflow.nodes):
        node_at, first_at = at.value(("nodes", index, "id")), at.value(("nodes", first, "id"))
        yield errors.dup_node_id(workflow.nodes[index].id, node_at, first_at)
    for index, first in _repeats(start.name for start in workflow.start_nodes):
        name_at, first_at = at.value(("start_nodes", index, "name")), at.value(("start_nodes", first, "name"))
        yield errors.dup_start_name(workflow.start_nodes[index].name, name_at, first_at)
    yield from _routes(workflow, at)
    yield from _starts(workflow, at)
    yield from _edges(workflow, at)


def _repeats(names: Iterable[str]) -> Iterator[tuple[int, int]]:
    """(index of the second occurrence, index of the first) once per repeated name."""
    first: dict[str, int] = {}
    told: set[str] = set()
    for index, name in enumerate(names):
        if name in first and name not in told:
            told.add(name)
            yield index, first[name]
        first.setdefault(name, index)


def _routes(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    starts = [start.name for start in workflow.start_nodes]
    first: dict[tuple[str, str], int] = {}
    for index, route in enumerate(workflow.http_routes):
        key = (route.method.upper(), route.path)
        if key in first:
            earlier = at.value(("http_routes", first[key], "path"))
            yield errors.dup_http_route(*key, at.value(("http_routes", index, "path")), earlier)
        first.setdefault(key, index)
        if route.start_node not in starts:
            where = at.value(("http_routes", index, "start_node"))
            what = f"the route {key[0]} {route.path}"
            yield errors.unknown_start("unknown_http_start_node", what, route.start_node, starts, where)
    serve = workflow.mcp_serve
    if serve is not None and serve.path is not None and ("POST", serve.path) in first:
        earlier = at.value(("http_routes", first["POST", serve.path], "path"))
        yield errors.dup_http_route("POST", serve.path, at.value(("mcp_serve", "path")), earlier)
    for index, trigger in enumerate(workflow.triggers):
        if trigger.start_node not in starts:
            where = at.value(("triggers", index, "start_node"))
            what = f"the {trigger.type} trigger"
            yield errors.unknown_start("unknown_trigger_start_node", what, trigger.start_node, starts, where)


def _starts(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    ids = {node.id for node in workflow.nodes}
    for index, start in enumerate(workflow.start_nodes):
        if start.entry_node is not None and start.entry_node not in ids:
            where = at.value(("start_nodes", index, "entry_node"))
            yield errors.unknown_entry(start.name, start.entry_node, ids, where)


def _edges(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    ids = {node.id for node in workflow.nodes}
    starts = {start.name for start in workflow.start_nodes}
    for index, edge in enumerate(workflow.edges):
        if edge.from_ not in ids:
            helped = did_you_mean(edge.from_, ids)
            if edge.from_ in starts:
                helped = f'"{edge.from_}" is a start node: it leads to its `entry_node`, without an edge'
            yield errors.dangling_edge(index, "from", edge.from_, helped, at.value(("edges", index, "from")))
        if edge.to not in ids:
            ends = edge.to.lower() in _ENDS
            helped = (
                "a run ends where no edge leads on: leave this edge out"
                if ends
                else did_you_mean(edge.to, ids)
            )
            yield errors.dangling_edge(index, "to", edge.to, helped, at.value(("edges", index, "to")))
