"""`parallel`: several workflows at once (spec 01 §5.16)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, ChildProgram, Const, Expr, Items, Load, TriggerInput
from agentdc.model.base import Many, Section
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import ChildUse, Effect, NodeSpec, PathField, TypeOf, handler
from agentdc.types import BOOLEAN, STRING, Array, Type, record, union


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


def _output(node: Parallel, type_of: TypeOf) -> Type:
    results = [record({"result": type_of.child(each.workflow, each.start)}) for each in node.branches]
    result = union((*results, record({"error": STRING})))
    return record({"ok": BOOLEAN, "results": Array(result)})


def _effects(node: Parallel) -> Iterable[Effect]:
    return tuple(Effect("child", constant=branch.workflow) for branch in node.branches)


def _children(node: Parallel) -> Iterable[ChildUse]:
    return tuple(
        ChildUse(branch.workflow, branch.start, ("branches", index, "workflow"))
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
    output=_output,
    lower=_lower,
    children=_children,
    paths=(PathField("branches[].input_from", missing="null"),),
    labels=("error",),
    effects=_effects,
    errors=("workflow",),
    awaits=True,
    retryable=False,
)
