"""The tool `shell_run`. Links the handler of that node."""

from __future__ import annotations

from agentdc_runtime.loop.tool import Tool, described, text
from agentdc_runtime.nodes import shell_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.loop.tool import Json

_SECONDS = 30
_SHOWN = ("exit_code", "stderr", "stdout", "timed_out")


async def _call(run: Run, args: Mapping[str, Json]) -> Json:
    given = args.get("args")
    words = [each for each in given if isinstance(each, str)] if isinstance(given, list) else []
    command = text("shell_run", args, "command")
    output, _ = await shell_run.run(run, command=command, arguments=lambda: words, timeout_secs=_SECONDS)
    return {name: output[name] for name in _SHOWN}


TOOL = Tool(
    "shell_run",
    "Run one program without a shell, for at most 30 seconds.",
    '{"command": string, "args"?: [string]}',
    described(
        {"command": "absolute path of the program"}, {"args": {"type": "array", "items": {"type": "string"}}}
    ),
    _call,
)
