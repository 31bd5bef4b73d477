"""Reading beside the writer, for a short time (spec 04 §4.1). Links `sqlite3`.

An open reader sees the database as it was when it began, and holds back the checkpoint that would shorten the log. So
one that is open for too long is closed from outside: its next question fails.
"""

from __future__ import annotations

import sqlite3
import threading
import time

from agentdc_runtime.state.fault import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

LONGEST = 30.0  # seconds that a reader may be open


class Reader:
    """One snapshot of the database, as a context. `clock`: monotonic seconds."""

    __slots__ = ("_clock", "_connection", "_lock", "_readers", "_since")

    def __init__(
        self, connection: sqlite3.Connection, readers: set[Reader], clock: Any = time.monotonic
    ) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._readers = readers
        self._lock = threading.Lock()
        self._clock = clock
        self._since = clock()

    def __enter__(self) -> Reader:
        assert self._connection is not None
        self._connection.execute("BEGIN")
        self._readers.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._readers.discard(self)
        with self._lock:
            self._close()

    def all(self, question: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of the answer; StoreError when the reader was closed for its age."""
        with self._lock:
            if self._connection is None:
                raise StoreError("a reader was open for too long, and was closed", "state_long_reader")
            return self._connection.execute(question, values).fetchall()

    def end(self, age: float) -> bool:
        """Close it when it is older than `age` seconds; whether it was. For any thread."""
        connection = self._connection
        if connection is None or self._clock() - self._since < age:
            return False
        connection.interrupt()  # so that a question in progress gives up the lock
        with self._lock:
            self._close()
        return True

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
