"""switch labels: 8 nodes in 8 blocks.

Compiled from workflow.toml (SHA-256 c075960da22c4817e08da34df9f8424afbe36c2d4f92fe688d7079c4f5e3aad9)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import switch
from agentdc_runtime.values import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

KIND = Node("kind", "switch", FILE, 8)
EMPTY = Node("empty", "template_render", FILE, 13)
SEVEN = Node("seven", "template_render", FILE, 18)
FLOAT_ = Node("float", "template_render", FILE, 23)
QUOTED = Node("quoted", "template_render", FILE, 28)
NOTHING = Node("nothing", "terminate", FILE, 33)
COMPOUND = Node("compound", "merge", FILE, 37)
YES = Node("yes", "merge", FILE, 41)


def from_kind(run: Run) -> Next:
    """From kind: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:8 · kind (switch)
    if now >= run.deadline:
        return run.overdue()
    run.node = KIND
    kind, branch = switch.run(value=find(run.outputs["trigger"], ("value",)))
    then, now = now, clock()
    trace.append((KIND, branch, kind, now - then))
    if branch == "":
        return from_empty
    if branch == "7":
        return from_seven
    if branch == "1.0":
        return from_float
    if branch == 'it\'s "so"\n':
        return from_quoted
    if branch == "null":
        return from_nothing
    if branch == "array":
        return from_compound
    if branch == "object":
        return from_compound
    if branch == "true":
        return from_yes
    return run.complete(kind)


def from_empty(run: Run) -> Next:
    """From empty: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:13 · empty (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = EMPTY
    empty = {"rendered": "the empty text"}
    then, now = now, clock()
    trace.append((EMPTY, None, empty, now - then))
    return run.complete(empty)


def from_seven(run: Run) -> Next:
    """From seven: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:18 · seven (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = SEVEN
    seven = {"rendered": "7"}
    then, now = now, clock()
    trace.append((SEVEN, None, seven, now - then))
    return run.complete(seven)


def from_float(run: Run) -> Next:
    """From float: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:23 · float (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = FLOAT_
    float_ = {"rendered": "1.0"}
    then, now = now, clock()
    trace.append((FLOAT_, None, float_, now - then))
    return run.complete(float_)


def from_quoted(run: Run) -> Next:
    """From quoted: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:28 · quoted (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = QUOTED
    quoted = {"rendered": "a quote"}
    then, now = now, clock()
    trace.append((QUOTED, None, quoted, now - then))
    return run.complete(quoted)


def from_nothing(run: Run) -> Next:
    """From nothing: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:33 · nothing (terminate)
    if now >= run.deadline:
        return run.overdue()
    run.node = NOTHING
    nothing = None
    then, now = now, clock()
    trace.append((NOTHING, None, nothing, now - then))
    return run.complete(None, dead_end=False)


def from_compound(run: Run) -> Next:
    """From compound: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:37 · compound (merge)
    if now >= run.deadline:
        return run.overdue()
    run.node = COMPOUND
    compound = None
    then, now = now, clock()
    trace.append((COMPOUND, None, compound, now - then))
    return run.complete(compound)


def from_yes(run: Run) -> Next:
    """From yes: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:41 · yes (merge)
    if now >= run.deadline:
        return run.overdue()
    run.node = YES
    yes = None
    then, now = now, clock()
    trace.append((YES, None, yes, now - then))
    return run.complete(yes)


PROGRAM = Program(
    "switch labels",
    {
        "go": ("manual", from_kind),
    },
    0,
)
