"""The checker: a workflow model in, facts and findings out. Nothing stops at the first finding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from agentdc.check import graph, lints, names, paths, policy, shape
from agentdc.check.facts import Facts
from agentdc.check.typing import output_types
from agentdc.diagnostics import Diagnostic, Severity
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import Names
from agentdc.parse.positions import Places


@dataclass(frozen=True, slots=True)
class Options:
    """`allow`: slugs of findings beyond agentd's validator that are at most warnings. `dialect`: design §7.

    `strict`: warnings about unhandled branches are errors. `require_policy`: so is a missing policy.
    """

    allow: frozenset[str] = frozenset()
    agentd_dialect: bool = False
    strict: bool = False
    require_policy: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checker found.

    `structural`: findings of agentd's own validator, in its order (spec 01 §9). `beyond`: all others.
    `facts`: None when a structural error leaves the graph unknown.
    """

    structural: tuple[Diagnostic, ...]
    beyond: tuple[Diagnostic, ...]
    facts: Facts | None

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything found."""
        return self.structural + self.beyond


def check(workflow: Workflow, at: Places, options: Options) -> Checked:
    """Every finding about a workflow that decoded."""
    structural = (*names.check(workflow, at), *_node_rules(workflow, at), *shape.check(workflow, at))
    if structural:
        return Checked(structural, _level(_safe_lints(workflow, at), options), None)
    facts = find_facts(workflow)
    beyond = (*lints.check(workflow, at), *paths.check(workflow, facts, at), *policy.check(workflow, at))
    return Checked((), _level(beyond, options), facts)


def find_facts(workflow: Workflow) -> Facts:
    """Entries, dominance and types of a workflow without structural errors."""
    found = shape.entries(workflow)
    nexts = graph.successors((edge.from_, edge.to) for edge in workflow.edges)
    dominance = graph.dominance(list(dict.fromkeys(found.values())), nexts)
    nodes = {node.id: node for node in workflow.nodes}
    dry_run = frozenset(node.id for node in workflow.nodes if SPECS[node.type].dry_run)
    return Facts(found, dominance, output_types(nodes, dominance.order), dry_run)


def _node_rules(workflow: Workflow, at: Places) -> Iterable[Diagnostic]:
    declared = Names(tuple(server.name for server in workflow.mcp_servers))
    ruled = [(SPECS[node.type].check_order, index) for index, node in enumerate(workflow.nodes)]
    for _, index in sorted(each for each in ruled if each[0]):
        node = workflow.nodes[index]
        yield from SPECS[node.type].check(node, at, index, declared)


def _safe_lints(workflow: Workflow, at: Places) -> Iterable[Diagnostic]:
    """Lints that hold whatever the graph turns out to be."""
    ids = {node.id for node in workflow.nodes}
    if all(edge.from_ in ids for edge in workflow.edges):
        yield from lints.check(workflow, at)
    yield from policy.check(workflow, at)


def _level(found: Iterable[Diagnostic], options: Options) -> tuple[Diagnostic, ...]:
    return tuple(_leveled(diagnostic, options) for diagnostic in found)


def _leveled(diagnostic: Diagnostic, options: Options) -> Diagnostic:
    if diagnostic.is_error and (options.agentd_dialect or diagnostic.code.slug in options.allow):
        return replace(diagnostic, severity=Severity.WARNING)
    raised = {"unhandled_error_branch": options.strict, "policy_absent": options.require_policy}
    if raised.get(diagnostic.code.slug, False):
        return replace(diagnostic, severity=Severity.ERROR)
    return diagnostic
