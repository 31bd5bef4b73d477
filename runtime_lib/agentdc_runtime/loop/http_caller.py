"""The tool `http_request`. Links the handler of that node; no headers can be set, so no secret can be sent."""

from __future__ import annotations

from agentdc_runtime.errors import ToolError
from agentdc_runtime.loop.tool import Tool, described, text
from agentdc_runtime.nodes import http_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.loop.tool import Json

_METHOD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~")


async def _call(run: Run, args: Mapping[str, Json]) -> Json:
    method, url, body = text("http_request", args, "method").upper(), text("http_request", args, "url"), None
    if not method or not set(method) <= _METHOD:
        raise ToolError("http_request", "the argument `method` is no HTTP method")
    if args.get("body") is not None:
        body = args["body"]
    output, _ = await http_request.run(
        run, method=method, url=url, body=None if body is None else lambda: body, headers=()
    )
    return output


TOOL = Tool(
    "http_request",
    "Send one HTTP request; the body is text, any other JSON is sent as JSON.",
    '{"method": string, "url": string, "body"?: any}',
    described({"method": "HTTP method", "url": "the whole URL"}, {"body": {"description": "what is sent"}}),
    _call,
)
