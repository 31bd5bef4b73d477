"""The driver with a checkpoint after every node, where an event loop runs. Links asyncio."""

from __future__ import annotations

import asyncio
from time import monotonic

from agentdc_runtime.core.drive import ended, errored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Ending, Next, Run


async def walk_kept(run: Run, block: Next) -> Ending:
    """As `walk`, for blocks of either colour; each node begins only when everything before it is on the disk."""
    keeper = run.process.keeper
    assert keeper is not None
    try:
        steps = keeper.steps(run)
        while block is not None:
            await steps.write(block)
            following = block(run)
            block = await following if asyncio.iscoroutine(following) else following
    except Exception as error:  # noqa: BLE001 - a mistake of ours must still end the run in order
        return errored(run, error)
    return ended(run)


def drive_kept(run: Run, block: Next) -> Ending:
    """The whole run on an event loop of its own; what handlers kept is closed at the end."""
    return asyncio.run(_main(run, block))


async def _main(run: Run, block: Next) -> Ending:
    try:
        begun = monotonic()
        await run.process.open()
        run.deadline += monotonic() - begun
        return await walk_kept(run, block)
    finally:
        await run.process.close()
