"""The Messages API of Anthropic: a request as its body, an answer from its body (spec 03 §6.5). Pure."""

from __future__ import annotations

from agentdc_runtime.models.message import Reply, count, member, missing, rows, split_system, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.models.message import Json, Message, Request

BASE = "https://api.anthropic.com"
SYSTEM = "anthropic"  # in the words of the OpenTelemetry conventions


def path(model: str) -> str:  # noqa: ARG001 - one shape for all dialects
    """Behind the base URL."""
    return "/v1/messages"


def headers(key: str) -> list[tuple[str, str]]:
    """What authenticates a request, and what else it needs."""
    return [("x-api-key", key), ("anthropic-version", "2023-06-01")]


def body(request: Request, model: str, max_tokens: int) -> dict[str, Json]:
    """The body of a request."""
    system, rest = split_system(request.messages)
    found: dict[str, Json] = {"model": model, "max_tokens": max_tokens, "messages": _turns(rest)}
    if system is not None:
        found["system"] = system
    if request.temperature is not None:
        found["temperature"] = request.temperature
    if request.schema is not None:
        found["output_config"] = {"format": {"type": "json_schema", "schema": request.schema}}
    if request.offers:
        found["tools"] = [
            {"name": each.name, "description": each.description, "input_schema": each.parameters}
            for each in request.offers
        ]
    return found


def _turns(messages: list[Message]) -> list[Json]:
    """Results of calls that were made together stand in one turn."""
    turns: list[Json] = []
    for each in messages:
        if each["role"] == "tool":
            block = {"type": "tool_result", "tool_use_id": each["id"], "content": each["content"]}
            if turns and turns[-1]["role"] == "user" and isinstance(turns[-1]["content"], list):
                turns[-1]["content"].append(block)
            else:
                turns.append({"role": "user", "content": [block]})
        else:
            turns.append({"role": each["role"], "content": _content(each)})
    return turns


def _content(message: Message) -> Json:
    if not message.get("calls"):
        return message["content"]
    raw = message.get("raw")
    if raw is not None and raw[0] == "anthropic":
        return raw[1]
    said = [{"type": "text", "text": message["content"]}] if message["content"] else []
    return said + [
        {"type": "tool_use", "id": each["id"], "name": each["name"], "input": each["args"]}
        for each in message["calls"]
    ]


def reply(answer: Json) -> Reply:
    """The answer; Malformed when it has no text and calls nothing."""
    blocks = rows(answer, "content")
    texts = [each["text"] for each in blocks if isinstance(each.get("text"), str) and _is_text(each)]
    calls = tuple(
        {"id": word(each.get("id")) or "", "name": word(each.get("name")) or "", "args": each.get("input")}
        for each in blocks
        if each.get("type") == "tool_use"
    )
    stop = word(member(answer, "stop_reason"))
    if not texts and not calls:
        raise missing("content[0].text", stop)
    return Reply(
        "".join(texts),
        count(member(answer, "usage", "input_tokens")),
        count(member(answer, "usage", "output_tokens")),
        stop=stop,
        cut=stop in ("max_tokens", "model_context_window_exceeded"),
        calls=calls,
        raw=["anthropic", blocks] if calls else None,
        model=word(member(answer, "model")),
    )


def _is_text(block: dict[str, Json]) -> bool:
    return bool(block.get("type", "text") == "text")
