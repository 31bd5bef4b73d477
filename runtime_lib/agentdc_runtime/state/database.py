"""Connections to a state database: how they are set up, and how its tables become new. Links `sqlite3`."""

from __future__ import annotations

import os
import sqlite3

from agentdc_runtime.observe.log import INFO
from agentdc_runtime.state.fault import CORRUPT, UNUSABLE, StoreError, fault_of, of_system
from agentdc_runtime.state.place import NAME
from agentdc_runtime.state.schema import MIGRATIONS, VERSION
from agentdc_runtime.state.settings import MB, Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    Emit: TypeAlias = Callable[[int, str, Mapping[str, Any]], None]

OLDEST = (3, 37, 0)  # the first with STRICT tables, which spec 04 §4.1 does not think of


def connect(path: str, settings: Settings, *, busy_ms: int | None = None) -> sqlite3.Connection:
    """A connection with the settings of every connection (spec 04 §4.1); sqlite3.Error or StoreError."""
    check_library(sqlite3.sqlite_version_info)
    timeout = settings.busy_timeout_ms if busy_ms is None else busy_ms
    connection = sqlite3.connect(path, timeout=timeout / 1000, isolation_level=None, check_same_thread=False)
    try:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(f"{path}: the file system cannot hold a write-ahead log")
        connection.execute(f"PRAGMA synchronous={'FULL' if settings.durability == 'full' else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute(f"PRAGMA journal_size_limit={settings.wal_warn_mb * MB}")
    except BaseException:
        connection.close()
        raise
    return connection


def check_library(version: tuple[int, ...]) -> None:
    """StoreError when SQLite is older than what the tables need."""
    if version < OLDEST:
        found, needed = (".".join(map(str, each)) for each in (version, OLDEST))
        raise StoreError(f"SQLite {needed} or newer is needed, and this is {found}", "state_sqlite_old")


def opened(folder: str, settings: Settings, emit: Emit, *, unclean: bool) -> sqlite3.Connection:
    """The connection of the writer, with tables of this version; StoreError.

    `unclean`: whoever had the database last did not close it, so that it must be looked through first.
    """
    path = os.path.join(folder, NAME)
    connection = None
    try:
        if not os.path.exists(path):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = connect(path, settings)
        if unclean:
            damage = problems(connection, full=False)
            if damage:
                raise refusal(path, damage[0], CORRUPT)
        migrate(connection, path, emit)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error):
            raise refusal(path, error, fault_of(error, folder) or UNUSABLE) from error
        if isinstance(error, OSError):
            raise StoreError(f"{path}: {error.strerror}", f"state_{of_system(error)}") from error
        raise
    return connection


def refusal(path: str, what: object, name: str) -> StoreError:
    """Why the database cannot be opened, and what helps."""
    helped = "; the app's `state recover` saves what can be read" if name == CORRUPT else ""
    return StoreError(f"{path}: {what}{helped}", f"state_{name}")


def problems(connection: sqlite3.Connection, *, full: bool) -> list[str]:
    """What is wrong with the file, in SQLite's words. `full`: also the indexes, and the references between tables."""
    try:
        told = connection.execute(f"PRAGMA {'integrity' if full else 'quick'}_check(20)").fetchall()
        found = [
            line for row in told for line in row[0].splitlines() if not line.startswith("*** in database")
        ]
        if full and found == ["ok"]:
            rows = connection.execute("PRAGMA foreign_key_check").fetchmany(20)
            found += [f"row {row[1]} of {row[0]} refers to nothing in {row[2]}" for row in rows]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [each for each in found if each != "ok"]


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the tables; 0 in an empty database."""
    there = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'"
    if connection.execute(there).fetchone() is None:
        return 0
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    return 0 if row is None or not str(row[0]).isdigit() else int(row[0])


def refuse_newer(version: int, path: str) -> None:
    """StoreError when the tables are of a version that this app does not know."""
    if version > VERSION:
        message = (
            f"{path} has schema {version}, and this app knows up to {VERSION};"
            " use the app that wrote it, or a newer one"
        )
        raise StoreError(message, "state_schema_newer")


def migrate(connection: sqlite3.Connection, path: str, emit: Emit) -> None:
    """Bring the tables to this version, each step in one transaction."""
    fresh = False
    while True:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = version_of(connection)
            refuse_newer(version, path)
            if version < VERSION:
                _step(connection, version)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if version == VERSION:
            return
        fresh = fresh or not version
        if not fresh:
            emit(INFO, "state.migrated", {"from": version, "to": version + 1})


def _step(connection: sqlite3.Connection, version: int) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")
    for statement in MIGRATIONS[version]:
        connection.execute(statement)
    connection.execute(
        "INSERT INTO meta VALUES ('schema', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (str(version + 1),),
    )
