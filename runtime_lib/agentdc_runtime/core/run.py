"""One run of a workflow: its inputs, its trace, and how it ended.

Linking this costs nothing but `time`. Generated blocks write the trace with plain appends and read earlier
outputs from `outputs`; everything else is rendered from the trace when the run has ended.
"""

from __future__ import annotations

from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from agentdc_runtime.core.pause import Pause
    from agentdc_runtime.core.process import Process
    from agentdc_runtime.errors import AgentError
    from agentdc_runtime.host.journal import Journal
    from agentdc_runtime.state.idempotency import Link

    Json: TypeAlias = Any
    # A block returns the next one or None; in an app that awaits, it is a coroutine function.
    Next: TypeAlias = "Callable[[Run], Any] | None"
    Block: TypeAlias = Callable[["Run"], Any]
    Entry: TypeAlias = tuple["Node", str | None, Json, float]

MAX_VISITS = 10_000


class Node:
    """A node as the trace names it: id, kind, and where it stands in which workflow file."""

    __slots__ = ("file", "id", "kind", "line")

    def __init__(self, id: str, kind: str, file: str, line: int) -> None:
        self.id = id
        self.kind = kind
        self.file = file
        self.line = line


class Program:
    """One compiled workflow. `starts`: start node name to (source, block), in declaration order.

    `points`: node id to block, where every node begins one; empty where a run can only begin at a start. `needs`:
    what a run that goes on at one of them certainly reads of what was stored: (node, path, kind) in this order.
    """

    __slots__ = ("loops", "name", "needs", "points", "starts")

    def __init__(
        self,
        name: str,
        starts: dict[str, tuple[str, Block]],
        loops: int,
        points: dict[str, Block] | None = None,
        needs: dict[str, tuple[tuple[str, str, str], ...]] | None = None,
    ) -> None:
        self.name = name
        self.starts = starts
        self.loops = loops
        self.points = points or {}
        self.needs = needs or {}


class Ending:
    """How a run ended.

    `status`: completed, failed, timed_out, paused, errored or stopped. `value`: the final value of a completed run.
    `reason`: of a failed or paused run. `pause`: what a paused run waits for. `error`: of an errored run.
    `elapsed_ms`: since the walk began.
    """

    __slots__ = ("dead_end", "elapsed_ms", "error", "last_node", "pause", "reason", "status", "value")

    def __init__(
        self,
        status: str,
        last_node: str | None,
        elapsed_ms: int,
        *,
        value: Json = None,
        reason: str = "",
        error: AgentError | None = None,
        dead_end: bool = False,
        pause: Pause | None = None,
    ) -> None:
        self.status = status
        self.last_node = last_node
        self.elapsed_ms = elapsed_ms
        self.value = value
        self.reason = reason
        self.error = error
        self.dead_end = dead_end
        self.pause = pause


class Run:
    """The state of one run.

    `process`: what all runs share. `input`: the raw trigger input. `outputs`: node id to output, for reads across
    blocks; holds `trigger`. `trace`: (node, branch, output, seconds) per visit. `node`: the node entered last.
    `deadline`: on the monotonic clock, in seconds. `loops`: how often each loop edge was followed. `visits`:
    counted only in programs with loop edges. `kind`, `start`: of the trigger, and the start node by name. `resumed`:
    the node after which a run goes on that was begun before, else None. `response`: the reply that a `respond` node
    declared, or None. `journal`: tells the log about the run. `traceparent`: what its HTTP requests carry, if
    anything. `delivery`: the request with a key that its end answers, or None. `parent`: the run whose composition
    node started this one, or None; `depth`: how many such there are; `above`: the visit of that node by name,
    `place`: which of its children this is. `tokens`: of models, in the root for all runs below it.
    """

    __slots__ = (
        "above",
        "at_edge",
        "children",
        "deadline",
        "delivery",
        "depth",
        "dry_run",
        "ending",
        "gate",
        "id",
        "input",
        "journal",
        "kind",
        "loops",
        "node",
        "outputs",
        "parent",
        "place",
        "process",
        "response",
        "resumed",
        "start",
        "started",
        "stop_signal",
        "tokens",
        "trace",
        "traceparent",
        "visits",
        "workflow",
    )

    def __init__(
        self,
        program: Program,
        process: Process,
        trigger_kind: str,
        trigger_input: Json,
        *,
        deadline: float,
        dry_run: bool = False,
        parent: Run | None = None,
        start: str = "",
        id: str | None = None,
    ) -> None:
        self.workflow = program.name
        self.process = process
        self.gate = process.gate
        self.id = id or process.next_run_id()
        self.kind = trigger_kind
        self.start = start
        self.resumed: str | None = None
        self.delivery: Link | None = None
        self.input = trigger_input
        self.outputs: dict[str, Json] = {"trigger": flattened(trigger_kind, trigger_input)}
        self.trace: list[Entry] = []
        self.node: Node | None = None
        self.loops = [0] * program.loops if program.loops else []
        self.visits = 0
        self.response: dict[str, Json] | None = None
        self.dry_run = dry_run
        self.parent = parent
        self.above = ""
        self.place = 0
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.children: set[Run] | None = None  # most runs have none
        self.ending: Ending | None = None
        self.at_edge = False
        self.stop_signal = 0
        self.tokens = 0
        self.journal: Journal | None = None
        self.traceparent: str | None = None if parent is None else parent.traceparent
        self.started = monotonic()
        self.deadline = deadline

    @property
    def root(self) -> Run:
        """The run that no other one started."""
        return self if self.parent is None else self.parent.root

    def stop(self, signal: int) -> None:
        """End the run and its children at the next node boundary; safe to call from a signal handler."""
        self.stop_signal = signal
        self.deadline = float("-inf")
        for child in tuple(self.children or ()):
            child.stop(signal)

    def complete(self, value: Json, *, dead_end: bool = True) -> Next:
        """The run ends as completed with `value`."""
        self.ending = Ending("completed", self.last_node, self.elapsed_ms(), value=value, dead_end=dead_end)
        return None

    def fail(self, reason: str) -> Next:
        """The run ends as failed: a declared end, not an error."""
        self.ending = Ending("failed", self.last_node, self.elapsed_ms(), reason=reason)
        return None

    def overdue(self) -> Next:
        """The deadline has passed before the next node, or the process was told to stop."""
        status = "stopped" if self.stop_signal else "timed_out"
        self.ending = Ending(status, self.last_node, self.elapsed_ms())
        return None

    @property
    def last_node(self) -> str | None:
        """Id of the node entered last."""
        return None if self.node is None else self.node.id

    def elapsed_ms(self) -> int:
        """Whole milliseconds since the walk began."""
        return int((monotonic() - self.started) * 1000)


def flattened(kind: str, value: Json) -> dict[str, Json]:
    """The `trigger` pseudo-node: members of an object input join `kind`, and may replace it (spec 01 §3.3)."""
    if isinstance(value, dict):
        return {"kind": kind, **value}
    return {"kind": kind, "input": value}
