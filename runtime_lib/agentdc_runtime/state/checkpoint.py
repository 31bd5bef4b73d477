"""Writing the log back into the database (spec 04 §4.3): one attempt, and what has come of all of them.

Links `sqlite3`. PASSIVE copies what it can without waiting for anybody; TRUNCATE then has little left to do, and
fails when a reader still looks at the log. A process that others share the database with may be told that it is busy:
that is no error.
"""

from __future__ import annotations

import sqlite3
import time

from agentdc_runtime.observe.metrics import Histogram
from agentdc_runtime.state.database import connect
from agentdc_runtime.state.store import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.state.store import Store

BUSY_MS = 1000  # a checkpoint waits less for others than a write does
DONE, BUSY, ERROR = "ok", "busy", "error"
MODES = ("passive", "full", "restart", "truncate")


class Outcome:
    """One attempt. `log`, `copied`: pages in the log, and of them in the database; `reason`: of an error."""

    __slots__ = ("copied", "error", "log", "result")

    def __init__(
        self, result: str, log: int = 0, copied: int = 0, error: sqlite3.Error | None = None
    ) -> None:
        self.result = result
        self.log = log
        self.copied = copied
        self.error = error


class Checkpoints:
    """The connection for them, opened at the first, and their figures. For one thread at a time."""

    __slots__ = ("_connection", "_store", "counts", "seconds")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: sqlite3.Connection | None = None
        self.counts = {DONE: 0, BUSY: 0, ERROR: 0}
        self.seconds = Histogram("agentd_state_checkpoint_seconds", "Time of checkpoints.", "db")

    def run(self) -> Outcome:
        """PASSIVE, then TRUNCATE; nothing when the log is empty."""
        if not self.log_size():
            return Outcome(DONE)
        began = time.monotonic()
        try:
            if self._connection is None:
                self._connection = connect(self._store.path, self._store.settings, busy_ms=BUSY_MS)
            outcome = attempt(self._connection, "passive")
            outcome = attempt(self._connection, "truncate")
        except sqlite3.Error as error:
            outcome = Outcome(ERROR, error=error)
        self.counts[outcome.result] += 1
        self.seconds.observe("state", time.monotonic() - began)
        return outcome

    def log_size(self) -> int:
        """Bytes of the log."""
        return size(f"{self._store.path}-wal")

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()


def attempt(connection: sqlite3.Connection, mode: str) -> Outcome:
    """One checkpoint in one mode; sqlite3.Error."""
    try:
        busy, log, copied = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (5, 6):
            return Outcome(BUSY)
        raise
    return Outcome(BUSY if busy or copied < log else DONE, log, copied)
