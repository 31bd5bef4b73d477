"""The audit sink: one JSON line for each audit event, with redaction (spec 03 §2.5). Links `lines` and `sinks`.

It is independent of the level of the main log. Only the event's own fields are told under `fields`; what the
spans know about the run stands beside them as `execution_id`, `workflow` and `node_id`.
"""

from __future__ import annotations

from agentdc_runtime.observe import lines
from agentdc_runtime.observe.sinks import tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from agentdc_runtime.observe.log import Field, Fields, Spans
    from agentdc_runtime.observe.sinks import Sink

DEFAULT_TARGET = "file:/var/log/agent/audit.jsonl"
REDACTED = "<redacted>"
ALWAYS_REDACTED = frozenset(
    ("token", "secret", "password", "authorization", "api_key", "bearer", "jwt", "cookie", "session")
)


def redacted_names(more: Iterable[str], *, include_reason: bool) -> frozenset[str]:
    """The lower-case field names whose values are hidden; `include_reason` wins over a listed `reason`."""
    names = ALWAYS_REDACTED.union(each.strip().lower() for each in more)
    return names - {"reason"} if include_reason else names | {"reason"}


def redact(fields: Fields, names: frozenset[str]) -> dict[str, Field]:
    """The fields with hidden values replaced; names match as a whole in any case, values are never searched."""
    return {key: REDACTED if key.lower() in names else value for key, value in fields.items()}


class AuditSink:
    """Writes audit lines to `sink`; a lost line is counted, and the first one is reported on stderr."""

    __slots__ = ("_hidden", "_program", "_sink", "failures")

    def __init__(self, sink: Sink, hidden: frozenset[str], program: str) -> None:
        self._sink = sink
        self._hidden = hidden
        self._program = program
        self.failures = 0

    def write(
        self, now: float, level: int, event: str, fields: Fields, spans: Spans, workflow: str | None
    ) -> None:
        """Append the line of one event; never raises."""
        known: Fields = {
            "execution_id": lines.innermost(spans, "execution_id"),
            "workflow": lines.innermost(spans, "workflow_id") or workflow,
            "node_id": lines.innermost(spans, "node_id"),
        }
        line: dict[str, Any] = {
            "fields": redact(lines.present({"event": event, **fields}), self._hidden),
            "level": lines.LEVELS[level],
            "target": "agentd::audit",
            "timestamp": lines.timestamp(now),
            **redact(lines.present(known), self._hidden),
        }
        error = self._sink.write(lines.dumped(line), now)
        if error is not None:
            self._lost(error)

    def close(self) -> None:
        """Close the sink."""
        self._sink.close()

    def _lost(self, error: OSError) -> None:
        self.failures += 1
        if self.failures == 1:
            tell(self._program, f"an audit event could not be written: {error.strerror or error}")
