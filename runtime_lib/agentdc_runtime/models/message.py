"""A request to a model and its answer, as no provider in particular has them (spec 03 §6.3). Links `errors` only.

A message is a dict that is JSON:

    {"role": "system" | "user" | "assistant", "content": str}
    {"role": "assistant", "content": str, "calls": [{"id", "name", "args"}], "raw": [dialect, parts]}
    {"role": "tool", "id": str, "name": str, "content": str}        the result of one call

`raw` is what the provider itself said, which some want back word for word in the next turn.
"""

from __future__ import annotations

from agentdc_runtime.errors import IntelligenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Json: TypeAlias = Any
    Message: TypeAlias = dict[str, Any]


class Offer:
    """A tool as a provider is told of it. `parameters`: a JSON Schema of its arguments."""

    __slots__ = ("description", "name", "parameters")

    def __init__(self, name: str, description: str, parameters: Json) -> None:
        self.name = name
        self.description = description
        self.parameters = parameters


class Request:
    """What a node asks.

    `model`: the class of model, which backends with a model of their own ignore. `max_tokens`, `temperature`: None
    when the node says nothing. `schema`: what the provider is asked to keep to, or None. `offers`: tools that it
    may call natively.
    """

    __slots__ = ("max_tokens", "messages", "model", "offers", "schema", "temperature")

    def __init__(
        self,
        messages: list[Message],
        *,
        model: str = "fast",
        max_tokens: int | None = None,
        temperature: float | None = None,
        schema: Json = None,
        offers: tuple[Offer, ...] = (),
    ) -> None:
        self.messages = messages
        self.model = model
        self.max_tokens = max_tokens
        self.temperature = temperature
        self.schema = schema
        self.offers = offers

    def with_temperature(self, temperature: float) -> Request:
        """The same, at a temperature."""
        return self._changed(temperature, self.schema)

    def without_schema(self) -> Request:
        """The same for a provider that is not told of the schema."""
        return self if self.schema is None else self._changed(self.temperature, None)

    def _changed(self, temperature: float | None, schema: Json) -> Request:
        return Request(
            self.messages,
            model=self.model,
            max_tokens=self.max_tokens,
            temperature=temperature,
            schema=schema,
            offers=self.offers,
        )


class Reply:
    """What a model answered.

    `prompt`, `completion`: tokens. `stop`: why it stopped, in the provider's word, or None. `cut`: it stopped at
    its limit of tokens. `calls`: tools it wants called, as {"id", "name", "args"}. `raw`: see `Message`. `model`:
    which one answered, if told.
    """

    __slots__ = ("calls", "completion", "content", "cut", "model", "prompt", "raw", "stop")

    def __init__(
        self,
        content: str,
        prompt: int = 0,
        completion: int = 0,
        *,
        stop: str | None = None,
        cut: bool = False,
        calls: tuple[dict[str, Json], ...] = (),
        raw: list[Json] | None = None,
        model: str | None = None,
    ) -> None:
        self.content = content
        self.prompt = prompt
        self.completion = completion
        self.stop = stop
        self.cut = cut
        self.calls = calls
        self.raw = raw
        self.model = model

    @property
    def tokens(self) -> int:
        """Prompt and completion."""
        return self.prompt + self.completion

    def message(self) -> Message:
        """The answer as a turn of the conversation."""
        said: Message = {"role": "assistant", "content": self.content}
        if self.calls:
            said |= {"calls": list(self.calls), "raw": self.raw}
        return said


class ModelFailed(IntelligenceError):
    """A model that could not be asked or did not answer.

    `passing`: another attempt may go better, here or at another backend. `wait`: seconds that the peer asks to wait,
    or None.
    """

    def __init__(self, reason: str, *, passing: bool = False, wait: float | None = None) -> None:
        super().__init__(reason)
        self.passing = passing
        self.wait = wait
        if wait is not None:
            self.wait_ms = int(wait * 1000)


class Malformed(Exception):
    """An answer that is not in the form of its provider; `reason` without the provider's name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def split_system(messages: list[Message]) -> tuple[str | None, list[Message]]:
    """The first system message, and all others in order."""
    for index, each in enumerate(messages):
        if each["role"] == "system":
            return each["content"], messages[:index] + messages[index + 1 :]
    return None, messages


def member(value: Json, *path: str | int) -> Json:
    """What is at a path of names and indices, None where there is nothing."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and len(value) > step else None
    return value


def rows(value: Json, *path: str | int) -> list[dict[str, Json]]:
    """The objects of the list at a path; none where there is no list."""
    found = member(value, *path)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def count(value: Json) -> int:
    """A number of tokens as told; what is none counts as 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def word(value: Json) -> str | None:
    """A text, None for anything else."""
    return value if isinstance(value, str) else None


def missing(path: str, stop: str | None) -> Malformed:
    """The error of an answer without its text; tells why the model stopped, if it said."""
    return Malformed(f"response missing {path}" + (f" (it stopped: {stop[:40]})" if stop else ""))
