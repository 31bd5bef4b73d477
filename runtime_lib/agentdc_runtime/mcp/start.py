"""From the operands and `--mcp-stdio` to a router, before any server is started. Links `router` and `server`."""

from __future__ import annotations

from agentdc_runtime.host.console import USAGE, Refusal
from agentdc_runtime.mcp.drift import Lock
from agentdc_runtime.mcp.router import Entry, Router
from agentdc_runtime.mcp.server import Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from agentdc_runtime.core.process import Process
    from agentdc_runtime.mcp.asked import Asked

LEGACY = "default"


def router(
    process: Process,
    operands: Mapping[str, Any],
    stdio: list[str] | None,
    version: str,
    *,
    remote: Callable[[Process, Mapping[str, Any], str], Asked] | None = None,
) -> Router:
    """The router of an app; `stdio`: the command of `--mcp-stdio`. Refusal when its name is taken.

    `version`: of this program, as servers are told it. `remote`: makes a server that has a URL.
    """
    entries = []
    for declared in operands.get("mcp_servers") or []:
        make = Server if declared.get("url") is None else remote
        if make is None:
            raise Refusal("this app was built without MCP over HTTP", USAGE)
        server = make(process, declared, version)
        locked = declared.get("locked")
        entries.append(
            Entry(
                server,
                declared["allow_tools"],
                declared["allow_resources"],
                lock=None if locked is None else Lock(locked),
                strict=declared.get("on_drift") != "warn",
                replays=declared.get("replay") == "idempotent",
            )
        )
    if stdio:
        if any(entry.server.name == LEGACY for entry in entries):
            raise Refusal("`--mcp-stdio` is the server `default`, and [[mcp_servers]] has one too", USAGE)
        entries.append(_legacy(process, operands, stdio, version))
    return Router(process, entries)


def _legacy(process: Process, operands: Mapping[str, Any], stdio: list[str], version: str) -> Entry:
    """The server of `--mcp-stdio`: without a policy everything is allowed, with one what `[policy.mcp]` lists."""
    server = Server(
        process, {"name": LEGACY, "command": stdio, "supervisor": operands["supervisor"]}, version
    )
    policy = operands["policy"]
    if policy is None:
        return Entry(server)
    lists = policy.get("mcp") or {}
    return Entry(server, lists.get("tools") or [], lists.get("resources") or [])
