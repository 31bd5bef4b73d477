"""The shape of the graph: cycles, where runs begin, what they reach (spec 01 §9, checks 12 and 13)."""

from __future__ import annotations

from collections.abc import Iterator

from agentdc.check import errors, graph
from agentdc.diagnostics import Diagnostic
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places


def check(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    """Findings in the order of the checks; nothing when an edge dangles, since the graph is then not known."""
    ids = {node.id for node in workflow.nodes}
    if any(edge.from_ not in ids or edge.to not in ids for edge in workflow.edges):
        return
    yield from _cycle(workflow, at)
    if workflow.nodes and workflow.start_nodes:
        yield from _entries(workflow, at)
        yield from _unreachable(workflow, at)


def roots(workflow: Workflow) -> list[str]:
    """Ids of nodes without an edge into them, in declaration order; loop edges count as edges."""
    targets = {edge.to for edge in workflow.edges}
    return [node for node in dict.fromkeys(node.id for node in workflow.nodes) if node not in targets]


def entries(workflow: Workflow) -> dict[str, str]:
    """Start name to entry node, for every start whose entry is determined."""
    ids = {node.id for node in workflow.nodes}
    free = roots(workflow)
    found: dict[str, str] = {}
    for start in workflow.start_nodes:
        if start.entry_node is None and len(free) == 1:
            found.setdefault(start.name, free[0])
        elif start.entry_node in ids:
            found.setdefault(start.name, start.entry_node)
    return found


def _cycle(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    plain = [(edge.from_, edge.to) for edge in workflow.edges if edge.max_iterations is None]
    nexts = graph.successors(plain)
    stuck = graph.in_or_after_cycle(dict.fromkeys(node.id for node in workflow.nodes), nexts)
    if stuck:
        order = {node.id: index for index, node in enumerate(workflow.nodes)}
        route = graph.one_cycle(stuck, nexts)
        first = route.index(min(route, key=order.__getitem__))
        route = route[first:] + route[:first]  # told from the node that stands first in the file
        closing = _edge_index(workflow, route[-1], route[0])
        yield errors.cycle(stuck, route, at.value(("edges", closing, "to")))


def _edge_index(workflow: Workflow, source: str, target: str) -> int:
    return next(
        index
        for index, edge in enumerate(workflow.edges)
        if (edge.from_, edge.to) == (source, target) and edge.max_iterations is None
    )


def _entries(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    free = roots(workflow)
    for index, start in enumerate(workflow.start_nodes):
        if start.entry_node is None and len(free) != 1:
            yield errors.ambiguous_entry(start.name, free, at.value(("start_nodes", index)))


def _unreachable(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    nexts = graph.successors((edge.from_, edge.to) for edge in workflow.edges)
    found = entries(workflow)
    seen = graph.reachable(found.values(), nexts)
    settled = all(start.name in found for start in workflow.start_nodes)
    told: set[str] = set()
    for index, node in enumerate(workflow.nodes):
        if node.id not in seen and node.id not in told:
            told.add(node.id)
            yield errors.unreachable(node.id, at.value(("nodes", index, "id")), settled=settled)
