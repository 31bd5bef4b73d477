"""retry: 7 nodes in 3 blocks.

Compiled from workflow.toml (SHA-256 31ec452a0e80cbcb42598b7b7893c6eb96e6686bacfccdc02ccc4ca54f5357b1)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.retry import Retry, attempt
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import condition, json_select, parse_json, read_file, respond
from agentdc_runtime.values import fill, need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

LOAD = Node("load", "read_file", FILE, 8)
PARSE = Node("parse", "parse_json", FILE, 14)
ONCE = Node("once", "json_select", FILE, 21)
REPLY = Node("reply", "respond", FILE, 28)
ANY_ = Node("any", "condition", FILE, 35)
YES = Node("yes", "terminate", FILE, 41)
NO = Node("no", "fail", FILE, 45)
RETRY_LOAD = Retry(4, 200, transient=True, jitter=0.25)
RETRY_PARSE = Retry(2, 100, transient=False, jitter=0.0)
RETRY_REPLY = Retry(2, 0, transient=False, jitter=0.0)
RETRY_ANY = Retry(3, 100, transient=False, jitter=0.0)


def from_load(run: Run) -> Next:
    """From load: 5 nodes."""
    trace = run.trace
    now = clock()

    # workflow.toml:8 · load (read_file)
    if now >= run.deadline:
        return run.overdue()
    run.node = LOAD

    def try_load() -> Json:
        return read_file.run(
            run, path=need(run.outputs["trigger"], ("path",), "read_file", "trigger.path")
        )

    load = attempt(run, RETRY_LOAD, try_load)
    then, now = now, clock()
    trace.append((LOAD, None, load, now - then))

    # workflow.toml:14 · parse (parse_json)
    if now >= run.deadline:
        return run.overdue()
    run.node = PARSE

    def try_parse() -> Json:
        return parse_json.run(text=need(load, ("content",), "parse_json", "load.content"))

    parse = attempt(run, RETRY_PARSE, try_parse)
    then, now = now, clock()
    trace.append((PARSE, None, parse, now - then))

    # workflow.toml:21 · once (json_select)
    if now >= run.deadline:
        return run.overdue()
    run.node = ONCE
    once = json_select.run(value=parse["parsed"], path=())
    then, now = now, clock()
    trace.append((ONCE, None, once, now - then))

    # workflow.toml:28 · reply (respond)
    if now >= run.deadline:
        return run.overdue()
    run.node = REPLY

    def try_reply() -> Json:
        data = need(run.outputs["trigger"], ("shop",), "respond", "trigger.shop")
        return respond.run(
            run,
            status=200,
            content_type="application/json",
            body=("<" + fill(data, ("items", "0", "name"), "items.0.name") + ">"),
        )

    reply = attempt(run, RETRY_REPLY, try_reply)
    then, now = now, clock()
    trace.append((REPLY, None, reply, now - then))

    # workflow.toml:35 · any (condition)
    if now >= run.deadline:
        return run.overdue()
    run.node = ANY_

    def try_any() -> tuple[Json, str | None]:
        return condition.run(value=once["value"])

    any_, branch = attempt(run, RETRY_ANY, try_any)
    then, now = now, clock()
    trace.append((ANY_, branch, any_, now - then))
    if branch == "true":
        return from_yes
    return from_no


def from_yes(run: Run) -> Next:
    """From yes: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:41 · yes (terminate)
    if now >= run.deadline:
        return run.overdue()
    run.node = YES
    yes = None
    then, now = now, clock()
    trace.append((YES, None, yes, now - then))
    return run.complete(None, dead_end=False)


def from_no(run: Run) -> Next:
    """From no: 1 node."""
    trace = run.trace
    now = clock()

    # workflow.toml:45 · no (fail)
    if now >= run.deadline:
        return run.overdue()
    run.node = NO
    then, now = now, clock()
    trace.append((NO, None, None, now - then))
    return run.fail("workflow failed")


PROGRAM = Program(
    "retry",
    {
        "go": ("manual", from_load),
    },
    0,
)
