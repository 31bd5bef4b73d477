"""The events of one run, sent to the log (spec 01 §6.5, 03 §2.4). Links `observe.log` and nothing more.

The trace of a run is a plain list; only when `debug` events are wanted is it replaced by one that tells of every
entry, so that an ordinary run pays nothing.
"""

from __future__ import annotations

from agentdc_runtime.observe.log import AUDIT, DEBUG, ERROR, INFO, RUNNER, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdc_runtime.core.run import Ending, Entry, Run
    from agentdc_runtime.observe.log import Fields, Log, Spans


class Journal:
    """Tells the log about one run. `outer`: tells the spans that it stands in."""

    __slots__ = ("_log", "_run", "_start", "outer")

    def __init__(self, log: Log, run: Run, start: str, outer: Callable[[], Spans] | None = None) -> None:
        self._log = log
        self.outer = outer
        self._run = run
        self._start = start
        run.journal = self
        if log.tells_nodes:
            run.trace = ToldTrace(self)

    def started(self) -> None:
        """The walk is about to begin, or to go on."""
        if not self._log.tells_runs:
            return
        if self._run.resumed is None:
            self._log.emit(INFO, AUDIT, "workflow.started", {}, self._spans(node=False))
        else:
            resumed: Fields = {"paused_at": self._run.resumed}
            self._log.emit(INFO, AUDIT, "workflow.resumed", resumed, self._spans(node=False))

    def ended(self, ending: Ending, failed_in_node: bool) -> None:
        """The walk is over; `failed_in_node`: an error came from a node rather than from picking an edge."""
        if ending.status == "completed" and not self._log.tells_runs:
            return
        elapsed: Fields = {"elapsed_ms": ending.elapsed_ms}
        last: Fields = {"last_node": ending.last_node}
        spans = self._spans(node=False)
        if ending.error is not None:
            self._errored(ending, failed_in_node)
        elif ending.status == "completed":
            reason: Fields = {"reason": "dead_end"} if ending.dead_end else {}
            self._log.emit(INFO, AUDIT, "workflow.completed", {**last, **elapsed, **reason}, spans)
        elif ending.status == "failed":
            fields: Fields = {**last, "reason": ending.reason, **elapsed}
            self._log.emit(WARN, AUDIT, "workflow.failed", fields, spans)
        elif ending.status == "paused":
            assert self._run.process.keeper is not None
            where: Fields = {"run_id": self._run.id, "checkpoint": self._run.process.keeper.path}
            self._log.emit(INFO, AUDIT, "workflow.paused", {"node": ending.last_node, **where}, spans)
        elif ending.status == "stopped":
            self._log.emit(WARN, AUDIT, "workflow.stopped", {**last, **elapsed}, spans)
        else:
            self._log.emit(WARN, RUNNER, "workflow.timed_out", {**elapsed, **last}, spans)
            self._log.emit(WARN, AUDIT, "workflow.timed_out", {**elapsed, **last}, spans)

    def completed(self, entry: Entry) -> None:
        """One node has run."""
        node, branch, _, seconds = entry
        spans = self._spans(node=True)
        if node.kind not in ("fail", "terminate") and branch is not None:
            self._log.emit(DEBUG, RUNNER, "node.branch", {"label": branch}, spans)
        self._log.emit(DEBUG, RUNNER, "node.completed", {"latency_ms": int(seconds * 1000)}, spans)

    def event(self, level: int, event: str, fields: Fields) -> None:
        """An audit event of a node's handler."""
        self._log.emit(level, AUDIT, event, fields, self._spans(node=True))

    def _errored(self, ending: Ending, failed_in_node: bool) -> None:
        assert ending.error is not None
        reason = ending.error.display
        fields: Fields = {"reason": reason, "latency_ms": self._latency_ms(ending)}
        if failed_in_node and ending.error.category == "policy":
            self._log.emit(WARN, AUDIT, "policy.denied", fields, self._spans(node=True))
        elif failed_in_node:
            self._log.emit(ERROR, RUNNER, "node.failed", fields, self._spans(node=True))
        summary: Fields = {"last_node": ending.last_node, "reason": reason, "elapsed_ms": ending.elapsed_ms}
        self._log.emit(ERROR, AUDIT, "workflow.errored", summary, self._spans(node=False))

    def _latency_ms(self, ending: Ending) -> int:
        before = sum(entry[3] for entry in self._run.trace)
        return max(0, ending.elapsed_ms - int(before * 1000))

    def retried(self, fields: Fields) -> None:
        """A node is about to be tried again."""
        self._log.emit(WARN, AUDIT, "node.retry", fields, self._spans(node=True))

    def _spans(self, *, node: bool) -> Spans:
        run = self._run
        fields: Fields = {
            "execution_id": run.id,
            "workflow_id": run.workflow,
            "start_node": self._start,
            "dry_run": run.dry_run,
        }
        if run.parent is not None:
            fields = {**fields, "parent_execution_id": run.parent.id}
        spans: Spans = (("workflow.run", fields),)
        if self.outer is not None:
            spans = (*self.outer(), *spans)
        if node and run.node is not None:
            spans += (("node.execute", {"node_id": run.node.id, "kind": run.node.kind}),)
        return spans


class ToldTrace(list["Entry"]):
    """A trace that tells the journal about each entry."""

    __slots__ = ("_journal",)

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def append(self, entry: Entry) -> None:
        """Keep the entry and tell of it."""
        super().append(entry)
        self._journal.completed(entry)
