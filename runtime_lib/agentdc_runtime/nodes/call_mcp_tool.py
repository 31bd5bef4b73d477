"""`call_mcp_tool` (spec 01 §5.13): one tool of an MCP server. Links `mcp.router`."""

from __future__ import annotations

from agentdc_runtime.mcp.router import shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.values import Json


async def run(
    run: Run, *, tool: str, arguments: Callable[[], Json], server: str | None
) -> tuple[Json, str | None]:
    """What the tool answers, with the branch `error` when it says that it failed.

    `arguments`: asked for after the allowlist. `server`: as declared, None for the only one.
    """
    router = shared(run.process)
    name = router.pick(run, server)
    router.admit_tool(name, tool)
    if run.dry_run:
        return {"dry_run": True, "server": name, "tool": tool}, None
    output = await router.call(run, name, tool, arguments())
    return output, "error" if output["is_error"] else None
