"""Stand-ins for a run and its process, with what handlers of the network ask of them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from types import SimpleNamespace
from typing import Any, TypeVar

from agentdc_runtime.net.http_client import Client, Limits
from agentdc_runtime.policy.gate import Gate

Result = TypeVar("Result")

QUICK = Limits(connect=2, read=0.4, write=2, total=1.2)


class Events:
    """The audit events that were emitted."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, _level: int, event: str, fields: Mapping[str, Any]) -> None:
        self.seen.append((event, dict(fields)))


def make_run(
    policy: dict[str, Any] | None = None,
    *,
    dry_run: bool = False,
    client: Client | None = None,
    secrets: Any = None,
) -> Any:
    """A run; `client`: with other limits than the real one."""
    gate = Gate(policy)
    kept = {} if client is None else {"http": client}
    process = SimpleNamespace(gate=gate, kept=kept, secrets=secrets, emit=Events())
    return SimpleNamespace(process=process, gate=gate, dry_run=dry_run, traceparent=None)


def finish(run: Any, work: Coroutine[Any, Any, Result]) -> Result:
    """The result of `work` on an event loop of its own; what was kept is closed, as a process does at its end."""

    async def main() -> Result:
        try:
            return await work
        finally:
            for thing in run.process.kept.values():
                await thing.aclose()

    return asyncio.run(main())
