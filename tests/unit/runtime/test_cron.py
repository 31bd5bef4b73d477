"""When schedules fire: against a slow search through every second, over zones with and without summer time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agentdc.check.schedule import cron as parsed
from agentdc_runtime.triggers.cron import Cron

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Sao_Paulo",
]


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest) -> Iterator[ZoneInfo]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield ZoneInfo(request.param)
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


def schedule(text: str) -> Cron:
    sets = parsed(text)
    names = ("second", "minute", "hour", "day", "month", "weekday")
    fields = {name: tuple(sorted(getattr(sets, name))) for name in names}
    years = tuple(sorted(sets.year))
    return Cron(**fields, year=None if len(years) > 100 else years)


def unix(text: str, zone: ZoneInfo, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def shown(moment: float | None, zone: ZoneInfo) -> str | None:
    return (
        None if moment is None else datetime.fromtimestamp(moment, zone).replace(tzinfo=None).isoformat(" ")
    )


@pytest.mark.parametrize(
    ("text", "now", "then"),
    [
        ("* * * * * *", "2026-03-01 10:00:00", "2026-03-01 10:00:01"),
        ("0 * * * * *", "2026-03-01 10:00:00", "2026-03-01 10:01:00"),
        ("0 0 0 * * *", "2026-12-31 23:59:59", "2027-01-01 00:00:00"),
        ("30 15 9 * * *", "2026-03-01 09:15:29", "2026-03-01 09:15:30"),
        ("30 15 9 * * *", "2026-03-01 09:15:30", "2026-03-02 09:15:30"),
        ("0 0 12 29 2 *", "2026-03-01 00:00:00", "2028-02-29 12:00:00"),
        ("0 0 12 31 * *", "2026-04-01 00:00:00", "2026-05-31 12:00:00"),
        ("0 0 12 * * mon", "2026-03-01 13:00:00", "2026-03-02 12:00:00"),
        ("0 0 12 13 * fri", "2026-03-14 00:00:00", "2026-11-13 12:00:00"),
        ("0 0 0 1 1 * 2030", "2026-03-01 00:00:00", "2030-01-01 00:00:00"),
        ("30 4 * * *", "2026-03-01 10:00:00", "2026-03-02 04:30:00"),
        ("0 9 * * 0", "2026-03-02 10:00:00", "2026-03-08 09:00:00"),
        ("@monthly", "2026-03-01 00:00:00", "2026-04-01 00:00:00"),
        ("0 0 0 31 2 *", "2026-03-01 00:00:00", None),
        ("0 0 0 1 1 * 2020", "2026-03-01 00:00:00", None),
    ],
)
def test_next(zone: ZoneInfo, text: str, now: str, then: str | None) -> None:
    assert shown(schedule(text).next_after(unix(now, zone)), zone) == then


def test_a_time_that_is_skipped_never_fires() -> None:
    with _zone("Europe/Berlin") as zone:  # 2026-03-29: 02:00 becomes 03:00
        daily = schedule("0 30 2 * * *")
        assert shown(daily.next_after(unix("2026-03-28 12:00:00", zone)), zone) == "2026-03-30 02:30:00"
        hourly = schedule("0 0 * * * *")
        assert shown(hourly.next_after(unix("2026-03-29 01:00:00", zone)), zone) == "2026-03-29 03:00:00"


def test_a_time_that_comes_twice_fires_once() -> None:
    with _zone("Europe/Berlin") as zone:  # 2026-10-25: 03:00 becomes 02:00
        daily = schedule("0 30 2 * * *")
        first = daily.next_after(unix("2026-10-25 00:00:00", zone))
        assert first == unix("2026-10-25 02:30:00", zone, fold=0)
        assert first is not None
        assert shown(daily.next_after(first), zone) == "2026-10-26 02:30:00"
        second = unix("2026-10-25 02:10:00", zone, fold=1)
        assert shown(daily.next_after(second), zone) == "2026-10-26 02:30:00"


def test_half_an_hour_of_summer_time() -> None:
    with _zone("Australia/Lord_Howe") as zone:  # 2026-10-04: 02:00 becomes 02:30
        found = schedule("0 15 2 * * *").next_after(unix("2026-10-03 12:00:00", zone))
        assert shown(found, zone) == "2026-10-05 02:15:00"


@pytest.mark.parametrize(
    "text", ["*/7 */11 */3 * * *", "0 0,30 1-3 * 3,10 *", "15 45 */5 1,15 * ?", "0 59 23 ? * sun,fri-sat"]
)
def test_against_a_search(zone: ZoneInfo, text: str) -> None:
    """The same moments as looking at every second, over two days around each change of the clock."""
    cron, sets = schedule(text), parsed(text)
    for day in ("2026-03-28", "2026-10-03", "2026-10-24", "2026-11-01"):
        start = unix(f"{day} 00:00:00", zone)
        expected, seen = [], set()
        for second in range(1, 2 * 86_400):
            moment = datetime.fromtimestamp(start + second, UTC).astimezone(zone)
            local = moment.replace(tzinfo=None, fold=0)
            weekday = (moment.weekday() + 1) % 7 + 1
            fits = moment.second in sets.second and moment.minute in sets.minute and moment.hour in sets.hour
            if fits and moment.day in sets.day and moment.month in sets.month and weekday in sets.weekday:
                if local not in seen:  # of a repeated time the first
                    expected.append(start + second)
                seen.add(local)
        found: list[float] = []
        at: float | None = start
        while at is not None and (at := cron.next_after(at)) is not None and at < start + 2 * 86_400:
            found.append(at)
        assert found == expected


def test_a_search_for_nothing_is_quick() -> None:
    began = time.perf_counter()
    assert schedule("0 0 0 31 2,4,6,9,11 *").next_after(time.time()) is None
    assert schedule("0 0 0 29 2 mon 2097-2099").next_after(time.time()) is None
    assert time.perf_counter() - began < 2


class _zone:  # noqa: N801 - reads as a block
    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> ZoneInfo:
        self._before = os.environ.get("TZ")
        os.environ["TZ"] = self._name
        time.tzset()
        return ZoneInfo(self._name)

    def __exit__(self, *_: object) -> None:
        os.environ.pop("TZ")
        if self._before is not None:
            os.environ["TZ"] = self._before
        time.tzset()


def test_the_oracle_is_sound() -> None:
    with _zone("Europe/Berlin") as zone:
        assert datetime(2026, 7, 1, tzinfo=zone).utcoffset() == timedelta(hours=2)
