"""When a cron schedule fires next, on sets that the compiler made of its text (spec 01 §2.2, 02 §10.2).

Links asyncio through `loop`. Local time is that of the process. A local time that does not exist (the clock is put
forward) never fires; one that occurs twice (it is put back) fires the first time only.
"""

from __future__ import annotations

import time
from bisect import bisect_right

from agentdc_runtime.observe.log import WARN
from agentdc_runtime.triggers.loop import ended, scheduled

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from agentdc_runtime.triggers.loop import Emit, Fire

LAST_YEAR = 2100
LONGEST_SLEEP = 30.0  # seconds; then the wall clock is read again, which may have been set
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Cron:
    """The numbers at which a schedule fires; all must match. `weekday`: 1 = Sunday; `year`: None for every year."""

    __slots__ = ("_day", "_hour", "_minute", "_month", "_second", "_weekday", "_year")

    def __init__(
        self,
        *,
        second: tuple[int, ...],
        minute: tuple[int, ...],
        hour: tuple[int, ...],
        day: tuple[int, ...],
        month: tuple[int, ...],
        weekday: tuple[int, ...],
        year: tuple[int, ...] | None,
    ) -> None:
        self._second = second
        self._minute = minute
        self._hour = hour
        self._day = day
        self._month = month
        self._weekday = frozenset(weekday)
        self._year = year

    def next_after(self, now: float) -> float | None:
        """The first time of the schedule after `now`, in Unix seconds; None when there is none."""
        local = time.localtime(now)
        for year, month, day in self._days(local):
            today = (year, month, day) == (local.tm_year, local.tm_mon, local.tm_mday)
            begin = (local.tm_hour, local.tm_min, local.tm_sec) if today else None
            for clock in self._times(begin):
                fires = _unix(year, month, day, *clock)
                if fires is not None and fires > now:
                    return fires
        return None

    def _days(self, local: time.struct_time) -> Iterator[tuple[int, int, int]]:
        """Matching days from that of `local` on."""
        years = self._year or range(local.tm_year, LAST_YEAR + 1)
        for year in years:
            for month in self._month:
                for day in self._day:
                    if (year, month, day) < local[:3] or day > _DAYS[month - 1]:
                        continue
                    if month == 2 and day == 29 and not _is_leap(year):
                        continue
                    if _weekday(year, month, day) in self._weekday:
                        yield year, month, day

    def _times(self, after: tuple[int, int, int] | None) -> Iterator[tuple[int, int, int]]:
        """Matching times of a day, behind `after`."""
        hour_now, minute_now, second_now = after or (-1, -1, -1)
        for hour in self._hour[bisect_right(self._hour, hour_now - 1) :] if after else self._hour:
            same_hour = hour == hour_now
            for minute in (
                self._minute[bisect_right(self._minute, minute_now - 1) :] if same_hour else self._minute
            ):
                same = same_hour and minute == minute_now
                for second in (
                    self._second[bisect_right(self._second, second_now) :] if same else self._second
                ):
                    yield hour, minute, second


class CronTrigger:
    """A start node and its schedule. `catch_up`: `run_once` makes up for ticks that were missed."""

    kind = "cron"

    __slots__ = ("catch_up", "cron", "schedule", "start_node")

    def __init__(self, *, start_node: str, schedule: str, cron: Cron, catch_up: str = "skip") -> None:
        self.start_node = start_node
        self.schedule = schedule
        self.cron = cron
        self.catch_up = catch_up

    def prepare(self) -> None:
        """Nothing can be wrong: the compiler has read the schedule."""

    async def follow(self, fire: Fire, emit: Emit, ending: asyncio.Event) -> None:
        """Fire until `ending`; a run in progress then still finishes."""
        tick = 0
        due = self.cron.next_after(time.time())
        while due is not None:
            while (left := due - time.time()) > 0:
                if await ended(ending, min(left, LONGEST_SLEEP)):
                    return
            if ending.is_set():
                return
            tick += 1
            await scheduled(self, fire, emit, tick, {"schedule": self.schedule})
            due = self._next(due)
        emit(WARN, "cron.no_next_fire", {"kind": "cron", "description": self.schedule})

    def _next(self, fired: float) -> float | None:
        """The next tick: what came due during the run is dropped, or made up for by one run now.

        A clock that was set back must not fire the same tick again.
        """
        now = time.time()
        following = self.cron.next_after(fired)
        if self.catch_up == "run_once" and following is not None and following <= now:
            return now
        return self.cron.next_after(max(fired, now))


def _unix(year: int, month: int, day: int, hour: int, minute: int, second: int) -> float | None:
    """The first moment with this local time, None when there is none."""
    found = []
    for summer in (1, 0):
        moment = time.mktime((year, month, day, hour, minute, second, 0, 0, summer))
        if time.localtime(moment)[:6] == (year, month, day, hour, minute, second):
            found.append(moment)
    return min(found, default=None)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _weekday(year: int, month: int, day: int) -> int:
    """1 = Sunday … 7 = Saturday; Sakamoto's method."""
    offsets = (0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4)
    if month < 3:
        year -= 1
    return (year + year // 4 - year // 100 + year // 400 + offsets[month - 1] + day) % 7 + 1
