"""Did-you-mean over a list of known names (style guide §8).

>>> nearest("http_requets", ["http_request", "merge"])
['http_request']
"""

from __future__ import annotations

from collections.abc import Iterable


def edit_distance(left: str, right: str, limit: int) -> int:
    """Edits (insert, delete, replace, swap of neighbours) between two names; `limit + 1` is "more"."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    previous = list(range(len(right) + 1))
    for row, a in enumerate(left, 1):
        current = [row]
        for column, b in enumerate(right, 1):
            cost = min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (a != b))
            if row > 1 and column > 1 and a == right[column - 2] and left[row - 2] == b:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, previous = previous, current
    return min(previous[-1], limit + 1)


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """At most four of `known` that `name` may have meant, nearest first, ties alphabetical."""
    names = sorted(set(known))
    same = [each for each in names if each.casefold() == name.casefold()]
    if same:
        return same[:4]
    limit = max(1, len(name) // 3)
    ranked = sorted((edit_distance(name, each, limit), each) for each in names)
    return [each for distance, each in ranked if distance <= limit][:4]


def did_you_mean(name: str, known: Iterable[str], *, few: int = 8) -> str | None:
    """The help line for an unknown name: the near ones, else all of them when they are few, else None."""
    names = sorted(set(known))
    near = nearest(name, names)
    if near:
        return f"did you mean {_either(near)}?"
    if 0 < len(names) <= few:
        return f"known here: {', '.join(_quoted(each) for each in names)}"
    return None


def _quoted(name: str) -> str:
    return f'"{name}"'


def _either(names: list[str]) -> str:
    quoted = [_quoted(name) for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
