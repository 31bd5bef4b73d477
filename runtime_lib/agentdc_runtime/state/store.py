"""The database of a state directory (spec 04 §4). Links `sqlite3` and `threading`, and asyncio in `write` only.

One connection writes, one transaction at a time. Writes that wait at the same moment share a transaction and so one
sync to the disk; each caller hears of it only when that has happened, which is what "commit before acknowledge"
means. A write that fails is rolled back alone, to its savepoint.

When the disk is full, the reserve is given up and the write tried once more, so that what runs can finish; from then
on no new run is admitted. What keeps a store well over time (checkpoints, pruning, backups) is `upkeep`'s.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import deque

from agentdc_runtime.observe.log import INFO
from agentdc_runtime.state.database import connect, opened
from agentdc_runtime.state.fault import BUSY, CORRUPT, FULL, READONLY, UNUSABLE, StoreError, fault_of
from agentdc_runtime.state.place import NAME, Lock, prepare
from agentdc_runtime.state.reader import Reader
from agentdc_runtime.state.settings import MB, Settings, folder_of
from agentdc_runtime.state.status import DEGRADED, Reserve, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias, TypeVar

    T = TypeVar("T")
    Work: TypeAlias = Callable[[sqlite3.Connection], T]
    Emit: TypeAlias = Callable[[int, str, Mapping[str, Any]], None]

__all__ = ["Store", "StoreError"]

SLOW = 5.0  # seconds that a commit may take before the disk counts as sick
_MOST_AT_ONCE = 64  # writes in one transaction
_PAUSES = (0.05, 0.1, 0.2)  # seconds before each further try of a write that another process holds up


class Store:
    """`folder`: the state directory, made when it is not there. StoreError when it cannot be used.

    `given`: the part `state` of the operands. `status` says how it is; `settings` how it behaves.
    """

    folder_of = staticmethod(folder_of)

    def __init__(self, folder: str, emit: Emit, given: Mapping[str, Any] | None = None) -> None:
        self.folder = folder
        self.path = os.path.join(folder, NAME)
        self.settings = Settings(given)
        self.emit = emit
        self.status = Status(folder, emit)
        self.reserve = Reserve(folder, self.settings.reserve_mb * MB)
        self.readers: set[Reader] = set()
        self._waiting: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._turn = threading.Lock()  # whoever holds it has the writer's connection
        self._closing = False
        self._thread: threading.Thread | None = None
        prepare(folder, emit, network=self.settings.allow_network_fs)
        self._lock = Lock(folder)
        try:
            self._writer = opened(folder, self.settings, emit, unclean=self._lock.unclean)
        except BaseException:
            self._lock.close()
            raise
        self._lock.share()
        fault = self.reserve.make()
        if fault is not None:
            self.status.fall(READONLY if fault == READONLY else FULL, "there is no room for the reserve")
        emit(INFO, "state.opened", {"path": self.path})

    async def write(self, work: Work[T]) -> T:
        """Do some work in a transaction and return when it is committed; StoreError, or what the work raises."""
        import asyncio  # one-shot apps without a loop keep state too

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
        """As `write`, in this thread and before it returns; what was asked for before is done before."""
        told: list[tuple[Any, BaseException | None]] = []
        ours = _Job(work, lambda result, error: told.append((result, error)))
        with self._turn:
            if self._closing:
                raise StoreError(f"{self.path}: the store is closed")
            while len(jobs := self._taken()) == _MOST_AT_ONCE:
                self._transaction(jobs)
            self._transaction([*jobs, ours])
        result, error = told[0]
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]

    def write_soon(self, work: Work[Any], failed: Callable[[BaseException], None]) -> None:
        """Do some work when its turn comes; nobody waits for it. `failed` hears of trouble, on another thread."""

        def tell(_result: Any, error: BaseException | None) -> None:
            if error is not None:
                failed(error)

        self._ask(_Job(work, tell))

    @property
    def backlog(self) -> int:
        """How many writes wait for their turn."""
        return len(self._waiting)

    def reading(self) -> Reader:
        """A snapshot to read from, as a context; to be left soon."""
        return Reader(connect(self.path, self.settings), self.readers)

    def admit(self) -> None:
        """StoreError when no new run may begin."""
        refusal = self.status.refusal()
        if refusal is not None:
            raise refusal

    def close(self) -> None:
        """Finish what waits, write the log back, and close."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
        with self._turn:
            self._truncate()
            self._writer.close()
        self._lock.close(clean=self.status.name != CORRUPT)

    def fell(self, error: sqlite3.Error) -> StoreError | None:
        """Take note of what an error says about the database; None when it says nothing."""
        name = fault_of(error, self.folder)
        if name is None:
            return None
        if name in (FULL, READONLY, CORRUPT):
            self.status.fall(name, str(error))
        return StoreError(f"{self.path}: {error}", f"state_{name}")

    # Whoever writes.

    def _ask(self, job: _Job) -> None:
        with self._wake:
            if self._closing:
                job.tell(None, StoreError(f"{self.path}: the store is closed"))
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_all, name="state", daemon=True)
                self._thread.start()
            self._waiting.append(job)
            self._wake.notify()

    def _write_all(self) -> None:
        while True:
            with self._wake:
                while not self._waiting:
                    if self._closing:
                        return
                    self._wake.wait()
            with self._turn:
                jobs = self._taken()
                if jobs:
                    self._transaction(jobs)

    def _taken(self) -> list[_Job]:
        """What comes next, for whoever has the turn: so nothing overtakes."""
        with self._wake:
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_AT_ONCE))]

    def _transaction(self, jobs: list[_Job]) -> None:
        """All of them in one transaction; each hears of its own result once it is on the disk."""
        pauses = iter(_PAUSES)
        again = True  # a full disk is asked a second time
        while True:
            try:
                results = self._attempt(jobs)
            except sqlite3.Error as error:
                name = fault_of(error, self.folder)
                if name == BUSY:
                    pause = next(pauses, None)
                    if pause is not None:
                        time.sleep(pause)
                        continue
                elif name == FULL and again:
                    again = False
                    self.status.fall(FULL, str(error))
                    self.reserve.release()
                    self._truncate()
                    continue
                problem = self.fell(error) or StoreError(f"{self.path}: {error}", f"state_{UNUSABLE}")
                results = [(None, problem)] * len(jobs)
            for job, (result, trouble) in zip(jobs, results, strict=True):
                job.tell(result, trouble)
            return

    def _attempt(self, jobs: list[_Job]) -> list[tuple[Any, BaseException | None]]:
        """One try of a transaction; sqlite3.Error when nothing of it happened."""
        began = time.monotonic()
        connection = self._writer
        try:
            connection.execute("BEGIN IMMEDIATE")
            results = [self._step(job) for job in jobs]
            self._commit(connection)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        took = time.monotonic() - began
        if took > SLOW:
            self.status.fall(DEGRADED, f"a commit took {took:.1f} s")
        return results

    def _step(self, job: _Job) -> tuple[Any, BaseException | None]:
        self._writer.execute("SAVEPOINT step")
        try:
            result = job.work(self._writer)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and fault_of(error, self.folder) is not None:
                raise  # it is the database that failed, and the transaction with it
            self._writer.execute("ROLLBACK TO step")
            self._writer.execute("RELEASE step")
            return None, error
        self._writer.execute("RELEASE step")
        return result, None

    def _commit(self, connection: sqlite3.Connection) -> None:
        """From here on it is true, whatever happens to this process."""
        connection.execute("COMMIT")

    def _truncate(self) -> None:
        """First what needs no waiting, then the rest, which is little."""
        try:
            for mode in ("PASSIVE", "TRUNCATE"):
                self._writer.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        except sqlite3.Error as error:
            self.fell(error)


class _Job:
    __slots__ = ("tell", "work")

    def __init__(self, work: Work[Any], tell: Callable[[Any, BaseException | None], None]) -> None:
        self.work = work
        self.tell = tell


def _settle(done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if done.cancelled():
        return
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)


def size(path: str) -> int:
    """Bytes of a file; 0 when there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
