"""Cron and interval texts (spec 01 §2.2): what they mean, and what is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdc.check.schedule import Cron, ScheduleProblem, cron, interval_seconds

EVERY = {
    "second": range(60),
    "minute": range(60),
    "hour": range(24),
    "day": range(1, 32),
    "month": range(1, 13),
    "weekday": range(1, 8),
    "year": range(1970, 2101),
}
FIELDS = list(EVERY)


def _numbers(text: str, **only: object) -> None:
    """The schedule fires at the numbers in `only`, and at every number of the other fields."""
    found = cron(text)
    for field, every in EVERY.items():
        wanted = only.get(field, every)
        assert isinstance(wanted, list | range | tuple)
        assert getattr(found, field) == frozenset(wanted), field


def test_all_stars() -> None:
    _numbers("* * * * * *")
    _numbers("* * * * * * *")
    _numbers("  *\t* * *   * *  ")
    _numbers("* * * ? * ?")


@pytest.mark.parametrize(
    ("item", "numbers"),
    [
        ("5", [5]),
        ("05", [5]),
        ("0-3", [0, 1, 2, 3]),
        ("7-7", [7]),
        ("*/20", [0, 20, 40]),
        ("*/1", list(range(60))),
        ("*/99", [0]),
        ("50/4", [50, 54, 58]),
        ("10-20/5", [10, 15, 20]),
        ("10-19/5", [10, 15]),
        ("1,2,2,50-51,58/1", [1, 2, 50, 51, 58, 59]),
        ("59", [59]),
        ("0", [0]),
    ],
)
def test_items(item: str, numbers: list[int]) -> None:
    _numbers(f"{item} * * * * *", second=numbers)
    _numbers(f"* {item} * * * *", minute=numbers)


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ("0 0 0 31 12 7 2100", {"day": [31], "month": [12], "weekday": [7], "year": [2100]}),
        ("0 0 0 1 1 1 1970", {"day": [1], "month": [1], "weekday": [1], "year": [1970]}),
        ("0 0 0 ? jan-MAR ?", {"month": [1, 2, 3]}),
        ("0 0 0 ? january,Feb,may,DECEMBER ?", {"month": [1, 2, 5, 12]}),
        ("0 0 0 ? jan-dec/4 ?", {"month": [1, 5, 9]}),
        ("0 0 0 ? * sun", {"weekday": [1]}),
        ("0 0 0 ? * Mon-Wed", {"weekday": [2, 3, 4]}),
        ("0 0 0 ? * tues,thurs,tue,thu", {"weekday": [3, 5]}),
        ("0 0 0 ? * sunday-SATURDAY/3", {"weekday": [1, 4, 7]}),
        ("0 0 0 ? * 6/1", {"weekday": [6, 7]}),
        ("0 0 0 ? * fri-sat", {"weekday": [6, 7]}),
        ("0 0 0 * * * 2025-2035/5", {"year": [2025, 2030, 2035]}),
        ("@yearly", {"day": [1], "month": [1]}),
        ("@monthly", {"day": [1]}),
        ("@weekly", {"weekday": [1]}),
        (" @daily ", {}),
    ],
)
def test_fields(text: str, only: dict[str, list[int]]) -> None:
    _numbers(text, **{"second": [0], "minute": [0], "hour": [0], **only})


def test_hourly() -> None:
    _numbers("@hourly", second=[0], minute=[0])


def test_both_day_fields_count() -> None:
    """Day of month and day of week are both kept: a day must match both, unlike crontab."""
    _numbers("0 0 0 13 * fri", second=[0], minute=[0], hour=[0], day=[13], weekday=[6])


@pytest.mark.parametrize(
    ("text", "weekday"),
    [
        ("* * * * *", range(1, 8)),
        ("30 4 * * 0", [1]),
        ("30 4 * * 7", [1]),
        ("30 4 * * 1-5", [2, 3, 4, 5, 6]),
        ("30 4 * * 5-7", [6, 7, 1]),
        ("30 4 * * mon,sun", [2, 1]),
        ("30 4 * * ?", range(1, 8)),
    ],
)
def test_five_fields_are_a_crontab(text: str, weekday: list[int]) -> None:
    found = cron(text)
    assert found.crontab
    assert found.second == {0}
    assert found.weekday == frozenset(weekday)


def test_six_fields_are_no_crontab() -> None:
    assert not cron("* * * * * *").crontab


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "*",
        "* * * *",
        "* * * * * * * *",
        "@never",
        "@DAILY",
        "@daily *",
        "60 * * * * *",
        "* 60 * * * *",
        "* * 24 * * *",
        "* * * 0 * *",
        "* * * 32 * *",
        "* * * * 0 *",
        "* * * * 13 *",
        "* * * * * 0",
        "* * * * * 8",
        "* * * * * * 1969",
        "* * * * * * 2101",
        "-1 * * * * *",
        "+1 * * * * *",
        "1- * * * * *",
        "-  * * * * *",
        "5-2 * * * * *",
        "1-2-3 * * * * *",
        "1,,2 * * * * *",
        ", * * * * *",
        "*/0 * * * * *",
        "*/ * * * * *",
        "*/x * * * * *",
        "*/-1 * * * * *",
        "*/2/2 * * * * *",
        "/2 * * * * *",
        "? * * * * *",
        "* ? * * * *",
        "* * ? * * *",
        "* * * * ? *",
        "* * * * * * ?",
        "* * * ?/2 * *",
        "* * * ?,1 ? *",
        "1.5 * * * * *",
        "one * * * * *",
        "* * * jan * *",
        "* * * * mon *",
        "* * * * janu *",
        "* * * * jan/2 *",
        "* * * * * mon/2",
        "* * * * * sat-sun",
        "* * * * * fri-mon",
        "* * * * L *",
        "* * * 15W * *",
        "* * * * * mon#1",
        "\u0663 * * * * *",
        f"{'9' * 5000} * * * * *",
        f"*/{'9' * 5000} * * * * *",
        "* * * * 8",
        "* * * * fri-sun",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ScheduleProblem) as caught:
        cron(text)
    assert str(caught.value)


@given(st.text(alphabet="0123456789*/-,?@ abcdefjmnorstuw\u0663", max_size=40))
def test_any_text_is_a_schedule_or_refused(text: str) -> None:
    try:
        found = cron(text)
    except ScheduleProblem:
        return
    assert isinstance(found, Cron)
    for field, every in EVERY.items():
        assert getattr(found, field)
        assert getattr(found, field) <= frozenset(every)


@pytest.mark.parametrize(
    ("units", "seconds"),
    [("s sec secs", 1), ("m min mins", 60), ("h hr hrs", 3600), ("d day days", 86400)],
)
def test_intervals(units: str, seconds: int) -> None:
    for unit in units.split():
        assert interval_seconds(f"1{unit}") == seconds
        assert interval_seconds(f"  15{unit}\n") == 15 * seconds
        assert interval_seconds(f"007{unit}") == 7 * seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "s",
        "5",
        "0s",
        "000m",
        "-1s",
        "+1s",
        "1.5s",
        "1,5s",
        "1 fortnight",
        "1second",
        "1ms",
        "1w",
        "5S",
        "5s 3m",
        "1h30m",
        "s5",
        "\u0663s",
        "1\u00b5s",
        "9" * 5000 + "s",
    ],
)
def test_refused_intervals(text: str) -> None:
    with pytest.raises(ScheduleProblem) as caught:
        interval_seconds(text)
    assert str(caught.value)


@given(st.text(alphabet="0123456789 smhdayinrec.-+\u0663", max_size=12))
def test_any_text_is_an_interval_or_refused(text: str) -> None:
    with contextlib.suppress(ScheduleProblem):
        assert interval_seconds(text) >= 1
