"""Which nodes and edges the runs of one case took, children included. Imports nothing.

Children announce themselves through the journal that a process makes for them, so an app needs nothing
extra to be watched.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from agentdc_runtime.core.run import Ending, Entry, Node, Run


class Seen:
    """Nodes as (file, id) and edges as (file, from, branch, to)."""

    __slots__ = ("edges", "nodes")

    def __init__(self) -> None:
        self.nodes: set[tuple[str, str]] = set()
        self.edges: set[tuple[str, str, str | None, str]] = set()

    def add(self, run: Run, ending: Ending) -> None:
        """A run that has ended."""
        entered = visited(run, ending)
        self.nodes.update((node.file, node.id) for node in entered)
        for (node, branch, _, _), after in zip(run.trace, entered[1:], strict=False):
            self.edges.add((node.file, node.id, branch, after.id))

    def watch(self, run: Run, _start: str, _outer: None = None) -> Watch:
        """The journal of a child run."""
        return Watch(self, run)

    def by_file(self) -> dict[str, Any]:
        """Workflow file to `nodes` (ids) and `edges` ([from, branch, to])."""
        found: dict[str, Any] = {file: {"nodes": [], "edges": []} for file, _ in sorted(self.nodes)}
        for file, node in sorted(self.nodes):
            found[file]["nodes"].append(node)
        for file, before, branch, after in sorted(self.edges, key=str):
            found[file]["edges"].append([before, branch, after])
        return found


class Watch:
    """Stands where a run keeps its journal; only the end is of interest."""

    __slots__ = ("_run", "_seen")

    outer = None  # there is no log, so no spans

    def __init__(self, seen: Seen, run: Run) -> None:
        self._seen = seen
        self._run = run
        run.journal = self  # type: ignore[assignment] # a journal without a log

    def started(self) -> None:
        """The walk is about to begin."""

    def ended(self, ending: Ending, _failed_in_node: bool) -> None:
        """The walk is over."""
        self._seen.add(self._run, ending)

    def completed(self, entry: Entry) -> None:
        """One node has run."""

    def event(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        """An audit event of a node."""

    def retried(self, fields: Mapping[str, Any]) -> None:
        """A node is about to be tried again."""


def visited(run: Run, ending: Ending) -> list[Node]:
    """Every node that was entered, in order: those of the trace, and the one that an error came from."""
    entered = [entry[0] for entry in run.trace]
    if ending.error is not None and not run.at_edge and run.node is not None:
        entered.append(run.node)
    return entered
