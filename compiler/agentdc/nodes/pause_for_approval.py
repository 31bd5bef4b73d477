"""`pause_for_approval`: the run waits for a person (spec 01 §5.22). Parsed, checked and typed; not built yet."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agentdc.model.node import NodeModel
from agentdc.nodes.spec import NodeSpec, TypeOf
from agentdc.types import NEVER, Type


class PauseForApproval(NodeModel):
    """Store the run and stop; it goes on when a person says so."""

    type: Literal["pause_for_approval"]
    reason: str | None = Field(None, description="literal text for the person who decides")


def _output(node: PauseForApproval, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    return NEVER


SPEC = NodeSpec(
    kind="pause_for_approval",
    summary="wait for a person's approval",
    model=PauseForApproval,
    output=_output,
    errors=("workflow",),
    retryable=False,
    pauses=True,
)
