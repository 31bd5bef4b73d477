"""Questions to the history of runs. Links `jsontext` and the reader."""

from __future__ import annotations

from agentdc_runtime.jsontext import Fixed, loads
from agentdc_runtime.state.decisions import instant

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any

    from agentdc_runtime.state.reader import Reader

FINISHED = ("completed", "failed", "timed_out", "errored", "stopped", "interrupted")
STATUSES = ("running", "paused", *FINISHED)
AT_ONCE = 500  # rows deleted in one transaction
_COLUMNS = (
    "run_id, workflow, build_id, start_node, trigger_kind, trigger_input, status, last_node, started_at, ended_at,"
    " outcome, error, cost"
)
_WHERE = (
    "(?1 IS NULL OR status = ?1) AND (?2 IS NULL OR workflow = ?2) AND (?3 IS NULL OR start_node = ?3)"
    " AND (?4 IS NULL OR started_at >= ?4) AND (?5 IS NULL OR started_at < ?5)"
)


class Filter:
    """Which runs are meant; None means any. `since`, `until`: of their start, milliseconds."""

    __slots__ = ("since", "start", "status", "until", "workflow")

    def __init__(
        self,
        *,
        status: str | None = None,
        workflow: str | None = None,
        start: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> None:
        self.status = status
        self.workflow = workflow
        self.start = start
        self.since = since
        self.until = until

    @property
    def values(self) -> tuple[Any, ...]:
        """For `_WHERE`."""
        return (self.status, self.workflow, self.start, self.since, self.until)


def newest(reader: Reader, chosen: Filter, most: int) -> list[Fixed]:
    """The runs that began last, newest first, without their nodes."""
    found = reader.all(
        f"SELECT {_COLUMNS} FROM runs WHERE {_WHERE} ORDER BY started_at DESC, run_id DESC LIMIT ?6",  # noqa: S608
        (*chosen.values, most),
    )
    return [_run(row) for row in found]


def one(reader: Reader, run_id: str) -> Fixed | None:
    """A run with its nodes."""
    found = reader.all(f"SELECT {_COLUMNS} FROM runs WHERE run_id = ?", (run_id,))  # noqa: S608
    return _whole(reader, found[0]) if found else None


def page(
    reader: Reader, chosen: Filter, after: tuple[int, str], most: int
) -> tuple[list[Fixed], tuple[int, str]]:
    """Runs with their nodes, oldest first, behind `after`; and where this page ends."""
    found = reader.all(
        f"SELECT {_COLUMNS} FROM runs WHERE {_WHERE} AND (started_at, run_id) > (?6, ?7)"  # noqa: S608
        " ORDER BY started_at, run_id LIMIT ?8",
        (*chosen.values, *after, most),
    )
    last = (found[-1][8], found[-1][0]) if found else after
    return [_whole(reader, row) for row in found], last


def forget(database: sqlite3.Connection, before: int | None, status: str | None, keep: int | None) -> int:
    """Delete some finished runs that nobody can go on with; how many."""
    chosen = (
        "SELECT run_id FROM runs WHERE ended_at IS NOT NULL AND (?1 IS NULL OR ended_at < ?1)"
        " AND (?2 IS NULL OR status = ?2) AND run_id NOT IN (SELECT run_id FROM checkpoints)"
        " ORDER BY started_at DESC, run_id DESC LIMIT ?3 OFFSET ?4"
    )
    values = (before, status, AT_ONCE, keep or 0)
    return database.execute(f"DELETE FROM runs WHERE run_id IN ({chosen})", values).rowcount  # noqa: S608


def _run(row: tuple[Any, ...]) -> Fixed:
    run_id, workflow, build, start, kind, given, status, last, began, ended, outcome, error, cost = row
    return Fixed(
        run_id=run_id,
        workflow=workflow,
        program_sha256=build,
        start_node=start,
        trigger_kind=kind,
        trigger_input=loads(given),
        status=status,
        last_node=last,
        started_at=instant(began),
        ended_at=None if ended is None else instant(ended),
        elapsed_ms=None if ended is None else ended - began,
        outcome=None if outcome is None else loads(outcome),
        error=error,
        cost=None if cost is None else loads(cost),
    )


def _whole(reader: Reader, row: tuple[Any, ...]) -> Fixed:
    run = _run(row)
    nodes = reader.all(
        "SELECT node_id, kind, outcome, branch, output, elapsed_ms FROM run_nodes WHERE run_id = ? ORDER BY position",
        (row[0],),
    )
    run["nodes"] = [
        Fixed(
            node_id=node,
            kind=kind,
            outcome=outcome,
            branch=branch,
            output=None if output is None else loads(output),
            elapsed_ms=elapsed,
        )
        for node, kind, outcome, branch, output, elapsed in nodes
    ]
    return run
