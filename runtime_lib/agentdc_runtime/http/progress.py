"""The events of a run for whoever follows it: one per node, then the outcome. Links `jsontext` only.

A follower sees ids, kinds, branches and times of nodes, never their outputs: those may hold what only the workflow
should see, and the outcome is what the workflow chose to tell.
"""

from __future__ import annotations

from agentdc_runtime.jsontext import compact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdc_runtime.core.run import Entry, Run


def followed(run: Run, tell: Callable[[str, str], None]) -> None:
    """From now on `tell` hears of each node of the run: event name and JSON."""
    trace = _Followed(run.trace, tell)
    trace.extend(run.trace)
    run.trace = trace


class _Followed(list["Entry"]):
    """A trace that tells of each entry, after what the trace before it did."""

    __slots__ = ("_before", "_tell")

    def __init__(self, before: list[Entry], tell: Callable[[str, str], None]) -> None:
        super().__init__()
        self._before = before
        self._tell = tell

    def append(self, entry: Entry) -> None:
        """Keep the entry and tell of it."""
        super().append(entry)
        self._before.append(entry)
        node, branch, _, seconds = entry
        document = {
            "node_id": node.id,
            "kind": node.kind,
            "branch": branch,
            "elapsed_ms": int(seconds * 1000),
        }
        self._tell("node", compact(document))
