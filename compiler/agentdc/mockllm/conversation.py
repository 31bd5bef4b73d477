"""What was asked and what is answered, as no provider in particular writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `messages`: (role, text) in order, the system's among them. `tools`: names that are offered."""

    provider: str
    model: str
    messages: tuple[tuple[str, str], ...]
    tools: tuple[str, ...] = ()
    max_tokens: int | None = None

    @property
    def system(self) -> str:
        """All system messages."""
        return "\n".join(text for role, text in self.messages if role == "system")

    @property
    def last(self) -> str:
        """The last message that the model did not say itself."""
        others = [text for role, text in self.messages if role in ("user", "tool")]
        return others[-1] if others else ""

    @property
    def turn(self) -> int:
        """How often the model has spoken."""
        return sum(role == "assistant" for role, _ in self.messages)

    @property
    def characters(self) -> int:
        """The size of all that was said."""
        return sum(len(text) for _, text in self.messages)

    def as_json(self) -> dict[str, Any]:
        """For the record of requests."""
        return {
            "provider": self.provider,
            "model": self.model,
            "messages": [{"role": role, "content": text} for role, text in self.messages],
            "tools": list(self.tools),
            "max_tokens": self.max_tokens,
        }


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `calls`: (id, name, arguments) of tools. `stop`: in the provider's words, None = as usual."""

    text: str
    calls: tuple[tuple[str, str, dict[str, Any]], ...]
    stop: str | None
    prompt: int
    completion: int
