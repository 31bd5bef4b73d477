"""`parallel` (spec 01 §5.16): several workflows at once, every problem of theirs soft. Links asyncio."""

from __future__ import annotations

from agentdc_runtime.core import child
from agentdc_runtime.core.wave import wave

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Program, Run


async def run(run: Run, *, branches: tuple[tuple[Program, str | None, Json], ...]) -> tuple[Json, str | None]:
    """`{"ok", "results"}` in declaration order; any error gives the branch `error`."""
    child.check_depth(run, "parallel")
    return child.gathered(await wave(run, branches))
