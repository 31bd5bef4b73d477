"""Diagnostics for machines: the one object of `agentdc check --format json` (design §7)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from agentdc.diagnostics.diagnostic import Diagnostic, Label
from agentdc.diagnostics.outcome import Row

VERSION = 1


def render(
    workflow: str | None,
    diagnostics: Sequence[Diagnostic],
    tables: Mapping[str, Sequence[Row]] | None = None,
) -> str:
    """One JSON object and a newline; `ok` is false when any diagnostic is an error. `tables`: further keys."""
    report = {
        "version": VERSION,
        "ok": not any(diagnostic.is_error for diagnostic in diagnostics),
        "workflow": workflow,
        "diagnostics": [_one(diagnostic) for diagnostic in diagnostics],
        **(tables or {}),
    }
    return json.dumps(report, ensure_ascii=False) + "\n"


def _one(diagnostic: Diagnostic) -> dict[str, object]:
    place = _place(diagnostic.primary)
    return {
        "code": diagnostic.code.number,
        "slug": diagnostic.code.slug,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        **place,
        "help": diagnostic.help,
        "notes": list(diagnostic.notes),
        "labels": [_label(label) for label in diagnostic.labels],
    }


def _place(label: Label | None) -> dict[str, object]:
    if label is None:
        return dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    line, column = label.span.file.position(label.span.start)
    end_line, end_column = label.span.file.position(label.span.end)
    return {
        "file": label.span.file.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def _label(label: Label) -> dict[str, object]:
    place = _place(label)
    return {"file": place["file"], "line": place["line"], "column": place["column"], "message": label.message}
