"""What `[mcp_serve]` offers: which start nodes as tools, with which schema, and what is wrong with that."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agentdc.check import errors
from agentdc.check.auth import reference
from agentdc.diagnostics import Diagnostic, code, error
from agentdc.model.server import HttpRoute
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places

_TOOL = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")


def offered(workflow: Workflow) -> dict[str, str | None]:
    """By start node that is offered, the input schema as written: that of the first route to it that has one."""
    if workflow.mcp_serve is None:
        return {}
    wanted = workflow.mcp_serve.starts or tuple(start.name for start in workflow.start_nodes)
    found: dict[str, str | None] = {}
    for start in workflow.start_nodes:
        if start.name in wanted:
            named = (each.input_schema for each in workflow.http_routes if each.start_node == start.name)
            found[start.name] = next((each for each in named if each is not None), None)
    return found


def route(workflow: Workflow) -> HttpRoute | None:
    """The route at which an app speaks MCP, if there is one; its start node is any that is offered."""
    serve = workflow.mcp_serve
    starts = list(offered(workflow))
    if serve is None or serve.path is None or not starts:
        return None
    limit = serve.rate_limit
    return HttpRoute(method="POST", path=serve.path, start_node=starts[0], auth=serve.auth, rate_limit=limit)


def check(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    """Start nodes that are not there or cannot be names of tools, who may call."""
    serve = workflow.mcp_serve
    if serve is None:
        return
    starts = [start.name for start in workflow.start_nodes]
    for index, name in enumerate(serve.starts):
        if name not in starts:
            where = at.value(("mcp_serve", "starts", index))
            yield errors.unknown_start("unknown_offered_start", "[mcp_serve]", name, starts, where)
    for name in offered(workflow):
        if not _TOOL.match(name):
            message = f'the start node "{name}" cannot be offered as a tool under this name'
            helped = "names of tools have 1 to 64 of A-Z a-z 0-9 _ . -; list others in `starts`"
            place = ("start_nodes", starts.index(name), "name")
            yield error(code("bad_tool_name"), message, at.value(place), "not a name of a tool", help=helped)
    if serve.path is not None:
        yield from reference(serve.auth, workflow, at, at.value(("mcp_serve", "auth")))
