"""What a durable step costs: one commit before the next node, on the disk of this folder.

A step writes a checkpoint of a few kilobytes in a transaction of its own and waits until it is on the disk. What the
disk itself takes is measured beside it, in turns: as many bytes as a commit writes to its log, over what a file as
long as a log holds already, and synced. Where that alone is more than the bar, the bar says nothing about us.
"""

from __future__ import annotations

import gc
import os
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from agentdc_runtime.state.store import Store
from bench.effort import Effort
from bench.report import Row, Section

BAR = 400e-6  # seconds
OUTPUTS = 2000  # bytes of node outputs in a checkpoint
LOG = 4096 * 1000  # bytes: where SQLite begins its log anew
_COMMIT = 2 * 4120  # bytes: the page of the row, and one that leads to it
_TABLE = "CREATE TABLE steps (run_id TEXT PRIMARY KEY, node_outputs TEXT NOT NULL) STRICT"
_STEP = (
    "INSERT INTO steps VALUES (?, ?) ON CONFLICT (run_id) DO UPDATE SET node_outputs = excluded.node_outputs"
)


def measure(effort: Effort) -> list[Section]:
    """One section: each durability beside the disk."""
    steps = effort.pick(20, 500, 3000)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        full = _Steps(Path(folder) / "full", "full")
        normal = _Steps(Path(folder) / "normal", "normal")
        with (Path(folder) / "floor").open("wb", buffering=0) as floor:
            floor.write(bytes(LOG))
            os.fsync(floor.fileno())
            ways: dict[str, Callable[[], None]] = {
                "full": full.step,
                "normal": normal.step,
                "disk": _Disk(floor.fileno()).step,
            }
            times = _race(ways, steps)
        full.store.close()
        normal.store.close()
    return [_section(times, steps)]


def _race(ways: dict[str, Callable[[], None]], steps: int) -> dict[str, list[float]]:
    """Seconds of each step, the ways in turns, so that a busy moment of the disk hits all."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    gc.collect()
    for _ in range(steps):
        for name, step in ways.items():
            began = perf_counter()
            step()
            times[name].append(perf_counter() - began)
    return times


def _section(times: dict[str, list[float]], steps: int) -> Section:
    middle = {name: median(each) for name, each in times.items()}
    tail = {name: sorted(each)[len(each) * 99 // 100] for name, each in times.items()}
    ratio = f"{middle['full'] / middle['disk']:.2f}× write and sync"
    rows = (
        Row(
            'commit of a step, `durability = "full"`',
            _shown(middle["full"], tail["full"]),
            ratio,
            f"≤ {BAR * 1e6:.0f} µs",
            middle["full"] <= BAR,
        ),
        Row('the same, `durability = "normal"`', _shown(middle["normal"], tail["normal"])),
        Row("the disk alone: write and sync", _shown(middle["disk"], tail["disk"])),
    )
    slow = ("This disk alone takes longer than the bar.",) if middle["disk"] > BAR else ()
    about = f"{steps} steps of {OUTPUTS} bytes each, one at a time; median, and 99th percentile."
    return Section("Durable steps", about, rows, slow)


def _shown(middle: float, tail: float) -> str:
    return f"{middle * 1e6:.0f} µs (p99 {tail * 1e6:.0f} µs)"


class _Steps:
    """A run that is stored after each of its nodes."""

    def __init__(self, folder: Path, durability: str) -> None:
        self.store = Store(str(folder), lambda *_: None, {"durability": durability})
        self.store.write_now(lambda database: database.execute(_TABLE))
        self._number = 0

    def step(self) -> None:
        """One checkpoint, committed."""
        self.store.write_now(self._write)

    def _write(self, database: sqlite3.Connection) -> None:
        self._number += 1  # a row that stays as it was would write nothing
        database.execute(_STEP, ("exec-1-2-3", f"{self._number:0{OUTPUTS}d}"))


class _Disk:
    """A log without a database."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._at = 0

    def step(self) -> None:
        """As many bytes as a commit, synced."""
        os.pwrite(self._file, bytes(_COMMIT), self._at)
        os.fdatasync(self._file)
        self._at = (self._at + _COMMIT) % (LOG - _COMMIT)
