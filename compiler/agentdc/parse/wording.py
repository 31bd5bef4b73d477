"""TOML values and places in words, for messages. Never a value itself, which may be a secret."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_LONGEST = 60


def quoted(name: str) -> str:
    """A name from the file, in quotes and cut when it is very long."""
    return f'"{name}"' if len(name) <= _LONGEST else f'"{name[:_LONGEST]}…"'


def kind_of(value: object) -> str:
    """What a TOML value is: `an integer`, `a table`."""
    match value:
        case bool():  # before int, whose subclass it is
            return "a boolean"
        case str():
            return "a string"
        case int():
            return "an integer"
        case float():
            return "a float"
        case dt.datetime():  # before date, whose subclass it is
            return "a date-time"
        case dt.date():
            return "a date"
        case dt.time():
            return "a time"
        case list():
            return (
                "an array of tables"
                if value and all(isinstance(each, dict) for each in value)
                else "an array"
            )
        case _:
            return "a table"


def dotted(path: Sequence[str | int], prefix: Sequence[str | int] = ()) -> str:
    """The name that headers use for `path`; `prefix` is where the workflow stands in the file: `workflows.nodes`."""
    keys = [each for each in (*prefix, *path) if isinstance(each, str)]
    return ".".join(each if _BARE.match(each) else quoted(each) for each in keys)


def owner(document: dict[str, Any], path: Sequence[str | int], prefix: Sequence[str | int] = ()) -> str:
    """The table at `path` as its header names it: `[policy.fs]`, `[[nodes]] "load"`, `[nodes.retry] of "load"`."""
    if not any(isinstance(each, str) for each in path):
        return "the workflow"
    name = dotted(path, prefix)
    entry = _entry_name(document, path)
    if len(path) == 2 and entry:
        return f"[[{name}]] {quoted(entry)}"
    header = f"[[{name}]]" if isinstance(path[-1], int) else f"[{name}]"
    return f"{header} of {quoted(entry)}" if entry else header


def _entry_name(document: dict[str, Any], path: Sequence[str | int]) -> str | None:
    """The id or name of the entry of a root array that `path` goes through."""
    if len(path) < 2 or not isinstance(path[1], int):
        return None
    entry = document[str(path[0])][path[1]]
    for key in ("id", "name"):
        if isinstance(entry, dict) and isinstance(entry.get(key), str):
            return str(entry[key])
    return None
