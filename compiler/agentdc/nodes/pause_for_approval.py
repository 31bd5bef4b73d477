"""`pause_for_approval`: the run waits for a person (spec 01 §5.22).

The output is the decision that was made through the app's approvals. agentd's `--resume` goes on without one, so it
may be missing, unless the node demands it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Const, Expr, Record
from agentdc.model.base import EXTENSION, Count
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import NodeSpec, TypeOf
from agentdc.types import NULL, STRING, TRUE, Type, record, union


class PauseForApproval(NodeModel):
    """Store the run and stop; it goes on when a person says so."""

    type: Literal["pause_for_approval"]
    reason: str | None = Field(None, description="literal text for the person who decides")
    require_decision: bool = Field(
        False,
        description="go on only with a decision; `--resume` alone is refused",
        json_schema_extra=EXTENSION,
    )
    expires_secs: Count | None = Field(
        None, description="the run fails when nobody decides in this time", json_schema_extra=EXTENSION
    )


def _output(node: PauseForApproval, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    return record({"approved": TRUE, "at": STRING, "by": STRING, "note": union((STRING, NULL))})


def _doubtful(node: PauseForApproval) -> bool:
    return not node.require_decision


def _lower(node: PauseForApproval) -> Expr:
    """What the pause is told, besides the node that comes next."""
    told: list[tuple[str, Expr]] = []
    if node.reason is not None:
        told.append(("reason", Const(node.reason)))
    if node.require_decision:
        told.append(("require_decision", Const(value=True)))
    if node.expires_secs is not None:
        told.append(("expires_secs", Const(node.expires_secs)))
    return Record(tuple(told))


SPEC = NodeSpec(
    kind="pause_for_approval",
    summary="wait for a person's approval",
    model=PauseForApproval,
    output=_output,
    doubtful=_doubtful,
    lower=_lower,
    end="pause",
    errors=("workflow",),
    retryable=False,
)
