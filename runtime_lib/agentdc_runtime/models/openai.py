"""Chat completions as OpenAI defines them and others copy them (spec 03 §6.5). Pure."""

from __future__ import annotations

from agentdc_runtime.jsontext import JsonError, compact, loads
from agentdc_runtime.models.message import Reply, count, member, missing, rows, word
from agentdc_runtime.models.strict import strict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.models.message import Json, Message, Request

BASE = "https://api.openai.com"
SYSTEM = "openai"


def path(model: str) -> str:  # noqa: ARG001 - one shape for all dialects
    """Behind the base URL."""
    return "/v1/chat/completions"


def headers(key: str) -> list[tuple[str, str]]:
    """What authenticates a request; nothing without a key."""
    return [("authorization", f"Bearer {key}")] if key else []


def body(request: Request, model: str, max_tokens: int) -> dict[str, Json]:
    """The body of a request."""
    found: dict[str, Json] = {
        "model": model,
        "max_tokens": max_tokens,
        "messages": [_turn(each) for each in request.messages],
    }
    if request.temperature is not None:
        found["temperature"] = request.temperature
    if request.schema is not None:
        form = {"name": "answer", "schema": request.schema, "strict": strict(request.schema)}
        found["response_format"] = {"type": "json_schema", "json_schema": form}
    if request.offers:
        found["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": each.name,
                    "description": each.description,
                    "parameters": each.parameters,
                },
            }
            for each in request.offers
        ]
    return found


def _turn(message: Message) -> Json:
    if message["role"] == "tool":
        return {"role": "tool", "tool_call_id": message["id"], "content": message["content"]}
    if not message.get("calls"):
        return {"role": message["role"], "content": message["content"]}
    calls = [
        {
            "id": each["id"],
            "type": "function",
            "function": {"name": each["name"], "arguments": compact(each["args"])},
        }
        for each in message["calls"]
    ]
    return {"role": "assistant", "content": message["content"] or None, "tool_calls": calls}


def reply(answer: Json) -> Reply:
    """The answer; Malformed when it has no text and calls nothing."""
    said = member(answer, "choices", 0, "message")
    calls = tuple(
        {
            "id": word(member(each, "id")) or "",
            "name": word(member(each, "function", "name")) or "",
            "args": arguments(member(each, "function", "arguments")),
        }
        for each in rows(said, "tool_calls")
    )
    text = _text(member(said, "content"))
    stop = word(member(answer, "choices", 0, "finish_reason"))
    if text is None and not calls:
        raise missing("choices[0].message.content", stop)
    return Reply(
        text or "",
        count(member(answer, "usage", "prompt_tokens")),
        count(member(answer, "usage", "completion_tokens")),
        stop=stop,
        cut=stop == "length",
        calls=calls,
        model=word(member(answer, "model")),
    )


def _text(content: Json) -> str | None:
    """A text, or the texts of parts."""
    if isinstance(content, list):
        texts = [each["text"] for each in content if isinstance(member(each, "text"), str)]
        return "".join(texts) if texts else None
    return word(content)


def arguments(text: Json) -> Json:
    """The arguments of a call, which come as text; what is no JSON stays text."""
    if not isinstance(text, str):
        return text
    try:
        return loads(text) if text.strip() else {}
    except JsonError:
        return text
