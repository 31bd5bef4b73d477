"""What people decided about paused runs, and what nobody decided in time (spec 01 §7). Links `state.rows`.

Functions of a connection, to be called inside a transaction, so that a decision and what it does to the run are one
step. A decision belongs to one pause: the run, the node, and when it was asked.
"""

from __future__ import annotations

from agentdc_runtime.observe.log import INFO, WARN
from agentdc_runtime.state import history, rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping
    from typing import Any

    from agentdc_runtime.state.saved import Checkpoint

APPROVE, REJECT, EXPIRE = "approve", "reject", "expire"


class Refused(Exception):
    """Something that cannot be decided or gone on with. `kind`: unknown, decided, running or waiting."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class Decision:
    """One decision. `at`: milliseconds, UTC; `asked_at`: of the pause."""

    __slots__ = ("asked_at", "at", "by", "decision", "node", "note", "run_id")

    def __init__(
        self, run_id: str, node: str, asked_at: int, decision: str, by: str, note: str | None, at: int
    ) -> None:
        self.run_id = run_id
        self.node = node
        self.asked_at = asked_at
        self.decision = decision
        self.by = by
        self.note = note
        self.at = at

    @property
    def reason(self) -> str:
        """Why a run that is not approved fails."""
        if self.decision == EXPIRE:
            seconds = (self.at - self.asked_at) // 1000
            return f"nobody decided about `{self.node}` in time: the approval expired after {seconds} s"
        return self.note or f"rejected by {self.by}"


def decide(
    database: sqlite3.Connection, run_id: str, decision: str, by: str, note: str | None, now: int
) -> Decision:
    """Store a decision; a rejected run has ended. Refused when there is nothing to decide."""
    checkpoint = rows.load(database, run_id)
    waits = checkpoint is not None and checkpoint.awaiting_approval
    made = of(database, checkpoint) if checkpoint is not None and waits else last(database, run_id)
    if made is not None:
        raise Refused("decided", already(made))
    if checkpoint is None or not waits:
        raise Refused("unknown", f"no run {run_id} waits for approval")
    if is_late(checkpoint, now):
        return expire(database, checkpoint)
    made = Decision(run_id, checkpoint.paused_at, checkpoint.created_at, decision, by, note, now)
    _store(database, made)
    if decision == REJECT:
        _fail(database, made)
    return made


def already(made: Decision) -> str:
    """What to say of a second decision."""
    if made.decision == EXPIRE:
        return f"the approval of run {made.run_id} has expired"
    what = "approved" if made.decision == APPROVE else "rejected"
    return f"the run {made.run_id} has been {what} by {made.by}"


def is_late(checkpoint: Checkpoint, now: int) -> bool:
    """Whether a paused run has waited longer than it may."""
    return checkpoint.awaiting_approval and checkpoint.expires_at is not None and now >= checkpoint.expires_at


def expire(database: sqlite3.Connection, checkpoint: Checkpoint) -> Decision:
    """The end of a run that nobody decided about."""
    assert checkpoint.expires_at is not None
    made = Decision(
        checkpoint.run_id,
        checkpoint.paused_at,
        checkpoint.created_at,
        EXPIRE,
        "",
        None,
        checkpoint.expires_at,
    )
    _store(database, made)
    _fail(database, made)
    return made


def of(database: sqlite3.Connection, checkpoint: Checkpoint) -> Decision | None:
    """The decision about the pause that a checkpoint stands at."""
    row = database.execute(
        "SELECT run_id, node_id, asked_at, decision, decided_by, note, decided_at FROM approvals"
        " WHERE run_id = ? AND node_id = ? AND asked_at = ?",
        (checkpoint.run_id, checkpoint.paused_at, checkpoint.created_at),
    ).fetchone()
    return None if row is None else Decision(*row)


def last(database: sqlite3.Connection, run_id: str) -> Decision | None:
    """The latest decision about a run."""
    made = of_run(database, run_id)
    return made[-1] if made else None


def of_run(database: sqlite3.Connection, run_id: str) -> list[Decision]:
    """Every decision about a run, in the order of its pauses."""
    found = database.execute(
        "SELECT run_id, node_id, asked_at, decision, decided_by, note, decided_at FROM approvals"
        " WHERE run_id = ? ORDER BY asked_at, decided_at",
        (run_id,),
    )
    return [Decision(*row) for row in found]


def output(made: Decision) -> dict[str, Any]:
    """What an approved pause leaves as its node's output."""
    return {"approved": True, "at": instant(made.at), "by": made.by, "note": made.note}


def instant(milliseconds: int) -> str:
    """RFC 3339 with milliseconds, UTC."""
    import time

    seconds, rest = divmod(milliseconds, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:03d}Z"


def _store(database: sqlite3.Connection, made: Decision) -> None:
    database.execute(
        "INSERT INTO approvals (run_id, node_id, asked_at, decision, decided_by, note, decided_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (made.run_id, made.node, made.asked_at, made.decision, made.by, made.note, made.at),
    )


def _fail(database: sqlite3.Connection, made: Decision) -> None:
    rows.remove(database, made.run_id)
    outcome = {"status": "failed", "reason": made.reason, "last_node": made.node}
    history.end(database, made.run_id, outcome, made.at)


def tell(emit: Callable[[int, str, Mapping[str, Any]], None], made: Decision, *, ends: bool = True) -> None:
    """Audit a decision. `ends`: nothing else tells how a run that is not approved ended."""
    fields: dict[str, Any] = {"run_id": made.run_id, "node": made.node, "decision": made.decision}
    if made.decision == EXPIRE:
        emit(WARN, "approval.expired", {"run_id": made.run_id, "node": made.node})
    else:
        emit(INFO, "approval.decided", {**fields, "by": made.by, "note": made.note or ""})
    if ends and made.decision != APPROVE:
        failed = {"run_id": made.run_id, "last_node": made.node, "reason": made.reason, "elapsed_ms": 0}
        emit(WARN, "workflow.failed", failed)
