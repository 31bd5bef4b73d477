"""long text: 2 nodes in 1 block.

Compiled from workflow.toml (SHA-256 6914465319dfa61bb47ebd11f0fa9c6c7ae6722607c3944ba511d0114a22810a)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import respond
from agentdc_runtime.values import fill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

PAGE = Node("page", "respond", FILE, 10)
MAIL = Node("mail", "template_render", FILE, 22)


def from_page(run: Run) -> Next:
    """From page: 2 nodes."""
    trace = run.trace
    now = clock()

    # workflow.toml:10 · page (respond)
    if now >= run.deadline:
        return run.overdue()
    run.node = PAGE
    page = respond.run(
        run,
        status=404,
        content_type="text/html; charset=utf-8",
        body=(
            "<!doctype html>\n<title>"
            + fill(run.input, ("title",), "title")
            + '</title>\n<p class="note">Nothing is at "'
            + fill(run.input, ("path",), "path")
            + "\".</p>\n<p>back\\slash, tab\t, quote ', accent é, arrow →</p>\n"
        ),
    )
    then, now = now, clock()
    trace.append((PAGE, None, page, now - then))

    # workflow.toml:22 · mail (template_render)
    if now >= run.deadline:
        return run.overdue()
    run.node = MAIL
    mail = {
        "rendered": (
            "Dear "
            + fill(run.outputs["trigger"], ("name",), "name")
            + ",\n\nyour order is on its way.\r\nIt left on "
            + fill(run.outputs["trigger"], ("date",), "date")
            + ", and will be there soon, unless it rains.\n"
        )
    }
    then, now = now, clock()
    trace.append((MAIL, None, mail, now - then))
    return run.complete(mail)


PROGRAM = Program(
    "long text",
    {
        "go": ("manual", from_page),
    },
    0,
)
