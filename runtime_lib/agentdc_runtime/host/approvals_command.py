"""`<app> approvals …`: what waits for a decision, and deciding it (issue: approvals; spec 01 §7). Links the store.

A decision is committed before it is told. An approved run goes on at once: in the process that serves this state
directory, if one does, else in this one, whose output and exit status are then those of the run.
"""

from __future__ import annotations

import os

from agentdc_runtime.host.asking import Asked, ask
from agentdc_runtime.host.console import OK, line, print_out, tell
from agentdc_runtime.host.words import Action
from agentdc_runtime.jsontext import Fixed, loads
from agentdc_runtime.state import decisions, rows
from agentdc_runtime.state.decisions import APPROVE, EXPIRE, REJECT, Refused, instant
from agentdc_runtime.state.keeper import now_ms
from agentdc_runtime.state.waiting import expire_all, shown, waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from agentdc_runtime.host.app import App
    from agentdc_runtime.host.start import Started
    from agentdc_runtime.host.verbs import Begin
    from agentdc_runtime.state.decisions import Decision
    from agentdc_runtime.state.saved import Checkpoint

_DECIDING = {"--note": "TEXT", "--by": "NAME"}
ACTIONS = {
    "list": Action("", {}, "the runs that wait for a decision"),
    "show": Action("RUN-ID", {}, "what a run has done so far, and what was decided about it"),
    "approve": Action(
        "RUN-ID", _DECIDING, "let a run go on; here, unless a process serves this state directory"
    ),
    "reject": Action("RUN-ID", _DECIDING, "end a run as failed, with the note as its reason"),
}


def main(app: App, words: list[str], program: str, begin: Begin) -> int:
    """Do what the words after `approvals` say; the exit status."""
    goes_on: list[str] = []

    def work(asked: Asked) -> int:
        match asked.words.action:
            case "list":
                return _list(asked)
            case "show":
                return _show(asked)
            case action:
                return _decide(asked, action, goes_on)

    status = ask(app, words, program, begin, "approvals", ACTIONS, work)
    if not goes_on:
        return status
    return _go_on(app, program, *goes_on)


def _list(asked: Asked) -> int:
    def look(database: sqlite3.Connection) -> tuple[list[Decision], list[Checkpoint]]:
        now = now_ms()
        return expire_all(database, now), waiting(database, now)

    expired, found = asked.store.write_now(look)
    for each in expired:
        decisions.tell(asked.emit, each)
    documents = [shown(each) for each in found]
    lines = [_line(each) for each in documents] or ["nothing waits for a decision"]
    return asked.say({"approvals": documents}, lines)


def _line(document: Fixed) -> str:
    until = "" if document["expires_at"] is None else f"  until {document['expires_at']}"
    reason = "" if document["reason"] is None else f"  {document['reason']}"
    place = f"workflow={document['workflow']}  node={document['node']}"
    return f"{document['run_id']}  {place}  since {document['asked_at']}{until}{reason}"


def _show(asked: Asked) -> int:
    run_id = asked.words.operand

    def look(database: sqlite3.Connection) -> tuple[list[Decision], Checkpoint | None, list[Decision]]:
        expired = expire_all(database, now_ms())
        return expired, rows.load(database, run_id), decisions.of_run(database, run_id)

    expired, checkpoint, made = asked.store.write_now(look)
    for each in expired:
        decisions.tell(asked.emit, each)
    if checkpoint is None and not made:
        raise Refused("unknown", f"no run {run_id} waits for approval")
    document = Fixed(run_id=run_id) if checkpoint is None else shown(checkpoint)
    waits = checkpoint is not None and checkpoint.awaiting_approval
    document["waits"] = waits and all(each.asked_at != checkpoint.created_at for each in made if checkpoint)
    if checkpoint is not None:
        document["trigger_input"] = loads(checkpoint.trigger_input)
        document["node_outputs"] = loads(checkpoint.node_outputs)
    document["decisions"] = [_told(each) for each in made]
    return print_out(line(document), asked.program)


def _told(made: Decision) -> Fixed:
    return Fixed(
        node=made.node,
        decision=made.decision,
        by=None if made.decision == EXPIRE else made.by,
        at=instant(made.at),
        note=made.note,
    )


# Deciding.


def _decide(asked: Asked, action: str, goes_on: list[str]) -> int:
    words = asked.words
    run_id, by = words.operand, words.flags.get("--by") or _user()
    now = now_ms()

    def decide(database: sqlite3.Connection) -> tuple[Decision, str | None]:
        found = rows.load(database, run_id)
        if action == APPROVE and found is not None and found.workflow != asked.app.name:
            raise Refused("workflow", f"the run {run_id} is of workflow `{found.workflow}`: ask its app")
        made = decisions.decide(database, run_id, action, by, words.flags.get("--note"), now)
        return made, rows.holder(database, run_id, now)

    made, holder = asked.store.write_now(decide)
    decisions.tell(asked.emit, made)
    if made.decision == EXPIRE:
        raise Refused("decided", decisions.already(made))
    if made.decision == REJECT:
        document = Fixed(status="failed", reason=made.reason, last_node=made.node)
        return print_out(line(document), asked.program)
    if holder is not None:
        document = Fixed(run_id=run_id, **_told(made))
        tell(asked.program, "the process that serves this state directory goes on with the run")
        return asked.say(document, [f"{run_id}  approved by {by}"])
    goes_on += [run_id, asked.folder]
    return OK


def _go_on(app: App, program: str, run_id: str, folder: str) -> int:
    """The rest of an approved run, with everything that a run needs."""
    from agentdc_runtime.host.flags import parse
    from agentdc_runtime.host.resume import resume
    from agentdc_runtime.host.start import run_with

    def work(started: Started) -> int:
        return resume(started, run_id)

    options = parse([], os.environ, app.features)
    options.state_dir = folder
    return run_with(app, options, program, work)


def _user() -> str:
    """Who asks: the name of the user of this process."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
