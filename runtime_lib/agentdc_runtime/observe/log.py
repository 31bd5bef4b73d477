"""The main log of an app, and the door to its audit sink (spec 03 §2). Costs almost nothing to link: time only.

What makes a line (`lines`) and what writes one (`sinks`) are imported at the first event that passes the
filter, so a run that logs nothing pays for this small class alone. How the pieces are configured is known to
`install`, never here.

Callers name the target in full and keep the spans they are in as a tuple, root first:

    log.emit(INFO, AUDIT, "workflow.started", {}, (("workflow.run", {"execution_id": "exec-1-2-3"}),))
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from agentdc_runtime.observe.audit import AuditSink
    from agentdc_runtime.observe.level import Filter
    from agentdc_runtime.observe.sinks import Sink

    Field: TypeAlias = str | int | float | bool | None
    Fields: TypeAlias = Mapping[str, Field]
    Span: TypeAlias = tuple[str, Fields]
    Spans: TypeAlias = tuple[Span, ...]

OFF, ERROR, WARN, INFO, DEBUG, TRACE = range(6)

AUDIT = "agentd::audit"
RUNNER = "agentd::engine::runner"
HTTP = "agentd::triggers::http"


class Log:
    """Sends events to the main log when the filter lets them pass, and audit events to the audit sink always.

    `most`: the most verbose level that any directive lets pass (OFF: a log that is disabled). `directives`:
    None when every target has that level. `sink`: None for stderr. `clock`: Unix time in seconds. `workflow`:
    the name for audit lines outside any span. `tells_runs`, `tells_nodes`: whether begin and end of every run, and
    every node, are written anywhere. `scrub`: hides secrets in field values. No
    method raises: a log that cannot be written is not a reason to stop a run (spec 03 §2.5).
    """

    __slots__ = (
        "_audit",
        "_clock",
        "_directives",
        "_json",
        "_most",
        "_sink",
        "_workflow",
        "scrub",
        "tells_nodes",
        "tells_runs",
    )

    def __init__(
        self,
        most: int,
        *,
        directives: Filter | None = None,
        sink: Sink | None = None,
        audit: AuditSink | None = None,
        json: bool = False,
        clock: Callable[[], float] = time.time,
        workflow: str | None = None,
    ) -> None:
        self._most = most
        self._directives = directives
        self._sink = sink
        self._audit = audit
        self._json = json
        self._clock = clock
        self._workflow = workflow
        self.scrub: Callable[[str], str] | None = None
        self.tells_runs = self.wants(AUDIT, INFO)
        self.tells_nodes = self.wants(RUNNER, DEBUG)

    def wants(self, target: str, level: int) -> bool:
        """Whether an event of this target and level is written anywhere; lets callers skip the work."""
        return (self._audit is not None and target == AUDIT) or self._passes(target, level)

    def emit(self, level: int, target: str, event: str, fields: Fields, spans: Spans = ()) -> None:
        """Write one event; fields that are None count as absent (spec 03 §2.3)."""
        audit = self._audit if target == AUDIT else None
        passes = self._passes(target, level)
        if not passes and audit is None:
            return
        if self.scrub is not None:
            fields = {
                name: self.scrub(each) if isinstance(each, str) else each for name, each in fields.items()
            }
        now = self._clock()
        if passes:
            self._write(now, level, target, event, fields, spans)
        if audit is not None:
            audit.write(now, level, event, fields, spans, self._workflow)

    @property
    def audit_write_failures(self) -> int:
        """How many audit lines were lost so far."""
        return 0 if self._audit is None else self._audit.failures

    def close(self) -> None:
        """Close the files; standard streams stay open."""
        if self._sink is not None:
            self._sink.close()
        if self._audit is not None:
            self._audit.close()

    def _passes(self, target: str, level: int) -> bool:
        return level <= self._most and (self._directives is None or self._directives.enabled(target, level))

    def _write(self, now: float, level: int, target: str, event: str, fields: Fields, spans: Spans) -> None:
        from agentdc_runtime.observe import lines

        shown = self._shown(spans)
        execution_id = lines.innermost(spans, "execution_id")
        if execution_id is not None and "execution_id" not in fields:  # noqa: SIM102 - two different questions
            if lines.innermost(shown, "execution_id") is None:  # its span is filtered, the id stays
                fields = {**fields, "execution_id": execution_id}
        render = lines.json_line if self._json else lines.text_line
        self._open_sink().write(render(now, level, target, event, fields, shown), now)

    def _shown(self, spans: Spans) -> Spans:
        # Spans are INFO (spec 03 §2.2); the filter decides about each as about an event of its target.
        if self._most < INFO:
            return ()
        return tuple(
            each for each in spans if self._passes(HTTP if each[0] == "http.request" else RUNNER, INFO)
        )

    def _open_sink(self) -> Sink:
        if self._sink is None:
            from agentdc_runtime.observe.sinks import Stream

            self._sink = Stream(2)
        return self._sink
