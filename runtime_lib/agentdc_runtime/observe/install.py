"""From configuration to a `Log` (spec 03 §1.4, §2.1). Costs only `log` to link; the rest is imported on need.

An app with the default settings (text to stderr at `warn`) opens nothing and imports no more than this.
"""

from __future__ import annotations

import time

from agentdc_runtime.observe.log import OFF, WARN, Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from agentdc_runtime.observe.audit import AuditSink
    from agentdc_runtime.observe.level import Filter
    from agentdc_runtime.observe.sinks import Sink

    Settings: TypeAlias = dict[str, Any]


def install(
    settings: Settings | None,
    *,
    program: str,
    level: str | None = None,
    format: str | None = None,
    target: str | None = None,
    quiet: bool | None = None,
    clock: Callable[[], float] = time.time,
    workflow: str | None = None,
) -> Log:
    """The log that the operands' `[logging]` table and the overrides of flags and environment describe.

    `settings`: the table as JSON, validated by the compiler, or None; an override that is None leaves the
    table's value. `program`: the prefix of diagnostics. `clock`: Unix time in seconds. Files are opened at
    once: SinkError (exit 5) when one cannot be. Doubtful level directives are told on stderr.
    """
    table = settings or {}
    if quiet or table.get("enabled") is False:
        return Log(OFF)
    level = table.get("level", "warn") if level is None else level
    json = (table.get("format", "text") if format is None else format) == "json"
    where = table.get("target", "stderr") if target is None else target
    sink = None if where == "stderr" else _sink(where, table.get("rotation", "never"), clock())
    try:
        audit = None if table.get("audit") is None else _audit(table["audit"], program, clock())
    except Exception:
        if sink is not None:
            sink.close()  # a reload that is refused must not keep a file open
        raise
    if level == "warn":
        return Log(WARN, sink=sink, audit=audit, json=json, clock=clock, workflow=workflow)

    directives = _directives(level, program)
    return Log(
        directives.most,
        directives=directives,
        sink=sink,
        audit=audit,
        json=json,
        clock=clock,
        workflow=workflow,
    )


def _directives(text: str, program: str) -> Filter:
    from agentdc_runtime.observe.level import parse

    directives, warnings = parse(text)
    if warnings:
        from agentdc_runtime.observe.sinks import tell

        for each in warnings:
            tell(program, f"log level: {each}")
    return directives


def _sink(text: str, rotation: str, now: float) -> Sink:
    from agentdc_runtime.observe.sinks import File, SinkError, Stream
    from agentdc_runtime.observe.target import parse

    match parse(text):
        case ("stderr", _):
            return Stream(2)
        case ("stdout", _):
            return Stream(1)
        case (_, path):
            return File(path, rotation, now)
    raise SinkError(f"log target `{text}` is not `stderr`, `stdout` or `file:PATH`")


def _audit(table: Settings, program: str, now: float) -> AuditSink:
    from agentdc_runtime.observe.audit import DEFAULT_TARGET, AuditSink, redacted_names

    sink = _sink(table.get("target", DEFAULT_TARGET), "never", now)
    hidden = redacted_names(
        table.get("redact_fields", ()), include_reason=table.get("include_reason") is True
    )
    return AuditSink(sink, hidden, program)
