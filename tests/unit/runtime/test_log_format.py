"""Lines of text and JSON, spans, and what passes the filter (spec 03 §2.2-§2.4)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agentdc_runtime.observe.level import parse
from agentdc_runtime.observe.lines import json_line, printable, text_line, timestamp
from agentdc_runtime.observe.log import AUDIT, DEBUG, ERROR, HTTP, INFO, OFF, RUNNER, TRACE, WARN, Log

if TYPE_CHECKING:
    from agentdc_runtime.observe.log import Fields, Span, Spans

NOW = 1_769_860_800.25
STAMP = "2026-01-31T12:00:00.250000Z"
RUN: Span = (
    "workflow.run",
    {"execution_id": "exec-1-2-3", "workflow_id": "w", "start_node": "main", "dry_run": False},
)
NODE: Span = ("node.execute", {"node_id": "ask", "kind": "llm_infer"})
REQUEST: Span = ("http.request", {"method": "GET", "path": "/a", "sampled": True})


class Kept:
    """A sink that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: bytes, now: float) -> OSError | None:
        self.lines.append(line.decode())
        return None

    def close(self) -> None:
        pass


def made(level: str, *, json: bool = False) -> tuple[Log, Kept]:
    kept = Kept()
    chosen = parse(level)[0]
    return Log(chosen.most, directives=chosen, sink=kept, json=json, clock=lambda: NOW), kept  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (NOW, STAMP),
        (0, "1970-01-01T00:00:00.000000Z"),
        (0.000001, "1970-01-01T00:00:00.000001Z"),
        (1.9999999, "1970-01-01T00:00:02.000000Z"),
        (-0.5, "1969-12-31T23:59:59.500000Z"),
        (1_709_164_800, "2024-02-29T00:00:00.000000Z"),
        (1_769_860_800.123457, "2026-01-31T12:00:00.123457Z"),
    ],
)
def test_timestamp(now: float, text: str) -> None:
    assert timestamp(now) == text


def test_text_without_spans() -> None:
    fields: Fields = {"path": "/tmp/a b", "attempt": 2, "jitter": 0.5, "ok": True, "tool": "web"}
    assert text_line(NOW, WARN, AUDIT, "x", fields, ()).decode() == (
        f'{STAMP}  WARN agentd::audit: event="x" path=/tmp/a b attempt=2 jitter=0.5 ok=true tool="web"\n'
    )


def test_text_with_spans_from_root_to_leaf() -> None:
    assert text_line(NOW, DEBUG, RUNNER, "node.completed", {"latency_ms": 3}, (RUN, NODE)).decode() == (
        f'{STAMP} DEBUG workflow.run{{execution_id=exec-1-2-3 workflow_id=w start_node="main" dry_run=false}}:'
        'node.execute{node_id=ask kind="llm_infer"}: agentd::engine::runner: event="node.completed" latency_ms=3\n'
    )


@pytest.mark.parametrize(
    ("level", "column"),
    [(ERROR, "ERROR"), (WARN, " WARN"), (INFO, " INFO"), (DEBUG, "DEBUG"), (TRACE, "TRACE")],
)
def test_level_is_right_aligned_in_five_columns(level: int, column: str) -> None:
    assert text_line(NOW, level, "t", "e", {}, ()).decode() == f'{STAMP} {column} t: event="e"\n'


HOSTILE = [
    "a\nb",
    "a\r\nb",
    "\x1b[31m",
    "\x00",
    "\x85",
    "\u2028",
    "\u202e",
    "\x9b",
    "\ud800",
    "\U000e0001",
    "\x7f",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("field", ["reason", "tool"])
def test_no_value_breaks_the_line(field: str, value: str) -> None:
    for render in (text_line, json_line):
        line = render(NOW, INFO, AUDIT, "e", {field: value}, (("s", {field: value}),)).decode()
        assert line[:-1].isprintable()
        assert len(line.splitlines()) == 1
    assert json.loads(line)["fields"][field] == value


@pytest.mark.parametrize(
    ("value", "quoted", "bare"),
    [
        ('say "hi"', r'"say \"hi\""', 'say "hi"'),
        ("C:\\x", r'"C:\\x"', r"C:\x"),
        ("a\nb", r'"a\nb"', r"a\nb"),
        ("\x1b", r'"\u001b"', r"\u001b"),
        ("größe →", '"größe →"', "größe →"),
        ("", '""', ""),
    ],
)
def test_escapes_in_text(value: str, quoted: str, bare: str) -> None:
    line = text_line(NOW, INFO, "t", "e", {"tool": value, "reason": value}, ()).decode()
    assert line.endswith(f'event="e" tool={quoted} reason={bare}\n')


def test_printable_uses_pairs_above_the_first_plane() -> None:
    assert printable("a\U000e0001b") == r"a\udb40\udc01b"


def test_json_outside_spans() -> None:
    line = json.loads(
        json_line(NOW, WARN, AUDIT, "node.retry", {"attempt": 1, "jitter": 0.25, "ok": False}, ())
    )
    assert line == {
        "timestamp": STAMP,
        "level": "WARN",
        "fields": {"event": "node.retry", "attempt": 1, "jitter": 0.25, "ok": False},
        "target": AUDIT,
    }


def test_json_in_spans() -> None:
    line = json.loads(json_line(NOW, INFO, AUDIT, "e", {}, (RUN, NODE)))
    assert line["span"] == {"node_id": "ask", "kind": "llm_infer", "name": "node.execute"}
    assert line["spans"] == [{**RUN[1], "name": "workflow.run"}, line["span"]]


def test_fields_that_are_none_are_absent() -> None:
    assert text_line(NOW, INFO, "t", "e", {"a": None, "b": 1}, ()).decode().endswith('t: event="e" b=1\n')
    assert json.loads(json_line(NOW, INFO, "t", "e", {"a": None}, ()))["fields"] == {"event": "e"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_json_stays_json_for_numbers_it_cannot_hold(value: float) -> None:
    assert json.loads(json_line(NOW, INFO, "t", "e", {"x": value}, ()))["fields"]["x"] == str(value)


# directives, target, level of the event, spans that remain, and whether the execution id is an extra field
SHOWN = [
    ("info", AUDIT, INFO, ["http.request", "workflow.run", "node.execute"], False),
    ("warn", AUDIT, WARN, [], True),
    ("agentd::audit=info", AUDIT, INFO, [], True),
    ("agentd::audit=info,agentd::engine=info", AUDIT, INFO, ["workflow.run", "node.execute"], False),
    ("agentd::audit=info,agentd::triggers=info", AUDIT, INFO, ["http.request"], True),
    ("debug", RUNNER, DEBUG, ["http.request", "workflow.run", "node.execute"], False),
]


@pytest.mark.parametrize(("directives", "target", "level", "names", "extra"), SHOWN)
def test_spans_are_info(directives: str, target: str, level: int, names: list[str], extra: bool) -> None:
    log, kept = made(directives, json=True)
    log.emit(level, target, "e", {}, (REQUEST, RUN, NODE))
    (line,) = (json.loads(each) for each in kept.lines)
    assert [each["name"] for each in line.get("spans", [])] == names
    assert line["fields"] == ({"event": "e", "execution_id": "exec-1-2-3"} if extra else {"event": "e"})


def test_own_execution_id_is_not_replaced() -> None:
    log, kept = made("warn")
    log.emit(WARN, AUDIT, "e", {"execution_id": "mine"}, (RUN,))
    assert kept.lines == [f'{STAMP}  WARN agentd::audit: event="e" execution_id=mine\n']


def test_an_event_outside_a_run_has_no_execution_id() -> None:
    log, kept = made("warn")
    log.emit(WARN, HTTP, "e", {}, (REQUEST,))
    assert kept.lines == [f'{STAMP}  WARN agentd::triggers::http: event="e"\n']


@pytest.mark.parametrize("most", [OFF, ERROR, WARN, INFO, DEBUG, TRACE])
def test_wants_and_emit_agree(most: int) -> None:
    kept = Kept()
    log = Log(most, sink=kept, clock=lambda: NOW)  # type: ignore[arg-type]
    spans: Spans = ()
    for level in range(1, 6):
        log.emit(level, RUNNER, "e", {}, spans)
    assert [log.wants(RUNNER, level) for level in range(1, 6)] == [level <= most for level in range(1, 6)]
    assert len(kept.lines) == most
