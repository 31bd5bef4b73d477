"""Values that no TOML workflow may hold, wherever they stand: found before the models look at anything.

TOML integers are 64-bit (spec 01 §0) and every number ends up as JSON, which knows neither infinity nor NaN. The
walk is iterative and carries links instead of paths, because dotted keys nest as deep as a file is long.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agentdc.parse.positions import Path

_LEAST, _GREATEST = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class Step:
    """One step down from `before`; `depth` is 1 for the first."""

    before: Step | None
    part: str | int
    depth: int

    def path(self) -> Path:
        """The steps from the top."""
        parts = [self.part]
        step = self.before
        while step is not None:
            parts.append(step.part)
            step = step.before
        return tuple(reversed(parts))


def bad_numbers(document: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """Path and rule of each number that is out of range everywhere."""
    for step, value in leaves(document):
        if isinstance(value, int) and not _LEAST <= value <= _GREATEST:
            yield step.path(), "must fit into 64 bits"
        elif isinstance(value, float) and not math.isfinite(value):
            yield step.path(), "must be a finite number"


def leaves(container: dict[str, Any] | list[Any]) -> Iterator[tuple[Step, Any]]:
    """Everything below `container` that is neither a table nor an array, in no particular order."""
    waiting: list[tuple[Step | None, Any]] = [(None, container)]
    while waiting:
        step, each = waiting.pop()
        if isinstance(each, dict | list):
            depth = 1 if step is None else step.depth + 1
            items = each.items() if isinstance(each, dict) else enumerate(each)
            waiting.extend((Step(step, part, depth), inner) for part, inner in items)
        elif step is not None:
            yield step, each
