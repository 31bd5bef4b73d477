"""`agent_loop` (spec 01 §11.1, spec 03 §6.7): a model with tools, for a bounded number of turns.

Links the loop's parts; the tools are handed in, so only those that the node lists are linked. Whatever a model asks
for passes the gate, the budget and the audit log as a node of that kind would, and one call is made in each turn.
"""

from __future__ import annotations

from time import monotonic

from agentdc_runtime.core.retry import duration
from agentdc_runtime.errors import AgentError, PolicyError, TimeoutExceeded, ToolError
from agentdc_runtime.jsontext import compact
from agentdc_runtime.loop import words
from agentdc_runtime.loop.action import called, read
from agentdc_runtime.models.message import Offer, Request
from agentdc_runtime.observe.log import INFO, WARN
from agentdc_runtime.values import text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.loop.action import Wanted
    from agentdc_runtime.loop.tool import Tool
    from agentdc_runtime.models.message import Message, Reply
    from agentdc_runtime.models.model import Model
    from agentdc_runtime.values import Json

_STANDING = "instructions"  # see loop.instructions
_MOST_RESULT = 262_144  # characters of one result that the model is shown
_ONE = "only the first call of a turn is made; ask for this one in the next turn"


async def run(
    run: Run,
    *,
    backend: str,
    task: Callable[[], Json],
    tools: tuple[Tool, ...],
    max_steps: int,
    max_tokens: int | None = None,
    answer_tokens: int | None = None,
    temperature: float | None = None,
) -> tuple[Json, str | None]:
    """`{"result", "steps", "tokens", "transcript"}`, or with the branch `exhausted` a `reason` and no result.

    `max_tokens`: of the whole loop. `answer_tokens`, `temperature`: of one reply.
    """
    models = run.process.models
    assert models is not None
    if run.dry_run:
        return {"dry_run": True, "result": None, "steps": 0}, None
    model = models.find(backend)
    asked = text(task())
    loop = _Loop(run, model, tools, max_steps)
    _tell(run, INFO, "loop.started", {"backend": backend, "max_steps": max_steps})
    messages: list[Message] = [
        {"role": "system", "content": await loop.opening()},
        {"role": "user", "content": asked},
    ]
    offers = tuple(Offer(each.name, each.description, each.parameters) for each in tools)
    request = Request(
        messages,
        max_tokens=answer_tokens,
        temperature=temperature,
        offers=offers if model.native else (),
    )
    for step in range(1, max_steps + 1):
        if monotonic() >= run.deadline:
            raise TimeoutExceeded(f"{duration(run.elapsed_ms())}: the deadline passed in step {step}")
        spent = loop.spent(max_tokens)
        if spent is not None:
            return loop.exhausted(spent, step - 1)
        reply = await models.ask(run, model, request)
        loop.tokens += reply.tokens
        messages.append(reply.message())
        done = await loop.turn(step, reply, messages)
        if done is not None:
            _tell(run, INFO, "loop.final", {"steps": step, "tokens": loop.tokens})
            output = {"result": done.value, "steps": step, "tokens": loop.tokens}
            return {**output, "transcript": loop.transcript}, None
    _tell(run, WARN, "loop.steps_exhausted", {"max_steps": max_steps})
    return loop.exhausted("step cap exhausted", max_steps)


class _Loop:
    """The state of one loop."""

    def __init__(self, run: Run, model: Model, tools: tuple[Tool, ...], max_steps: int) -> None:
        self._run = run
        self._model = model
        self._tools = {each.name: each for each in tools}
        self._max_steps = max_steps
        self.tokens = 0
        self.transcript: list[Json] = []

    async def opening(self) -> str:
        """The system message."""
        tools = tuple(self._tools.values())
        listings = [await each.listing(self._run) for each in tools if each.listing is not None]
        standing = self._run.process.kept.get(_STANDING) or ""
        return words.system(tools, standing, listings, native=self._model.native)

    def spent(self, max_tokens: int | None) -> str | None:
        """Why no further question may be asked, or None."""
        run = self._run
        if max_tokens is not None and self.tokens >= max_tokens:
            _tell(run, WARN, "loop.token_budget_exhausted", {"tokens_spent": self.tokens})
            return "token budget exhausted"
        try:
            if run.process.budget is not None:
                run.process.budget.check_tokens("agent_loop", in_run=run.root.tokens)
        except ToolError as refused:
            _tell(run, WARN, "loop.run_budget_exhausted", {"reason": refused.reason})
            return "run token budget exhausted"
        return None

    def exhausted(self, reason: str, steps: int) -> tuple[Json, str]:
        """The output of a loop that ran out."""
        return {"reason": reason, "result": None, "steps": steps, "transcript": self.transcript}, "exhausted"

    async def turn(self, step: int, reply: Reply, messages: list[Message]) -> Wanted | None:
        """Do what a reply asks for; the action that ends the loop, or None."""
        if reply.calls:
            await self._native(step, reply, messages)
            return None
        wanted = read(reply.content)
        if wanted.kind == "malformed" and self._model.native and not reply.cut:
            wanted.kind, wanted.value = "final", reply.content
        if wanted.kind == "final":
            self.transcript.append({"action": "final", "step": step})
            return wanted
        told = {"error": wanted.reason}
        if wanted.kind == "tool":
            told = {"tool_result": await self._called(step, wanted)}
        else:
            self._malformed(step)
        messages.append({"role": "user", "content": compact(told)})
        return None

    async def _native(self, step: int, reply: Reply, messages: list[Message]) -> None:
        """Make the first call of a reply; every call gets an answer, as providers want."""
        for number, each in enumerate(reply.calls):
            result: Json = {"error": _ONE}
            if number == 0:
                wanted = called(each["name"], each["args"])
                if wanted.kind == "tool":
                    result = await self._called(step, wanted)
                else:
                    self._malformed(step)
                    result = {"error": wanted.reason}
            said = {"id": each["id"], "name": each["name"], "content": compact(result)}
            messages.append({"role": "tool", **said})

    def _malformed(self, step: int) -> None:
        self.transcript.append({"action": "malformed", "step": step})

    async def _called(self, step: int, wanted: Wanted) -> Json:
        """The result of a tool, as the model is given it."""
        try:
            result = await self._executed(wanted)
        except PolicyError as denied:
            self._run.process.count({"policy_denials": 1})
            denial = {"step": step, "tool": wanted.name[:200], "reason": denied.reason}
            _tell(self._run, WARN, "loop.tool_denied", denial)
            result = {"error": denied.display}
        except AgentError as failed:
            result = {"error": failed.display}
        ok = not (isinstance(result, dict) and "error" in result)
        entry = {"action": "tool", "args": wanted.args, "ok": ok, "step": step, "tool": wanted.name}
        self.transcript.append(entry)
        told = {"step": step, "tool": wanted.name[:200], "ok": ok}
        # In the words of OpenTelemetry's semantic conventions for generative AI, version 1.37.
        told |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": wanted.name[:200]}
        _tell(self._run, INFO, "loop.tool_call", told)
        return _bounded(result)

    async def _executed(self, wanted: Wanted) -> Json:
        tool = self._tools.get(wanted.name)
        if tool is None:
            listed = ", ".join(self._tools)
            raise PolicyError(f"agent_loop: the tool {compact(wanted.name[:200])} is not among {listed}")
        return await tool.call(self._run, wanted.args)


def _bounded(result: Json) -> Json:
    """A result as the model is given it; of a huge one the begin."""
    whole = compact(result)
    if len(whole) <= _MOST_RESULT:
        return result
    return {"truncated": True, "characters": len(whole), "begin": whole[:_MOST_RESULT]}


def _tell(run: Run, level: int, event: str, fields: Mapping[str, Any]) -> None:
    if run.journal is not None:
        run.journal.event(level, event, {"node_id": run.last_node, **fields})
