"""What test apps run in place of kinds that talk to models, servers and people (spec 01 §10.1, §5). Links `mocks`.

Each takes what the real handler takes and keeps its order of checks; only the far end is a script.
"""

from __future__ import annotations

from agentdc_runtime.errors import SchemaError, WorkflowError
from agentdc_runtime.jsontext import JsonError, loads
from agentdc_runtime.testing.mocks import KEPT
from agentdc_runtime.values import string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdc_runtime.core.run import Json, Run
    from agentdc_runtime.testing.mocks import Mocks


def stub(*, kind: str) -> tuple[Json, str | None]:
    """The output of a labelled kind that nothing handles: it names the kind, and has no branch."""
    return {"stub": kind}, None


def pause(run: Run) -> Json:
    """A run that would wait for a person cannot be tested to its end: always a Workflow error."""
    raise WorkflowError(
        run.workflow, "pause_for_approval needs a state directory, which a test does not have"
    )


def llm_infer(
    run: Run, *, backend: str, prompt: Callable[[], str], output_schema: str | None, output_repairs: int
) -> Json:
    """`{"content", "parsed", "usage"}` of the last reply; a stub without any scripted model (spec 01 §5.8)."""
    mocks: Mocks = run.process.kept[KEPT]
    if mocks.intel is None:
        return {"stub": "llm_infer"}
    mocks.backend(backend)
    if run.dry_run:
        return {"content": "<dry-run>", "dry_run": True, "parsed": None}
    prompt()
    reason: str | None = None
    for _ in range(output_repairs + 1):
        content, asked, told = mocks.reply()
        run.process.count({"llm_calls": 1, "llm_tokens": asked + told})
        parsed, reason = _judged(run, mocks, output_schema, content)
        if reason is None:
            usage = {"completion_tokens": told, "prompt_tokens": asked}
            return {"content": content, "parsed": parsed, "usage": usage}
    attempts = output_repairs + 1
    raise SchemaError(f"node `{run.last_node}`, {attempts} attempt{'s' if attempts > 1 else ''}: {reason}")


def _judged(run: Run, mocks: Mocks, output_schema: str | None, content: str) -> tuple[Json, str | None]:
    """The parsed reply, and why it is rejected."""
    if output_schema is None:
        return None, None
    try:
        parsed = loads(content)
    except JsonError as problem:
        return None, f"model returned invalid JSON: {problem.reason}"
    schema = mocks.schema(run.node.file if run.node is not None else "", output_schema)
    if schema is None:
        return parsed, None
    from agentdc_runtime.testing.schema import violations

    found = violations(schema, parsed)
    return parsed, f"schema violation: {'; '.join(found)}" if found else None


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
