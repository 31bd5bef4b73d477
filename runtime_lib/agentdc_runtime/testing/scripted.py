"""Models of a test: scripted ones, and real ones whose answers are recorded and given again. Links `models`.

Each stands where `models.registry.Models` stands in an app, so the real handlers ask it. A recorded answer is found
by the request as the provider would be sent it, less the values of secrets: whoever changes a prompt records anew.
"""

from __future__ import annotations

from agentdc_runtime.errors import IntelligenceError
from agentdc_runtime.jsontext import compact
from agentdc_runtime.models.message import Reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from agentdc_runtime.core.process import Process
    from agentdc_runtime.core.run import Run
    from agentdc_runtime.models.message import Request
    from agentdc_runtime.models.model import Model
    from agentdc_runtime.models.registry import Models
    from agentdc_runtime.testing.mocks import Mocks

    Json: TypeAlias = Any

_KEPT = ("content", "prompt", "completion", "stop", "cut", "calls", "raw", "model")


class ScriptedModel:
    """A name that answers from the script. It speaks the protocol of agent loops, and calls no tool natively."""

    __slots__ = ("name",)

    native = False

    def __init__(self, name: str) -> None:
        self.name = name


class Scripted:
    """Every declared model, answering from the mocks of a case."""

    __slots__ = ("_mocks",)

    def __init__(self, mocks: Mocks) -> None:
        self._mocks = mocks

    def find(self, name: str) -> ScriptedModel:
        """The model of this name; IntelligenceError when there is none."""
        self._mocks.backend(name)
        return ScriptedModel(name)

    async def ask(self, run: Run, _model: ScriptedModel, _request: Request) -> Reply:
        """The next reply for the kind of node that asks, counted."""
        loop = run.node is not None and run.node.kind == "agent_loop"
        content, prompt, completion = self._mocks.loop_reply() if loop else self._mocks.reply()
        run.process.count({"llm_calls": 1, "llm_tokens": prompt + completion})
        run.root.tokens += prompt + completion
        return Reply(content, prompt, completion)


class Recorder:
    """Real models. `entries`: what they answered, as it goes into a cassette."""

    __slots__ = ("_models", "_process", "entries")

    def __init__(self, models: Models, process: Process) -> None:
        self._models = models
        self._process = process
        self.entries: list[dict[str, Json]] = []

    def find(self, name: str) -> Model:
        """As the real ones."""
        return self._models.find(name)

    async def ask(self, run: Run, model: Model, request: Request) -> Reply:
        """The answer of the real model, kept."""
        reply = await self._models.ask(run, model, request)
        shown = _shown(self._process, model, request)
        said = {name: getattr(reply, name) for name in _KEPT}
        said["calls"] = list(reply.calls)
        self.entries.append(
            {"key": _key(model, shown), "request": shown, "reply": _scrubbed(self._process, said)}
        )
        return reply


class Player:
    """Real models by name whose answers come from a cassette; nothing is sent."""

    __slots__ = ("_models", "_process", "_replies")

    def __init__(self, models: Models, process: Process, entries: list[dict[str, Json]]) -> None:
        self._models = models
        self._process = process
        self._replies: dict[str, list[Json]] = {}
        for each in entries:
            self._replies.setdefault(each["key"], []).append(each["reply"])

    def find(self, name: str) -> Model:
        """As the real ones."""
        return self._models.find(name)

    async def ask(self, run: Run, model: Model, request: Request) -> Reply:
        """The recorded answer to this request; the last one to it repeats."""
        left = self._replies.get(_key(model, _shown(self._process, model, request)))
        if not left:
            raise IntelligenceError(
                f"the cassette has no answer of `{model.name}` to this request; record it again"
            )
        said = left.pop(0) if len(left) > 1 else left[0]
        fields = {name: said[name] for name in ("stop", "cut", "raw", "model")}
        reply = Reply(
            said["content"], said["prompt"], said["completion"], calls=tuple(said["calls"]), **fields
        )
        run.process.count({"llm_calls": 1, "llm_tokens": reply.tokens})
        return reply


def _shown(process: Process, model: Model, request: Request) -> str:
    """The request as text, without secrets."""
    text = model.rendered(request).decode()
    return text if process.secrets is None else process.secrets.scrub(text)


def _key(model: Model, shown: str) -> str:
    from hashlib import sha256

    return sha256(f"{model.name}\n{shown}".encode()).hexdigest()


def _scrubbed(process: Process, said: dict[str, Json]) -> dict[str, Json]:
    if process.secrets is None:
        return said
    from agentdc_runtime.jsontext import loads

    clean: dict[str, Json] = loads(process.secrets.scrub(compact(said)))
    return clean
