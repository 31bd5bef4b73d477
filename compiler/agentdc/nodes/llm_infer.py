"""`llm_infer`: one question to a model (spec 01 §5.8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from agentdc.ir.ops import AnswerSchema, Call, Const, Expr, Later, Load, Template
from agentdc.model.base import EXTENSION, U32, Count
from agentdc.model.node import NodeModel
from agentdc.nodes import template
from agentdc.nodes.spec import (
    ANSWER_TOKENS,
    Cost,
    Effect,
    NodeSpec,
    PathField,
    TemplateField,
    TypeOf,
    handler,
)
from agentdc.types import INTEGER, NULL, STRING, Type, record, union


class LlmInfer(NodeModel):
    """Ask a model once; an output schema makes the answer JSON."""

    type: Literal["llm_infer"]
    backend: str = Field(description='name of an [[intelligence.backends]] entry, or "default"')
    prompt: str = Field(description="text with {{key}} placeholders")
    input_from: str | None = Field(None, description="context path of the data; absent = null")
    output_schema: str | None = Field(
        None, description="JSON Schema: a file, or the text itself; `inline` for any JSON"
    )
    output_repairs: U32 = Field(0, description="further attempts when the answer is rejected")
    max_tokens: Count | None = Field(
        None, description="limit of one answer; absent = the backend's", json_schema_extra=EXTENSION
    )
    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(
        None, description="absent = the backend's", json_schema_extra=EXTENSION
    )


def _output(node: LlmInfer, type_of: TypeOf) -> Type:
    usage = record({"completion_tokens": INTEGER, "prompt_tokens": INTEGER})
    parsed = NULL if node.output_schema is None else type_of.schema(node.output_schema)
    stop = union((STRING, NULL))
    return record({"content": STRING, "parsed": parsed, "stop_reason": stop, "usage": usage})


def _effects(node: LlmInfer) -> Iterable[Effect]:
    return (Effect("model", "backend", constant=node.backend),)  # what it sends is in the template


def _costs(node: LlmInfer, limits: Mapping[str, int]) -> Iterable[Cost]:
    calls = 1 + node.output_repairs
    yield Cost("model_calls", calls)
    yield Cost("tokens", calls * (node.max_tokens or limits.get(node.backend, ANSWER_TOKENS)))
    yield Cost("wall_secs", None, "how long a model may take is set by --timeout-secs at start")


def _lower(node: LlmInfer) -> Expr:
    data = Const(None) if node.input_from is None else Load(node.input_from, "null", "llm_infer")
    arguments: list[tuple[str, Expr]] = [
        ("backend", Const(node.backend)),
        ("prompt", Later(Template(template.parse(node.prompt), data))),
    ]
    if node.output_schema is not None:
        arguments += [
            ("answer", AnswerSchema(node.output_schema)),
            ("repairs", Const(node.output_repairs)),
        ]
    limits = ("max_tokens", "temperature")
    arguments += [(name, Const(getattr(node, name))) for name in limits if getattr(node, name) is not None]
    return Call(handler("llm_infer"), tuple(arguments), takes_run=True)


SPEC = NodeSpec(
    kind="llm_infer",
    summary="ask a model once",
    model=LlmInfer,
    output=_output,
    lower=_lower,
    paths=(PathField("input_from", missing="null"),),
    templates=(TemplateField("prompt", "input_from"),),
    effects=_effects,
    costs=_costs,
    errors=("intelligence", "schema", "tool", "capability"),
    awaits=True,
    dry_run=True,
)
