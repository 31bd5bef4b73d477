"""Going on with a run that another process began (spec 01 §7): who may, where, and with what.

`claim` decides and takes the run in one transaction, so that two processes can never both go on with it; `restored`
makes the run again from what was stored. Links `state.decisions`.
"""

from __future__ import annotations

from agentdc_runtime.core.run import Ending, Run
from agentdc_runtime.jsontext import loads
from agentdc_runtime.state import decisions, rows
from agentdc_runtime.state.decisions import APPROVE, EXPIRE, Refused
from agentdc_runtime.state.fitting import why_not
from agentdc_runtime.state.idempotency import adopt, link_of
from agentdc_runtime.state.keeper import now_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any

    from agentdc_runtime.core.process import Process
    from agentdc_runtime.core.run import Block, Program
    from agentdc_runtime.state.decisions import Decision
    from agentdc_runtime.state.keeper import Keeper
    from agentdc_runtime.state.saved import Checkpoint
    from agentdc_runtime.state.store import Work

MOST_RECOVERIES = 5  # of one run without a node between them: it may be what kills the process


class Claim:
    """A run that this process has now. `decision`: about its pause; an expired one has ended the run already.

    `paused`: it waited; else a process that died had it.
    """

    __slots__ = ("checkpoint", "decision", "paused")

    def __init__(self, checkpoint: Checkpoint, decision: Decision | None, *, paused: bool = True) -> None:
        self.checkpoint = checkpoint
        self.decision = decision
        self.paused = paused

    @property
    def expired(self) -> bool:
        """Whether nobody decided in time."""
        return self.decision is not None and self.decision.decision == EXPIRE


def taking(keeper: Keeper, run_id: str, *, recovering: bool = False) -> Work[Claim]:
    """The work of taking a run; see `claim`."""

    def take(database: sqlite3.Connection) -> Claim:
        return claim(database, keeper, run_id, now_ms(), recovering=recovering)

    return take


def claim(
    database: sqlite3.Connection, keeper: Keeper, run_id: str, now: int, *, recovering: bool = False
) -> Claim:
    """Take a run, or Refused; its row stays whatever is wrong."""
    checkpoint = rows.load(database, run_id)
    if checkpoint is None:
        made = decisions.last(database, run_id)
        raise Refused(*_gone(run_id, made))
    if checkpoint.workflow != keeper.workflow:
        raise Refused("workflow", f"the checkpoint {run_id} is of workflow `{checkpoint.workflow}`")
    holder = None if checkpoint.awaiting_approval else rows.holder(database, run_id, now)
    if holder is not None and holder != keeper.owner:
        raise Refused("running", f"the run {run_id} is in the hands of another process")
    decision = decisions.of(database, checkpoint)
    if decision is None and decisions.is_late(checkpoint, now):
        return Claim(checkpoint, decisions.expire(database, checkpoint))
    if decision is None and checkpoint.awaiting_approval and checkpoint.extra.get("require_decision"):
        message = f"the run {run_id} waits for a decision about `{checkpoint.paused_at}`; see `approvals`"
        raise Refused("waiting", message)
    refuse_unfit(checkpoint, decision, keeper.stepwise)
    paused, checkpoint.awaiting_approval = checkpoint.awaiting_approval, False
    if recovering and not paused:
        _count(checkpoint)
    rows.save(database, checkpoint)  # from here on it is on its way: nobody else can take it
    rows.hold(database, run_id, keeper.owner, now)
    link = link_of(checkpoint.extra.get("delivery"))
    if link is not None:
        adopt(database, link, run_id, now)
    return Claim(checkpoint, decision, paused=paused)


def refuse_unfit(checkpoint: Checkpoint, decision: Decision | None, program: Program) -> None:
    """Refused when the run cannot go on in this build."""
    why = why_not(program, checkpoint.resume_node, _outputs(checkpoint, decision))
    if why is not None:
        message = f"the run {checkpoint.run_id} cannot go on: {why}; its checkpoint is kept"
        raise Refused("cannot", message)


def _outputs(checkpoint: Checkpoint, decision: Decision | None) -> dict[str, Any]:
    """What the run has: all that is stored, and the decision about its pause. ValueError: unreadable."""
    outputs = loads(checkpoint.node_outputs)
    if not isinstance(outputs, dict):
        raise ValueError("node_outputs is no object")
    if decision is not None and decision.decision == APPROVE:
        outputs[checkpoint.paused_at] = decisions.output(decision)
    return outputs


def restored(keeper: Keeper, claimed: Claim, deadline: float) -> tuple[Run, Block | None]:
    """The run as it was, and the block where it goes on; None when nothing is left to do. ValueError: unreadable."""
    checkpoint, decision, program = claimed.checkpoint, claimed.decision, keeper.stepwise
    process: Process = keeper.process
    run = Run(
        program,
        process,
        checkpoint.trigger_kind,
        loads(checkpoint.trigger_input),
        deadline=deadline,
        dry_run=bool(checkpoint.extra.get("dry_run")),
        start=checkpoint.start_node,
        id=checkpoint.run_id,
    )
    run.outputs.update(_outputs(checkpoint, decision))
    run.resumed = checkpoint.paused_at
    run.delivery = link_of(checkpoint.extra.get("delivery"))
    if checkpoint.http_response is not None:
        run.response = loads(checkpoint.http_response)
    _restore_loops(run, checkpoint, program)
    keeper.held.add(run.id)
    keeper.carried[run.id] = checkpoint.extra
    block = None if checkpoint.resume_node is None else program.points[checkpoint.resume_node]
    return run, block


def ending_of(claimed: Claim) -> Ending:
    """How a run ends that has nothing left to do: expired, or paused at its last node."""
    if claimed.decision is not None and claimed.expired:
        return Ending("failed", claimed.checkpoint.paused_at, 0, reason=claimed.decision.reason)
    return Ending("completed", claimed.checkpoint.paused_at, 0, dead_end=True)


def candidates(database: sqlite3.Connection, keeper: Keeper, now: int, *, recover: bool) -> list[str]:
    """Runs of this workflow that nobody has and that can go on: decided, expired, or left by a dead process."""
    found = []
    for checkpoint in rows.load_all(database, keeper.workflow):
        run_id = checkpoint.run_id
        holder = rows.holder(database, run_id, now)
        if run_id in keeper.held or holder not in {None, keeper.owner}:
            continue
        if checkpoint.awaiting_approval:
            if holder is None:
                rows.hold(
                    database, run_id, keeper.owner, now
                )  # it waits in a process that will go on with it
            if decisions.is_late(checkpoint, now) or decisions.of(database, checkpoint) is not None:
                found.append(run_id)
        elif recover and checkpoint.extra.get("recoveries", 0) < MOST_RECOVERIES:
            found.append(run_id)
    return found


def gone(database: sqlite3.Connection, keeper: Keeper, now: int) -> list[str]:
    """Runs of this workflow that a dead process left on their way."""
    return [
        each.run_id
        for each in rows.load_all(database, keeper.workflow)
        if not each.awaiting_approval and rows.holder(database, each.run_id, now) is None
    ]


def _gone(run_id: str, made: Decision | None) -> tuple[str, str]:
    if made is not None and made.decision != APPROVE:
        return "decided", f"{decisions.already(made)}; it has ended"
    return "unknown", f"no checkpoint {run_id} in the state directory"


def _count(checkpoint: Checkpoint) -> None:
    known = checkpoint.extra.get("recoveries", 0)
    checkpoint.extra["recoveries"] = known + 1 if isinstance(known, int) else 1


def _restore_loops(run: Run, checkpoint: Checkpoint, program: Program) -> None:
    """Counts of loop edges are by number, which only means the same in a program with as many."""
    counts = [] if checkpoint.loop_counts is None else loads(checkpoint.loop_counts)
    if isinstance(counts, list) and len(counts) == program.loops:
        run.loops = counts
