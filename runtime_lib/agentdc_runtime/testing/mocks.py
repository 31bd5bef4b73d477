"""Scripted answers of models and MCP servers (spec 01 §10). Links `errors` and `policy.match`.

One `Mocks` serves one run and its children: queues are first in, first out, and an empty one is the error that
the real thing would give when it cannot be reached.
"""

from __future__ import annotations

from agentdc_runtime.errors import IntelligenceError, McpError, PolicyError, WorkflowError
from agentdc_runtime.policy.match import covers, name_rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from agentdc_runtime.core.run import Run

    Json: TypeAlias = Any

KEPT = "mocks"  # where a process keeps them
DEFAULT = "default"
_MASK = 2**64 - 1


def variant(trial: int, turn: int, count: int) -> int:
    """Which of `count` variants a trial takes at a turn (spec 01 §10.2); both count from 0."""
    if count < 2:
        return 0
    return (((trial * 0x9E3779B97F4A7C15) & _MASK) ^ ((turn * 0xD1B54A32D192ED03) & _MASK)) % count


class Mocks:
    """The script of one run.

    `world`: `backends` and `servers` (declared names). `script`: `intel` (turns, or None: no model at all), `loop`
    (replies to agent loops, or None), `approvals` (who consents to pauses), `fault` (which call errors, from 1, or
    None), `mcp_tools` and `mcp_resources` (queues by name, or None: no server at all), `allow` (server to allowlists,
    or None: everything).
    """

    __slots__ = (
        "_allow",
        "_backends",
        "_calls",
        "_fault",
        "_looped",
        "_servers",
        "_trial",
        "_turn",
        "approvals",
        "intel",
        "loop",
        "queues",
    )

    def __init__(self, world: dict[str, Json], script: dict[str, Json], trial: int) -> None:
        self._backends = {DEFAULT, *world["backends"]}
        self._servers: list[str] = list(dict.fromkeys(world["servers"])) or [DEFAULT]
        self._allow: dict[str, dict[str, list[str]]] | None = script["allow"]
        self._fault: int | None = script["fault"]
        self._trial = trial
        self._calls = self._turn = self._looped = 0
        self.intel: list[Json] | None = script["intel"]
        self.loop: list[str] | None = script["loop"]
        self.approvals: list[Json] = list(script["approvals"])
        tools, resources = script["mcp_tools"], script["mcp_resources"]
        self.queues: dict[str, dict[str, list[Json]]] | None = None
        if tools is not None or resources is not None:
            self.queues = {"tool": _copied(tools), "resource": _copied(resources)}

    def backend(self, name: str) -> None:
        """Returns when a model has this name; an Intelligence error otherwise."""
        if name not in self._backends:
            known = ", ".join(sorted(self._backends))
            raise IntelligenceError(f"no model backend is called `{name}`; there are: {known}")

    def reply(self) -> tuple[str, int, int]:
        """The next reply and the tokens of prompt and completion."""
        self._calls += 1
        if self._calls == self._fault:
            raise IntelligenceError(f"transport fault, injected at call {self._calls}")
        turns = self.intel or []
        if self._turn >= len(turns):
            raise IntelligenceError(f"call {self._calls} finds no mock reply left; there were {len(turns)}")
        turn = turns[self._turn]
        variants = turn.get("variants")
        if variants:
            turn = variants[variant(self._trial, self._turn, len(variants))]
        self._turn += 1
        return turn["content"], turn.get("prompt_tokens", 0), turn.get("completion_tokens", 0)

    @property
    def scripted(self) -> bool:
        """Whether models answer from here."""
        return self.intel is not None or self.loop is not None

    def loop_reply(self) -> tuple[str, int, int]:
        """The next reply to an agent loop, which uses no tokens."""
        replies = self.loop or []
        if self._looped >= len(replies):
            raise IntelligenceError(f"the agent loop finds no mock reply left; there were {len(replies)}")
        self._looped += 1
        return replies[self._looped - 1], 0, 0

    def server(self, workflow: str, name: str | None) -> str:
        """The server that a node means (spec 01 §5.13)."""
        if name is not None:
            if name in self._servers or name == DEFAULT:
                return name
            raise WorkflowError(workflow, f"no MCP server is called `{name}`")
        if len(self._servers) > 1:
            raise WorkflowError(workflow, "several MCP servers are declared; the node must name one")
        return self._servers[0]

    def admit(self, what: str, server: str, name: str, kind: str) -> None:
        """Returns when the allowlist of the server covers the tool or resource."""
        if self._allow is not None and not covers(
            name_rules(self._allow.get(server, {}).get(what, [])), name
        ):
            raise PolicyError(
                f"{kind}: {what} `{name}` is not covered by the allowlist of the server `{server}`"
            )

    def answer(self, what: str, name: str) -> Json:
        """The next result of a tool, or contents of a resource."""
        assert self.queues is not None
        queue = self.queues[what].get(name)
        if queue is None:
            raise McpError(f"the {what} `{name}` has no mock")
        if not queue:
            raise McpError(f"the {what} `{name}` has no mock left")
        return queue.pop(0)

    def unused(self) -> dict[str, int]:
        """How many answers of each queue were never asked for, by its key in the fixture."""
        left = {
            "intel": len(self.intel or []) - self._turn,
            "agent_loop": len(self.loop or []) - self._looped,
            "approvals": len(self.approvals),
        }
        for what, queues in (self.queues or {}).items():
            left |= {f"mcp_{what}s.{name}": len(queue) for name, queue in queues.items()}
        return {name: count for name, count in left.items() if count}


class Servers:
    """The scripted servers as agent loops see them, in place of the router of an app."""

    __slots__ = ("_mocks",)

    def __init__(self, mocks: Mocks) -> None:
        self._mocks = mocks

    async def call(self, run: Run, server: str | None, tool: str, _arguments: Json) -> dict[str, Json]:
        """A scripted result of a tool."""
        name = self._mocks.server(run.workflow, server)
        self._mocks.admit("tool", name, tool, "call_mcp_tool")
        result = self._mocks.answer("tool", tool) if self._mocks.queues is not None else {}
        return {
            "content": result.get("content", []),
            "is_error": bool(result.get("isError", False)),
            "server": name,
            "structured": result.get("structuredContent"),
            "tool": tool,
        }

    async def tools(self, _run: Run) -> list[Json]:
        """Scripted servers describe nothing."""
        return []


def _copied(queues: dict[str, list[Json]] | None) -> dict[str, list[Json]]:
    return {name: list(queue) for name, queue in (queues or {}).items()}
