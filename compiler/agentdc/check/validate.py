"""The checker: a workflow model in, facts and findings out. Nothing stops at the first finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from agentdc.check import (
    auth,
    branches,
    budget,
    children,
    dialect,
    graph,
    http_routes,
    lints,
    names,
    paths,
    policy,
    secrets,
    shape,
    state,
)
from agentdc.check.children import Children
from agentdc.check.facts import Facts
from agentdc.check.flow import Way, flow
from agentdc.check.links import Links
from agentdc.check.schemas import Schemas
from agentdc.check.schemas import check as schema_check
from agentdc.check.schemas import inputs as schema_inputs
from agentdc.check.schemas import outputs as schema_outputs
from agentdc.check.starts import Input, inputs
from agentdc.check.steps import Steps, World
from agentdc.check.typing import output_types
from agentdc.diagnostics import Diagnostic, Severity
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import Names
from agentdc.parse.positions import Places

# By agentd, in serve mode (spec 01 §2.2, spec 02 §2.1).
_REFUSED_AT_START = frozenset(
    {"bad_auth_reference", "bad_fs_event", "bad_jwks", "bad_schedule", "unknown_auth_binding"}
)
# What decoding tells of files that agentd would load.
_LOADED_BY_AGENTD = frozenset({"blank_name", "ignored_field", "ignored_root_key"})


@dataclass(frozen=True, slots=True)
class Options:
    """How findings beyond agentd's own validator are judged.

    `allow`: slugs whose errors are warnings, and whose warnings are not told. `agentd_dialect`: none is an error.

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


def check(
    workflow: Workflow,
    at: Places,
    options: Options,
    family: Children | None = None,
    *,
    child: bool = False,
    schemas: Schemas | None = None,
) -> Checked:
    """Every finding about a workflow that decoded; the policy of a `child` does not count, so it is not judged."""
    family = family or {}
    touches = children.touched(workflow, family)
    structural = (*names.check(workflow, at), *_node_rules(workflow, at), *shape.check(workflow, at))
    extensions = tuple(dialect.check(workflow, at)) if options.agentd_dialect else ()
    if structural:
        beyond = (
            *_safe_lints(workflow, touches, at, child=child),
            *schema_check(workflow, schemas or {}, at),
        )
        return Checked(structural, (*extensions, *_level(_apart(beyond, extensions), options)), None)
    facts = find_facts(workflow, family, schemas, options)
    beyond = (
        *lints.check(workflow, at, facts.flow.possible),
        *children.check(workflow, family, at),
        *schema_check(workflow, schemas or {}, at),
        *branches.check(workflow, facts.flow, at),
        *paths.check(workflow, facts.flow, at),
        *(() if child else _sections(workflow, touches, at)),
    )
    return Checked((), (*extensions, *_level(_apart(beyond, extensions), options)), facts)


def _sections(workflow: Workflow, touches: Iterable[str], at: Places) -> Iterable[Diagnostic]:
    """Findings about sections that count in the main workflow only."""
    return (
        *policy.check(workflow, touches, at),
        *secrets.check(workflow, at),
        *auth.check(workflow, at),
        *http_routes.check(workflow, at),
        *state.check(workflow, at),
        *budget.check(workflow, at),
    )


def level_decoded(found: Iterable[Diagnostic], options: Options) -> tuple[Diagnostic, ...]:
    """Findings of the decoder: those about a file that agentd would load, at the level that the options give them."""
    leveled = [_leveled(each, options) if each.code.slug in _LOADED_BY_AGENTD else each for each in found]
    return tuple(each for each in leveled if each is not None)


def _apart(found: Iterable[Diagnostic], extensions: Iterable[Diagnostic]) -> Iterable[Diagnostic]:
    """The findings less those about a value that is refused as an extension anyway."""
    refused = {each.primary.span for each in extensions if each.primary is not None}
    return (each for each in found if each.primary is None or each.primary.span not in refused)


def find_facts(
    workflow: Workflow,
    family: Children,
    schemas: Schemas | None = None,
    options: Options | None = None,
    samples: Mapping[str, Input] | None = None,
) -> Facts:
    """Entries, dominance, types and flow of a workflow without structural errors.

    `samples`: what runs begin with, by start name, instead of what routes and triggers say.
    """
    found = shape.entries(workflow)
    kinds = {node.id: SPECS[node.type] for node in workflow.nodes}
    ways: dict[str, list[Way]] = {}
    for index, edge in enumerate(workflow.edges):
        if edge.max_iterations != 0 and lints.can_take(kinds[edge.from_], edge.when):
            way = Way(index, edge.when, edge.to, edge.max_iterations is not None)
            ways.setdefault(edge.from_, []).append(way)
    nexts = graph.successors((source, way.to) for source, leaving in ways.items() for way in leaving)
    dominance = graph.dominance(list(dict.fromkeys(found.values())), nexts)
    nodes = {node.id: node for node in workflow.nodes}
    known = schemas or {}
    agentd_dialect = options is not None and options.agentd_dialect
    given = inputs(workflow, schema_inputs(known, agentd_dialect=agentd_dialect)) | dict(samples or {})
    world = World(family, schema_outputs(known, agentd_dialect=agentd_dialect))
    traced = flow(Steps(nodes, Links(nodes, nexts), world), found, given, ways, dominance)
    return Facts(found, dominance, traced.outputs, output_types(nodes, dominance.order), traced)


def _node_rules(workflow: Workflow, at: Places) -> Iterable[Diagnostic]:
    declared = Names(tuple(server.name for server in workflow.mcp_servers))
    ruled = [(SPECS[node.type].check_order, index) for index, node in enumerate(workflow.nodes)]
    for _, index in sorted(each for each in ruled if each[0]):
        node = workflow.nodes[index]
        yield from SPECS[node.type].check(node, at, index, declared)


def _safe_lints(
    workflow: Workflow, touches: Iterable[str], at: Places, *, child: bool
) -> Iterable[Diagnostic]:
    """Lints that hold whatever the graph turns out to be."""
    ids = {node.id for node in workflow.nodes}
    if all(edge.from_ in ids for edge in workflow.edges):
        yield from lints.check(workflow, at)
    if not child:
        yield from policy.check(workflow, touches, at)


def _level(found: Iterable[Diagnostic], options: Options) -> tuple[Diagnostic, ...]:
    leveled = [_leveled(diagnostic, options) for diagnostic in found]
    return tuple(diagnostic for diagnostic in leveled if diagnostic is not None)


def _leveled(diagnostic: Diagnostic, options: Options) -> Diagnostic | None:
    """The finding at the level that the options give it; an allowed error is a warning, an allowed warning none."""
    slug = diagnostic.code.slug
    if {"unhandled_error_branch": options.strict, "policy_absent": options.require_policy}.get(slug, False):
        return replace(diagnostic, severity=Severity.ERROR)
    if slug in options.allow:
        return replace(diagnostic, severity=Severity.WARNING) if diagnostic.is_error else None
    if diagnostic.is_error and options.agentd_dialect and slug not in _REFUSED_AT_START:
        return replace(diagnostic, severity=Severity.WARNING)
    return diagnostic
