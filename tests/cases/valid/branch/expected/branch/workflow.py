"""branch: 7 nodes in 5 blocks.

Compiled from workflow.toml (SHA-256 528641f223ec1affd44c314fd9983d8ff0c48bb55cc9a03834084beeda39138c)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import condition, json_select
from agentdc_runtime.values import find, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

AMOUNT = Node("amount", "json_select", FILE, 8)
KNOWN = Node("known", "condition", FILE, 14)
BIG = Node("big", "condition", FILE, 19)
APPROVE = Node("approve", "template_render", FILE, 24)
REJECT = Node("reject", "fail", FILE, 30)
JOIN = Node("join", "merge", FILE, 35)
REPORT = Node("report", "template_render", FILE, 39)


def from_amount(run: Run) -> Next:
    """From amount: 2 nodes."""
    trace = run.trace
    now = clock()

    # workflow.toml:8 · amount (json_select)
    if now >= run.deadline:
        return run.overdue()
    run.node = AMOUNT
    amount = run.outputs["amount"] = json_select.run(
        value=run.outputs["trigger"], path=("order", "amount")
    )
    then, now = now, clock()
    trace.append((AMOUNT, None, amount, now - then))

    # workflow.toml:14 · known (condition)
    if now >= run.deadline:
        return run.overdue()
    run.node = KNOWN
    known, branch = condition.run(value=amount["found"])
    then, now = now, clock()
    trace.append((KNOWN, branch, known, now - then))
    if branch == "true":
        return from_big
    return from_join


def from_big(run: Run) -> Next:
    """From big: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:19 · big (condition)
    if now >= run.deadline:
        return run.overdue()
    run.node = BIG
    big, branch = condition.run(value=find(run.outputs["trigger"], ("order", "big")))
    then, now = now, clock()
    trace.append((BIG, branch, big, now - then))
    if branch == "true":
        return from_reject
    return from_approve


def from_approve(run: Run) -> Next:
    """From approve: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:24 · approve (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = APPROVE
    approve = {"rendered": ("approve " + text(run.outputs["amount"]["value"]))}
    then, now = now, clock()
    trace.append((APPROVE, None, approve, now - then))
    return from_join


def from_reject(run: Run) -> Next:
    """From reject: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:30 · reject (fail)
    if now >= run.deadline:
        return run.overdue()
    run.node = REJECT
    then, now = now, clock()
    trace.append((REJECT, None, None, now - then))
    return run.fail("too big")


def from_join(run: Run) -> Next:
    """From join: 2 nodes."""
    trace = run.trace
    now = clock()

    # workflow.toml:35 · join (merge)
    if now >= run.deadline:
        return run.overdue()
    run.node = JOIN
    join = None
    then, now = now, clock()
    trace.append((JOIN, None, join, now - then))

    # workflow.toml:39 · report (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = REPORT
    report = {"rendered": ("amount: " + text(run.outputs["amount"]["value"]))}
    then, now = now, clock()
    trace.append((REPORT, None, report, now - then))
    return run.complete(report)


PROGRAM = Program(
    "branch",
    {
        "go": ("manual", from_amount),
    },
    0,
)
