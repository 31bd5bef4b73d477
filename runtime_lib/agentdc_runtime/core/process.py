"""What all runs of one process share: the gate, budgets, secrets, the HTTP client, counters. Imports `os` only."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.host.journal import Journal
    from agentdc_runtime.models.registry import Models
    from agentdc_runtime.observe.log import Spans
    from agentdc_runtime.policy.budget import Budget
    from agentdc_runtime.policy.gate import Gate
    from agentdc_runtime.secrets.registry import Registry
    from agentdc_runtime.state.keeper import Keeper

COUNTERS = (
    "workflow_starts",
    "workflow_completions",
    "workflow_failures",
    "workflow_timeouts",
    "workflow_errored",
    "node_executions",
    "node_failures",
    "policy_denials",
    "llm_calls",
    "llm_tokens",
)


class Process:
    """State beyond one run.

    `gate`, `budget`, `secrets`, `models`: None when nothing of the app asks them. `kept`: things that handlers keep
    for later nodes, by name (the HTTP client, MCP servers); whatever has an `aopen` method is opened before the first
    run, and whatever has an `aclose` method is closed at the end. `journal`: makes the journal of a run, given its
    start node and what tells the spans around it. `emit`: an audit event outside any run (level, event, fields).
    `keeper`: keeps runs in the state directory, None when there is none.
    """

    __slots__ = (
        "_prefix",
        "_runs",
        "budget",
        "counters",
        "emit",
        "gate",
        "journal",
        "keeper",
        "kept",
        "models",
        "secrets",
    )

    def __init__(
        self,
        id_prefix: str,
        *,
        gate: Gate | None = None,
        budget: Budget | None = None,
        secrets: Registry | None = None,
        journal: Callable[[Run, str, Callable[[], Spans] | None], Journal] | None = None,
        emit: Callable[[int, str, Mapping[str, Any]], None] = lambda _level, _event, _fields: None,
    ) -> None:
        self._prefix = id_prefix
        self._runs = 0
        self.gate = gate
        self.budget = budget
        self.secrets = secrets
        self.journal = journal
        self.emit = emit
        self.keeper: Keeper | None = None
        self.models: Models | None = None
        self.kept: dict[str, Any] = {}
        self.counters = dict.fromkeys(COUNTERS, 0)

    def restart_ids(self) -> None:
        """Give run ids of their own to a process that was forked."""
        self._prefix = f"{self._prefix.rpartition('-')[0]}-{os.getpid():x}"

    def spread_ids(self) -> None:
        """Begin to count somewhere else than any other process: ids of kept runs must not meet in one database.

        Time and pid do not suffice: in a container every process may be number 1, and begin in the same second.
        """
        self._runs = int.from_bytes(os.urandom(5), "big") << 24

    def next_run_id(self) -> str:
        """A fresh run id; children consume numbers too (spec 01 §6.1)."""
        self._runs += 1
        return f"{self._prefix}-{self._runs:x}"

    def count(self, counts: Mapping[str, int]) -> None:
        """Add the counts of a run that has ended."""
        for name, number in counts.items():
            self.counters[name] += number

    def count_completed(self, nodes: int) -> None:
        """As `count`, for the run that nearly all are: of a whole workflow, to its end, through so many nodes."""
        counters = self.counters
        counters["workflow_starts"] += 1
        counters["workflow_completions"] += 1
        counters["node_executions"] += nodes

    async def open(self) -> None:
        """Open what must be there before a run."""
        for thing in list(self.kept.values()):
            if hasattr(thing, "aopen"):
                await thing.aopen()

    async def close(self) -> None:
        """Close what handlers kept."""
        for thing in list(self.kept.values()):
            closing: Awaitable[None] | None = thing.aclose() if hasattr(thing, "aclose") else None
            if closing is not None:
                await closing
        self.kept.clear()
