"""linear: 4 nodes in 1 block.

Compiled from workflow.toml (SHA-256 3df24c22aa920659abc47b2148a0e29c6b8fb14e3f211ddec8388c2867f6c362)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import json_select, parse_json
from agentdc_runtime.values import fill, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

ASK = Node("ask", "template_render", FILE, 8)
PARSE = Node("parse", "parse_json", FILE, 14)
TAG = Node("tag", "json_select", FILE, 19)
SAY = Node("say", "template_render", FILE, 25)


def from_ask(run: Run) -> Next:
    """From ask: 4 nodes."""
    trace = run.trace
    now = clock()

    # workflow.toml:8 · ask (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = ASK
    ask = {
        "rendered": (
            '{"city":"' + fill(run.outputs["trigger"], ("city",), "city") + '","tags":["a","b"]}'
        )
    }
    then, now = now, clock()
    trace.append((ASK, None, ask, now - then))

    # workflow.toml:14 · parse (parse_json)
    if now >= run.deadline:
        return run.overdue()
    run.node = PARSE
    parse = parse_json.run(text=ask["rendered"])
    then, now = now, clock()
    trace.append((PARSE, None, parse, now - then))

    # workflow.toml:19 · tag (json_select)
    if now >= run.deadline:
        return run.overdue()
    run.node = TAG
    tag = json_select.run(value=parse["parsed"], path=("tags", "1"))
    then, now = now, clock()
    trace.append((TAG, None, tag, now - then))

    # workflow.toml:25 · say (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = SAY
    say = {"rendered": ("second tag: " + text(tag["value"]) + " (" + text(tag["found"]) + ")")}
    then, now = now, clock()
    trace.append((SAY, None, say, now - then))
    return run.complete(say)


PROGRAM = Program(
    "linear",
    {
        "go": ("manual", from_ask),
    },
    0,
)
