"""The table of runs: what ran, when, and how it ended (spec 04 §4.2). Links `jsontext`.

Functions of a connection, to be called inside a transaction. A run is here only if the app keeps a history.
"""

from __future__ import annotations

from agentdc_runtime.jsontext import compact

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

LIVE = ("running", "paused")


def begin(database: sqlite3.Connection, row: tuple[Any, ...]) -> None:
    """A run begins, or goes on. `row`: id, workflow, program, start, trigger's kind and input as JSON, time in ms."""
    database.execute(
        "INSERT INTO runs (run_id, workflow, build_id, start_node, trigger_kind, trigger_input, status, started_at)"
        " VALUES (?, ?, ?, ?, ?, ?, 'running', ?)"
        " ON CONFLICT (run_id) DO UPDATE SET status = 'running', ended_at = NULL",
        row,
    )


def nodes(database: sqlite3.Connection, run_id: str, entries: Iterable[tuple[Any, ...]]) -> None:
    """What ran in it: node, kind, outcome, branch, output as JSON, milliseconds; behind what is there already."""
    known = database.execute("SELECT 1 FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if known is None:
        return
    after = database.execute("SELECT max(position) FROM run_nodes WHERE run_id = ?", (run_id,)).fetchone()[0]
    first = 0 if after is None else after + 1
    database.executemany(
        "INSERT INTO run_nodes (run_id, position, node_id, kind, outcome, branch, output, elapsed_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(run_id, position, *entry) for position, entry in enumerate(entries, first)],
    )


def end(
    database: sqlite3.Connection,
    run_id: str,
    outcome: Mapping[str, Any],
    now: int,
    cost: str | None = None,
    hide: Callable[[str], str] = str,
) -> None:
    """A run has ended, or paused. `outcome`: its document; with `error` when it errored. `hide`: secrets in text."""
    status = outcome["status"]
    error = outcome.get("error")
    database.execute(
        "UPDATE runs SET status = ?, last_node = ?, ended_at = ?, outcome = ?, error = ?, cost = coalesce(?, cost)"
        " WHERE run_id = ?",
        (
            status,
            outcome.get("last_node"),
            None if status == "paused" else now,
            None if error is not None else hide(compact(outcome).encode("utf-8", "replace").decode()),
            None if error is None else hide(error),
            cost,
            run_id,
        ),
    )


def sweep(database: sqlite3.Connection, is_over: Callable[[str, int, int], bool], now: int) -> int:
    """Runs of processes that are gone, and that nothing can go on with, were interrupted; how many."""
    found = database.execute(
        "SELECT runs.run_id, leases.owner, leases.beat FROM runs LEFT JOIN leases USING (run_id)"
        " WHERE status = 'running' AND run_id NOT IN (SELECT run_id FROM checkpoints)"
    ).fetchall()
    gone = [(now, run_id) for run_id, owner, beat in found if owner is None or is_over(owner, beat, now)]
    database.executemany("UPDATE runs SET status = 'interrupted', ended_at = ? WHERE run_id = ?", gone)
    database.executemany("DELETE FROM leases WHERE run_id = ?", [(run_id,) for _, run_id in gone])
    return len(gone)
