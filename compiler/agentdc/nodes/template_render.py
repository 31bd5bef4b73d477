"""`template_render`: text with holes (spec 01 §4, §5.5)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Const, Expr, Load, Record, Template
from agentdc.model.node import NodeModel
from agentdc.nodes import template
from agentdc.nodes.spec import NodeSpec, PathField, TemplateField, TypeOf
from agentdc.types import STRING, Type, record
from agentdc.types import Literal as Exactly


class TemplateRender(NodeModel):
    """Render `{{key}}` placeholders over one data value."""

    type: Literal["template_render"]
    template: str = Field(description="text with {{key}} placeholders")
    input_from: str | None = Field(None, description="context path of the data; absent = null")


def _output(node: TemplateRender, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    parts = template.parse(node.template)
    constant = all(isinstance(each, str) for each in parts)
    return record({"rendered": Exactly("string", node.template) if constant else STRING})


def _lower(node: TemplateRender) -> Expr:
    path = node.input_from
    data = Const(None) if path is None else Load(path, "error", "template_render")
    return Record((("rendered", Template(template.parse(node.template), data)),))


SPEC = NodeSpec(
    kind="template_render",
    summary="render a text with {{key}} placeholders",
    model=TemplateRender,
    output=_output,
    lower=_lower,
    paths=(PathField("input_from"),),
    templates=(TemplateField("template", "input_from", gives="rendered"),),
    errors=("tool",),
)
