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

    `world`: `backends` and `servers` (declared names), `schemas` (workflow file to name to JSON Schema). `script`:
    `intel` (turns, or None: no model at all), `fault` (which call errors, from 1, or None), `mcp_tools` and
    `mcp_resources` (queues by name, or None: no server at all), `allow` (server to allowlists, or None: everything).
    """

    __slots__ = (
        "_allow",
        "_backends",
        "_calls",
        "_fault",
        "_schemas",
        "_servers",
        "_trial",
        "_turn",
        "intel",
        "queues",
    )

    def __init__(self, world: dict[str, Json], script: dict[str, Json], trial: int) -> None:
        self._backends = {DEFAULT, *world["backends"]}
        self._servers: list[str] = list(dict.fromkeys(world["servers"])) or [DEFAULT]
        self._schemas: dict[str, dict[str, Json]] = world["schemas"]
        self._allow: dict[str, dict[str, list[str]]] | None = script["allow"]
        self._fault: int | None = script["fault"]
        self._trial = trial
        self._calls = self._turn = 0
        self.intel: list[Json] | None = script["intel"]
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

    def schema(self, file: str, name: str) -> Json:
        """The JSON Schema that `output_schema` names in a workflow file, or None."""
        return self._schemas.get(file, {}).get(name)

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
        left = {"intel": len(self.intel or []) - self._turn}
        for what, queues in (self.queues or {}).items():
            left |= {f"mcp_{what}s.{name}": len(queue) for name, queue in queues.items()}
        return {name: count for name, count in left.items() if count}


def _copied(queues: dict[str, list[Json]] | None) -> dict[str, list[Json]]:
    return {name: list(queue) for name, queue in (queues or {}).items()}
