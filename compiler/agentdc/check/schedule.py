"""Schedules (spec 01 §2.2): cron text to sets of numbers, interval text to seconds.

    >>> interval_seconds("5 mins")
    300
    >>> sorted(cron("0 0 9 ? * mon-wed").weekday)
    [2, 3, 4]

Weekdays are 1…7 from Sunday, except in the five-field form, which counts as crontab does (0 or 7 = Sunday).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
_MONTH_NAMES = {name: n for n, full in enumerate(_MONTHS, 1) for name in (full, full[:3])}
_DAY_NAMES = {name: n for n, full in enumerate(_DAYS, 1) for name in (full, full[:3])}
_DAY_NAMES |= {"tues": 3, "thurs": 5}
_SHORTHANDS = {
    "@yearly": "0 0 0 1 1 ? *",
    "@monthly": "0 0 0 1 * ? *",
    "@weekly": "0 0 0 ? * 1 *",
    "@daily": "0 0 0 * * ? *",
    "@hourly": "0 0 * * * ? *",
}
_UNITS = {
    **dict.fromkeys(("s", "sec", "secs"), 1),
    **dict.fromkeys(("m", "min", "mins"), 60),
    **dict.fromkeys(("h", "hr", "hrs"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
}
_INTERVAL = re.compile(r"([0-9]{1,18})\s*([A-Za-z]+)\Z")


class ScheduleProblem(ValueError):
    """The text is no schedule; the message says why."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: dict[str, int]
    question: bool = False
    note: str = ""


_FIELDS = (
    _Field("second", 0, 59, {}),
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of month", 1, 31, {}, question=True),
    _Field("month", 1, 12, _MONTH_NAMES),
    _Field("day of week", 1, 7, _DAY_NAMES, question=True, note=" (1 = Sunday)"),
    _Field("year", 1970, 2100, {}),
)
_CRONTAB_WEEKDAY = _Field("day of week", 0, 7, {name: n - 1 for name, n in _DAY_NAMES.items()}, question=True)


@dataclass(frozen=True, slots=True)
class Cron:
    """The numbers at which a schedule fires; all seven must match. `crontab`: written with five fields."""

    second: frozenset[int]
    minute: frozenset[int]
    hour: frozenset[int]
    day: frozenset[int]
    month: frozenset[int]
    weekday: frozenset[int]
    year: frozenset[int]
    crontab: bool = False


def cron(text: str) -> Cron:
    """The schedule that a cron text means; ScheduleProblem when it means none."""
    if text.strip().startswith("@") and text.strip() not in _SHORTHANDS:
        raise ScheduleProblem(f'"{text.strip()}" is no shorthand; there are {", ".join(_SHORTHANDS)}')
    words = _SHORTHANDS.get(text.strip(), text).split()
    crontab = len(words) == 5
    if crontab:
        words = ["0", *words]
    if len(words) not in {6, 7}:
        count = "1 field" if len(words) == 1 else f"{len(words)} fields"
        raise ScheduleProblem(f"it has {count}, and it needs second minute hour day month weekday [year]")
    fields = [*_FIELDS]
    if crontab:
        fields[5] = _CRONTAB_WEEKDAY
    words += ["*"] * (7 - len(words))
    sets = [_numbers(word, field) for word, field in zip(words, fields, strict=True)]
    if crontab:
        sets[5] = frozenset(number % 7 + 1 for number in sets[5])
    second, minute, hour, day, month, weekday, year = sets
    return Cron(second, minute, hour, day, month, weekday, year, crontab)


def is_crontab(text: str) -> bool:
    """True for a schedule in the five-field form, which agentd refuses."""
    try:
        return cron(text).crontab
    except ScheduleProblem:
        return False


def interval_seconds(text: str) -> int:
    """The period that an interval text means, in seconds; ScheduleProblem when it means none."""
    found = _INTERVAL.match(text.strip())
    if found is None:
        raise ScheduleProblem('an interval is a whole number and a unit, such as "30s", "5 mins" or "1h"')
    unit = _UNITS.get(found.group(2))
    if unit is None:
        raise ScheduleProblem(f'"{found.group(2)}" is no unit; units are s, m, h, d and their longer forms')
    if int(found.group(1)) == 0:
        raise ScheduleProblem("the period is zero")
    return int(found.group(1)) * unit


def _numbers(word: str, field: _Field) -> frozenset[int]:
    found: set[int] = set()
    for item in word.split(","):
        found |= _item(item, field)
    return frozenset(found)


def _item(item: str, field: _Field) -> set[int]:
    if item == "?":
        if not field.question:
            raise ScheduleProblem(f"the {field.name} cannot be `?`")
        item = "*"
    text, slash, step_text = item.partition("/")
    step = 1
    if slash:
        if not _is_number(step_text) or int(step_text) == 0:
            raise ScheduleProblem(f'the step "{step_text}" of the {field.name} is not a number from 1 on')
        step = int(step_text)
    low, high = _range(text, field, stepped=bool(slash))
    return set(range(low, high + 1, step))


def _range(text: str, field: _Field, *, stepped: bool) -> tuple[int, int]:
    if text == "*":
        return field.low, field.high
    first, dash, last = text.partition("-")
    low = _number(first, field)
    if dash:
        high = _number(last, field)
        if low > high:
            raise ScheduleProblem(f'the range "{text}" of the {field.name} runs backwards')
        return low, high
    if stepped:
        if not first.isdigit():
            raise ScheduleProblem(f'the name "{first}" cannot take a step; write a range of names')
        return low, field.high
    return low, low


def _is_number(text: str) -> bool:
    """Digits, and no more of them than can mean anything; Python refuses to convert thousands."""
    return text.isascii() and text.isdigit() and len(text) <= 18


def _number(text: str, field: _Field) -> int:
    if not text:
        raise ScheduleProblem(f"a number is missing in the {field.name}")
    if _is_number(text):
        number = int(text)
        if field.low <= number <= field.high:
            return number
        raise ScheduleProblem(
            f"the {field.name} is {text}, and {field.low}…{field.high} is allowed{field.note}"
        )
    named = field.names.get(text.lower())
    if named is None:
        raise ScheduleProblem(f'"{text}" is no {field.name}')
    return named
