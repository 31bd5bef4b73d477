"""The one object of `agentdc check --format json`, as design §7 states it."""

from __future__ import annotations

import json as stdlib_json
from typing import Any

import pytest

from agentdc.diagnostics import Diagnostic, Label, SourceFile, Span, code, error, hint, warning
from agentdc.diagnostics.render import json

FILE = SourceFile("workflow.toml", 'name = "ä"\nid = """\nx"""\n'.encode())


def rendered(*found: Diagnostic, workflow: str | None = "greeter") -> dict[str, Any]:
    text = json.render(workflow, found)
    assert text.endswith("}\n") and text.count("\n") == 1
    result = stdlib_json.loads(text)
    assert isinstance(result, dict)
    return result


def test_nothing_found() -> None:
    assert rendered() == {"version": 1, "ok": True, "workflow": "greeter", "diagnostics": []}


def test_one_finding_in_full() -> None:
    found = error(
        code("dup_node_id"),
        "the id is taken",
        Span(FILE, 16, 24),
        "again",
        labels=[Label(Span(FILE, 7, 10), "first")],
        notes=["a fact"],
        help="rename it",
    )
    assert rendered(found)["diagnostics"] == [
        {
            "code": "ADC0301",
            "slug": "dup_node_id",
            "severity": "error",
            "message": "the id is taken",
            "file": "workflow.toml",
            "line": 2,
            "column": 6,
            "end_line": 3,
            "end_column": 5,
            "help": "rename it",
            "notes": ["a fact"],
            "labels": [{"file": "workflow.toml", "line": 1, "column": 8, "message": "first"}],
        }
    ]


def test_without_a_place_every_key_is_there() -> None:
    [found] = rendered(error(code("unreadable_file"), "cannot read it"), workflow=None)["diagnostics"]
    assert [found[key] for key in ("file", "line", "column", "end_line", "end_column", "help")] == [None] * 6
    assert found["labels"] == found["notes"] == []


@pytest.mark.parametrize(
    ("found", "ok", "severity"),
    [
        (error(code("cycle"), "m"), False, "error"),
        (warning(code("cycle"), "m"), True, "warning"),
        (hint(code("cycle"), "m"), True, "hint"),
    ],
)
def test_only_errors_are_not_ok(found: Diagnostic, ok: bool, severity: str) -> None:
    result = rendered(found)
    assert result["ok"] is ok and result["diagnostics"][0]["severity"] == severity


def test_text_is_neither_cut_nor_changed() -> None:
    message = "\u202e\x1b[31m\n日本語" + "x" * 10_000
    [found] = rendered(error(code("cycle"), message))["diagnostics"]
    assert found["message"] == message
    assert "日本語" in json.render(None, [error(code("cycle"), message)])
