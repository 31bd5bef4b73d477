"""price: 1 node in 1 block.

Compiled from price.toml (SHA-256 fd55def22e9692a0929aa7258c3a60f32afed631bd4cdb4edf887bfccad44534)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import json_select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "price.toml"

SELECT = Node("select", "json_select", FILE, 13)


async def from_select(run: Run) -> Next:
    """From select: 1 node."""
    trace = run.trace
    now = clock()

    # price.toml:13 · select (json_select)
    if now >= run.deadline:
        return run.overdue()
    run.node = SELECT
    select = json_select.run(value=run.outputs["trigger"], path=("price",))
    then, now = now, clock()
    trace.append((SELECT, None, select, now - then))
    return run.complete(select)


PROGRAM = Program(
    "price",
    {
        "of_each": ("manual", from_select),
        "of_one": ("manual", from_select),
    },
    0,
)
