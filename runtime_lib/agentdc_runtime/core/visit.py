"""Which visit of a node this is: a name that a run gives it again after a crash. Imports nothing.

A node is visited again only over a loop edge, and the counts of loop edges are part of every checkpoint: so their sum
tells the visits of one run apart. A child run is named by the visit of the node that runs it, and its place among
those that the node runs; ids of child runs are other ones in every process.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Run


def visit(run: Run) -> str:
    """The name of the visit that a run is at."""
    above = run.id if run.parent is None else f"{run.above}[{run.place}]"
    return f"{above}/{run.last_node}.{sum(run.loops)}"
