"""wrapped: 2 nodes in 1 block.

Compiled from workflow.toml (SHA-256 54e0b7c47718ab248589b9183ad29a11107b28080a88836361ee6347634998c4)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import respond

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

SAY = Node("say", "template_render", FILE, 9)
REPLY = Node("reply", "respond", FILE, 14)


def from_say(run: Run) -> Next:
    """From say: 2 nodes."""
    trace = run.trace
    now = clock()

    # workflow.toml:9 · say (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = SAY
    say = {"rendered": "pong"}
    then, now = now, clock()
    trace.append((SAY, None, say, now - then))

    # workflow.toml:14 · reply (respond)
    if now >= run.deadline:
        return run.overdue()
    run.node = REPLY
    reply = respond.run(run, status=200, content_type="application/json", body=say["rendered"])
    then, now = now, clock()
    trace.append((REPLY, None, reply, now - then))
    return run.complete(reply)


PROGRAM = Program(
    "wrapped",
    {
        "go": ("http", from_say),
    },
    0,
)
