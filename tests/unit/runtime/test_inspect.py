"""`inspect FILE` of a built app (spec 01 §8.4, spec 03 §1.9)."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from agentdc_runtime.host.inspect import inspect

RECORD: dict[str, Any] = {
    "workflow": "billing",
    "start_node": "main",
    "execution_id": "exec-1-2-3",
    "status": "completed",
    "last_node": "done",
    "detail": {"total": 3},
    "wall_ms": 12,
    "cost": {"llm_calls": 1, "llm_tokens": 40, "policy_denials": 0},
    "trace": {
        "execution_id": "exec-1-2-3",
        "entries": [
            {
                "node_id": "ask",
                "kind": "switch",
                "outcome": "continue",
                "branch": "yes",
                "output": {"a": [1, "ü"]},
                "elapsed_ms": 5,
            },
            {
                "node_id": "done",
                "kind": "terminate",
                "outcome": "terminate",
                "branch": None,
                "output": None,
                "elapsed_ms": 0,
            },
        ],
    },
}


def shown(tmp_path: Path, content: str | bytes) -> str:
    path = tmp_path / "run.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    out, err = io.StringIO(), io.StringIO()
    assert inspect([str(path)], out, err, "app") == 0
    assert err.getvalue() == ""
    return out.getvalue()


def test_the_layout(tmp_path: Path) -> None:
    assert shown(tmp_path, json.dumps(RECORD)) == (
        "run exec-1-2-3  workflow=billing  status=completed\n"
        "  start=main  12 ms  1 llm call(s) / 40 tokens  0 policy denial(s)\n"
        "  path:\n"
        "     1. ask [switch] continue →yes  5 ms\n"
        '        output: {"a":[1,"ü"]}\n'
        "     2. done [terminate] terminate  0 ms\n"
        '  outcome: {"total":3}\n'
    )


EMPTY = (
    "run ?  workflow=  status=\n"
    "  start=  0 ms  0 llm call(s) / 0 tokens  0 policy denial(s)\n"
    "  (no node trace captured)\n"
)


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[]",
        "3",
        "null",
        '"text"',
        '{"execution_id":"","trace":{"entries":[]}}',
        '{"execution_id":7,"workflow":null,"wall_ms":"x","cost":[],"trace":{"entries":{}},"detail":null}',
        '{"wall_ms":true,"cost":{"llm_calls":-1,"llm_tokens":1.5}}',
    ],
)
def test_what_is_missing_shows_as_nothing(tmp_path: Path, content: str) -> None:
    assert shown(tmp_path, content) == EMPTY


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({}, "? [?] ?  0 ms"),
        (7, "? [?] ?  0 ms"),
        (
            {"node_id": "a", "kind": "merge", "outcome": "continue", "elapsed_ms": 3},
            "a [merge] continue  3 ms",
        ),
        ({"node_id": "a", "branch": 1}, "a [?] ?  0 ms"),
    ],
)
def test_entries(tmp_path: Path, entry: Any, line: str) -> None:
    text = shown(tmp_path, json.dumps({"trace": {"entries": [entry]}}))
    assert text.splitlines()[2:] == ["  path:", f"     1. {line}"]


def test_numbers_are_two_columns_wide(tmp_path: Path) -> None:
    text = shown(tmp_path, json.dumps({"trace": {"entries": [{"node_id": "a"}] * 100}}))
    lines = text.splitlines()[3:]
    assert (lines[8][:8], lines[9][:8], lines[99][:9]) == ("     9. ", "    10. ", "    100. ")


@pytest.mark.parametrize(("key", "length"), [("output", 160), ("detail", 200)])
def test_long_values_are_cut(tmp_path: Path, key: str, length: int) -> None:
    for size, cut in ((length - 2, False), (length - 1, True)):  # the quotes count
        value = "ü" * size
        record = {"detail": value} if key == "detail" else {"trace": {"entries": [{"output": value}]}}
        line = shown(tmp_path, json.dumps(record)).splitlines()[-1].partition(": ")[2]
        assert line == (f'"{value}…' if cut else f'"{value}"')


@pytest.mark.parametrize("value", ["\x1b[2J", "a\nb", "\x9b1m", "\u202e", "\U000e0001", "\x07"])
def test_a_hostile_record_cannot_drive_the_terminal(tmp_path: Path, value: str) -> None:
    entry = {"node_id": value, "kind": value, "outcome": value, "branch": value, "output": {value: value}}
    record = {
        "execution_id": value,
        "workflow": value,
        "status": value,
        "start_node": value,
        "detail": value,
        "trace": {"entries": [entry]},
    }
    lines = shown(tmp_path, json.dumps(record)).splitlines()
    assert len(lines) == 6
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not json", "failed to parse"),
        (b"", "failed to parse"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"a":1} x', "failed to parse"),
        (b'{"a":NaN}', "failed to parse"),
        (rb'"\ud800"', "failed to parse"),
        (b"[" * 200_000, "failed to parse"),
        (None, "failed to read"),
    ],
)
def test_refused_files(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "run.json"
    if content is not None:
        path.write_bytes(content)
    out, err = io.StringIO(), io.StringIO()
    assert inspect([str(path)], out, err, "app") == 2
    assert out.getvalue() == ""
    assert err.getvalue().startswith("app: ")
    assert words in err.getvalue()
    assert err.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "`inspect` requires a value"),
        ([""], "`inspect` requires a value"),
        (["a", "b"], "unknown argument `b`"),
        (["/"], "failed to read /: "),
        (["a\0b"], "failed to read"),
    ],
)
def test_refused_arguments(argv: list[str], words: str) -> None:
    out, err = io.StringIO(), io.StringIO()
    assert inspect(argv, out, err, "app") == 2
    assert words in err.getvalue()


def test_a_terminal_without_utf8_gets_escapes(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(RECORD))
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    assert inspect([str(path)], out, io.StringIO(), "app") == 0
    out.flush()
    assert b"continue \\u2192yes" in raw.getvalue()
