"""ambiguous loops: 5 nodes in 5 blocks.

Compiled from workflow.toml (SHA-256 abd65d5bc9fd1fca0b6317077b93dc08e3e70eea3bbb42cf4b9f58c4dcd90397)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.edges import pick, too_long
from agentdc_runtime.core.run import Node, Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

TURN = Node("turn", "merge", FILE, 12)
LEFT = Node("left", "merge", FILE, 16)
RIGHT = Node("right", "merge", FILE, 20)
FORK = Node("fork", "merge", FILE, 24)
END = Node("end", "terminate", FILE, 28)


def from_turn(run: Run) -> Next:
    """From turn: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:12 · turn (merge)
    run.visits += 1
    if run.visits > 10000:
        return too_long(run, 10000)
    if now >= run.deadline:
        return run.overdue()
    run.node = TURN
    turn = None
    then, now = now, clock()
    trace.append((TURN, None, turn, now - then))
    chosen = pick(
        run,
        (
            (0, 1, from_left),
            (1, 2, from_right),
        ),
        (from_end,),
    )
    if chosen is not None:
        return chosen
    return run.complete(turn)


def from_left(run: Run) -> Next:
    """From left: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:16 · left (merge)
    run.visits += 1
    if run.visits > 10000:
        return too_long(run, 10000)
    if now >= run.deadline:
        return run.overdue()
    run.node = LEFT
    left = None
    then, now = now, clock()
    trace.append((LEFT, None, left, now - then))
    return from_fork


def from_right(run: Run) -> Next:
    """From right: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:20 · right (merge)
    run.visits += 1
    if run.visits > 10000:
        return too_long(run, 10000)
    if now >= run.deadline:
        return run.overdue()
    run.node = RIGHT
    right = None
    then, now = now, clock()
    trace.append((RIGHT, None, right, now - then))
    return from_fork


def from_fork(run: Run) -> Next:
    """From fork: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:24 · fork (merge)
    run.visits += 1
    if run.visits > 10000:
        return too_long(run, 10000)
    if now >= run.deadline:
        return run.overdue()
    run.node = FORK
    fork = None
    then, now = now, clock()
    trace.append((FORK, None, fork, now - then))
    chosen = pick(
        run,
        (
            (2, 4, from_turn),
            (3, 4, from_left),
        ),
        (from_end,),
    )
    if chosen is not None:
        return chosen
    return run.complete(fork)


def from_end(run: Run) -> Next:
    """From end: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:28 · end (terminate)
    run.visits += 1
    if run.visits > 10000:
        return too_long(run, 10000)
    if now >= run.deadline:
        return run.overdue()
    run.node = END
    end = None
    then, now = now, clock()
    trace.append((END, None, end, now - then))
    return run.complete(None, dead_end=False)


PROGRAM = Program(
    "ambiguous loops",
    {
        "go": ("manual", from_turn),
    },
    4,
)
