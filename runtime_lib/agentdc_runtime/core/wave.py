"""Children that run at once (spec 01 §5.16, §5.17). Links asyncio."""

from __future__ import annotations

import asyncio

from agentdc_runtime.core import child
from agentdc_runtime.core.drive_async import walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Program, Run


async def wave(
    run: Run, branches: tuple[tuple[Program, str | None, Json], ...], first: int = 0
) -> list[Json]:
    """The soft results of children that run at once, in order. `first`: the place of the first one."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_one(run, *branch, place)) for place, branch in enumerate(branches, first)]
    return [task.result() for task in tasks]


async def _one(run: Run, program: Program, start: str | None, value: Json, place: int) -> Json:
    below, block = child.begin(run, program, start, value, place)
    return child.softened(child.finish(below, await walk(below, block)))
