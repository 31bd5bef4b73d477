"""What a scripted model says: rules in the order of a TOML file, of which the first that fits answers.

[[rules]]
contains = "refund"                     # in the last message of the user
replies = ['{"topic":"refund"}']        # first in, first out; the last one repeats

[[rules]]
replies = ["I do not know."]            # a rule without conditions fits everything
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from agentdc.mockllm.conversation import Asked, Reply
from agentdc.model.base import U32, Many, Section

Fault = Literal[
    "close",
    "empty",
    "endless",
    "garbage",
    "hang",
    "html",
    "no_text",
    "not_json",
    "truncate",
    "wrong_type",
]


class ToolCall(Section):
    """A tool that the model calls natively."""

    name: str
    args: dict[str, Any] = Field(default_factory=dict)


class Rule(Section):
    """One rule: what it fits, and what is answered then."""

    contains: str | None = Field(None, description="In the last message of the user, or a tool's result.")
    system_contains: str | None = Field(None, description="In the system message.")
    model: str | None = Field(None, description="The model that is asked for.")
    provider: str | None = Field(None, description="anthropic, openai, openai_responses, gemini or rpc.")
    turn: U32 | None = Field(None, description="How often the model has spoken before, from 0.")
    times: U32 | None = Field(None, description="How often the rule is used at most.")
    replies: Many[str] = Field((), description="First in, first out; the last one repeats.")
    json_: Any = Field(None, alias="json", description="A reply as a value, written as compact JSON.")
    calls: Many[ToolCall] = Field((), description="Tools that the model calls natively.")
    stop: str | None = Field(None, description="Why the model stops, in the words of the provider.")
    prompt_tokens: U32 | None = Field(None, description="By default a quarter of the characters.")
    completion_tokens: U32 | None = None
    latency_ms: U32 = Field(0, description="Before the answer.")
    status: Annotated[int, Field(ge=200, le=599)] = 200
    headers: dict[str, str] = Field(default_factory=dict, description="Of the answer.")
    fault: Fault | None = None


class Script(Section):
    """`mock.toml`."""

    rules: Many[Rule] = ()


@dataclass(slots=True)
class Player:
    """Plays a script; counts how often each rule was used."""

    script: Script
    used: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.used = [0] * len(self.script.rules)

    def answer(self, asked: Asked) -> tuple[int, Rule, Reply] | None:
        """The number of the rule that fits, the rule, and its reply; None when none does."""
        for number, rule in enumerate(self.script.rules):
            if _fits(rule, asked) and (rule.times is None or self.used[number] < rule.times):
                turn = self.used[number]
                self.used[number] += 1
                return number, rule, _reply(rule, turn, asked)
        return None


def _fits(rule: Rule, asked: Asked) -> bool:
    return (
        (rule.contains is None or rule.contains in asked.last)
        and (rule.system_contains is None or rule.system_contains in asked.system)
        and (rule.model is None or rule.model == asked.model)
        and (rule.provider is None or rule.provider == asked.provider)
        and (rule.turn is None or rule.turn == asked.turn)
    )


def _reply(rule: Rule, turn: int, asked: Asked) -> Reply:
    text = ""
    if rule.replies:
        text = rule.replies[min(turn, len(rule.replies) - 1)]
    elif "json_" in rule.model_fields_set:
        text = json.dumps(rule.json_, ensure_ascii=False, separators=(",", ":"))
    calls = tuple(
        (f"call_{turn + 1}_{number}", each.name, each.args) for number, each in enumerate(rule.calls)
    )
    prompt = asked.characters // 4 if rule.prompt_tokens is None else rule.prompt_tokens
    completion = len(text) // 4 if rule.completion_tokens is None else rule.completion_tokens
    return Reply(text, calls, rule.stop, prompt, completion)
