"""Reads the runs of a state directory without an app: checkpoints, and what was decided about their pauses.

Nothing is written and nothing waits: the database is opened read-only, while the app may be running on it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

NAME = "state.db"
_CHECKPOINTS = (
    "SELECT run_id, workflow, node_outputs, paused_at, resume_node, awaiting_approval, created_at, loop_counts"
    " FROM checkpoints ORDER BY run_id"
)
_DECISION = (
    "SELECT decided_by, note, decided_at FROM approvals"
    " WHERE run_id = ? AND node_id = ? AND asked_at = ? AND decision = 'approve'"
)


class NoRows(Exception):
    """A folder without a state database that can be read; the message says why, about "it"."""


def checkpoints(folder: Path) -> list[Mapping[str, Any]]:
    """Every checkpoint, JSON columns decoded; `approved`: the output that an approval gives its node, or None."""
    path = folder / NAME
    if not path.is_file():
        raise NoRows(f"it has no {NAME}")
    try:
        with closing(_opened(path)) as database:
            database.row_factory = sqlite3.Row
            return [_row(database, each) for each in database.execute(_CHECKPOINTS).fetchall()]
    except (sqlite3.Error, ValueError, OSError) as problem:
        raise NoRows(f"its {NAME} cannot be read: {problem}") from problem


def _opened(path: Path) -> sqlite3.Connection:
    """Read-only; a database in a folder that cannot be written has no log beside it, or one that can be read."""
    address = path.absolute().as_uri()
    database = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=5)
    try:
        database.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError:
        database.close()
        if path.with_name(f"{NAME}-wal").exists():
            raise
        database = sqlite3.connect(f"{address}?mode=ro&immutable=1", uri=True)
    return database


def _row(database: sqlite3.Connection, row: sqlite3.Row) -> Mapping[str, Any]:
    found = dict(row)
    outputs = json.loads(found["node_outputs"])
    if not isinstance(outputs, dict):
        raise ValueError(f"the outputs of {found['run_id']} are no object")
    found["node_outputs"] = outputs
    found["loop_counts"] = json.loads(found["loop_counts"] or "[]")
    decided = database.execute(
        _DECISION, (found["run_id"], found["paused_at"], found["created_at"])
    ).fetchone()
    found["approved"] = None
    if decided is not None:
        found["approved"] = {"approved": True, "at": "", "by": decided[0], "note": decided[1]}
    return found
