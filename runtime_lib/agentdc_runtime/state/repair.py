"""What can still be read of a damaged database, in a fresh one (spec 04 §4.4). Links `sqlite3` and `shutil`.

Nothing of the damaged files is lost: they are set aside first, and read from a second copy, since even opening a
database writes to it. Each table is read from its beginning until something does not let itself be read, then from
its end: what damaged pages held between is gone, and the table is named.
"""

from __future__ import annotations

import os
import shutil
import sqlite3

from agentdc_runtime.state.copies import FILES, put_in_place, set_aside
from agentdc_runtime.state.database import connect, migrate
from agentdc_runtime.state.fault import StoreError, of_system
from agentdc_runtime.state.place import NAME
from agentdc_runtime.state.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeAlias

    Row: TypeAlias = tuple[Any, ...]

_ORPHANS = "DELETE FROM run_nodes WHERE run_id NOT IN (SELECT run_id FROM runs)"


def recover(folder: str, now: float) -> dict[str, Any]:
    """Replace a database that nobody uses by what can be read of it. StoreError.

    `recovered`: rows by table; `lost_tables`: those that could not be read at all; `damaged_tables`: in part;
    `original`: where the old files are.
    """
    working = os.path.join(folder, f"{NAME}.recovering")
    fresh = os.path.join(folder, f"{NAME}.recovered")
    try:
        _remove(working, fresh)
        aside = set_aside(folder, "corrupt", now)
        os.mkdir(working, 0o700)
        for name in FILES:
            if os.path.exists(os.path.join(aside, name)):
                shutil.copyfile(os.path.join(aside, name), os.path.join(working, name))
        found = _salvage(os.path.join(working, NAME), fresh)
        put_in_place(folder, fresh)
    except sqlite3.Error as error:
        raise StoreError(f"{folder}: {error}") from error
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}", f"state_{of_system(error)}") from error
    finally:
        _remove(working, fresh)
    return {**found, "original": aside}


def _salvage(damaged: str, fresh: str) -> dict[str, Any]:
    os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    target = connect(fresh, Settings())
    source = sqlite3.connect(damaged, isolation_level=None)
    source.text_factory = lambda data: data.decode("utf-8", "replace")
    found: dict[str, Any] = {"recovered": {}, "lost_tables": [], "damaged_tables": []}
    try:
        migrate(target, fresh, lambda *_: None)
        target.execute("PRAGMA foreign_keys=OFF")
        target.execute("BEGIN")
        for table in _tables(target):
            count, whole = _copy(table, source, target)
            if count is None:
                found["lost_tables"].append(table)
            elif table != "meta":
                found["recovered"][table] = count
            if count is not None and not whole:
                found["damaged_tables"].append(table)
        target.execute(_ORPHANS)
        target.execute("COMMIT")
        target.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
    finally:
        source.close()
        target.close()
    return found


def _tables(database: sqlite3.Connection) -> list[str]:
    rows = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    return [row[0] for row in rows]


def _copy(table: str, source: sqlite3.Connection, target: sqlite3.Connection) -> tuple[int | None, bool]:
    """How many rows of a table were copied, None when it cannot be read at all; and whether that is all of them."""
    names = _columns(target, table)
    try:
        there = set(_columns(source, table))
        keys = [row[1] for row in source.execute(f"PRAGMA table_info({table})") if row[5]]
    except sqlite3.DatabaseError:
        return None, False
    shared = [each for each in names if each in there]
    if not shared:
        return (None, False) if table != "meta" else (0, False)
    into = f"INSERT OR IGNORE INTO {table} ({', '.join(shared)}) VALUES ({', '.join('?' * len(shared))})"  # noqa: S608
    count, whole, read = 0, True, False
    for order in ("", " DESC"):
        ordered = ", ".join(f"{key}{order}" for key in keys)
        try:
            for row in _rows(source, table, shared, ordered):
                read = True
                count += _put(target, into, row)
        except sqlite3.DatabaseError:
            whole = False
        else:
            break
    return (count, whole) if read or whole else (None, False)


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]


def _rows(source: sqlite3.Connection, table: str, columns: list[str], order: str) -> Iterator[Row]:
    # Names are those of our own tables; the index of a damaged table may be sound, and the other way round.
    yield from source.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}")  # noqa: S608


def _put(target: sqlite3.Connection, into: str, row: Row) -> int:
    try:
        return target.execute(into, row).rowcount
    except sqlite3.DatabaseError:  # a value that damage has made impossible
        return 0


def _remove(working: str, fresh: str) -> None:
    shutil.rmtree(working, ignore_errors=True)
    for path in (fresh, f"{fresh}-wal", f"{fresh}-shm", f"{fresh}-journal"):
        if os.path.exists(path):
            os.unlink(path)
