"""What test apps run in place of kinds that talk to models, servers and people (spec 01 §10.1, §5). Links `mocks`.

Models are scripted below the real handlers, which so are under test too; servers and people are scripted here.
"""

from __future__ import annotations

from agentdc_runtime.errors import WorkflowError
from agentdc_runtime.nodes import agent_loop as real_agent_loop
from agentdc_runtime.nodes import llm_infer as real_llm_infer
from agentdc_runtime.testing.mocks import KEPT
from agentdc_runtime.values import string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from agentdc_runtime.core.run import Json, Run
    from agentdc_runtime.testing.mocks import Mocks


def stub(*, kind: str) -> tuple[Json, str | None]:
    """The output of a labelled kind that nothing handles: it names the kind, and has no branch."""
    return {"stub": kind}, None


def pause(run: Run) -> Json:
    """The consent that is scripted; without one, a run that waits for a person ends in a Workflow error."""
    mocks: Mocks = run.process.kept[KEPT]
    if mocks.approvals:
        return {"approved": True, "at": "1970-01-01T00:00:00.000000Z", **mocks.approvals.pop(0)}
    raise WorkflowError(
        run.workflow,
        "pause_for_approval needs a state directory, which a test does not have, or mocks.approvals",
    )


async def llm_infer(run: Run, **fields: Any) -> Json:
    """What the real handler makes of a scripted or recorded model; a stub without any (spec 01 §10.1)."""
    mocks: Mocks = run.process.kept[KEPT]
    if run.process.models is None or (mocks.scripted and mocks.intel is None):
        return {"stub": "llm_infer"}
    return await real_llm_infer.run(run, **fields)


async def agent_loop(run: Run, **fields: Any) -> tuple[Json, str | None]:
    """What the real loop makes of a scripted or recorded model; a stub without any."""
    mocks: Mocks = run.process.kept[KEPT]
    if run.process.models is None or (mocks.scripted and mocks.loop is None):
        return stub(kind="agent_loop")
    return await real_agent_loop.run(run, **fields)


def call_mcp_tool(
    run: Run, *, tool: str, server: str | None, arguments: Callable[[], Json]
) -> tuple[Json, str | None]:
    """A scripted result as the node gives it, with the branch `error` when it says so (spec 01 §5.13)."""
    mocks: Mocks = run.process.kept[KEPT]
    if mocks.queues is None:
        return {"stub": "call_mcp_tool"}, None
    name = mocks.server(run.workflow, server)
    mocks.admit("tool", name, tool, "call_mcp_tool")
    if run.dry_run:
        return {"dry_run": True, "server": name, "tool": tool}, None
    arguments()
    result = mocks.answer("tool", tool)
    failed = bool(result.get("isError", False))
    output = {
        "content": result.get("content", []),
        "is_error": failed,
        "server": name,
        "structured": result.get("structuredContent"),
        "tool": tool,
    }
    return output, "error" if failed else None


def read_mcp_resource(run: Run, *, uri: Callable[[], Json], server: str | None) -> Json:
    """Scripted contents as the node gives them (spec 01 §5.3)."""
    mocks: Mocks = run.process.kept[KEPT]
    if mocks.queues is None:
        return {"stub": "read_mcp_resource"}
    name = mocks.server(run.workflow, server)
    place = string(uri(), "read_mcp_resource", "resource_from")
    mocks.admit("resource", name, place, "read_mcp_resource")
    if run.dry_run:
        return {"dry_run": True, "server": name, "uri": place}
    return {"contents": mocks.answer("resource", place).get("contents", []), "server": name, "uri": place}
