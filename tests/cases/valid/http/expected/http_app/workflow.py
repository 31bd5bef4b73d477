"""http: 4 nodes in 4 blocks.

Compiled from workflow.toml (SHA-256 8da3f7331c4f61fd911b9f3a0a9d8dacf759f9fa74e1064beeaef14ad97dab30)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.edges import too_long
from agentdc_runtime.core.retry_async import Retry, attempt
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import condition, http_request, parse_json
from agentdc_runtime.values import find, need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

SEND = Node("send", "http_request", FILE, 26)
ANSWER = Node("answer", "parse_json", FILE, 35)
LATER = Node("later", "condition", FILE, 40)
REFUSED = Node("refused", "fail", FILE, 45)
RETRY_SEND = Retry(3, 100, transient=True, jitter=0.5)


async def from_send(run: Run) -> Next:
    """From send: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:26 · send (http_request)
    run.visits += 1
    if run.visits > 10000:
        return too_long(run, 10000)
    if now >= run.deadline:
        return run.overdue()
    run.node = SEND

    async def try_send() -> tuple[Json, str | None]:
        return await http_request.run(
            run,
            method="POST",
            url=need(run.outputs["trigger"], ("url",), "http_request", "trigger.url"),
            body=lambda: need(run.outputs["trigger"], ("order",), "http_request", "trigger.order"),
            headers=(
                (
                    "Accept",
                    ("application/json",),
                ),
                (
                    "Authorization",
                    (
                        "Bearer ",
                        ("TOKEN",),
                    ),
                ),
                (
                    "X-Signed",
                    (
                        ("KEY",),
                        "-",
                        ("KEY",),
                    ),
                ),
            ),
        )

    run.outputs["send"], branch = send, branch = await attempt(run, RETRY_SEND, try_send)
    then, now = now, clock()
    trace.append((SEND, branch, send, now - then))
    if branch is None:
        return from_answer
    return from_later


async def from_answer(run: Run) -> Next:
    """From answer: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:35 · answer (parse_json)
    run.visits += 1
    if run.visits > 10000:
        return too_long(run, 10000)
    if now >= run.deadline:
        return run.overdue()
    run.node = ANSWER
    answer = parse_json.run(text=need(run.outputs["send"], ("body",), "parse_json", "send.body"))
    then, now = now, clock()
    trace.append((ANSWER, None, answer, now - then))
    return run.complete(answer)


async def from_later(run: Run) -> Next:
    """From later: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:40 · later (condition)
    run.visits += 1
    if run.visits > 10000:
        return too_long(run, 10000)
    if now >= run.deadline:
        return run.overdue()
    run.node = LATER
    later, branch = condition.run(value=find(run.outputs["send"], ("headers", "retry-after")))
    then, now = now, clock()
    trace.append((LATER, branch, later, now - then))
    if branch == "true":
        if run.loops[0] < 3:
            run.loops[0] += 1
            return from_send
        return run.complete(later)
    return from_refused


async def from_refused(run: Run) -> Next:
    """From refused: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:45 · refused (fail)
    run.visits += 1
    if run.visits > 10000:
        return too_long(run, 10000)
    if now >= run.deadline:
        return run.overdue()
    run.node = REFUSED
    then, now = now, clock()
    trace.append((REFUSED, None, None, now - then))
    return run.fail("the server refused")


PROGRAM = Program(
    "http",
    {
        "go": ("manual", from_send),
    },
    1,
)
