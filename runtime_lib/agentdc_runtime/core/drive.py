"""The driver: runs blocks until one ends the run. Imports nothing but the run's records."""

from __future__ import annotations

from agentdc_runtime.core.run import Ending
from agentdc_runtime.errors import AgentError, InternalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Next, Run


def drive(run: Run, block: Next) -> Ending:
    """Walk from `block` to an ending; an error of a node becomes an `errored` ending with the partial trace."""
    try:
        while block is not None:
            block = block(run)
    except Exception as error:  # noqa: BLE001 - a mistake of ours must still end the run in order
        return errored(run, error)
    return ended(run)


def ended(run: Run) -> Ending:
    """The ending that the last block recorded."""
    if run.ending is None:
        return errored(run, RuntimeError("the walk stopped without an ending"))
    return run.ending


def errored(run: Run, error: Exception) -> Ending:
    """The ending of a run that an error aborted; the error remembers every node that it passed."""
    told = error if isinstance(error, AgentError) else InternalError(error)
    if run.node is not None:
        told.trail.append(run.node)
    return Ending("errored", run.last_node, run.elapsed_ms(), error=told)
