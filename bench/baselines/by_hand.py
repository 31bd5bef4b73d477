"""The workloads as a careful person would write them: straight Python with the same bookkeeping as a compiled app.

Each step checks the deadline, notes its name for an error report, takes the time and appends to the trace, as
compiled code does. The work inside a step is the runtime library's own functions. Equal groups of steps are folded
into a loop over their names, which costs a few ns a step. `floor` is the chain without bookkeeping and without the
dialect's care for what is missing: what the work alone costs.
"""

from __future__ import annotations

import json
from time import monotonic as clock
from typing import Any

from agentdc_runtime.errors import AgentError
from agentdc_runtime.nodes.condition import run as condition
from agentdc_runtime.nodes.diff_compute import run as diff_compute
from agentdc_runtime.nodes.json_select import run as json_select
from agentdc_runtime.nodes.parse_json import run as parse_json
from agentdc_runtime.nodes.switch import run as switch
from agentdc_runtime.values import fill, find, need
from bench import workflows

Trace = list[tuple[str, str | None, Any, float]]
Result = tuple[str, Any, str, Trace, int]  # status, value, last node, trace, elapsed ms

TIMEOUT = 300.0
CHAIN = [tuple(f"{name}{group}" for name in "tpsd") for group in range(workflows.CHAIN_NODES // 4)]
BRANCHING = [tuple(f"{name}{group}" for name in "cabjwxyzk") for group in range(workflows.BRANCH_GROUPS)]
BARE = [(f"b{at}", f"text {at}") for at in range(workflows.BARE_NODES)]

USER_ID, USER_NAME, NUMBER = ("user", "id"), ("user", "name"), ("n",)
FIRST_ITEM, BASE, BIG, TIER = ("items", "0"), ("base",), ("flags", "big"), ("tier",)


def _ms(now: float, deadline: float) -> int:
    """Whole milliseconds since the run began."""
    return int((now - deadline + TIMEOUT) * 1000)


def chain(trigger_input: dict[str, Any]) -> Result:
    """Render, parse, select, compare; five times."""
    now = clock()
    deadline = now + TIMEOUT
    trigger = {"kind": "manual", **trigger_input}
    trace: Trace = []
    record = trace.append
    node = ""
    before: Any = None
    output: Any = None
    try:
        for step, (t, p, s, d) in enumerate(CHAIN):
            if now >= deadline:
                return "timed_out", None, node, trace, _ms(now, deadline)
            node = t
            rendered = {
                "rendered": f'{{"id": "{fill(trigger, USER_ID, "user.id")}", "step": {step}, '
                f'"items": ["{fill(trigger, USER_NAME, "user.name")}", {fill(trigger, NUMBER, "n")}]}}'
            }
            then, now = now, clock()
            record((t, None, rendered, now - then))

            if now >= deadline:
                return "timed_out", None, node, trace, _ms(now, deadline)
            node = p
            parsed = parse_json(text=rendered["rendered"])
            then, now = now, clock()
            record((p, None, parsed, now - then))

            if now >= deadline:
                return "timed_out", None, node, trace, _ms(now, deadline)
            node = s
            output = json_select(value=parsed["parsed"], path=FIRST_ITEM)
            then, now = now, clock()
            record((s, None, output, now - then))

            if now >= deadline:
                return "timed_out", None, node, trace, _ms(now, deadline)
            node = d
            if before is None:
                before = need(trigger, BASE, "diff_compute", "trigger.base")
            output = diff_compute(left=before, right=parsed["parsed"])
            before = parsed["parsed"]
            then, now = now, clock()
            record((d, None, output, now - then))
    except AgentError as error:
        return "errored", error, node, trace, _ms(now, deadline)
    return "completed", output, node, trace, _ms(now, deadline)


def branching(trigger_input: dict[str, Any]) -> Result:  # noqa: PLR0912, PLR0915 - one function is the point
    """A condition, two arms, a switch, three arms; four times."""
    now = clock()
    deadline = now + TIMEOUT
    trigger = {"kind": "manual", **trigger_input}
    trace: Trace = []
    record = trace.append
    node = ""
    output: Any = None
    try:
        for c, a, b, j, w, x, y, z, k in BRANCHING:
            if now >= deadline:
                return "timed_out", None, node, trace, _ms(now, deadline)
            node = c
            output, branch = condition(value=find(trigger, BIG))
            then, now = now, clock()
            record((c, branch, output, now - then))

            if now >= deadline:
                return "timed_out", None, node, trace, _ms(now, deadline)
            if branch == "true":
                node = a
                output = {"rendered": f"big {fill(trigger, USER_NAME, 'user.name')}"}
            else:
                node = b
                output = {"rendered": f"small {fill(trigger, USER_NAME, 'user.name')}"}
            then, now = now, clock()
            record((node, None, output, now - then))

            if now >= deadline:
                return "timed_out", None, node, trace, _ms(now, deadline)
            node = j
            then, now = now, clock()
            record((j, None, None, now - then))

            if now >= deadline:
                return "timed_out", None, node, trace, _ms(now, deadline)
            node = w
            output, branch = switch(value=find(trigger, TIER))
            then, now = now, clock()
            record((w, branch, output, now - then))

            if now >= deadline:
                return "timed_out", None, node, trace, _ms(now, deadline)
            if branch == "gold":
                node = x
                output = {"rendered": f"gold {fill(trigger, NUMBER, 'n')}"}
            elif branch == "silver":
                node = y
                output = {"rendered": f"silver {fill(trigger, NUMBER, 'n')}"}
            elif branch == "bronze":
                node = z
                output = {"rendered": f"bronze {fill(trigger, NUMBER, 'n')}"}
            else:
                return "completed", output, node, trace, _ms(now, deadline)
            then, now = now, clock()
            record((node, None, output, now - then))

            if now >= deadline:
                return "timed_out", None, node, trace, _ms(now, deadline)
            node = k
            then, now = now, clock()
            record((k, None, None, now - then))
        if now >= deadline:
            return "timed_out", None, node, trace, _ms(now, deadline)
        node = "end"
        output = {"rendered": f"done for {fill(trigger, USER_ID, 'user.id')}"}
        then, now = now, clock()
        record((node, None, output, now - then))
    except AgentError as error:
        return "errored", error, node, trace, _ms(now, deadline)
    return "completed", output, node, trace, _ms(now, deadline)


def bare(trigger_input: dict[str, Any]) -> Result:  # noqa: ARG001 - one signature for all workloads
    """Twenty texts."""
    now = clock()
    deadline = now + TIMEOUT
    trace: Trace = []
    record = trace.append
    node = ""
    output: Any = None
    try:
        for node, text in BARE:
            if now >= deadline:
                return "timed_out", None, node, trace, _ms(now, deadline)
            output = {"rendered": text}
            then, now = now, clock()
            record((node, None, output, now - then))
    except AgentError as error:
        return "errored", error, node, trace, _ms(now, deadline)
    return "completed", output, node, trace, _ms(now, deadline)


def floor(trigger_input: dict[str, Any]) -> Any:
    """The work of `chain` alone: no trace, no deadline, no clock, and a KeyError for whatever is missing."""
    user, number, before = trigger_input["user"], trigger_input["n"], trigger_input["base"]
    output: Any = None
    for step in range(len(CHAIN)):
        text = f'{{"id": "{user["id"]}", "step": {step}, "items": ["{user["name"]}", {number}]}}'
        parsed = json.loads(text)
        _ = parsed["items"][0]
        output = diff_compute(left=before, right=parsed)
        before = parsed
    return output
