"""Requests and answers of each provider, held against the examples in the providers' own documents."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from agentdc_runtime.models import anthropic, gemini, openai, openai_responses
from agentdc_runtime.models.message import Malformed, Offer, Request

WEATHER = Offer(
    "get_weather",
    "Get the current weather",
    {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
)
TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi!"},
    {"role": "user", "content": "And now?"},
]
SCHEMA = {
    "type": "object",
    "properties": {"mood": {"type": "string"}},
    "required": ["mood"],
    "additionalProperties": False,
}


# The text of the first example of each provider's reference, with its usage.
ANSWERS: list[tuple[ModuleType, Any, str, int, int]] = [
    (
        anthropic,
        {
            "content": [{"text": "Hi! My name is Claude.", "type": "text"}],
            "id": "msg_013Zva2CMHLNnXjNJJKqJ2EF",
            "model": "claude-sonnet-4-20250514",
            "role": "assistant",
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "type": "message",
            "usage": {"input_tokens": 2095, "output_tokens": 503},
        },
        "Hi! My name is Claude.",
        2095,
        503,
    ),
    (
        openai,
        {
            "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
            "object": "chat.completion",
            "created": 1741569952,
            "model": "gpt-4.1-2025-04-14",
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": "Hello! How can I assist you today?",
                        "refusal": None,
                        "annotations": [],
                    },
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29},
            "service_tier": "default",
        },
        "Hello! How can I assist you today?",
        19,
        10,
    ),
    (
        openai_responses,
        {
            "id": "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
            "object": "response",
            "status": "completed",
            "error": None,
            "incomplete_details": None,
            "model": "gpt-4.1-2025-04-14",
            "output": [
                {"type": "reasoning", "id": "rs_1", "summary": []},
                {
                    "type": "message",
                    "id": "msg_67ccd2bf17f0819081ff3bb2cf6508e60bb6a6b452d3795b",
                    "status": "completed",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "In a peaceful grove", "annotations": []}],
                },
            ],
            "usage": {"input_tokens": 36, "output_tokens": 87, "total_tokens": 123},
        },
        "In a peaceful grove",
        36,
        87,
    ),
    (
        gemini,
        {
            "candidates": [
                {
                    "content": {
                        "parts": [
                            {"text": "Thinking about it", "thought": True},
                            {"text": "AI works "},
                            {"text": "by learning."},
                        ],
                        "role": "model",
                    },
                    "finishReason": "STOP",
                    "index": 0,
                }
            ],
            "usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 12, "totalTokenCount": 20},
            "modelVersion": "gemini-2.5-flash",
        },
        "AI works by learning.",
        8,
        12,
    ),
]


@pytest.mark.parametrize(("dialect", "answer", "text", "prompt", "completion"), ANSWERS)
def test_documented_answers(
    dialect: ModuleType, answer: Any, text: str, prompt: int, completion: int
) -> None:
    reply = dialect.reply(answer)
    assert (reply.content, reply.prompt, reply.completion, reply.cut) == (text, prompt, completion, False)


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (
            anthropic,
            {
                "model": "m",
                "max_tokens": 9,
                "system": "Be brief.",
                "messages": [
                    {"role": "user", "content": "Hello"},
                    {"role": "assistant", "content": "Hi!"},
                    {"role": "user", "content": "And now?"},
                ],
                "temperature": 0.5,
            },
        ),
        (openai, {"model": "m", "max_tokens": 9, "messages": TALK, "temperature": 0.5}),
        (
            openai_responses,
            {"model": "m", "max_output_tokens": 9, "input": TALK, "store": False, "temperature": 0.5},
        ),
        (
            gemini,
            {
                "contents": [
                    {"role": "user", "parts": [{"text": "Hello"}]},
                    {"role": "model", "parts": [{"text": "Hi!"}]},
                    {"role": "user", "parts": [{"text": "And now?"}]},
                ],
                "generationConfig": {"maxOutputTokens": 9, "temperature": 0.5},
                "system_instruction": {"parts": [{"text": "Be brief."}]},
            },
        ),
    ],
)
def test_bodies(dialect: ModuleType, body: Any) -> None:
    assert dialect.body(Request(TALK, temperature=0.5), "m", 9) == body


@pytest.mark.parametrize(
    ("dialect", "member", "form"),
    [
        (anthropic, "output_config", {"format": {"type": "json_schema", "schema": SCHEMA}}),
        (
            openai,
            "response_format",
            {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}},
        ),
        (
            openai_responses,
            "text",
            {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True}},
        ),
        (
            gemini,
            "generationConfig",
            {"maxOutputTokens": 9, "responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
        ),
    ],
)
def test_schemas_are_passed_as_documented(dialect: ModuleType, member: str, form: Any) -> None:
    assert dialect.body(Request(TALK, schema=SCHEMA), "m", 9)[member] == form


def test_a_schema_that_strict_mode_would_refuse_is_not_called_strict() -> None:
    loose = {"type": "object", "properties": {"mood": {"type": "string"}}}
    form = openai.body(Request(TALK, schema=loose), "m", 9)["response_format"]
    assert form["json_schema"]["strict"] is False


# How each provider's document shows one call of a tool, and what the next request must hold for it.
CALLS: list[tuple[ModuleType, Any, str, Any]] = [
    (
        anthropic,
        {
            "content": [
                {"type": "thinking", "thinking": "…", "signature": "abc"},
                {"type": "text", "text": "I'll check."},
                {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"location": "Oslo"}},
            ],
            "stop_reason": "tool_use",
        },
        "messages",
        [
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "…", "signature": "abc"},
                    {"type": "text", "text": "I'll check."},
                    {
                        "type": "tool_use",
                        "id": "toolu_1",
                        "name": "get_weather",
                        "input": {"location": "Oslo"},
                    },
                ],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": '"15 degrees"'}],
            },
        ],
    ),
    (
        openai,
        {
            "choices": [
                {
                    "message": {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [
                            {
                                "id": "call_abc123",
                                "type": "function",
                                "function": {"name": "get_weather", "arguments": '{\n"location": "Oslo"\n}'},
                            }
                        ],
                    },
                    "finish_reason": "tool_calls",
                }
            ]
        },
        "messages",
        [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_abc123",
                        "type": "function",
                        "function": {"name": "get_weather", "arguments": '{"location":"Oslo"}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_abc123", "content": '"15 degrees"'},
        ],
    ),
    (
        openai_responses,
        {
            "status": "completed",
            "output": [
                {
                    "id": "fc_1",
                    "call_id": "call_1",
                    "type": "function_call",
                    "name": "get_weather",
                    "arguments": '{"location":"Oslo"}',
                }
            ],
        },
        "input",
        [
            {
                "id": "fc_1",
                "call_id": "call_1",
                "type": "function_call",
                "name": "get_weather",
                "arguments": '{"location":"Oslo"}',
            },
            {"type": "function_call_output", "call_id": "call_1", "output": '"15 degrees"'},
        ],
    ),
    (
        gemini,
        {
            "candidates": [
                {
                    "content": {
                        "role": "model",
                        "parts": [{"functionCall": {"name": "get_weather", "args": {"location": "Oslo"}}}],
                    },
                    "finishReason": "STOP",
                }
            ]
        },
        "contents",
        [
            {
                "role": "model",
                "parts": [{"functionCall": {"name": "get_weather", "args": {"location": "Oslo"}}}],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "get_weather", "response": {"result": "15 degrees"}}}
                ],
            },
        ],
    ),
]


@pytest.mark.parametrize(("dialect", "answer", "member", "turns"), CALLS)
def test_documented_calls_of_tools(dialect: ModuleType, answer: Any, member: str, turns: Any) -> None:
    reply = dialect.reply(answer)
    (call,) = reply.calls
    assert (call["name"], call["args"]) == ("get_weather", {"location": "Oslo"})
    result = {"role": "tool", "id": call["id"], "name": call["name"], "content": '"15 degrees"'}
    talk = [{"role": "user", "content": "Weather?"}, reply.message(), result]
    body = dialect.body(Request(talk, offers=(WEATHER,)), "m", 9)
    assert body[member][1:] == turns
    assert "get_weather" in str(body["tools"])


@pytest.mark.parametrize(
    ("dialect", "stop"),
    [
        (anthropic, {"content": [{"type": "text", "text": "a"}], "stop_reason": "max_tokens"}),
        (openai, {"choices": [{"message": {"content": "a"}, "finish_reason": "length"}]}),
        (
            openai_responses,
            {
                "status": "incomplete",
                "incomplete_details": {"reason": "max_output_tokens"},
                "output": [{"type": "message", "content": [{"type": "output_text", "text": "a"}]}],
            },
        ),
        (gemini, {"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "MAX_TOKENS"}]}),
    ],
)
def test_answers_that_were_cut_off_say_so(dialect: ModuleType, stop: Any) -> None:
    assert dialect.reply(stop).cut


HOSTILE: list[Any] = [
    None,
    [],
    {},
    1,
    "x",
    {"content": 1},
    {"content": [1, None, {"type": "text", "text": 2}]},
]
HOSTILE += [{"choices": {}}, {"choices": [None]}, {"choices": [{"message": {"content": [{}]}}]}]
HOSTILE += [{"choices": [{"message": {"content": None, "tool_calls": 5}}]}]
HOSTILE += [
    {"output": [{"type": "message", "content": "x"}]},
    {"output": [{"type": "message", "content": 7}]},
]
HOSTILE += [{"candidates": [{"content": {"parts": "x"}}]}, {"candidates": [], "promptFeedback": []}]


@pytest.mark.parametrize("answer", HOSTILE, ids=str)
@pytest.mark.parametrize("dialect", [anthropic, openai, openai_responses, gemini])
def test_any_other_answer_is_malformed(dialect: ModuleType, answer: Any) -> None:
    with pytest.raises(Malformed):
        dialect.reply(answer)
