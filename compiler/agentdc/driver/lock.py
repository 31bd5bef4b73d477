"""`agentdc.lock`: what the MCP servers of a workflow said of themselves, beside the workflow; reading and writing it.

One file for all workflows of a folder: by server, its tools with schemas and digests, its resources. It is written by
`agentdc mcp lock` alone, and read by whatever checks and builds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from agentdc.check.lock_errors import invalid_lock
from agentdc.check.locked import Locked, LockedTool
from agentdc.diagnostics import Diagnostic
from agentdc.driver.files import reason
from agentdc.driver.schemas import uncompilable
from agentdc.driver.sources import DISK, Files
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places

NAME = "agentdc.lock"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file as it was found. `problem`: why it cannot be used, or empty. `present`: it is there."""

    path: str
    servers: Mapping[str, Any] = field(default_factory=dict)
    present: bool = False
    problem: str = ""

    def types(self) -> Locked:
        """What the checker asks."""
        from agentdc.types.from_schema import from_schema  # only workflows with a lock pay for it

        servers = {}
        for name, server in self.servers.items():
            servers[name] = {
                tool: LockedTool(from_schema(_object(known.get("input_schema"))), _gives(known))
                for tool, known in server["tools"].items()
            }
        return Locked(servers, present=self.present and not self.problem)

    def digests(self, server: str) -> dict[str, list[str]] | None:
        """What the app holds the tools of a server against; None when the server is not locked."""
        if server not in self.servers:
            return None
        tools = self.servers[server]["tools"]
        return {name: [tools[name]["sha256"], tools[name]["words_sha256"]] for name in sorted(tools)}

    def answer(self, server: str, tool: str) -> Any:
        """The schema of what a tool answers, as far as an app can hold answers against it; else None."""
        known = self.servers.get(server, {}).get("tools", {}).get(tool, {})
        return _output(known)

    def problems(self, workflow: Workflow, at: Places) -> list[Diagnostic]:
        """What is wrong with the file, at the first server that needs it."""
        if not self.problem or not workflow.mcp_servers:
            return []
        return [invalid_lock(NAME, self.problem, at.key(("mcp_servers",)))]


def read(workflow: str, files: Files = DISK) -> Lock:
    """The lock file beside a workflow. Never raises."""
    path = str(Path(workflow).parent / NAME)
    try:
        data = files.read(path)
    except FileNotFoundError:
        return Lock(path)
    except (OSError, ValueError) as problem:
        return Lock(path, present=True, problem=reason(problem))
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return Lock(path, present=True, problem="it is not JSON")
    unsound = _unsound(document)
    if unsound is not None:
        return Lock(path, present=True, problem=unsound)
    return Lock(path, document["servers"], present=True)


def text(servers: Mapping[str, Any]) -> str:
    """The file for entries by server; the same for the same, whatever the order in which it was said."""
    document = {"lock_version": VERSION, "servers": servers, "sha256": _digest(servers)}
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _digest(servers: Mapping[str, Any]) -> str:
    """Of everything in the file, so that a change by hand does not pass for what a server said."""
    return sha256(json.dumps(servers, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def entry(said: Mapping[str, Any]) -> dict[str, Any]:
    """One server as the file has it, from what `agentdc_runtime.mcp.listing` tells of it."""
    info = said["info"]
    return {
        "protocol": said["protocol"],
        "server": {key: info[key] for key in ("name", "version") if isinstance(info.get(key), str)},
        "tools": {tool["name"]: _tool(tool) for tool in said["tools"]},
        "resources": {
            each["uri"]: _some(each, {"name": "name", "mimeType": "mime_type"})
            for each in said["resources"]
            if isinstance(each.get("uri"), str)
        },
        "templates": {
            each["uriTemplate"]: _some(each, {"name": "name", "mimeType": "mime_type"})
            for each in said["templates"]
            if isinstance(each.get("uriTemplate"), str)
        },
    }


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    keys = {
        "title": "title",
        "description": "description",
        "inputSchema": "input_schema",
        "outputSchema": "output_schema",
        "annotations": "annotations",
        "sha256": "sha256",
        "words_sha256": "words_sha256",
    }
    return _some(tool, keys)


def _some(said: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    return {name: said[key] for key, name in keys.items() if said.get(key) is not None}


def _gives(tool: Mapping[str, Any]) -> Any:
    from agentdc.types.from_schema import from_schema

    schema = _output(tool)
    return None if schema is None else from_schema(schema)


def _output(tool: Mapping[str, Any]) -> Any:
    """The schema of answers, None when there is none or none that can be compiled: then nothing is claimed."""
    schema = tool.get("output_schema")
    if schema is None:
        return None
    whole = _object(schema)
    return whole if uncompilable(whole) is None else None


def _object(schema: Any) -> Any:
    """A schema of arguments or answers, which are objects whether it says so or not."""
    return {"type": "object", **schema} if isinstance(schema, dict) else {"type": "object"}


def _unsound(document: Any) -> str | None:
    """What is wrong with the shape of the file, if anything."""
    if not isinstance(document, dict) or document.get("lock_version") != VERSION:
        return f"it is not a lock file of version {VERSION}"
    servers = document.get("servers")
    if not isinstance(servers, dict):
        return 'it has no "servers"'
    for name, server in servers.items():
        tools = server.get("tools") if isinstance(server, dict) else None
        if not isinstance(tools, dict) or not all(map(_is_tool, tools.values())):
            return f'what it says of the server "{name}" is not what `agentdc mcp lock` writes'
    if document.get("sha256") != _digest(servers):
        return "it was changed since `agentdc mcp lock` wrote it"
    return None


def _is_tool(tool: Any) -> bool:
    digests = ("sha256", "words_sha256")
    return isinstance(tool, dict) and all(isinstance(tool.get(key), str) for key in digests)
