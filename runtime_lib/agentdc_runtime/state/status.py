"""How a store is (spec 04 §4.4), and the disk space that it keeps for emergencies. Imports `observe.log`.

ok ──full──▶ full ──space──▶ ok        full, readonly: no new run begins; what runs may finish
ok ──slow, large log──▶ degraded       work goes on
any ──damage──▶ corrupt                for good: only `state recover` helps
"""

from __future__ import annotations

import os
import threading
import time

from agentdc_runtime.observe.log import ERROR, INFO, WARN
from agentdc_runtime.state.fault import CORRUPT, FULL, READONLY, StoreError, of_system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    Emit: TypeAlias = Callable[[int, str, Mapping[str, Any]], None]

OK, DEGRADED = "ok", "degraded"
STATES = (OK, FULL, DEGRADED, CORRUPT, READONLY)
CALM = 60.0  # seconds without a reason, until a degraded store is well again
_RESERVE = "reserve"
_MEANING = {
    FULL: "the disk of the state directory is full",
    READONLY: "the state directory cannot be written",
    CORRUPT: "the state database is damaged; stop the agent and run its `state recover`",
}


class Status:
    """The state of one store. `folder`: its directory; `clock`: monotonic seconds. All threads may use it."""

    __slots__ = ("_clock", "_emit", "_folder", "_lock", "_since", "name")

    def __init__(self, folder: str, emit: Emit, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._emit = emit
        self._clock = clock
        self._lock = threading.Lock()
        self._since = 0.0
        self.name = OK

    @property
    def refuses(self) -> bool:
        """Whether no new run may begin."""
        return self.name in _MEANING

    def refusal(self) -> StoreError | None:
        """Why no new run may begin; None when one may."""
        name = self.name
        return StoreError(_MEANING[name], f"state_{name}") if name in _MEANING else None

    def fall(self, name: str, reason: str) -> bool:
        """It became worse; whether that is news. A milder trouble does not hide a graver one."""
        with self._lock:
            self._since = self._clock()
            graver = self.name == CORRUPT or (name == DEGRADED and self.name != OK)
            if self.name == name or graver:
                return False
            self.name = name
        fields = {"db": self._folder, "reason": reason}
        self._emit(WARN if name == DEGRADED else ERROR, f"state.{name}", fields)
        return True

    def rise(self) -> None:
        """Whatever it was is over; damage never is."""
        with self._lock:
            before = self.name
            if before in (OK, CORRUPT):
                return
            self.name = OK
        event = "state.recovered_space" if before == FULL else "state.recovered"
        self._emit(INFO, event, {"db": self._folder, "was": before})

    def calm(self) -> None:
        """A degraded store without a reason to be is well again after a while."""
        if self.name == DEGRADED and self._clock() - self._since >= CALM:
            self.rise()


class Reserve:
    """A file that holds disk space until it is needed. `size`: in bytes, 0 for none."""

    __slots__ = ("_path", "size")

    def __init__(self, folder: str, size: int) -> None:
        self._path = os.path.join(folder, _RESERVE)
        self.size = size

    def make(self) -> str | None:
        """Take the space, unless it is held; the name of the fault when there is none."""
        try:
            if not self.size or os.path.getsize(self._path) == self.size:
                return None
        except OSError:
            pass
        making = f"{self._path}.{os.getpid()}"
        try:
            file = os.open(making, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                _allocate(file, self.size)
            finally:
                os.close(file)
            os.rename(making, self._path)
        except OSError as error:
            _remove(making)
            return of_system(error)
        return None

    def release(self) -> None:
        """Give the space to the database."""
        _remove(self._path)

    def held(self) -> int:
        """How many bytes it holds."""
        try:
            return os.path.getsize(self._path)
        except OSError:
            return 0


def free(folder: str) -> int:
    """Bytes that this process may still write on the disk of a folder; 0 when that cannot be known."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize


def _allocate(file: int, size: int) -> None:
    """Take the blocks: a file that only looks long would hold nothing."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
        return
    while size:  # macOS
        size -= os.write(file, bytes(min(size, 2**20)))


def _remove(path: str) -> None:
    try:  # noqa: SIM105 - contextlib costs start time
        os.unlink(path)
    except OSError:
        pass
