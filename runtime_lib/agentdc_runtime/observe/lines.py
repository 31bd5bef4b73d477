"""One event as one line of text or JSON (spec 03 §2.3). Links `jsontext`.

A line is always one line: characters that are not printable (control characters, line and paragraph
separators, marks that reorder text) are escaped as in JSON, in quoted values and in bare ones.

Whether a string is quoted in text is decided by the name of its field: `BARE` lists the ids, paths and reasons
(display values); every other string is quoted. One table instead of a wrapper at each place that logs.

    2026-01-31T12:00:00.000000Z  WARN workflow.run{execution_id=exec-1-2-3}: agentd::audit: event="policy.denied" …
"""

from __future__ import annotations

import time

from agentdc_runtime.jsontext import Fixed, compact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from agentdc_runtime.observe.log import Field, Fields, Spans

LEVELS = ("OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE")

BARE = frozenset(
    (
        "execution_id",
        "parent_execution_id",
        "workflow_id",
        "run_id",
        "node_id",
        "node",
        "last_node",
        "paused_at",
        "trace_id",
        "parent_id",
        "path",
        "checkpoint",
        "reason",
    )
)

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def timestamp(now: float) -> str:
    """RFC 3339 in UTC with six fractional digits, from Unix time in seconds."""
    seconds, micros = divmod(round(now * 1_000_000), 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{micros:06d}Z"


def printable(text: str) -> str:
    """`text` with every character that is not printable escaped as in JSON; JSON text stays the same JSON."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escape(each) for each in text)


def innermost(spans: Spans, key: str) -> Field:
    """The value of `key` in the innermost span that has it, or None."""
    for _, fields in reversed(spans):
        if key in fields:
            return fields[key]
    return None


def text_line(now: float, level: int, target: str, event: str, fields: Fields, spans: Spans) -> bytes:
    """`TS LEVEL SPANS: TARGET: event="…" k=v…` with a line end."""
    context = "".join(f"{name}{{{_pairs(values)}}}:" for name, values in spans)
    told = _pairs({"event": event, **fields})
    return _bytes(f"{timestamp(now)} {LEVELS[level]:>5} {context}{' ' if spans else ''}{target}: {told}\n")


def json_line(now: float, level: int, target: str, event: str, fields: Fields, spans: Spans) -> bytes:
    """One JSON object with a line end; `span` and `spans` are absent outside spans."""
    line = Fixed(
        timestamp=timestamp(now),
        level=LEVELS[level],
        fields=present({"event": event, **fields}),
        target=target,
    )
    if spans:
        every = [present({**values, "name": name}) for name, values in spans]
        line["span"] = every[-1]
        line["spans"] = every
    return dumped(line)


def dumped(line: dict[str, Any]) -> bytes:
    """A JSON object as one compact line; keys are sorted where it is not a `Fixed`."""
    return _bytes(printable(compact(line)) + "\n")


def present(fields: Fields) -> Fixed:
    """The fields that are not None, in their order, as values JSON can hold."""
    return Fixed({key: _typed(value) for key, value in fields.items() if value is not None})


def _pairs(fields: Fields) -> str:
    return " ".join(f"{key}={_text(key, value)}" for key, value in fields.items() if value is not None)


def _text(key: str, value: Field) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if key in BARE:
        return printable(text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{printable(escaped)}"'


def _typed(value: Field) -> Field:
    # JSON has no NaN and no infinity, and a value of another type must not cost the line.
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    return value if isinstance(value, str | int) else str(value)


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return _SHORT.get(character) or f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def _bytes(line: str) -> bytes:
    return line.encode("utf-8", "backslashreplace")
