"""The tool `read_env`. Links the handler of that node."""

from __future__ import annotations

from agentdc_runtime.loop.tool import Tool, described, text
from agentdc_runtime.nodes import read_env

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.loop.tool import Json


async def _call(run: Run, args: Mapping[str, Json]) -> Json:
    return read_env.run(run, key=text("read_env", args, "key"))


TOOL = Tool(
    "read_env",
    "Read an environment variable.",
    '{"key": string}',
    described({"key": "name of the variable"}),
    _call,
)
