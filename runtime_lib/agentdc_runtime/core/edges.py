"""Edge picking where it is not a plain jump: loop edges and ambiguity (spec 01 §6.3). Imports nothing else."""

from __future__ import annotations

from agentdc_runtime.errors import WorkflowError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Block, Next, Run


def pick(run: Run, loops: tuple[tuple[int, int, Block], ...], targets: tuple[Block, ...]) -> Block | None:
    """The next block among loop edges (number, limit, target) and plain targets; None is a dead end.

    One unspent loop edge wins over one plain edge; once spent, the plain edge is taken. Any other two edges that
    apply at once are ambiguous and end the run as errored.
    """
    open_loops = [loop for loop in loops if run.loops[loop[0]] < loop[1]]
    if len(open_loops) > 1 or len(targets) > 1:
        ambiguous(run, len(open_loops) + len(targets))
    if open_loops:
        number, _, target = open_loops[0]
        run.loops[number] += 1
        return target
    return targets[0] if targets else None


def ambiguous(run: Run, count: int) -> Next:
    """More than one edge applies: always raises."""
    run.at_edge = True
    raise WorkflowError(run.workflow, f"{count} edges apply at once after node `{run.last_node}`")


def too_long(run: Run, limit: int) -> Next:
    """The walk has visited `limit` nodes already: always raises."""
    run.at_edge = True
    raise WorkflowError(run.workflow, f"the run visited more than {limit} nodes")
