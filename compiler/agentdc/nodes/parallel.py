"""`parallel`: several workflows at once (spec 01 §5.16)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, ChildProgram, Const, Expr, Items, Load, TriggerInput
from agentdc.model.base import Many, Section
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import ChildUse, Effect, NodeSpec, PathField, TypeOf, either, handler
from agentdc.types import FALSE, NEVER, STRING, TRUE, Array, Never, Type, record, union


class Branch(Section):
    """One child of a `parallel` node."""

    workflow: str = Field(description="file name of the child workflow")
    input_from: str | None = Field(
        None, description="context path of the child's input; absent = the trigger's"
    )
    start: str | None = Field(None, description="start node of the child; absent = its first")


class Parallel(NodeModel):
    """Run child workflows at once and wait for all; any error takes the branch `error`."""

    type: Literal["parallel"]
    branches: Many[Branch]


def _outcomes(node: Parallel, type_of: TypeOf) -> Mapping[str | None, Type]:
    values = [type_of.child(each.workflow, each.start) for each in node.branches]
    results = [record({"result": value}) for value in values]
    error = record({"error": STRING})
    some = tuple(
        error if isinstance(value, Never) else union((result, error))
        for value, result in zip(values, results, strict=True)
    )
    found: dict[str | None, Type] = {}
    if not any(isinstance(value, Never) for value in values):
        found[None] = record({"ok": TRUE, "results": Array(NEVER, tuple(results))})
    if some:
        found["error"] = record({"ok": FALSE, "results": Array(NEVER, some)})
    return found


def _effects(node: Parallel) -> Iterable[Effect]:
    return tuple(Effect("child", "branches", constant=branch.workflow) for branch in node.branches)


def _children(node: Parallel) -> Iterable[ChildUse]:
    return tuple(
        ChildUse(
            branch.workflow,
            branch.start,
            ("branches", index, "workflow"),
            given=branch.input_from,
            soft=True,
        )
        for index, branch in enumerate(node.branches)
    )


def _lower(node: Parallel) -> Expr:
    branches = Items(tuple(_branch(branch) for branch in node.branches))
    return Call(handler("parallel"), (("branches", branches),), takes_run=True)


def _branch(branch: Branch) -> Expr:
    value = TriggerInput() if branch.input_from is None else Load(branch.input_from, "null", "parallel")
    return Items((ChildProgram(branch.workflow), Const(branch.start), value))


SPEC = NodeSpec(
    kind="parallel",
    summary="run child workflows at once",
    model=Parallel,
    output=either(_outcomes),
    outcomes=_outcomes,
    lower=_lower,
    children=_children,
    paths=(PathField("branches[].input_from", missing="null"),),
    labels=("error",),
    effects=_effects,
    errors=("workflow",),
    awaits=True,
    retryable=False,
)
