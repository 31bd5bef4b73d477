"""`diff_compute` (spec 01 §5.7): what was added, removed and changed between two values. Links `values`.

    left {"a": {"b": 1}, "c": [1]}   right {"a": {"b": 2}, "c": [1, 5]}
    -> changed {"a.b": {"from": 1, "to": 2}}   added {"c[1]": 5}   removed {}

Dots in keys are not escaped, so two places can share one path text; they are visited in the order of sorted keys,
depth first, and the later one stays: the result does not depend on the order of keys in the inputs.
"""

from __future__ import annotations

from itertools import zip_longest

from agentdc_runtime.values import MISSING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from agentdc_runtime.values import Json

    _Pending: TypeAlias = list[tuple[Json, Json, str | None]]  # old, new, path text; None at the root


def run(*, left: Json, right: Json) -> Json:
    """`{"added", "changed", "removed", "unchanged"}`, the first three by path text."""
    added: dict[str, Json] = {}
    changed: dict[str, Json] = {}
    removed: dict[str, Json] = {}
    # A stack of its own: a value can be deeper than calls may nest. Last in is first out, so pairs go in backwards.
    pending: _Pending = [(left, right, None)]
    while pending:
        old, new, path = pending.pop()
        shape = old.__class__
        if old is MISSING:
            added[path or ""] = new
        elif new is MISSING:
            removed[path or ""] = old
        elif shape is new.__class__ is dict:
            _push_members(pending, old, new, path)
        elif shape is new.__class__ is list:
            _push_items(pending, old, new, path or "")
        elif shape is not new.__class__ or old != new:
            changed["$" if path is None else path] = {"from": old, "to": new}
    return {
        "added": added,
        "changed": changed,
        "removed": removed,
        "unchanged": not (added or changed or removed),
    }


def _push_members(pending: _Pending, old: dict[str, Json], new: dict[str, Json], path: str | None) -> None:
    lead = "" if path is None else path + "."
    for key in sorted(old.keys() | new.keys(), reverse=True):
        before = old.get(key, MISSING)
        after = new.get(key, MISSING)
        if not _same(before, after):
            pending.append((before, after, lead + key))


def _push_items(pending: _Pending, old: list[Json], new: list[Json], lead: str) -> None:
    pairs = zip_longest(old, new, fillvalue=MISSING)
    items = [
        (before, after, f"{lead}[{index}]")
        for index, (before, after) in enumerate(pairs)
        if not _same(before, after)
    ]
    pending.extend(reversed(items))


def _same(before: Json, after: Json) -> bool:
    """Whether the two need no path at all: one object in both, or equal scalars (`1`, `1.0` and `true` differ)."""
    if before is after:
        return True
    shape = before.__class__
    return shape is after.__class__ and shape is not dict and shape is not list and bool(before == after)
