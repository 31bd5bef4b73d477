"""family: 5 nodes in 5 blocks.

Compiled from workflow.toml (SHA-256 5ee85da66cfdb33f172de3e3b985ea6a63cf52d526855a8c9798d66adf53d89b)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import call_async, map, parallel
from agentdc_runtime.values import find, text
from family import child_price, child_steps_log, child_steps_tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

PRICE = Node("price", "call", FILE, 12)
PRICES = Node("prices", "map", FILE, 19)
TELL = Node("tell", "parallel", FILE, 27)
DONE = Node("done", "template_render", FILE, 35)
SORRY = Node("sorry", "fail", FILE, 41)


async def from_price(run: Run) -> Next:
    """From price: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:12 · price (call)
    if now >= run.deadline:
        return run.overdue()
    run.node = PRICE
    run.outputs["price"], branch = price, branch = await call_async.run(
        run,
        program=child_price.PROGRAM,
        start="of_one",
        value=find(run.outputs["trigger"], ("order",)),
    )
    then, now = now, clock()
    trace.append((PRICE, branch, price, now - then))
    if branch is None:
        return from_prices
    return from_sorry


async def from_prices(run: Run) -> Next:
    """From prices: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:19 · prices (map)
    if now >= run.deadline:
        return run.overdue()
    run.node = PRICES
    run.outputs["prices"], branch = prices, branch = await map.run(
        run,
        program=child_price.PROGRAM,
        start=None,
        items=find(run.outputs["trigger"], ("orders",)),
        path="trigger.orders",
        max_items=10,
        max_concurrent=2,
    )
    then, now = now, clock()
    trace.append((PRICES, branch, prices, now - then))
    if branch is None:
        return from_tell
    return from_sorry


async def from_tell(run: Run) -> Next:
    """From tell: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:27 · tell (parallel)
    if now >= run.deadline:
        return run.overdue()
    run.node = TELL
    run.outputs["tell"], branch = tell, branch = await parallel.run(
        run,
        branches=(
            (
                child_steps_tell.PROGRAM,
                None,
                find(run.outputs["price"], ("result",)),
            ),
            (
                child_steps_log.PROGRAM,
                None,
                run.outputs["prices"]["results"],
            ),
        ),
    )
    then, now = now, clock()
    trace.append((TELL, branch, tell, now - then))
    if branch is None:
        return from_done
    return from_sorry


async def from_done(run: Run) -> Next:
    """From done: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:35 · done (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = DONE
    done = {"rendered": ("told: " + text(run.outputs["tell"]["results"]))}
    then, now = now, clock()
    trace.append((DONE, None, done, now - then))
    return run.complete(done)


async def from_sorry(run: Run) -> Next:
    """From sorry: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:41 · sorry (fail)
    if now >= run.deadline:
        return run.overdue()
    run.node = SORRY
    then, now = now, clock()
    trace.append((SORRY, None, None, now - then))
    return run.fail("somebody was not told")


PROGRAM = Program(
    "family",
    {
        "go": ("manual", from_price),
    },
    0,
)
