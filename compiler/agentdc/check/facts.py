"""What the checker knows about a workflow that has no errors; lowering reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentdc.check.graph import Dominance
from agentdc.types import Followed, Type, follow, open_record
from agentdc.types.shape import UNKNOWN

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
        """Where a context path leads in every run, its head having run; `certain` counts segments behind the head."""
        head, *segments = path.split(".")
        return follow(self.in_any_run.get(head, UNKNOWN), tuple(segments))
