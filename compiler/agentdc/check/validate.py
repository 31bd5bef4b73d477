"""The checker: a workflow model in, facts and findings out. Nothing stops at the first finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agentdc.check import (
    auth,
    branches,
    budget,
    children,
    dialect,
    exposure,
    frontier,
    grants,
    graph,
    http_routes,
    limits,
    lints,
    logs,
    names,
    offers,
    paths,
    policy,
    secrets,
    shape,
    state,
)
from agentdc.check.ceilings import Ceilings, answer_limits, budgeted, ceilings
from agentdc.check.children import Children
from agentdc.check.effects import Touch, touches
from agentdc.check.facts import Facts
from agentdc.check.flow import Flow, Way, flow
from agentdc.check.links import Links
from agentdc.check.locked import Locked
from agentdc.check.locked import answers as tool_answers
from agentdc.check.locked import check as tools_check
from agentdc.check.locked import undeclared as undeclared_servers
from agentdc.check.origins import Origins
from agentdc.check.schemas import Schemas
from agentdc.check.schemas import check as schema_check
from agentdc.check.schemas import inputs as schema_inputs
from agentdc.check.schemas import outputs as schema_outputs
from agentdc.check.starts import Input, inputs, sampled
from agentdc.check.steps import Steps, World
from agentdc.check.typing import output_types
from agentdc.diagnostics import Diagnostic, Severity
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import Names
from agentdc.parse.positions import Places
from agentdc.types import Type

# By agentd, in serve mode (spec 01 §2.2, spec 02 §2.1).
_REFUSED_AT_START = frozenset(
    {"bad_auth_reference", "bad_fs_event", "bad_jwks", "bad_schedule", "unknown_auth_binding"}
)
_FRONTIER = frozenset({"undecided_path", "undecided_effect", "unbounded_ceiling"})
# What decoding tells of files that agentd would load.
_LOADED_BY_AGENTD = frozenset({"blank_name", "ignored_field", "ignored_root_key"})
# Warnings about paths that say that a run may error.
_MAY_ABORT = frozenset({"maybe_missing", "maybe_mismatch"})


@dataclass(frozen=True, slots=True)
class Options:
    """How findings beyond agentd's own validator are judged.

    `allow`: slugs whose errors are warnings, and whose warnings are not told. `deny`: slugs whose findings are
    errors, allowed or not. `agentd_dialect`: none is an error.

    `strict`: warnings about unhandled branches are errors, and so is what could not be decided. `require_policy`: so
    is a missing policy. `explain_unknown`: what could not be decided is told.
    """

    allow: frozenset[str] = frozenset()
    agentd_dialect: bool = False
    strict: bool = False
    require_policy: bool = False
    explain_unknown: bool = False
    deny: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checker found.

    `structural`: findings of agentd's own validator, in its order (spec 01 §9). `beyond`: all others.
    `facts`: None when a structural error leaves the graph unknown. `effects`: of the workflow and its children.
    `ceilings`: of a run, by start name.
    """

    structural: tuple[Diagnostic, ...]
    beyond: tuple[Diagnostic, ...]
    facts: Facts | None
    effects: tuple[Touch, ...] = ()
    ceilings: Mapping[str, Ceilings] = field(default_factory=dict)

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
    child: str = "",
    answers: Mapping[str, int] | None = None,
    schemas: Schemas | None = None,
    locked: Locked | None = None,
) -> Checked:
    """Every finding about a workflow that decoded.

    `child`: the file of one whose own policy does not count; `answers`: the limits of the backends that do.
    """
    family = family or {}
    families = children.touched(workflow, family)
    structural = (*names.check(workflow, at), *_node_rules(workflow, at), *shape.check(workflow, at))
    extensions = tuple(dialect.check(workflow, at)) if options.agentd_dialect else ()
    if structural:
        beyond = (
            *_safe_lints(workflow, families, at, child=bool(child)),
            *schema_check(workflow, schemas or {}, at),
        )
        return Checked(structural, (*extensions, *level(_apart(beyond, extensions), options)), None)
    locked = locked or Locked()
    facts = find_facts(workflow, family, schemas, options, locked=locked)
    origins = Origins(facts.flow)
    own = tuple(touches(workflow, facts.flow, origins, at, child))
    effects = (*own, *children.effects(family))
    most = ceilings(workflow, facts.flow, family, answer_limits(workflow) if answers is None else answers)
    if not child:
        entries = facts.flow.entries
        most = {start: budgeted(workflow, most[start], facts.flow, entries[start]) for start in most}
    beyond = (
        *lints.check(workflow, at, facts.flow.possible, answers if child else None),
        *children.check(workflow, family, at),
        *schema_check(workflow, schemas or {}, at),
        *branches.check(workflow, facts.flow, at),
        *paths.check(workflow, facts.flow, at),
        *tools_check(workflow, facts.flow, locked, at),
        *(() if child else _sections(workflow, families, at)),
        *(() if child else grants.check(workflow, effects, at)),
        *(() if child else limits.check(workflow, most, at)),
        *exposure.check(workflow, own, facts.flow, origins, at, child=bool(child)),
    )
    unknown = (
        ()
        if not (options.strict or options.explain_unknown)
        else _frontier(workflow, facts, effects, most, at, child=bool(child))
    )
    found = (*extensions, *level(_apart((*beyond, *unknown), extensions), options))
    return Checked((), found, facts, effects, most)


def _frontier(
    workflow: Workflow,
    facts: Facts,
    effects: Sequence[Touch],
    most: Mapping[str, Ceilings],
    at: Places,
    *,
    child: bool,
) -> Iterable[Diagnostic]:
    """What could not be decided; effects and ceilings are those of the main workflow with its children."""
    yield from frontier.paths(workflow, facts.flow, at)
    if not child:
        yield from frontier.effects(workflow, effects)
        yield from frontier.unbounded(workflow, most, at)


def _sections(workflow: Workflow, touches: Iterable[str], at: Places) -> Iterable[Diagnostic]:
    """Findings about sections that count in the main workflow only."""
    return (
        *policy.check(workflow, touches, at),
        *undeclared_servers(workflow, at),
        *secrets.check(workflow, at),
        *auth.check(workflow, at),
        *http_routes.check(workflow, at),
        *offers.check(workflow, at),
        *state.check(workflow, at),
        *budget.check(workflow, at),
        *logs.check(workflow, at),
    )


def level_decoded(found: Iterable[Diagnostic], options: Options) -> tuple[Diagnostic, ...]:
    """Findings of the decoder: those about a file that agentd would load, at the level that the options give them."""
    leveled = [_leveled(each, options) if each.code.slug in _LOADED_BY_AGENTD else each for each in found]
    return tuple(each for each in leveled if each is not None)


def denied(found: Iterable[Diagnostic], options: Options) -> Iterator[Diagnostic]:
    """The same findings, errors where the options deny them."""
    for each in found:
        yield replace(each, severity=Severity.ERROR) if each.code.slug in options.deny else each


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
    *,
    locked: Locked | None = None,
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
    tools = tool_answers(workflow, locked or Locked())
    world = World(family, schema_outputs(known, agentd_dialect=agentd_dialect), tools)
    traced = flow(Steps(nodes, Links(nodes, nexts), world), found, given, ways, dominance)
    return Facts(found, dominance, traced.outputs, output_types(nodes, dominance.order), traced)


def check_given(
    workflow: Workflow,
    at: Places,
    options: Options,
    family: Children,
    schemas: Schemas,
    start: str,
    raw: Type,
) -> tuple[tuple[Diagnostic, ...], Flow]:
    """What makes runs of a sound child error, begun at `start` with this raw input; and what holds in such runs.

    What merely has no effect there is not told: a child is written for more callers than one.
    """
    only = tuple(each for each in workflow.start_nodes if each.name == start)
    called = workflow.model_copy(update={"start_nodes": only})
    traced = find_facts(called, family, schemas, options, {start: sampled(raw)}).flow
    found = [
        each for each in paths.check(called, traced, at) if each.is_error or each.code.slug in _MAY_ABORT
    ]
    return level(found, options), traced


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


def level(found: Iterable[Diagnostic], options: Options) -> tuple[Diagnostic, ...]:
    """Findings beyond agentd's own validator, at the level that the options give them."""
    leveled = [_leveled(diagnostic, options) for diagnostic in found]
    return tuple(diagnostic for diagnostic in leveled if diagnostic is not None)


def _leveled(diagnostic: Diagnostic, options: Options) -> Diagnostic | None:
    """The finding at the level that the options give it; an allowed error is a warning, an allowed warning none."""
    slug = diagnostic.code.slug
    if slug in _FRONTIER:
        if options.strict and slug not in options.allow:
            return replace(diagnostic, severity=Severity.ERROR)
        return diagnostic if options.explain_unknown else None
    if {"unhandled_error_branch": options.strict, "policy_absent": options.require_policy}.get(slug, False):
        return replace(diagnostic, severity=Severity.ERROR)
    if slug in options.allow:
        return replace(diagnostic, severity=Severity.WARNING) if diagnostic.is_error else None
    if diagnostic.is_error and options.agentd_dialect and slug not in _REFUSED_AT_START:
        return replace(diagnostic, severity=Severity.WARNING)
    return diagnostic
