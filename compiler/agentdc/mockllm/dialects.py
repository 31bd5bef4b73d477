"""The wire formats of the providers: a request's body to what was asked, a reply to an answer's body.

`read` tells by path and body which provider is meant; BadRequest says what a real one would refuse.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from agentdc.mockllm.conversation import Asked, Reply

Json = Any


class BadRequest(Exception):
    """A request that the provider would refuse; the text says why."""


def read(path: str, body: Json) -> Asked:
    """The request at a path."""
    path = path.partition("?")[0]
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    if body.get("stream"):
        raise BadRequest("a scripted model does not stream")
    if path.endswith("/v1/messages"):
        return _anthropic(body)
    if path.endswith("/chat/completions"):
        return _openai(body)
    if path.endswith("/responses"):
        return _responses(body)
    if path.endswith(":generateContent"):
        return _gemini(path, body)
    if body.get("jsonrpc") == "2.0" and body.get("method") == "complete":
        return rpc(body)
    raise BadRequest(f"no provider has the path {path}")


def _need(body: dict[str, Json], name: str, kind: type, what: str) -> Json:
    value = body.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadRequest(f"{name}: {what} is required")
    return value


def _anthropic(body: dict[str, Json]) -> Asked:
    model = _need(body, "model", str, "a string")
    limit = _need(body, "max_tokens", int, "an integer")
    messages = [("system", _text(body["system"]))] if "system" in body else []
    for each in _need(body, "messages", list, "an array"):
        if each.get("role") not in ("user", "assistant"):
            raise BadRequest("messages: the role must be user or assistant")
        messages.append((_role(each), _text(each.get("content"))))
    tools = tuple(each["name"] for each in body.get("tools", ()))
    return Asked("anthropic", model, tuple(messages), tools, limit)


def _role(message: dict[str, Json]) -> str:
    """`tool` for a turn that holds results of tools."""
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    return "tool" if any(each.get("type") == "tool_result" for each in blocks) else str(message["role"])


def _openai(body: dict[str, Json]) -> Asked:
    model = _need(body, "model", str, "a string")
    messages = [
        (str(each.get("role")), _text(each.get("content")))
        for each in _need(body, "messages", list, "an array")
    ]
    tools = tuple(each["function"]["name"] for each in body.get("tools", ()))
    return Asked("openai", model, tuple(messages), tools, body.get("max_tokens"))


def _responses(body: dict[str, Json]) -> Asked:
    model = _need(body, "model", str, "a string")
    given = body.get("input")
    items = (
        [{"role": "user", "content": given}]
        if isinstance(given, str)
        else _need(body, "input", list, "input")
    )
    messages = []
    for each in items:
        if each.get("type") == "function_call_output":
            messages.append(("tool", _text(each.get("output"))))
        elif each.get("type") == "function_call":
            if messages[-1:] != [("assistant", "")]:  # calls that were made together are one turn
                messages.append(("assistant", ""))
        elif "role" in each:
            messages.append((str(each["role"]), _text(each.get("content"))))
    tools = tuple(each["name"] for each in body.get("tools", ()))
    return Asked("openai_responses", model, tuple(messages), tools, body.get("max_output_tokens"))


def _gemini(path: str, body: dict[str, Json]) -> Asked:
    model = path.rpartition("/")[2].removesuffix(":generateContent")
    messages = []
    if "system_instruction" in body:
        messages.append(("system", _text(body["system_instruction"].get("parts"))))
    for each in _need(body, "contents", list, "an array"):
        parts = each.get("parts", [])
        role = "assistant" if each.get("role") == "model" else str(each.get("role"))
        role = "tool" if any("functionResponse" in part for part in parts) else role
        messages.append((role, _text(parts)))
    tools = tuple(one["name"] for each in body.get("tools", ()) for one in each["functionDeclarations"])
    limit = body.get("generationConfig", {}).get("maxOutputTokens")
    return Asked("gemini", model, tuple(messages), tools, limit)


def rpc(body: dict[str, Json]) -> Asked:
    """A JSON-RPC call of agentd's."""
    params = _need(body, "params", dict, "an object")
    messages = tuple((str(each["role"]), str(each["content"])) for each in params.get("messages", ()))
    return Asked("rpc", str(params.get("model")), messages, (), params.get("max_tokens"))


def _text(content: Json) -> str:
    """A text, or what the texts and results of parts say."""
    if isinstance(content, list):
        return "".join(_part(each) for each in content if isinstance(each, dict))
    return "" if content is None else str(content)


def _part(part: dict[str, Json]) -> str:
    if "text" in part:
        return str(part["text"])
    if part.get("type") == "tool_result":
        return _text(part.get("content"))
    if "functionResponse" in part:
        return json.dumps(part["functionResponse"].get("response"), ensure_ascii=False)
    return ""


def write(asked: Asked, reply: Reply, body: Json) -> Json:
    """The answer's body."""
    match asked.provider:
        case "anthropic":
            return _said_by_anthropic(asked, reply)
        case "openai":
            return _said_by_openai(asked, reply)
        case "openai_responses":
            return _said_by_responses(asked, reply)
        case "gemini":
            return _said_by_gemini(asked, reply)
        case _:
            result = {
                "content": reply.text,
                "usage": {"prompt_tokens": reply.prompt, "completion_tokens": reply.completion},
            }
            return {"jsonrpc": "2.0", "id": body.get("id"), "result": result}


def _said_by_anthropic(asked: Asked, reply: Reply) -> Json:
    content: list[Json] = [{"type": "text", "text": reply.text}] if reply.text or not reply.calls else []
    content += [
        {"type": "tool_use", "id": number, "name": name, "input": args} for number, name, args in reply.calls
    ]
    return {
        "id": "msg_mock",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": content,
        "stop_reason": reply.stop or ("tool_use" if reply.calls else "end_turn"),
        "stop_sequence": None,
        "usage": {"input_tokens": reply.prompt, "output_tokens": reply.completion},
    }


def _said_by_openai(asked: Asked, reply: Reply) -> Json:
    message: dict[str, Json] = {"role": "assistant", "content": reply.text or (None if reply.calls else "")}
    if reply.calls:
        message["tool_calls"] = [
            {"id": number, "type": "function", "function": {"name": name, "arguments": json.dumps(args)}}
            for number, name, args in reply.calls
        ]
    stop = reply.stop or ("tool_calls" if reply.calls else "stop")
    return {
        "id": "chatcmpl-mock",
        "object": "chat.completion",
        "created": 0,
        "model": asked.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": stop}],
        "usage": {
            "prompt_tokens": reply.prompt,
            "completion_tokens": reply.completion,
            "total_tokens": reply.prompt + reply.completion,
        },
    }


def _said_by_responses(asked: Asked, reply: Reply) -> Json:
    output: list[Json] = list(_items(reply))
    cut = reply.stop == "max_output_tokens"
    return {
        "id": "resp_mock",
        "object": "response",
        "created_at": 0,
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": reply.stop} if cut else None,
        "error": None,
        "model": asked.model,
        "output": output,
        "usage": {
            "input_tokens": reply.prompt,
            "output_tokens": reply.completion,
            "total_tokens": reply.prompt + reply.completion,
        },
    }


def _items(reply: Reply) -> Iterator[Json]:
    if reply.text or not reply.calls:
        said = {"type": "output_text", "text": reply.text, "annotations": []}
        yield {
            "type": "message",
            "id": "msg_mock",
            "status": "completed",
            "role": "assistant",
            "content": [said],
        }
    for number, name, args in reply.calls:
        yield {"type": "function_call", "call_id": number, "name": name, "arguments": json.dumps(args)}


def _said_by_gemini(asked: Asked, reply: Reply) -> Json:
    parts: list[Json] = [{"text": reply.text}] if reply.text or not reply.calls else []
    parts += [{"functionCall": {"name": name, "args": args}} for _, name, args in reply.calls]
    return {
        "candidates": [
            {"content": {"role": "model", "parts": parts}, "finishReason": reply.stop or "STOP", "index": 0}
        ],
        "usageMetadata": {
            "promptTokenCount": reply.prompt,
            "candidatesTokenCount": reply.completion,
            "totalTokenCount": reply.prompt + reply.completion,
        },
        "modelVersion": asked.model,
    }


def refusal(provider: str, status: int, message: str) -> Json:
    """The body of an error, as the provider writes it."""
    if provider == "anthropic":
        kind = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}.get(status)
        return {"type": "error", "error": {"type": kind or "invalid_request_error", "message": message}}
    if provider == "gemini":
        return {"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT"}}
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}
