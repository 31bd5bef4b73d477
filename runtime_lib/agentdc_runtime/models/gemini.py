"""`generateContent` of the Gemini API (spec 03 §6.5). Pure."""

from __future__ import annotations

from agentdc_runtime.jsontext import JsonError, loads
from agentdc_runtime.models.message import Reply, count, member, missing, rows, split_system, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.models.message import Json, Message, Request

BASE = "https://generativelanguage.googleapis.com"
SYSTEM = "gcp.gemini"

_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/@:")


def path(model: str) -> str:
    """Behind the base URL."""
    quoted = "".join(
        each if each in _SAFE else "".join(f"%{byte:02X}" for byte in each.encode()) for each in model
    )
    return f"/v1beta/models/{quoted}:generateContent"


def headers(key: str) -> list[tuple[str, str]]:
    """What authenticates a request."""
    return [("x-goog-api-key", key)]


def body(request: Request, model: str, max_tokens: int) -> dict[str, Json]:  # noqa: ARG001 - see `path`
    """The body of a request."""
    system, rest = split_system(request.messages)
    wanted: dict[str, Json] = {"maxOutputTokens": max_tokens}
    if request.temperature is not None:
        wanted["temperature"] = request.temperature
    if request.schema is not None:
        wanted |= {"responseMimeType": "application/json", "responseJsonSchema": request.schema}
    found: dict[str, Json] = {"contents": _turns(rest), "generationConfig": wanted}
    if system is not None:
        found["system_instruction"] = {"parts": [{"text": system}]}
    if request.offers:
        offered = [
            {"name": each.name, "description": each.description, "parametersJsonSchema": each.parameters}
            for each in request.offers
        ]
        found["tools"] = [{"functionDeclarations": offered}]
    return found


def _turns(messages: list[Message]) -> list[Json]:
    """Results of calls that were made together stand in one turn."""
    turns: list[Json] = []
    for each in messages:
        if each["role"] != "tool":
            role = "model" if each["role"] == "assistant" else each["role"]
            turns.append({"role": role, "parts": _parts(each)})
            continue
        part = {"functionResponse": {"name": each["name"], "response": _result(each["content"])}}
        if turns and turns[-1]["role"] == "user" and "functionResponse" in turns[-1]["parts"][0]:
            turns[-1]["parts"].append(part)
        else:
            turns.append({"role": "user", "parts": [part]})
    return turns


def _parts(message: Message) -> list[Json]:
    raw = message.get("raw")
    if raw is not None and raw[0] == "gemini":
        parts: list[Json] = raw[1]
        return parts
    calls = message.get("calls") or ()
    said = [] if calls and not message["content"] else [{"text": message["content"]}]
    return said + [{"functionCall": {"name": each["name"], "args": each["args"]}} for each in calls]


def _result(content: str) -> Json:
    """A result must be an object."""
    try:
        value = loads(content)
    except JsonError:
        value = content
    return value if isinstance(value, dict) else {"result": value}


def reply(answer: Json) -> Reply:
    """The answer; Malformed when it has no text and calls nothing."""
    parts = rows(answer, "candidates", 0, "content", "parts")
    texts = [
        each["text"]
        for each in parts
        if isinstance(each.get("text"), str) and each.get("thought") is not True
    ]
    calls = tuple(
        {
            "id": "",
            "name": word(member(each, "functionCall", "name")) or "",
            "args": member(each, "functionCall", "args") or {},
        }
        for each in parts
        if "functionCall" in each
    )
    stop = word(member(answer, "candidates", 0, "finishReason"))
    if not texts and not calls:
        why = stop or word(member(answer, "promptFeedback", "blockReason"))
        raise missing("candidates[0].content.parts[0].text", why)
    return Reply(
        "".join(texts),
        count(member(answer, "usageMetadata", "promptTokenCount")),
        count(member(answer, "usageMetadata", "candidatesTokenCount")),
        stop=stop,
        cut=stop == "MAX_TOKENS",
        calls=calls,
        raw=["gemini", parts] if calls else None,
        model=word(member(answer, "modelVersion")),
    )
