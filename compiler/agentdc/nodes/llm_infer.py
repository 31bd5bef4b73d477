"""`llm_infer`: one question to a model (spec 01 §5.8). Parsed, checked and typed; not built yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import Field

from agentdc.model.base import U32
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import ANSWER_TOKENS, Cost, Effect, NodeSpec, PathField, TemplateField, TypeOf
from agentdc.types import INTEGER, NULL, STRING, Type, record


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


def _output(node: LlmInfer, type_of: TypeOf) -> Type:
    usage = record({"completion_tokens": INTEGER, "prompt_tokens": INTEGER})
    parsed = NULL if node.output_schema is None else type_of.schema(node.output_schema)
    return record({"content": STRING, "parsed": parsed, "usage": usage})


def _effects(node: LlmInfer) -> Iterable[Effect]:
    return (Effect("model", "backend", constant=node.backend),)  # what it sends is in the template


def _costs(node: LlmInfer, limits: Mapping[str, int]) -> Iterable[Cost]:
    calls = 1 + node.output_repairs
    yield Cost("model_calls", calls)
    yield Cost("tokens", calls * limits.get(node.backend, ANSWER_TOKENS))
    yield Cost("wall_secs", None, "how long a model may take is set by --timeout-secs at start")


SPEC = NodeSpec(
    kind="llm_infer",
    summary="ask a model once",
    model=LlmInfer,
    output=_output,
    paths=(PathField("input_from", missing="null"),),
    templates=(TemplateField("prompt", "input_from"),),
    effects=_effects,
    costs=_costs,
    errors=("intelligence", "schema", "tool", "capability"),
    awaits=True,
    dry_run=True,
)
