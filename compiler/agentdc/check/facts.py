"""What the checker knows about a workflow that has no errors; lowering reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agentdc.check.graph import Dominance
from agentdc.types import Followed, Type, follow, open_record
from agentdc.types.shape import UNKNOWN, Object, members_of

if TYPE_CHECKING:
    from agentdc.check.flow import Flow

TRIGGER = "trigger"
TRIGGER_TYPE = open_record({"kind": UNKNOWN})  # an input's own `kind` replaces the text (spec 01 §3.3)
RAW = "\0input"
"""The raw trigger input among the heads: no path can name it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Entries by start name, dominance over all edges, the type of each reachable node's output.

    `outputs`: in real runs that routes and triggers begin. `in_any_run`: the types that hold whatever the input, and
    in a dry run too, where some outputs lack their keys. `flow`: what holds at each node.
    """

    entries: Mapping[str, str]
    dominance: Dominance
    outputs: Mapping[str, Type]
    in_any_run: Mapping[str, Type]
    flow: Flow

    def ran(self, head: str, at: str) -> bool:
        """True when the output of `head` is certainly there when `at` begins."""
        if head == TRIGGER:
            return True
        return self.dominance.before(head, at) and not self.flow.steps.doubtful(head)

    def follow(self, path: str) -> Followed:
        """Where a context path leads in every run, its head having run; `certain` counts keys behind the head."""
        head, *segments = path.split(".")
        start = self.in_any_run.get(head, UNKNOWN)
        found = follow(start, tuple(segments))
        return replace(found, certain=_keys(start, tuple(segments[: found.certain])))


def _keys(start: Type, segments: tuple[str, ...]) -> int:
    """How many leading segments are keys of objects: an index is written otherwise, and is left to the search."""
    for length in range(len(segments)):
        if any(not isinstance(each, Object) for each in members_of(follow(start, segments[:length]).type)):
            return length
    return len(segments)
