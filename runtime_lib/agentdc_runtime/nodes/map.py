"""`map` (spec 01 §5.17): one workflow for each element, in waves. Links asyncio."""

from __future__ import annotations

from agentdc_runtime.core import child
from agentdc_runtime.core.wave import wave
from agentdc_runtime.errors import WorkflowError
from agentdc_runtime.values import kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Program, Run


async def run(
    run: Run,
    *,
    program: Program,
    start: str | None,
    items: Json,
    path: str,
    max_items: int,
    max_concurrent: int,
) -> tuple[Json, str | None]:
    """`{"ok", "results"}` in input order; an unfit `items` is a Workflow error, never cut short."""
    child.check_depth(run, "map")
    if not isinstance(items, list):
        raise WorkflowError(run.workflow, f"map: {path} must resolve to an array, not {kind(items)}")
    if len(items) > max_items:
        raise WorkflowError(
            run.workflow, f"map: {path} has {len(items)} elements, and max_items is {max_items}"
        )
    results: list[Json] = []
    for first in range(0, len(items), max_concurrent):
        part = items[first : first + max_concurrent]
        results += await wave(run, tuple((program, start, item) for item in part), first)
    return child.gathered(results)
