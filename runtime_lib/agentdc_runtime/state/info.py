"""What there is to know about a state database from outside (spec 04 §4.5). Links `sqlite3`."""

from __future__ import annotations

import os
import sqlite3
import time

from agentdc_runtime.state.database import version_of
from agentdc_runtime.state.place import NAME
from agentdc_runtime.state.status import Reserve, free

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TABLES = ("runs", "run_nodes", "checkpoints", "approvals", "leases", "idempotency")


def info(connection: sqlite3.Connection, folder: str) -> dict[str, Any]:
    """Sizes in bytes, the schema, rows by table. Closes the connection; sqlite3.Error."""
    path = os.path.join(folder, NAME)
    try:
        log = _size(f"{path}-wal")
        # In WAL mode only a checkpoint writes to the file itself.
        written = time.gmtime(os.stat(path).st_mtime)
        schema = version_of(connection)
        counts = {table: _count(connection, table) for table in _TABLES}
    finally:
        connection.close()
    return {
        "directory": folder,
        "schema": schema,
        "sqlite": sqlite3.sqlite_version,
        "db_bytes": _size(path),
        "wal_bytes": log,
        "reserve_bytes": Reserve(folder, 0).held(),
        "free_bytes": free(folder),
        "last_checkpoint": time.strftime("%Y-%m-%dT%H:%M:%SZ", written),
        "rows": {table: count for table, count in counts.items() if count is not None},
    }


def _count(connection: sqlite3.Connection, table: str) -> int | None:
    there = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    if there is None:
        return None  # a schema from before it
    found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
    return found


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
