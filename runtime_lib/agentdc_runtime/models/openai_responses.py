"""The responses API of OpenAI, chosen with `api = "responses"` (an extension). Pure.

Nothing is stored at the provider: the conversation is sent again with each turn, the model's own reasoning included
in the encrypted form in which it came.
"""

from __future__ import annotations

from agentdc_runtime.jsontext import compact
from agentdc_runtime.models.message import Reply, count, member, missing, rows, word
from agentdc_runtime.models.openai import BASE, SYSTEM, arguments, headers
from agentdc_runtime.models.strict import strict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentdc_runtime.models.message import Json, Message, Request

__all__ = ["BASE", "SYSTEM", "body", "headers", "path", "reply"]


def path(model: str) -> str:  # noqa: ARG001 - one shape for all dialects
    """Behind the base URL."""
    return "/v1/responses"


def body(request: Request, model: str, max_tokens: int) -> dict[str, Json]:
    """The body of a request."""
    found: dict[str, Json] = {
        "model": model,
        "max_output_tokens": max_tokens,
        "input": [item for each in request.messages for item in _items(each)],
        "store": False,
    }
    if request.temperature is not None:
        found["temperature"] = request.temperature
    if request.schema is not None:
        schema = request.schema
        form = {"type": "json_schema", "name": "answer", "schema": schema, "strict": strict(schema)}
        found["text"] = {"format": form}
    if request.offers:
        found["include"] = ["reasoning.encrypted_content"]
        found["tools"] = [
            {
                "type": "function",
                "name": each.name,
                "description": each.description,
                "parameters": each.parameters,
                "strict": False,
            }
            for each in request.offers
        ]
    return found


def _items(message: Message) -> Iterator[Json]:
    raw = message.get("raw")
    if message["role"] == "tool":
        yield {"type": "function_call_output", "call_id": message["id"], "output": message["content"]}
    elif raw is not None and raw[0] == "openai_responses":
        yield from raw[1]
    else:
        if message["content"] or not message.get("calls"):
            yield {"role": message["role"], "content": message["content"]}
        for each in message.get("calls") or ():
            yield {
                "type": "function_call",
                "call_id": each["id"],
                "name": each["name"],
                "arguments": compact(each["args"]),
            }


def reply(answer: Json) -> Reply:
    """The answer; Malformed when it has no text and calls nothing."""
    items = rows(answer, "output")
    texts = [
        part["text"]
        for each in items
        if each.get("type") == "message"
        for part in rows(each, "content")
        if member(part, "type") == "output_text" and isinstance(member(part, "text"), str)
    ]
    calls = tuple(
        {
            "id": word(each.get("call_id")) or "",
            "name": word(each.get("name")) or "",
            "args": arguments(each.get("arguments")),
        }
        for each in items
        if each.get("type") == "function_call"
    )
    why = word(member(answer, "incomplete_details", "reason"))
    stop = why or word(member(answer, "status"))
    if not texts and not calls:
        raise missing("output[].content[].text", stop)
    return Reply(
        "".join(texts),
        count(member(answer, "usage", "input_tokens")),
        count(member(answer, "usage", "output_tokens")),
        stop=stop,
        cut=why == "max_output_tokens",
        calls=calls,
        raw=["openai_responses", items] if calls else None,
        model=word(member(answer, "model")),
    )
