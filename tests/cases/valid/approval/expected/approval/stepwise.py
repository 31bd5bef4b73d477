"""approval: 5 nodes in 5 blocks.

Compiled from workflow.toml (SHA-256 2bcaadc53941c149d5f9abcc642c1c0055a557ac0c8968d5be487b1950291fce)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.pause import pause
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import condition, json_select
from agentdc_runtime.values import fill, find, need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

TEXT = Node("text", "template_render", FILE, 9)
LARGE = Node("large", "condition", FILE, 15)
ASK = Node("ask", "pause_for_approval", FILE, 20)
BY = Node("by", "json_select", FILE, 27)
PAY = Node("pay", "template_render", FILE, 33)


def from_text(run: Run) -> Next:
    """From text: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:9 · text (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = TEXT
    data = need(run.outputs, ("trigger",), "template_render", "trigger")
    text_2 = run.outputs["text"] = {"rendered": ("refund " + fill(data, ("id",), "id"))}
    then, now = now, clock()
    trace.append((TEXT, None, text_2, now - then))
    return from_large


def from_large(run: Run) -> Next:
    """From large: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:15 · large (condition)
    if now >= run.deadline:
        return run.overdue()
    run.node = LARGE
    large, branch = condition.run(value=find(run.outputs, ("trigger", "large")))
    then, now = now, clock()
    trace.append((LARGE, branch, large, now - then))
    if branch == "true":
        return from_ask
    return from_pay


def from_ask(run: Run) -> Next:
    """From ask: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:20 · ask (pause_for_approval)
    if now >= run.deadline:
        return run.overdue()
    run.node = ASK
    return pause(run, "by", reason="more than 1000", require_decision=True, expires_secs=3600)


def from_by(run: Run) -> Next:
    """From by: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:27 · by (json_select)
    if now >= run.deadline:
        return run.overdue()
    run.node = BY
    by = json_select.run(value=need(run.outputs, ("ask", "by"), "json_select", "ask.by"), path=())
    then, now = now, clock()
    trace.append((BY, None, by, now - then))
    return from_pay


def from_pay(run: Run) -> Next:
    """From pay: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:33 · pay (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = PAY
    data = need(run.outputs, ("text",), "template_render", "text")
    pay = {"rendered": ("paid: " + fill(data, ("rendered",), "rendered"))}
    then, now = now, clock()
    trace.append((PAY, None, pay, now - then))
    return run.complete(pay)


PROGRAM = Program(
    "approval",
    {
        "go": ("manual", from_text),
    },
    0,
    {
        "text": from_text,
        "large": from_large,
        "ask": from_ask,
        "by": from_by,
        "pay": from_pay,
    },
    {
        "text": (("text", "trigger", "any"),),
        "ask": (("pay", "text", "any"),),
        "by": (("by", "ask.by", "any"), ("pay", "text", "any")),
        "pay": (("pay", "text", "any"),),
    },
)
