"""The tool `write_file`. Links the handler of that node."""

from __future__ import annotations

from agentdc_runtime.loop.tool import Tool, described, text
from agentdc_runtime.nodes import write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.loop.tool import Json


async def _call(run: Run, args: Mapping[str, Json]) -> Json:
    path, content = text("write_file", args, "path"), text("write_file", args, "content")
    done = write_file.run(run, path=path, content=lambda: content)
    return {"bytes": done["bytes"], "path": done["path"]}


TOOL = Tool(
    "write_file",
    "Write a text file; folders above it are made, a file that is there is replaced.",
    '{"path": string, "content": string}',
    described({"path": "path of the file", "content": "the whole text"}),
    _call,
)
