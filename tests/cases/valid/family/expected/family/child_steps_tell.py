"""tell: 2 nodes in 2 blocks.

Compiled from steps/tell.toml (SHA-256 f9a3173cd3097391f504212e0151ca0cfc860b1697b3b3ef8f8f8ba3a4f51521)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import call_async
from agentdc_runtime.values import find
from family import child_steps_log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "steps/tell.toml"

LOG = Node("log", "call", FILE, 11)
SORRY = Node("sorry", "fail", FILE, 17)


async def from_log(run: Run) -> Next:
    """From log: 1 node."""
    trace = run.trace
    now = clock()

    # steps/tell.toml:11 · log (call)
    if now >= run.deadline:
        return run.overdue()
    run.node = LOG
    log, branch = await call_async.run(
        run,
        program=child_steps_log.PROGRAM,
        start=None,
        value=find(run.outputs["trigger"], ("value",)),
    )
    then, now = now, clock()
    trace.append((LOG, branch, log, now - then))
    if branch == "error":
        return from_sorry
    return run.complete(log)


async def from_sorry(run: Run) -> Next:
    """From sorry: 1 node."""
    trace = run.trace
    now = clock()

    # steps/tell.toml:17 · sorry (fail)
    if now >= run.deadline:
        return run.overdue()
    run.node = SORRY
    then, now = now, clock()
    trace.append((SORRY, None, None, now - then))
    return run.fail("workflow failed")


PROGRAM = Program(
    "tell",
    {
        "go": ("manual", from_log),
    },
    0,
)
