"""What servers say of themselves, for `agentdc mcp lock`: a program of its own, which no app links.

It reads one JSON document from standard input (`mcp_servers` and `secrets` as in operands, `seconds`, `version`)
and writes one: by server, `protocol`, `info`, `tools` with their digests, `resources` and `templates`, or `error`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from time import monotonic

from agentdc_runtime.core.process import Process
from agentdc_runtime.errors import AgentError
from agentdc_runtime.host.console import Refusal
from agentdc_runtime.jsontext import compact, loads
from agentdc_runtime.mcp.drift import shape_digest, words_digest
from agentdc_runtime.mcp.http import Remote
from agentdc_runtime.mcp.server import Server
from agentdc_runtime.secrets.oauth2 import registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from agentdc_runtime.mcp.asked import Asked

    Json: TypeAlias = Any


def main() -> int:
    """Ask every server, one after the other; 0 whatever they said."""
    asked = loads(sys.stdin.buffer.read().decode())
    sys.stdout.buffer.write(compact(asyncio.run(_all(asked))).encode("utf-8", "backslashreplace"))
    return 0


async def _all(asked: dict[str, Json]) -> dict[str, Json]:
    secrets = registry(asked["secrets"], os.environ, lambda _level, _event, _fields: None)
    process = Process("lock-0-0", secrets=secrets)
    found: dict[str, Json] = {}
    for declared in asked["mcp_servers"]:
        make = Server if declared.get("url") is None else Remote
        server = make(process, declared, asked["version"])
        try:
            found[declared["name"]] = await _one(server, float(asked["seconds"]))
        except Refusal as refusal:
            found[declared["name"]] = {"error": refusal.message}
        except AgentError as error:
            found[declared["name"]] = {"error": error.reason}
        finally:
            await server.stop()
    await process.close()
    return found


async def _one(server: Asked, seconds: float) -> dict[str, Json]:
    await server.start()
    until = monotonic() + seconds
    tools = await server.tools(until)
    digests = [{"sha256": shape_digest(tool), "words_sha256": words_digest(tool)} for tool in tools]
    return {
        "protocol": server.protocol,
        "info": server.info,
        "tools": [{**tool, **digest} for tool, digest in zip(tools, digests, strict=True)],
        "resources": await server.entries("resources/list", "resources", until),
        "templates": await server.entries("resources/templates/list", "resourceTemplates", until),
    }
