"""The driver of apps that await: the same walk over coroutine blocks. Links asyncio."""

from __future__ import annotations

import asyncio
from time import monotonic

from agentdc_runtime.core.drive import ended, errored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Ending, Next, Run


async def walk(run: Run, block: Next) -> Ending:
    """Walk from `block` to an ending; as `drive`, for blocks that are awaited."""
    try:
        while block is not None:
            block = await block(run)
    except Exception as error:  # noqa: BLE001 - a mistake of ours must still end the run in order
        return errored(run, error)
    return ended(run)


def drive(run: Run, block: Next) -> Ending:
    """The whole run on an event loop of its own; what handlers kept is closed at the end."""
    return asyncio.run(_main(run, block))


async def _main(run: Run, block: Next) -> Ending:
    process = run.process
    try:
        begun = monotonic()
        await process.open()
        run.deadline += monotonic() - begun
        return await walk(run, block)
    finally:
        await process.close()
