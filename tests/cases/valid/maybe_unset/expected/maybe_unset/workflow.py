"""maybe unset: 5 nodes in 4 blocks.

Compiled from workflow.toml (SHA-256 fbb64a600825c987729dc45f7baa4cc927157f2467322f8bae5273b43d053af1)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import condition, parse_json, switch
from agentdc_runtime.values import fill, find, need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

WANTED = Node("wanted", "condition", FILE, 11)
EXTRA = Node("extra", "parse_json", FILE, 16)
JOIN = Node("join", "merge", FILE, 21)
WHICH = Node("which", "switch", FILE, 25)
SHOW = Node("show", "template_render", FILE, 30)


def from_wanted(run: Run) -> Next:
    """From wanted: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:11 · wanted (condition)
    if now >= run.deadline:
        return run.overdue()
    run.node = WANTED
    wanted, branch = condition.run(value=find(run.outputs["trigger"], ("wanted",)))
    then, now = now, clock()
    trace.append((WANTED, branch, wanted, now - then))
    if branch == "true":
        return from_extra
    return from_join


def from_extra(run: Run) -> Next:
    """From extra: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:16 · extra (parse_json)
    if now >= run.deadline:
        return run.overdue()
    run.node = EXTRA
    extra = run.outputs["extra"] = parse_json.run(
        text=need(run.outputs["trigger"], ("text",), "parse_json", "trigger.text")
    )
    then, now = now, clock()
    trace.append((EXTRA, None, extra, now - then))
    return from_join


def from_join(run: Run) -> Next:
    """From join: 2 nodes."""
    trace = run.trace
    now = clock()

    # workflow.toml:21 · join (merge)
    if now >= run.deadline:
        return run.overdue()
    run.node = JOIN
    join = None
    then, now = now, clock()
    trace.append((JOIN, None, join, now - then))

    # workflow.toml:25 · which (switch)
    if now >= run.deadline:
        return run.overdue()
    run.node = WHICH
    which, branch = switch.run(value=find(run.outputs, ("extra", "parsed", "kind")))
    then, now = now, clock()
    trace.append((WHICH, branch, which, now - then))
    if branch == "null":
        return from_show
    return run.complete(which)


def from_show(run: Run) -> Next:
    """From show: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:30 · show (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = SHOW
    data = need(run.outputs, ("extra", "parsed"), "template_render", "extra.parsed")
    show = {"rendered": (fill(data, ("kind",), "kind") + " of " + fill(data, (), ""))}
    then, now = now, clock()
    trace.append((SHOW, None, show, now - then))
    return run.complete(show)


PROGRAM = Program(
    "maybe unset",
    {
        "go": ("manual", from_wanted),
    },
    0,
)
