"""templates: 11 nodes in 1 block.

Compiled from workflow.toml (SHA-256 22e3d00d4b44a7a213d70f002148744e699fab6f9542b5ea20b91c8c522329b8)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import diff_compute
from agentdc_runtime.values import fill, need, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

PLAIN = Node("plain", "template_render", FILE, 8)
EMPTY = Node("empty", "template_render", FILE, 13)
NULL_DATA = Node("null_data", "template_render", FILE, 18)
SEARCH = Node("search", "template_render", FILE, 23)
DEEP = Node("deep", "template_render", FILE, 29)
ONLY_CHECKED = Node("only_checked", "template_render", FILE, 35)
STRING = Node("string", "template_render", FILE, 41)
WHOLE = Node("whole", "template_render", FILE, 47)
INNER = Node("inner", "template_render", FILE, 53)
DIFF = Node("diff", "diff_compute", FILE, 59)
VALUES = Node("values", "template_render", FILE, 65)


def from_plain(run: Run) -> Next:
    """From plain: 11 nodes."""
    trace = run.trace
    now = clock()

    # workflow.toml:8 · plain (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = PLAIN
    plain = {"rendered": "no holes: } } {x} {{ {{"}
    then, now = now, clock()
    trace.append((PLAIN, None, plain, now - then))

    # workflow.toml:13 · empty (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = EMPTY
    empty = {"rendered": ""}
    then, now = now, clock()
    trace.append((EMPTY, None, empty, now - then))

    # workflow.toml:18 · null_data (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = NULL_DATA
    null_data = {
        "rendered": (fill(None, (), "") + " and " + fill(None, ("nothing", "here"), "nothing.here"))
    }
    then, now = now, clock()
    trace.append((NULL_DATA, None, null_data, now - then))

    # workflow.toml:23 · search (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = SEARCH
    search = {
        "rendered": (
            fill(run.outputs["trigger"], ("user", "name"), "user..name")
            + fill(run.outputs["trigger"], ("items", "+0"), "items.+0")
        )
    }
    then, now = now, clock()
    trace.append((SEARCH, None, search, now - then))

    # workflow.toml:29 · deep (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = DEEP
    data = need(run.outputs["trigger"], ("user",), "template_render", "trigger.user")
    deep = {"rendered": (fill(data, ("a",), "a") + fill(data, (), ""))}
    then, now = now, clock()
    trace.append((DEEP, None, deep, now - then))

    # workflow.toml:35 · only_checked (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = ONLY_CHECKED
    data = need(run.outputs["trigger"], ("user",), "template_render", "trigger.user")
    only_checked = {"rendered": "the path must resolve, and nothing is printed"}
    then, now = now, clock()
    trace.append((ONLY_CHECKED, None, only_checked, now - then))

    # workflow.toml:41 · string (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = STRING
    string = {"rendered": ("<" + search["rendered"] + ">")}
    then, now = now, clock()
    trace.append((STRING, None, string, now - then))

    # workflow.toml:47 · whole (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = WHOLE
    whole = {"rendered": string["rendered"]}
    then, now = now, clock()
    trace.append((WHOLE, None, whole, now - then))

    # workflow.toml:53 · inner (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = INNER
    inner = {"rendered": fill(string["rendered"], ("x",), "x")}
    then, now = now, clock()
    trace.append((INNER, None, inner, now - then))

    # workflow.toml:59 · diff (diff_compute)
    if now >= run.deadline:
        return run.overdue()
    run.node = DIFF
    diff = diff_compute.run(left=plain, right=empty)
    then, now = now, clock()
    trace.append((DIFF, None, diff, now - then))

    # workflow.toml:65 · values (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = VALUES
    values = {
        "rendered": (
            text(diff["unchanged"])
            + " "
            + text(diff["changed"])
            + " "
            + fill(diff, ("changed", "rendered", "from"), "changed.rendered.from")
            + " "
            + fill(diff, ("nope",), "nope")
        )
    }
    then, now = now, clock()
    trace.append((VALUES, None, values, now - then))
    return run.complete(values)


PROGRAM = Program(
    "templates",
    {
        "go": ("manual", from_plain),
    },
    0,
)
