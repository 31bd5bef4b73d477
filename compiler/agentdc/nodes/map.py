"""`map`: one workflow for each element (spec 01 §5.17)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import Field

from agentdc.diagnostics import Diagnostic
from agentdc.ir.ops import Call, ChildProgram, Const, Expr, Load
from agentdc.model.base import U32
from agentdc.model.node import NodeModel
from agentdc.nodes import errors
from agentdc.nodes.spec import ChildUse, Effect, Names, NodeSpec, PathField, TypeOf, either, handler
from agentdc.parse.positions import Places
from agentdc.types import FALSE, NEVER, STRING, TRUE, Array, Never, Type, record, union


class MapWorkflow(NodeModel):
    """Run a child workflow for each element of an array; any error takes the branch `error`."""

    type: Literal["map"]
    items_from: str = Field(description="context path of an array")
    workflow: str = Field(description="file name of the child workflow")
    start: str | None = Field(None, description="start node of the child; absent = its first")
    max_items: U32 = Field(description="more elements than this are an error; at least 1")
    max_concurrent: U32 = Field(4, description="children at once; at least 1")


def _outcomes(node: MapWorkflow, type_of: TypeOf) -> Mapping[str | None, Type]:
    value, error = type_of.child(node.workflow, node.start), record({"error": STRING})
    never = isinstance(value, Never)  # then all goes well for no element at all
    result = NEVER if never else record({"result": value})
    some = union((result, error))
    return {
        None: record({"ok": TRUE, "results": Array(result)}),
        "error": record({"ok": FALSE, "results": Array(some, (some,))}),
    }


def _effects(node: MapWorkflow) -> Iterable[Effect]:
    return (Effect("child", "workflow", constant=node.workflow),)


def _check(node: MapWorkflow, at: Places, index: int, names: Names) -> Iterable[Diagnostic]:  # noqa: ARG001
    if node.max_items == 0:
        yield errors.map_zero(node.id, "max_items", at.value(("nodes", index, "max_items")))
    if node.max_concurrent == 0:
        yield errors.map_zero(node.id, "max_concurrent", at.value(("nodes", index, "max_concurrent")))
    if not node.workflow.strip():
        yield errors.map_workflow(node.id, at.value(("nodes", index, "workflow")))


def _children(node: MapWorkflow) -> Iterable[ChildUse]:
    use = ChildUse(
        node.workflow, node.start, ("workflow",), node.max_items, given=node.items_from, each=True, soft=True
    )
    return (use,)


def _lower(node: MapWorkflow) -> Expr:
    return Call(
        handler("map"),
        (
            ("program", ChildProgram(node.workflow)),
            ("start", Const(node.start)),
            ("items", Load(node.items_from, "null", "map")),
            ("path", Const(node.items_from)),
            ("max_items", Const(node.max_items)),
            ("max_concurrent", Const(node.max_concurrent)),
        ),
        takes_run=True,
    )


SPEC = NodeSpec(
    kind="map",
    summary="run a child workflow for each element",
    model=MapWorkflow,
    output=either(_outcomes),
    outcomes=_outcomes,
    lower=_lower,
    children=_children,
    paths=(PathField("items_from", "array", most="max_items"),),
    labels=("error",),
    effects=_effects,
    errors=("workflow",),
    check=_check,
    check_order=10,
    awaits=True,
    retryable=False,
)
