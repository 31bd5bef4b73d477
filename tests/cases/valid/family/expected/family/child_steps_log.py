"""log: 2 nodes in 2 blocks.

Compiled from steps/log.toml (SHA-256 20251eee8d6bbbe10e1c9b3a0a55f3f141517f86f1e56917d41afd298a973f4b)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.retry_async import Retry, attempt
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import shell_run
from agentdc_runtime.values import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "steps/log.toml"

COMMIT = Node("commit", "shell_run", FILE, 7)
FAILED = Node("failed", "fail", FILE, 14)
RETRY_COMMIT = Retry(2, 10, transient=False, jitter=0.0)


async def from_commit(run: Run) -> Next:
    """From commit: 1 node."""
    trace = run.trace
    now = clock()

    # steps/log.toml:7 · commit (shell_run)
    if now >= run.deadline:
        return run.overdue()
    run.node = COMMIT

    async def try_commit() -> tuple[Json, str | None]:
        return await shell_run.run(
            run,
            command="/usr/bin/git",
            arguments=lambda: find(run.outputs["trigger"], ("args",)),
            timeout_secs=30,
        )

    commit, branch = await attempt(run, RETRY_COMMIT, try_commit)
    then, now = now, clock()
    trace.append((COMMIT, branch, commit, now - then))
    if branch == "error":
        return from_failed
    return run.complete(commit)


async def from_failed(run: Run) -> Next:
    """From failed: 1 node."""
    trace = run.trace
    now = clock()

    # steps/log.toml:14 · failed (fail)
    if now >= run.deadline:
        return run.overdue()
    run.node = FAILED
    then, now = now, clock()
    trace.append((FAILED, None, None, now - then))
    return run.fail("git failed")


PROGRAM = Program(
    "log",
    {
        "go": ("manual", from_commit),
    },
    0,
)
