"""Runs that wait for a decision, as every surface shows them; what was not decided in time ends at a look."""

from __future__ import annotations

from agentdc_runtime.jsontext import Fixed
from agentdc_runtime.state import decisions, rows
from agentdc_runtime.state.decisions import instant

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from agentdc_runtime.state.decisions import Decision
    from agentdc_runtime.state.saved import Checkpoint


def waiting(database: sqlite3.Connection, now: int, workflow: str | None = None) -> list[Checkpoint]:
    """Checkpoints that wait for a decision, of one workflow or of all."""
    return [
        each
        for each in rows.load_all(database, workflow)
        if each.awaiting_approval
        and not decisions.is_late(each, now)
        and decisions.of(database, each) is None
    ]


def expire_all(database: sqlite3.Connection, now: int) -> list[Decision]:
    """End every run that waited for too long."""
    return [
        decisions.expire(database, each)
        for each in rows.load_all(database)
        if decisions.is_late(each, now) and decisions.of(database, each) is None
    ]


def shown(checkpoint: Checkpoint) -> Fixed:
    """A waiting run as a document."""
    expires = checkpoint.expires_at
    return Fixed(
        run_id=checkpoint.run_id,
        workflow=checkpoint.workflow,
        node=checkpoint.paused_at,
        reason=checkpoint.reason,
        asked_at=instant(checkpoint.created_at),
        expires_at=None if expires is None else instant(expires),
    )
