"""The database of a state directory (spec 04 §4). Links `sqlite3` and `threading`.

One connection writes, on a thread of its own. Writes that wait at the same moment share one transaction and so one
sync to the disk; each caller hears of it only when that has happened, which is what "commit before acknowledge"
means. A write that fails is rolled back alone, to its savepoint.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections import deque

from agentdc_runtime.errors import ConfigError
from agentdc_runtime.observe.log import INFO, WARN
from agentdc_runtime.state.schema import MIGRATIONS, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias, TypeVar

    T = TypeVar("T")
    Work: TypeAlias = Callable[[sqlite3.Connection], T]
    Emit: TypeAlias = Callable[[int, str, Mapping[str, Any]], None]

NAME = "state.db"
BUSY_TIMEOUT = 5.0  # seconds that a write waits for another process
LOG_LIMIT = 64 * 2**20  # bytes of the write-ahead log that are kept between checkpoints
# Where the shared memory that WAL needs is not shared: f_type of statfs(2), and its names in /proc/mounts.
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse", "fuseblk", "ceph", "glusterfs"})
_MOST_AT_ONCE = 64  # writes in one transaction


class StoreError(ConfigError):
    """The database cannot be used; the reason names the file."""


class Store:
    """`folder`: the state directory, made when it is not there. StoreError when it cannot be used."""

    def __init__(self, folder: str, emit: Emit) -> None:
        self._path = os.path.join(folder, NAME)
        self._emit = emit
        self._waiting: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreError(f"state directory {folder}: {error.strerror}") from error
        _refuse_network(folder)
        self._writer = self._opened()
        self._thread = threading.Thread(target=self._write_all, name="state", daemon=True)
        self._thread.start()
        emit(INFO, "state.opened", {"path": self._path})

    async def write(self, work: Work[T]) -> T:
        """Do some work in a transaction and return when it is committed; sqlite3.Error, or what the work raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def tell(result: Any, error: BaseException | None) -> None:
            try:
                loop.call_soon_threadsafe(_settle, done, result, error)
            except RuntimeError:  # the loop has ended: nobody waits any more
                return

        self._ask(_Job(work, tell))
        return await asyncio.shield(done)

    def write_now(self, work: Work[T]) -> T:
        """As `write`, for callers without an event loop: wait until it is committed."""
        done = threading.Event()
        found: list[tuple[Any, BaseException | None]] = []

        def tell(result: Any, error: BaseException | None) -> None:
            found.append((result, error))
            done.set()

        self._ask(_Job(work, tell))
        done.wait()
        result, error = found[0]
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]

    def write_soon(self, work: Work[Any], failed: Callable[[BaseException], None]) -> None:
        """Do some work when its turn comes; nobody waits for it. `failed`: hears of it on the writer's thread."""

        def tell(_result: Any, error: BaseException | None) -> None:
            if error is not None:
                failed(error)

        self._ask(_Job(work, tell))

    def checkpoint(self) -> None:
        """Write the log back into the database; soon, on the writer's thread (spec 04 §4.3)."""
        self._ask(_Job(None, lambda _result, _error: None))

    def close(self) -> None:
        """Finish what waits, write the log back, and close."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._truncate()
        self._writer.close()

    def _opened(self) -> sqlite3.Connection:
        try:
            if not os.path.exists(self._path):
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = sqlite3.connect(
                self._path,
                timeout=BUSY_TIMEOUT,
                isolation_level=None,
                check_same_thread=False,
            )
            mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            if mode != "wal":
                raise StoreError(f"{self._path}: the file system cannot hold a write-ahead log")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA trusted_schema=OFF")
            connection.execute(f"PRAGMA journal_size_limit={LOG_LIMIT}")
            self._migrate(connection)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self._path}: {error}") from error
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror}") from error
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Bring the tables to this version, each step in one transaction."""
        while True:
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"
                )
                row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
                version = 0 if row is None else int(row[0])
                if version > VERSION:
                    raise StoreError(
                        f"state_schema_newer: {self._path} has schema {version}, and this app knows up to {VERSION}"
                    )
                if version == VERSION:
                    connection.execute("COMMIT")
                    return
                for statement in MIGRATIONS[version]:
                    connection.execute(statement)
                connection.execute(
                    "INSERT INTO meta VALUES ('schema', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    (str(version + 1),),
                )
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            if version:
                self._emit(INFO, "state.migrated", {"from": version, "to": version + 1})

    # The writer's thread.

    def _ask(self, job: _Job) -> None:
        with self._wake:
            if self._closing:
                job.tell(None, StoreError(f"{self._path}: the store is closed"))
                return
            self._waiting.append(job)
            self._wake.notify()

    def _write_all(self) -> None:
        while True:
            with self._wake:
                while not self._waiting:
                    if self._closing:
                        return
                    self._wake.wait()
                jobs = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_AT_ONCE))]
            work = [job for job in jobs if job.work is not None]
            if work:
                self._transaction(work)
            if len(work) < len(jobs):
                self._truncate()

    def _transaction(self, jobs: list[_Job]) -> None:
        """All of them in one transaction; each hears of its own result once it is on the disk."""
        results: list[tuple[Any, BaseException | None]] = []
        connection = self._writer
        try:
            connection.execute("BEGIN IMMEDIATE")
            results.extend(self._step(job) for job in jobs)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            results = [(None, error)] * len(jobs)
        for job, (result, problem) in zip(jobs, results, strict=True):
            job.tell(result, problem)

    def _step(self, job: _Job) -> tuple[Any, BaseException | None]:
        assert job.work is not None
        self._writer.execute("SAVEPOINT step")
        try:
            result = job.work(self._writer)
        except Exception as error:  # noqa: BLE001 - it is told to whoever asked for the work
            self._writer.execute("ROLLBACK TO step")
            self._writer.execute("RELEASE step")
            return None, error
        self._writer.execute("RELEASE step")
        return result, None

    def _truncate(self) -> None:
        """First what needs no waiting, then the rest, which is little."""
        try:
            for mode in ("PASSIVE", "TRUNCATE"):
                busy, _, _ = self._writer.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        except sqlite3.Error as error:
            self._emit(WARN, "state.checkpoint_failed", {"reason": str(error)})
            return
        if busy:
            fields = {"db": self._path, "wal_bytes": _size(f"{self._path}-wal")}
            self._emit(WARN, "state.checkpoint_busy", fields)


class _Job:
    """`work`: None asks for a checkpoint."""

    __slots__ = ("tell", "work")

    def __init__(self, work: Work[Any] | None, tell: Callable[[Any, BaseException | None], None]) -> None:
        self.work = work
        self.tell = tell


def _settle(done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if done.cancelled():
        return
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _refuse_network(folder: str) -> None:
    """StoreError on a network file system; where mounts cannot be listed, nothing is known and nothing refused."""
    try:
        with open("/proc/self/mounts", "rb") as file:
            mounts = [line.split(b" ") for line in file.read().splitlines()]
    except OSError:
        return
    place = os.path.realpath(folder)
    kind, longest = "", -1
    for each in mounts:
        point = os.fsdecode(each[1].replace(rb"\040", b" "))
        inside = place == point or place.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= longest:
            kind, longest = each[2].decode(), len(point)
    if kind.partition(".")[0] in _NETWORK:
        raise StoreError(
            f"state_network_fs: {folder} is on {kind}, where a write-ahead log is not safe; use a local disk"
        )
