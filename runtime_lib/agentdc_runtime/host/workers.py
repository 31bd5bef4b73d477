"""Several processes on one address (`--workers`): started, watched and ended together. Links `mmap`.

The kernel spreads connections over the sockets of the workers. Each worker leaves its figures in a part of a shared
map of memory, so that /metrics of any of them tells of all; figures of others are at most a quarter second old. Rate
limits are those of each worker. Schedules and file events run in the first one only.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import struct
import time

from agentdc_runtime.host import notify
from agentdc_runtime.host.console import FAILED, OK, tell
from agentdc_runtime.host.listener import address, bind, shown
from agentdc_runtime.host.signals import SECOND_SIGNAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

SLOT = 262_144  # bytes for the figures of one worker
PERIOD = 0.25  # seconds between two snapshots
MOST = 64
_HEAD = struct.Struct("=II")  # a number that is odd while the slot is being written, and the length
_QUICK = 1.0  # seconds; a worker that ends sooner than that after its start is not started at once again
_MOST_QUICK = 5
_STEP = 0.02  # seconds between two looks, until all workers listen


class Board:
    """The shared figures. `mine`: the slot of this worker."""

    def __init__(self, workers: int) -> None:
        self._map = mmap.mmap(-1, workers * SLOT)
        self._workers = workers
        self.mine = 0

    def publish(self, snapshot: Mapping[str, Any]) -> None:
        """Leave this worker's figures."""
        data = json.dumps(snapshot, separators=(",", ":")).encode()
        if len(data) > SLOT - _HEAD.size:
            return  # the set of series is bounded by the routes: this needs thousands of them
        at = self.mine * SLOT
        turn, _ = _HEAD.unpack_from(self._map, at)
        _HEAD.pack_into(self._map, at, turn | 1, 0)
        self._map[at + _HEAD.size : at + _HEAD.size + len(data)] = data
        _HEAD.pack_into(self._map, at, (turn | 1) + 1 & 0xFFFFFFFF, len(data))

    def others(self) -> Iterator[dict[str, Any]]:
        """The figures of the other workers."""
        for number in range(self._workers):
            if number != self.mine:
                found = self._read(number * SLOT)
                if found is not None:
                    yield found

    def _read(self, at: int) -> dict[str, Any] | None:
        for _ in range(100):
            turn, length = _HEAD.unpack_from(self._map, at)
            data = self._map[at + _HEAD.size : at + _HEAD.size + length]
            if turn % 2 == 0 and _HEAD.unpack_from(self._map, at) == (turn, length):
                found: dict[str, Any] | None = json.loads(data) if data else None
                return found
        return None


def supervise(program: str, where: str, count: int, work: Callable[[Board, int, str, int], int]) -> int:
    """Run `count` workers until a signal; the exit status. `work`: board, number, address, pipe to say ready on."""
    host, port = address(where)
    # Holds the port while workers come and go; it does not listen, so the kernel gives it no connection.
    holder = bind(host, port, shared=True, listens=False)
    place = shown(host, holder.getsockname()[1])
    return _Supervisor(program, place, count, work).run()


class _Supervisor:
    def __init__(
        self, program: str, place: str, count: int, work: Callable[[Board, int, str, int], int]
    ) -> None:
        self._program = program
        self._place = place
        self._count = min(count, MOST)
        self._work = work
        self._board = Board(self._count)
        self._running: dict[int, int] = {}  # process to number
        self._begun: dict[int, float] = {}
        self._quick = 0
        self._ending = 0.0
        self._status = OK
        self._ready, self._say_ready = os.pipe()
        os.set_blocking(self._ready, False)

    def run(self) -> int:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, self._end)
        signal.signal(signal.SIGHUP, self._pass_on)
        for number in range(self._count):
            self._start(number)
        ready = 0
        while self._running:
            waiting = ready < self._count
            process, status = os.waitpid(-1, os.WNOHANG if waiting else 0)
            if process:
                self._ended(process, os.waitstatus_to_exitcode(status))
            elif waiting:
                time.sleep(_STEP)
                ready += self._said_ready()
                if ready >= self._count:
                    notify.notify(os.environ, "READY=1")
        return self._status

    def _said_ready(self) -> int:
        """How many more workers listen now."""
        try:
            return len(os.read(self._ready, MOST))
        except BlockingIOError:
            return 0

    def _start(self, number: int) -> None:
        process = os.fork()
        if process == 0:
            status = FAILED
            try:
                self._board.mine = number
                status = self._work(self._board, number, self._place, self._say_ready)
            finally:
                os._exit(status)
        self._running[process] = number
        self._begun[process] = time.monotonic()

    def _ended(self, process: int, status: int) -> None:
        number = self._running.pop(process, None)
        if number is None:
            return
        if self._ending:
            self._status = max(self._status, FAILED if status else OK)
            return
        quick = time.monotonic() - self._begun.pop(process) < _QUICK
        self._quick = self._quick + 1 if quick else 0
        if status == FAILED and quick and self._quick > _MOST_QUICK:
            self._status = FAILED
            self._end(signal.SIGTERM)
            return
        tell(self._program, f"worker {number} ended with status {status}; it is started again")
        if quick:
            time.sleep(_QUICK / 2)
        self._start(number)

    def _end(self, number: int, *_: object) -> None:
        now = time.monotonic()
        if self._ending and now - self._ending <= SECOND_SIGNAL:
            return
        self._ending = self._ending or now
        notify.notify(os.environ, "STOPPING=1")
        self._pass_on(number)

    def _pass_on(self, number: int, *_: object) -> None:
        for process in tuple(self._running):
            try:
                os.kill(process, number)
            except ProcessLookupError:
                continue
