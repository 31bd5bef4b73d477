"""`call` in an app that awaits; as `call`."""

from __future__ import annotations

from agentdc_runtime.core import child
from agentdc_runtime.core.drive_async import walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Program, Run


async def run(run: Run, *, program: Program, start: str | None, value: Json) -> tuple[Json, str | None]:
    """`{"result"}`, or `{"error"}` with the branch `error`; an error inside the child aborts the parent."""
    child.check_depth(run, "call")
    below, block = child.begin(run, program, start, value)
    return child.called(child.finish(below, await walk(below, block)))
