"""The driver with a checkpoint after every node, for apps that do not await. Links nothing beyond the plain driver.

Blocks are those of the stepwise program, one per node, so the driver alone sees where every node ends: the blocks
themselves know nothing of checkpoints.
"""

from __future__ import annotations

from agentdc_runtime.core.drive import ended, errored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Ending, Next, Run


def drive_kept(run: Run, block: Next) -> Ending:
    """As `drive`; each node begins only when everything before it is on the disk."""
    keeper = run.process.keeper
    assert keeper is not None
    try:
        steps = keeper.steps(run)
        while block is not None:
            steps.write_now(block)
            block = block(run)
    except Exception as error:  # noqa: BLE001 - a mistake of ours must still end the run in order
        return errored(run, error)
    return ended(run)
