"""`read_mcp_resource` (spec 01 §5.3): one resource of an MCP server. Links as `call_mcp_tool` does."""

from __future__ import annotations

from agentdc_runtime.mcp.router import shared
from agentdc_runtime.values import string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.values import Json


async def run(run: Run, *, resource: Callable[[], Json], server: str | None) -> Json:
    """`{"contents", "server", "uri"}`. `resource`: the URI, asked for once it is clear which server is meant."""
    router = shared(run.process)
    name = router.pick(run, server)
    uri = string(resource(), "read_mcp_resource", "resource_from")
    router.admit_resource(name, uri)
    if run.dry_run:
        return {"dry_run": True, "server": name, "uri": uri}
    return await router.read(run, name, uri)
