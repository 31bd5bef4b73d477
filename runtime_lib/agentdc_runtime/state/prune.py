"""Which runs are forgotten (spec 04 §4.1): finished ones that are old or too many. Links `sqlite3`.

A run with a checkpoint or a lease may still go on: it is paused, or can be recovered, and is never touched.
"""

from __future__ import annotations

import time
from functools import partial

from agentdc_runtime.state.settings import DAY_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from agentdc_runtime.state.settings import Settings
    from agentdc_runtime.state.store import Store

AT_ONCE = 500  # rows in one transaction, so that no other write waits for long
_FINISHED = """CREATE TEMP VIEW IF NOT EXISTS finished AS
    SELECT run_id, ended_at FROM main.runs WHERE ended_at IS NOT NULL
    AND run_id NOT IN (SELECT run_id FROM main.checkpoints) AND run_id NOT IN (SELECT run_id FROM main.leases)"""
_RUNS = (
    "DELETE FROM runs WHERE run_id IN (SELECT run_id FROM finished WHERE ended_at < :before LIMIT :most)",
    """DELETE FROM runs WHERE run_id IN
        (SELECT run_id FROM finished ORDER BY ended_at DESC, run_id LIMIT :most OFFSET :kept)""",
)
_REST = {
    "approvals": """DELETE FROM approvals WHERE (run_id, node_id, asked_at) IN
        (SELECT run_id, node_id, asked_at FROM approvals WHERE decided_at < :before
        AND run_id NOT IN (SELECT run_id FROM runs) AND run_id NOT IN (SELECT run_id FROM checkpoints)
        LIMIT :most)""",
    "idempotency": """DELETE FROM idempotency WHERE (scope, key) IN
        (SELECT scope, key FROM idempotency WHERE expires_at < :now LIMIT :most)""",
}


def prune_all(store: Store) -> dict[str, int]:
    """Delete all that is to be forgotten, a little at a time; how many rows, by table."""
    total: dict[str, int] = {}
    while not store.status.refuses:
        some = store.write_now(partial(prune, settings=store.settings, now=int(time.time() * 1000)))
        total = {table: total.get(table, 0) + count for table, count in some.items()}
        if not any(some.values()):
            break
    return total


def prune(database: sqlite3.Connection, settings: Settings, now: int) -> dict[str, int]:
    """Delete some of what is to be forgotten, inside a transaction; how many rows, by table. `now`: Unix ms.

    Nothing deleted means that nothing is left to delete.
    """
    values = {
        "before": now - settings.retention_days * DAY_MS,
        "now": now,
        "kept": settings.max_runs,
        "most": AT_ONCE,
    }
    database.execute(_FINISHED)
    deleted = {"runs": sum(database.execute(each, values).rowcount for each in _RUNS)}
    for table, statement in _REST.items():
        deleted[table] = database.execute(statement, values).rowcount
    return deleted
