"""loops: 4 nodes in 3 blocks.

Compiled from workflow.toml (SHA-256 5db037f402a7be1e6f7b63a80dc25039878d7269ab67f07e64666dfffd2b104a)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.edges import too_long
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import condition, json_select
from agentdc_runtime.values import text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

POLL = Node("poll", "json_select", FILE, 9)
READY = Node("ready", "condition", FILE, 15)
GIVE_UP = Node("give_up", "template_render", FILE, 20)
AGAIN = Node("again", "template_render", FILE, 26)


def from_poll(run: Run) -> Next:
    """From poll: 2 nodes."""
    trace = run.trace
    now = clock()

    # workflow.toml:9 · poll (json_select)
    run.visits += 1
    if run.visits > 10000:
        return too_long(run, 10000)
    if now >= run.deadline:
        return run.overdue()
    run.node = POLL
    poll = run.outputs["poll"] = json_select.run(value=run.outputs["trigger"], path=("state",))
    then, now = now, clock()
    trace.append((POLL, None, poll, now - then))

    # workflow.toml:15 · ready (condition)
    run.visits += 1
    if run.visits > 10000:
        return too_long(run, 10000)
    if now >= run.deadline:
        return run.overdue()
    run.node = READY
    ready, branch = condition.run(value=poll["value"])
    then, now = now, clock()
    trace.append((READY, branch, ready, now - then))
    if branch == "false":
        if run.loops[0] < 3:
            run.loops[0] += 1
            return from_poll
        return from_give_up
    return from_again


def from_give_up(run: Run) -> Next:
    """From give_up: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:20 · give_up (template_render)
    run.visits += 1
    if run.visits > 10000:
        return too_long(run, 10000)
    if now >= run.deadline:
        return run.overdue()
    run.node = GIVE_UP
    give_up = {"rendered": ("gave up: " + text(run.outputs["poll"]["value"]))}
    then, now = now, clock()
    trace.append((GIVE_UP, None, give_up, now - then))
    return run.complete(give_up)


def from_again(run: Run) -> Next:
    """From again: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:26 · again (template_render)
    run.visits += 1
    if run.visits > 10000:
        return too_long(run, 10000)
    if now >= run.deadline:
        return run.overdue()
    run.node = AGAIN
    again = {"rendered": "round"}
    then, now = now, clock()
    trace.append((AGAIN, None, again, now - then))
    if run.loops[1] < 2:
        run.loops[1] += 1
        return from_again
    return run.complete(again)


PROGRAM = Program(
    "loops",
    {
        "go": ("manual", from_poll),
    },
    2,
)
