"""What a model must answer: any JSON, or what a JSON Schema accepts (spec 01 §5.8). Links `jsontext` only."""

from __future__ import annotations

from agentdc_runtime.jsontext import JsonError, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from agentdc_runtime.models.message import Reply

    Json: TypeAlias = Any


class Answer:
    """`check`: what is wrong with a value, or None. `document`: the schema, which a provider may be sent."""

    __slots__ = ("_check", "document")

    def __init__(self, check: Callable[[Json], str | None], document: Json) -> None:
        self._check = check
        self.document = document

    def judged(self, reply: Reply) -> tuple[Json, str | None]:
        """The value that a reply is, and why it is rejected."""
        if reply.cut:
            return None, "schema violation: the answer was cut off at its limit of tokens"
        try:
            value = loads(reply.content)
        except JsonError as problem:
            return None, f"model returned invalid JSON: {problem.reason}"
        wrong = self._check(value)
        return value, None if wrong is None else f"schema violation: {wrong}"


ANY_JSON = Answer(lambda _value: None, None)
