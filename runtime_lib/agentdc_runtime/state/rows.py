"""Checkpoints and leases in the database: what is stored, and who may go on with it (spec 04 §4.2).

Functions of a connection, to be called inside a transaction. A lease names the process that a run is in the hands of;
it binds as long as that process lives. Links `state.owner` and `state.saved`.
"""

from __future__ import annotations

from agentdc_runtime.state.owner import boot, is_gone, namespace
from agentdc_runtime.state.saved import COLUMNS, from_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from agentdc_runtime.state.saved import Checkpoint

BEAT = 5.0  # seconds between two signs of life
STALE_MS = 30_000  # without a sign of life, where the process itself cannot be looked at

_ALL = ", ".join(COLUMNS)
_SAVE = f"INSERT OR REPLACE INTO checkpoints ({_ALL}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608


def save(database: sqlite3.Connection, checkpoint: Checkpoint) -> None:
    """Write a checkpoint over the one before."""
    database.execute(_SAVE, checkpoint.row())


def load(database: sqlite3.Connection, run_id: str) -> Checkpoint | None:
    """The checkpoint of a run."""
    row = database.execute(f"SELECT {_ALL} FROM checkpoints WHERE run_id = ?", (run_id,)).fetchone()  # noqa: S608
    return None if row is None else from_row(row)


def load_all(database: sqlite3.Connection, workflow: str | None = None) -> list[Checkpoint]:
    """Every checkpoint, of one workflow or of all, by run id."""
    rows = database.execute(
        f"SELECT {_ALL} FROM checkpoints WHERE ?1 IS NULL OR workflow = ?1 ORDER BY run_id",  # noqa: S608
        (workflow,),
    )
    return [from_row(row) for row in rows]


def remove(database: sqlite3.Connection, run_id: str) -> None:
    """Forget a run that has ended."""
    database.execute("DELETE FROM checkpoints WHERE run_id = ?", (run_id,))
    release(database, run_id)


def hold(database: sqlite3.Connection, run_id: str, owner: str, now: int) -> None:
    """Take a run into the hands of a process."""
    database.execute(
        "INSERT OR REPLACE INTO leases (run_id, owner, beat) VALUES (?, ?, ?)", (run_id, owner, now)
    )


def release(database: sqlite3.Connection, run_id: str) -> None:
    """Nobody has the run any more."""
    database.execute("DELETE FROM leases WHERE run_id = ?", (run_id,))


def beat(database: sqlite3.Connection, owner: str, now: int) -> None:
    """A sign of life for everything that a process holds."""
    database.execute("UPDATE leases SET beat = ? WHERE owner = ?", (now, owner))


def holder(database: sqlite3.Connection, run_id: str, now: int) -> str | None:
    """The process that has the run, if it lives."""
    row = database.execute("SELECT owner, beat FROM leases WHERE run_id = ?", (run_id,)).fetchone()
    return None if row is None or is_over(row[0], row[1], now) else str(row[0])


def is_over(owner: str, last: int, now: int) -> bool:
    """Whether a lease binds no more. A process of another container cannot be looked at: only its beat tells."""
    process, _, place = owner.partition("#")
    if place == namespace():
        return is_gone(process)
    return process.partition("/")[0] != boot() or now - last > STALE_MS
