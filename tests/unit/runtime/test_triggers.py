"""The loops of schedules and file events: serial, dropped or made up for, clocks that jump, errors that are told."""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from agentdc_runtime.errors import ToolError
from agentdc_runtime.triggers import cron as cron_module
from agentdc_runtime.triggers import watch as watch_module
from agentdc_runtime.triggers.cron import Cron, CronTrigger
from agentdc_runtime.triggers.interval import IntervalTrigger
from agentdc_runtime.triggers.watch import Debounce, Watcher, WatchTrigger

STEP = 0.1


class Grid:
    """Fires every tenth of a second, as a schedule fires every so many seconds."""

    def next_after(self, now: float) -> float | None:
        return (math.floor(now / STEP + 1e-6) + 1) * STEP


class Told:
    """Takes audit events."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, _level: int, event: str, fields: Mapping[str, Any]) -> None:
        self.events.append((event, dict(fields)))

    def names(self, *wanted: str) -> list[str]:
        return [name for name, _ in self.events if name in wanted]


def grid(catch_up: str = "skip") -> CronTrigger:
    return CronTrigger(start_node="go", schedule="x", cron=cast(Cron, Grid()), catch_up=catch_up)


async def followed(trigger: Any, fire: Any, seconds: float) -> Told:
    told, ending = Told(), asyncio.Event()
    task = asyncio.create_task(trigger.follow(fire, told, ending))
    await asyncio.sleep(seconds)
    began = time.monotonic()
    ending.set()
    await task
    assert time.monotonic() - began < 0.3
    return told


@pytest.mark.parametrize(("catch_up", "at_once"), [("skip", False), ("run_once", True)])
def test_ticks_during_a_run(catch_up: str, at_once: bool) -> None:
    """A run of three and a half steps: what came due meanwhile is dropped, or made up for by one run at once."""
    begun: list[float] = []

    async def fire(_start: str, _payload: dict[str, Any]) -> str:
        begun.append(time.time())
        if len(begun) == 1:
            await asyncio.sleep(3.5 * STEP)
        return "completed"

    asyncio.run(followed(grid(catch_up), fire, 0.8))
    after = begun[1] - (begun[0] + 3.5 * STEP)
    assert (after < 0.03) == at_once
    assert all(later - earlier > 0.02 for earlier, later in itertools.pairwise(begun))
    later = [each % STEP for each in begun[2:]]
    assert all(min(each, STEP - each) < 0.06 for each in later)


def test_a_clock_that_is_set_back_fires_no_tick_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    shift = [0.0]
    real = time.time
    monkeypatch.setattr(cron_module.time, "time", lambda: real() + shift[0])
    fired: list[float] = []

    async def fire(_start: str, _payload: dict[str, Any]) -> str:
        fired.append(real() + shift[0])
        if len(fired) == 2:
            shift[0] -= 0.5
        return "completed"

    asyncio.run(followed(grid(), fire, 1.1))
    ticks = [round(each / STEP) for each in fired]
    assert len(ticks) == len(set(ticks)), ticks


def test_a_clock_that_is_set_forward_fires_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    shift = [0.0]
    real = time.time
    monkeypatch.setattr(cron_module.time, "time", lambda: real() + shift[0])
    monkeypatch.setattr(cron_module, "LONGEST_SLEEP", 0.05)

    class Hourly:
        def next_after(self, now: float) -> float | None:
            return (math.floor(now / 3600) + 1) * 3600

    fired: list[float] = []

    async def fire(_start: str, _payload: dict[str, Any]) -> str:
        fired.append(real())
        return "completed"

    async def main() -> None:
        trigger = CronTrigger(start_node="go", schedule="x", cron=cast(Cron, Hourly()))
        asyncio.get_running_loop().call_later(0.1, lambda: shift.__setitem__(0, 3600.0))
        await followed(trigger, fire, 0.6)

    asyncio.run(main())
    assert len(fired) == 1


def test_an_interval_counts_from_the_end_of_a_run() -> None:
    begun: list[float] = []
    trigger = IntervalTrigger(start_node="go", every_seconds=1)
    trigger.every_seconds = 0.1  # type: ignore[assignment]

    async def fire(_start: str, payload: dict[str, Any]) -> str:
        assert payload["tick"] == len(begun) + 1
        begun.append(time.monotonic())
        await asyncio.sleep(0.15)
        return "completed"

    began = time.monotonic()
    asyncio.run(followed(trigger, fire, 1.0))
    assert begun[0] - began >= 0.1
    assert all(later - earlier >= 0.24 for earlier, later in itertools.pairwise(begun))


def test_an_interval_does_not_heed_a_clock_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back by a day, it fires all the same; on by a day, it fires no sooner."""
    shift = [0.0]
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + shift[0])
    trigger = IntervalTrigger(start_node="go", every_seconds=1)
    trigger.every_seconds = 0.2  # type: ignore[assignment]
    begun, said = [time.monotonic()], []

    async def main() -> None:
        ending = asyncio.Event()

        async def fire(_start: str, payload: dict[str, Any]) -> str:
            begun.append(time.monotonic())
            said.append(payload["fired_at_unix_ms"])
            asyncio.get_running_loop().call_later(0.05, shift.__setitem__, 0, 86_400.0)
            if len(begun) == 4:
                ending.set()
            return "completed"

        asyncio.get_running_loop().call_later(0.05, shift.__setitem__, 0, -86_400.0)
        await asyncio.wait_for(trigger.follow(fire, Told(), ending), 10)

    asyncio.run(main())
    assert len(begun) == 4
    assert all(later - earlier >= 0.199 for earlier, later in itertools.pairwise(begun))
    assert said[1] - said[0] > 86_400_000  # what the workflow is told is the clock of the machine


def test_errors_are_told_and_the_loop_goes_on() -> None:
    errors: list[Exception] = [ToolError("read_file", "no such file"), ValueError("ours")]

    async def fire(_start: str, _payload: dict[str, Any]) -> str:
        if errors:
            raise errors.pop(0)
        return "failed"

    told = asyncio.run(followed(grid(), fire, 0.6))
    seen = [
        (name, fields.get("reason"), fields.get("status"))
        for name, fields in told.events
        if name != "cron.fire"
    ]
    assert seen[0] == ("cron.error", "tool `read_file` failed: no such file", None)
    assert seen[1][0] == "cron.error"
    assert seen[2] == ("cron.completed", None, "failed")


def test_a_run_in_progress_is_not_cut_off() -> None:
    done: list[str] = []

    async def fire(_start: str, _payload: dict[str, Any]) -> str:
        await asyncio.sleep(0.4)
        done.append("x")
        return "completed"

    async def main() -> None:
        ending = asyncio.Event()
        task = asyncio.create_task(grid().follow(fire, Told(), ending))
        await asyncio.sleep(0.2)
        ending.set()
        await task

    asyncio.run(main())
    assert done == ["x"]


def test_debounce() -> None:
    debounce = Debounce(100)
    assert debounce.next_deadline() is None
    debounce.event("/a", "create", 0.0)
    debounce.event("/b", "create", 0.01)
    debounce.event("/a", "modify", 0.05)
    assert debounce.next_deadline() == pytest.approx(0.11)
    assert debounce.due(0.1) == []
    assert debounce.due(0.2) == [("/b", "create"), ("/a", "modify")]
    assert debounce.due(9.0) == []


def test_no_debounce_spins() -> None:
    trigger = WatchTrigger(start_node="go", path="/", recursive=False, events=(), debounce_ms=0)
    assert trigger.debounce_ms == watch_module.SHORTEST == 10


@pytest.fixture(params=["inotify", "comparing"])
def native(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "comparing":
        monkeypatch.setattr(watch_module._Inotify, "opened", classmethod(lambda _cls: None))
    return str(request.param)


def events(watcher: Watcher) -> list[tuple[str, str]]:
    time.sleep(0.05)
    return watcher.events()


def watcher(path: Path, *, recursive: bool = False) -> tuple[Watcher, list[str]]:
    troubles: list[str] = []
    made = Watcher(str(path), recursive=recursive)
    made.troubled = troubles.append
    return made, troubles


def test_what_happens_in_a_folder(tmp_path: Path, native: str) -> None:
    (tmp_path / "there").write_text("1")
    made, troubles = watcher(tmp_path)
    assert events(made) == []
    (tmp_path / "new").write_text("1")
    assert ("create", str(tmp_path / "new")) in {(kind, path) for path, kind in events(made)}
    (tmp_path / "there").write_text("22")
    assert (str(tmp_path / "there"), "modify") in events(made)
    (tmp_path / "there").rename(tmp_path / "moved")
    assert {(str(tmp_path / "there"), "rename"), (str(tmp_path / "moved"), "rename")} <= set(events(made))
    (tmp_path / "moved").unlink()
    assert events(made) == [(str(tmp_path / "moved"), "remove")]
    (tmp_path / "new").chmod(0o600)
    assert events(made) == [], native
    (tmp_path / "below").mkdir()
    events(made)
    (tmp_path / "below" / "x").write_text("1")
    assert all(not path.endswith("/x") for path, _ in events(made))
    assert troubles == []
    made.close()


def test_new_folders_are_watched_too(tmp_path: Path, native: str) -> None:
    made, _ = watcher(tmp_path, recursive=True)
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c" / "early").write_text("1")
    found = {path for path, kind in events(made) if kind == "create"}
    assert str(tmp_path / "a" / "b" / "c" / "early") in found, native
    (tmp_path / "a" / "b" / "c" / "late").write_text("1")
    assert str(tmp_path / "a" / "b" / "c" / "late") in {path for path, _ in events(made)}
    made.close()


def test_a_file_that_is_replaced_stays_watched(tmp_path: Path, native: str) -> None:
    """As editors write: a new file beside it, renamed over it."""
    file = tmp_path / "config"
    file.write_text("1")
    made, _ = watcher(file)
    for number in range(3):
        (tmp_path / "config.tmp").write_text(str(number) * (number + 2))
        (tmp_path / "config.tmp").rename(file)
        found = events(made)
        assert {path for path, _ in found} == {str(file)}, native
    (tmp_path / "other").write_text("1")
    assert events(made) == []
    made.close()


def test_a_folder_that_goes_away_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    made, troubles = watcher(folder)
    folder.rmdir()
    events(made)
    assert troubles == [f"{folder} is gone"]
    made.close()


def test_more_events_than_the_kernel_keeps(tmp_path: Path) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 100_000:
        pytest.skip(f"the kernel keeps {limit} events here")
    made, troubles = watcher(tmp_path)
    names = [tmp_path / str(number) for number in range(200)]
    for number in range(limit + 1000):
        with open(names[number % 200], "a") as file:  # noqa: PTH123 - quick
            file.write("x")
    events(made)
    assert troubles == ["too many events at once; some were lost"]
    os.close(os.open(tmp_path / "after", os.O_CREAT | os.O_WRONLY))
    assert (str(tmp_path / "after"), "create") in events(made)
    made.close()
