"""`respond`: the reply of a run (spec 01 §5.23)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from agentdc.diagnostics import Diagnostic
from agentdc.ir.ops import Call, Const, Expr, Load, Template, TriggerInput
from agentdc.model.base import U16
from agentdc.model.node import NodeModel
from agentdc.nodes import errors, template
from agentdc.nodes.spec import Names, NodeSpec, PathField, TemplateField, TypeOf, handler
from agentdc.parse.positions import Places
from agentdc.types import INTEGER, Type, record
from agentdc.types import Literal as Exactly


class Respond(NodeModel):
    """Record the reply of the run; the run goes on."""

    type: Literal["respond"]
    status: U16 = Field(200, description="HTTP status, 100…599")
    content_type: str = "application/json"
    body_template: str = Field(description="text with {{key}} placeholders")
    input_from: str | None = Field(
        None, description="context path of the data; absent = the raw trigger input"
    )


def _output(node: Respond, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    content_type = Exactly("string", node.content_type)
    return record({"bytes": INTEGER, "content_type": content_type, "status": Exactly("integer", node.status)})


def _check(node: Respond, at: Places, index: int, names: Names) -> Iterable[Diagnostic]:  # noqa: ARG001
    if not 100 <= node.status <= 599:
        yield errors.respond_status(node.id, node.status, at.value(("nodes", index, "status")))
    if not node.content_type.strip():
        yield errors.respond_content_type(node.id, at.value(("nodes", index, "content_type")))


def _lower(node: Respond) -> Expr:
    path = node.input_from
    data = TriggerInput() if path is None else Load(path, "error", "respond")
    return Call(
        handler("respond"),
        (
            ("status", Const(node.status)),
            ("content_type", Const(node.content_type)),
            ("body", Template(template.parse(node.body_template), data)),
        ),
        takes_run=True,
    )


SPEC = NodeSpec(
    kind="respond",
    summary="record the reply of the run",
    model=Respond,
    output=_output,
    lower=_lower,
    paths=(PathField("input_from"),),
    templates=(TemplateField("body_template", "input_from", "input"),),
    errors=("tool",),
    check=_check,
    check_order=9,
)
