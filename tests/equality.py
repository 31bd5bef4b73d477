"""Deep equality of JSON values (spec 01 §0), for tests that compare what an app computed."""

from __future__ import annotations

from typing import Any


def equal(left: Any, right: Any) -> bool:
    """Deep equality of JSON: `1`, `1.0` and `true` all differ, `0.0` and `-0.0` do not."""
    pending = [(left, right)]
    while pending:
        left, right = pending.pop()
        if left is right:
            continue
        shape = left.__class__
        if shape is not right.__class__:
            return False
        if shape is dict:
            if left.keys() != right.keys():
                return False
            pending.extend([(item, right[key]) for key, item in left.items()])
        elif shape is list:
            if len(left) != len(right):
                return False
            pending.extend(zip(left, right, strict=True))
        elif left != right:
            return False
    return True
