"""The tool `read_file`. Links the handler of that node."""

from __future__ import annotations

from agentdc_runtime.loop.tool import Tool, described, text
from agentdc_runtime.nodes import read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.loop.tool import Json


async def _call(run: Run, args: Mapping[str, Json]) -> Json:
    found = read_file.run(run, path=text("read_file", args, "path"))
    return {"content": found["content"], "path": found["path"]}


TOOL = Tool(
    "read_file",
    "Read a UTF-8 text file.",
    '{"path": string}',
    described({"path": "path of the file"}),
    _call,
)
