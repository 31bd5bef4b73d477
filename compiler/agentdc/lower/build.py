"""A checked workflow to a program: one block per node, paths resolved, edges grouped by label.

Nothing here reports to the user: a workflow that gets here has been checked, so what does not fit is a mistake
of the compiler. Longer blocks and local variables are the work of the passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentdc.check.children import Children
from agentdc.check.facts import Facts
from agentdc.check.lints import can_take
from agentdc.ir.ops import (
    AnswerSchema,
    Block,
    ChildProgram,
    Choice,
    Expr,
    Fetch,
    Hole,
    Load,
    LoopEdge,
    Program,
    Retry,
    Start,
    Step,
    Template,
)
from agentdc.ir.walk import rewrite
from agentdc.model.node import NodeModel
from agentdc.model.workflow import Edge, Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import NodeSpec
from agentdc.parse.positions import Places
from agentdc.types import kinds


@dataclass(frozen=True, slots=True)
class StandIn:
    """How the nodes of a kind are lowered instead, and whether what comes out is awaited."""

    lower: Callable[[Any], Expr]
    awaits: bool = False


StandIns = Mapping[str, StandIn]
"""By node kind."""


@dataclass(frozen=True, slots=True)
class _Linked:
    """What stands in other files, by its name in this one."""

    family: Children
    answers: Mapping[str, Any]


def lower(
    workflow: Workflow,
    facts: Facts,
    at: Places,
    file: str,
    children: Children | None = None,
    stand_ins: StandIns | None = None,
    answers: Mapping[str, Any] | None = None,
) -> Program:
    """The program of a workflow without errors.

    `file`: the workflow's name in comments and faults. `answers`: the documents of output schemas, by their names.
    """
    linked = _Linked(children or {}, answers or {})
    loops = _loop_edges(workflow)
    leaving: dict[str, list[tuple[int, Edge]]] = {}
    for index, edge in enumerate(workflow.edges):
        leaving.setdefault(edge.from_, []).append((index, edge))
    blocks = []
    for index, node in enumerate(workflow.nodes):
        exits = _exits(node, leaving.get(node.id, []), loops)
        step = _step(node, facts, linked, at.value(("nodes", index)).line, exits, stand_ins or {})
        blocks.append(Block(node.id, (step,)))
    starts = tuple(
        Start(start.name, start.source, facts.entries[start.name])
        for start in workflow.start_nodes
        if start.name in facts.entries
    )
    return Program(workflow.name, file, starts, tuple(blocks), tuple(loops.values()))


def _loop_edges(workflow: Workflow) -> dict[int, LoopEdge]:
    """Loop edges that can ever be followed, by edge index."""
    found: dict[int, LoopEdge] = {}
    for index, edge in enumerate(workflow.edges):
        if edge.max_iterations:
            found[index] = LoopEdge(len(found), edge.max_iterations, edge.to)
    return found


def _step(
    node: NodeModel,
    facts: Facts,
    linked: _Linked,
    line: int,
    exits: tuple[tuple[str | None, Choice], ...],
    stand_ins: StandIns,
) -> Step:
    spec = SPECS[node.type]
    stand_in = stand_ins.get(node.type)
    expression = spec.lower if stand_in is None else stand_in.lower
    if expression is None:
        raise ValueError(f"{node.type} cannot be lowered")
    value = rewrite(expression(node), lambda expr: _resolved(expr, node, facts, linked))
    retry = None
    if node.retry is not None and spec.retryable and node.retry.max_attempts > 1:
        written = node.retry
        retry = Retry(written.max_attempts, written.backoff_ms, written.on == "transient", written.jitter)
    return Step(
        node=node.id,
        kind=node.type,
        line=line,
        value=value,
        labelled=spec.labelled,
        end=spec.end if node.type not in stand_ins else "continue",
        reason=getattr(node, "reason", None) or "",
        retry=retry,
        awaits=spec.awaits if stand_in is None else stand_in.awaits,
        exits=exits,
        covered=_covered(spec, exits),
    )


def _covered(spec: NodeSpec, exits: tuple[tuple[str | None, Choice], ...]) -> bool:
    if spec.labels is None or not spec.labels:
        return False
    possible: set[str | None] = set(spec.labels)
    if not spec.always_labelled:
        possible.add(None)
    return possible <= {label for label, _ in exits}


def _exits(
    node: NodeModel, edges: list[tuple[int, Edge]], loops: dict[int, LoopEdge]
) -> tuple[tuple[str | None, Choice], ...]:
    """Edges that some outcome takes, grouped by label in file order."""
    grouped: dict[str | None, tuple[list[LoopEdge], list[str]]] = {}
    for index, edge in edges:
        if not can_take(SPECS[node.type], edge.when):
            continue
        if edge.max_iterations is None:
            grouped.setdefault(edge.when, ([], []))[1].append(edge.to)
        elif index in loops:
            grouped.setdefault(edge.when, ([], []))[0].append(loops[index])
    return tuple((label, Choice(tuple(some), tuple(plain))) for label, (some, plain) in grouped.items())


def _resolved(expr: Expr, node: NodeModel, facts: Facts, linked: _Linked) -> Expr:
    if isinstance(expr, ChildProgram):
        return ChildProgram(linked.family[expr.file].key)
    if isinstance(expr, AnswerSchema):
        return replace(expr, document=linked.answers.get(expr.name))
    if isinstance(expr, Load):
        return _fetch(expr, node, facts)
    if isinstance(expr, Template):
        return replace(expr, parts=tuple(_holes(expr, facts)))
    return expr


def _fetch(load: Load, node: NodeModel, facts: Facts) -> Fetch:
    head, *segments = load.path.split(".")
    return Fetch(
        node=head,
        segments=tuple(segments),
        local=False,
        ran=facts.ran(head, node.id),
        certain=facts.follow(load.path).certain,
        missing=load.missing,
        tool=load.tool,
        path=load.path,
    )


def _holes(template: Template, facts: Facts) -> Iterator[str | Hole]:
    """The parts, with each hole told what is certain about it; `data` is resolved already."""
    data = template.data
    for part in template.parts:
        whole = isinstance(data, Fetch) and data.ran and facts.follow(data.path).certain == len(data.segments)
        if isinstance(part, str) or not isinstance(data, Fetch) or not whole:
            yield part
            continue
        found = facts.follow(".".join((data.path, *part.segments)))
        if found.certain < len(data.segments) + len(part.segments):
            yield part
        else:
            yield replace(part, known="string" if kinds(found.type) == frozenset({"string"}) else "value")
