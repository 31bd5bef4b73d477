"""shell: 4 nodes in 4 blocks.

Compiled from workflow.toml (SHA-256 473e9e5cdc9258296717f8455704b466ec187a60526240038932730ee7fb5505)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import condition, shell_run
from agentdc_runtime.values import fill, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

STATUS = Node("status", "shell_run", FILE, 18)
CLEAN = Node("clean", "condition", FILE, 25)
CHECK = Node("check", "shell_run", FILE, 30)
REPORT = Node("report", "template_render", FILE, 35)


async def from_status(run: Run) -> Next:
    """From status: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:18 · status (shell_run)
    if now >= run.deadline:
        return run.overdue()
    run.node = STATUS
    run.outputs["status"], branch = status, branch = await shell_run.run(
        run,
        command="/usr/bin/git",
        arguments=lambda: find(run.outputs["trigger"], ("args",)),
        timeout_secs=10,
    )
    then, now = now, clock()
    trace.append((STATUS, branch, status, now - then))
    if branch is None:
        return from_clean
    return from_report


async def from_clean(run: Run) -> Next:
    """From clean: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:25 · clean (condition)
    if now >= run.deadline:
        return run.overdue()
    run.node = CLEAN
    clean, branch = condition.run(value=find(run.outputs["status"], ("stdout",)))
    then, now = now, clock()
    trace.append((CLEAN, branch, clean, now - then))
    if branch == "true":
        return from_report
    return from_check


async def from_check(run: Run) -> Next:
    """From check: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:30 · check (shell_run)
    if now >= run.deadline:
        return run.overdue()
    run.node = CHECK
    check, branch = await shell_run.run(
        run, command="/usr/bin/true", arguments=lambda: None, timeout_secs=30
    )
    then, now = now, clock()
    trace.append((CHECK, branch, check, now - then))
    if branch == "error":
        return from_report
    return run.complete(check)


async def from_report(run: Run) -> Next:
    """From report: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:35 · report (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = REPORT
    report = {
        "rendered": (
            fill(run.outputs["status"], ("command",), "command")
            + " gave "
            + fill(run.outputs["status"], ("exit_code",), "exit_code")
            + ": "
            + fill(run.outputs["status"], ("stderr",), "stderr")
        )
    }
    then, now = now, clock()
    trace.append((REPORT, None, report, now - then))
    return run.complete(report)


PROGRAM = Program(
    "shell",
    {
        "go": ("manual", from_status),
    },
    0,
)
