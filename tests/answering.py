"""Models for runs of any workflow: they answer what the declared schema lets in, a different value each time."""

from __future__ import annotations

from itertools import count
from typing import Any

from typed_values import drawn, values

from agentdc.testing.schemas import violation
from agentdc.types import UNKNOWN
from agentdc.types.from_schema import from_schema
from agentdc_runtime.core.run import Run
from agentdc_runtime.jsontext import compact
from agentdc_runtime.models.message import Reply, Request
from agentdc_runtime.testing.scripted import ScriptedModel

DRAWN = 12


class Answering:
    """Stands where an app has its models."""

    def __init__(self, keys: list[str]) -> None:
        self._keys = keys
        self._asked = count()
        self._known: dict[str, list[str]] = {}

    def find(self, name: str) -> ScriptedModel:
        """A model of any name."""
        return ScriptedModel(name)

    async def ask(self, run: Run, _model: ScriptedModel, request: Request) -> Reply:
        """The next of the answers that fit; of a loop the final result, and now and then nothing that it can use."""
        number = next(self._asked)
        if run.node is not None and run.node.kind == "agent_loop":
            answers = [compact({"action": "final", "result": each}) for each in self._any()]
            return Reply(answers[number % len(answers)] if number % 4 else "nothing that is asked for")
        answers = self._any() if request.schema is None else self._fitting(request.schema)
        return Reply(answers[number % len(answers)])

    def _any(self) -> list[str]:
        return ["", "x", *(compact(each) for each in drawn(values(UNKNOWN, self._keys), DRAWN))]

    def _fitting(self, schema: Any) -> list[str]:
        """Answers that the app accepts; where none is found, one that it refuses."""
        key = compact(schema)
        if key not in self._known:
            found = drawn(values(from_schema(schema), self._keys), DRAWN)
            self._known[key] = [compact(each) for each in found if violation(schema, each) is None]
        return self._known[key] or ["no answer"]
