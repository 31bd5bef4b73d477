"""`parallel`: several workflows at once (spec 01 §5.16). Parsed, checked and typed; not built yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from agentdc.model.base import Many, Section
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import Effect, NodeSpec, PathField, TypeOf
from agentdc.types import BOOLEAN, STRING, UNKNOWN, Array, Type, record, union


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


def _output(node: Parallel, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    result = union((record({"result": UNKNOWN}), record({"error": STRING})))
    return record({"ok": BOOLEAN, "results": Array(result)})


def _effects(node: Parallel) -> Iterable[Effect]:
    return tuple(Effect("child", constant=branch.workflow) for branch in node.branches)


SPEC = NodeSpec(
    kind="parallel",
    summary="run child workflows at once",
    model=Parallel,
    output=_output,
    paths=(PathField("branches[].input_from", missing="null"),),
    labels=("error",),
    effects=_effects,
    errors=("workflow",),
    awaits=True,
    retryable=False,
)
