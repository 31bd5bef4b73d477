"""two starts: 6 nodes in 5 blocks.

Compiled from workflow.toml (SHA-256 2d3a731e74bcf2f84db52c065f59b33586decd72145ce44eb2817281534305a5)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import condition
from agentdc_runtime.values import fill, find, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

TYPED = Node("typed", "template_render", FILE, 14)
TOLD = Node("told", "template_render", FILE, 20)
JOIN = Node("join", "merge", FILE, 26)
BY_HAND = Node("by_hand", "condition", FILE, 30)
THANKS = Node("thanks", "template_render", FILE, 35)
NOTED = Node("noted", "template_render", FILE, 40)


def from_typed(run: Run) -> Next:
    """From typed: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:14 · typed (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = TYPED
    typed = run.outputs["typed"] = {
        "rendered": ("typed " + fill(run.outputs["trigger"], ("input",), "input"))
    }
    then, now = now, clock()
    trace.append((TYPED, None, typed, now - then))
    return from_join


def from_told(run: Run) -> Next:
    """From told: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:20 · told (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = TOLD
    told = {"rendered": ("told " + text(run.outputs["trigger"]["kind"]))}
    then, now = now, clock()
    trace.append((TOLD, None, told, now - then))
    return from_join


def from_join(run: Run) -> Next:
    """From join: 2 nodes."""
    trace = run.trace
    now = clock()

    # workflow.toml:26 · join (merge)
    if now >= run.deadline:
        return run.overdue()
    run.node = JOIN
    join = None
    then, now = now, clock()
    trace.append((JOIN, None, join, now - then))

    # workflow.toml:30 · by_hand (condition)
    if now >= run.deadline:
        return run.overdue()
    run.node = BY_HAND
    by_hand, branch = condition.run(value=find(run.outputs, ("typed", "rendered")))
    then, now = now, clock()
    trace.append((BY_HAND, branch, by_hand, now - then))
    if branch == "true":
        return from_thanks
    return from_noted


def from_thanks(run: Run) -> Next:
    """From thanks: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:35 · thanks (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = THANKS
    thanks = {"rendered": "thanks"}
    then, now = now, clock()
    trace.append((THANKS, None, thanks, now - then))
    return run.complete(thanks)


def from_noted(run: Run) -> Next:
    """From noted: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:40 · noted (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = NOTED
    noted = {"rendered": "noted"}
    then, now = now, clock()
    trace.append((NOTED, None, noted, now - then))
    return run.complete(noted)


PROGRAM = Program(
    "two starts",
    {
        "by hand": ("manual", from_typed),
        "by event": ("event", from_told),
    },
    0,
)
