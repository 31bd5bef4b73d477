"""A router with real servers behind it, for tests that speak to it without an app."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from agentdc_runtime.core.process import Process
from agentdc_runtime.core.run import Program, Run
from agentdc_runtime.mcp import http
from agentdc_runtime.mcp.router import Router
from agentdc_runtime.secrets.registry import Registry

SERVERS = Path(__file__).parent / "peers" / "mcp_servers"
SUPERVISOR: dict[str, Any] = {
    "max_restarts": 5, "base_delay_ms": 10, "max_delay_ms": 30_000, "stability_window_secs": 300, "jitter": 0.0,
    "lenient_start": False, "start_timeout_secs": 30, "stop_timeout_secs": 5, "call_wait_secs": 10,
    "ping_interval_secs": 0,
}  # fmt: skip


def python(script: str, *words: str) -> list[str]:
    """The command of a server of ours."""
    return [sys.executable, str(SERVERS / f"{script}.py"), *words]


def declared(name: str, *, supervisor: Mapping[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    """A server's entry in the operands, with everything allowed unless `keys` say otherwise."""
    lists = {"allow_tools": ["*"], "allow_resources": ["*"]}
    return {"name": name, **lists, **keys, "supervisor": {**SUPERVISOR, **(supervisor or {})}}


class Bench:
    """A router, a way to make runs, and the audit events so far."""

    def __init__(self, servers: list[dict[str, Any]], environ: Mapping[str, str]) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        secrets = Registry([], environ, self._told)
        self.process = Process("exec-0-0", secrets=secrets, emit=self._told)
        operands = {"mcp_servers": servers, "policy": None, "supervisor": SUPERVISOR}
        self.router: Router = http.router(self.process, operands, None, "1.2.3")

    def _told(self, _: int, event: str, fields: Mapping[str, Any]) -> None:
        self.events.append((event, dict(fields)))

    def named(self, event: str) -> list[dict[str, Any]]:
        """The fields of each event of one name."""
        return [fields for name, fields in self.events if name == event]

    async def told(self, event: str, times: int = 1) -> None:
        """Returns as soon as an event has come so often."""
        async with asyncio.timeout(30):
            while len(self.named(event)) < times:
                await asyncio.sleep(0.005)

    def run(self, seconds: float = 30) -> Run:
        """A run with so much time left."""
        return Run(Program("w", {}, 0), self.process, "manual", None, deadline=monotonic() + seconds)

    async def call(
        self, tool: str, arguments: Any = None, *, server: str | None = None, seconds: float = 30
    ) -> str:
        """The text of a tool's answer."""
        answer = await self.router.call(self.run(seconds), server, tool, arguments)
        text: str = answer["content"][0]["text"]
        return text


@asynccontextmanager
async def bench(*servers: dict[str, Any], environ: Mapping[str, str] | None = None) -> AsyncIterator[Bench]:
    """Servers that have been started, and are ended whatever happens."""
    made = Bench(list(servers), environ or {})
    try:
        await made.router.aopen()
        yield made
    finally:
        await made.router.aclose()


@asynccontextmanager
async def over_http(*words: str) -> AsyncIterator[str]:
    """The URL of the SDK's server over HTTP, as long as it is needed."""
    process = await asyncio.create_subprocess_exec(
        *python("sdk_http", *words), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
