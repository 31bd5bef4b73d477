"""What keeps a store well while a process serves: a thread of its own (spec 04 §4.1, §4.3, §4.4). Links `sqlite3`.

It looks at a list of things that are due: checkpoints, pruning, backups, and every ten seconds how the disk and the
readers are. Times are of the monotonic clock, so a clock that is set back moves nothing.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time

from agentdc_runtime.observe.log import DEBUG, INFO, WARN
from agentdc_runtime.state import figures
from agentdc_runtime.state.checkpoint import BUSY, DONE, Checkpoints
from agentdc_runtime.state.fault import FULL, READONLY, StoreError, tried
from agentdc_runtime.state.prune import prune_all
from agentdc_runtime.state.reader import LONGEST
from agentdc_runtime.state.settings import MB
from agentdc_runtime.state.status import CALM, DEGRADED, free

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from agentdc_runtime.observe.metrics import Metric
    from agentdc_runtime.state.store import Store

LOOK = 10.0  # seconds between two looks at the disk, the log and the readers
RETRIES = (5.0, 10.0, 20.0)  # seconds after a checkpoint that was busy
_PRUNE = 3600.0
_FIRST_BACKUP = 1.0


class Upkeep:
    """The thread of one store. `first`: whether this process is the one of several that prunes and backs up."""

    def __init__(
        self, store: Store, *, first: bool = True, look: float = LOOK, retries: Any = RETRIES
    ) -> None:
        settings = store.settings
        self._store = store
        self._look = look
        self._retries: tuple[float, ...] = retries
        self._tries = 0
        self._told_busy = False
        self._wake = threading.Condition()
        self._ending = False
        self.checkpoints = Checkpoints(store)
        now = time.monotonic()
        self._due: dict[Callable[[], None], float] = {self._look_around: now + look}
        if settings.checkpoint_interval_secs:
            self._due[self._checkpoint] = now
        if first:
            self._due[self._prune] = now
        if first and settings.backup_dir is not None and settings.backup_interval_secs:
            self._due[self._backup] = now + min(_FIRST_BACKUP, settings.backup_interval_secs)
        self._thread = threading.Thread(target=self._run, name="state upkeep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, after what it is about; then close the store, which writes the log back."""
        with self._wake:
            self._ending = True
            self._wake.notify()
        self._thread.join()
        self.checkpoints.close()

    def snapshot(self) -> dict[str, Any]:
        """The figures of this process."""
        return figures.snapshot(self._store, self.checkpoints)

    @staticmethod
    def families(snapshots: Iterable[Mapping[str, Any]]) -> Iterator[Metric]:
        """What /metrics shows of all processes together."""
        return figures.families(snapshots)

    def _run(self) -> None:
        while True:
            task = min(self._due, key=lambda each: self._due[each])
            with self._wake:
                while not self._ending and (wait := self._due[task] - time.monotonic()) > 0:
                    self._wake.wait(wait)
                if self._ending:
                    return
            try:
                task()
            except Exception as error:  # noqa: BLE001 - one task that fails must not end the others
                fields = {"task": task.__name__.strip("_"), "reason": f"{type(error).__name__}: {error}"}
                self._store.emit(WARN, "state.upkeep_failed", fields)
                self._again(task, self._look)

    def _again(self, task: Callable[[], None], seconds: float) -> None:
        self._due[task] = time.monotonic() + seconds

    # Checkpoints.

    def _checkpoint(self) -> None:
        """One attempt; a busy one is repeated soon, and then at the next regular time."""
        store = self._store
        outcome = self.checkpoints.run()
        after: float = store.settings.checkpoint_interval_secs
        if outcome.result == BUSY:
            self._tell_busy()
            if self._tries < len(self._retries):
                after = min(after, self._retries[self._tries])
                self._tries += 1
            else:
                self._tries = 0
        else:
            self._tries = 0
        if outcome.result == DONE:
            self._told_busy = False
            store.emit(DEBUG, "state.checkpoint", {"db": store.path, "pages": outcome.log})
        elif outcome.error is not None:
            store.fell(outcome.error)
            fields = {"db": store.path, "reason": str(outcome.error)}
            store.emit(WARN, "state.checkpoint_failed", fields)
        self._judge_log()
        self._again(self._checkpoint, after)

    def _tell_busy(self) -> None:
        """Once for each time that it does not go on."""
        if not self._told_busy:
            self._told_busy = True
            fields = {"db": self._store.path, "wal_bytes": self.checkpoints.log_size()}
            self._store.emit(WARN, "state.checkpoint_busy", fields)

    def _judge_log(self) -> None:
        """Tell of a log that grows, and free it from readers when it has grown too far."""
        store, log = self._store, self.checkpoints.log_size()
        if log > store.settings.wal_max_mb * MB:
            self._end_readers(0.0)
            if (
                self.checkpoints.run().result != DONE
                or self.checkpoints.log_size() > store.settings.wal_max_mb * MB
            ):
                store.status.fall(DEGRADED, f"the log has {log // MB} MB, and somebody still reads it")
        elif log > store.settings.wal_warn_mb * MB:
            store.emit(WARN, "state.wal_large", {"db": store.path, "wal_bytes": log})

    # The rest.

    def _look_around(self) -> None:
        """Readers that were forgotten; whether a store in trouble is well again."""
        store = self._store
        self._end_readers(LONGEST)
        log = self.checkpoints.log_size()
        if store.settings.checkpoint_interval_secs and log > store.settings.wal_max_mb * MB:
            self._judge_log()
        name = store.status.name
        if name == DEGRADED:
            store.status.calm()
        elif name in (FULL, READONLY):
            self._try_again()
        self._again(self._look_around, min(self._look, CALM))

    def _try_again(self) -> None:
        """Well again as soon as there is room, a file can be written, and so can the database."""
        store = self._store
        if free(store.folder) < 2 * store.reserve.size or tried(store.folder) is not None:
            return
        if store.reserve.make() is not None:
            return
        try:
            store.write_now(
                lambda database: database.execute("UPDATE meta SET value = value WHERE key = 'schema'")
            )
        except StoreError:
            store.reserve.release()
            return
        store.status.rise()

    def _end_readers(self, age: float) -> None:
        for reader in tuple(self._store.readers):
            if reader.end(age):
                self._store.emit(WARN, "state.long_reader", {"db": self._store.path, "seconds": int(age)})

    def _prune(self) -> None:
        store, total = self._store, sum(prune_all(self._store).values())
        if total:
            store.emit(INFO, "state.pruned", {"rows": total})
        self._again(self._prune, _PRUNE)

    def _backup(self) -> None:
        store = self._store
        folder = store.settings.backup_dir
        assert folder is not None
        from agentdc_runtime.state.copies import rotate  # it takes its time to load

        try:
            path = rotate(store.path, folder, time.time())
        except (StoreError, sqlite3.Error) as error:
            store.emit(WARN, "state.backup_failed", {"path": folder, "reason": str(error)})
        else:
            store.emit(INFO, "state.backup", {"path": path, "bytes": os.path.getsize(path)})
        self._again(self._backup, store.settings.backup_interval_secs)
