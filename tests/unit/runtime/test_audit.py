"""The audit sink: what it takes, what it hides, how it fails (spec 03 §2.5)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agentdc_runtime.observe.audit import ALWAYS_REDACTED, DEFAULT_TARGET, redact, redacted_names
from agentdc_runtime.observe.install import install
from agentdc_runtime.observe.log import AUDIT, ERROR, INFO, RUNNER, TRACE, WARN, Log

if TYPE_CHECKING:
    from agentdc_runtime.observe.log import Spans

STAMP = "2026-01-31T12:00:00.000000Z"
SPANS: Spans = (
    ("workflow.run", {"execution_id": "exec-1-2-3", "workflow_id": "billing"}),
    ("node.execute", {"node_id": "ask", "kind": "llm_infer"}),
)


def made(
    tmp_path: Path, *, workflow: str | None = None, level: str = "off", **audit: Any
) -> tuple[Log, Path]:
    path = tmp_path / "audit.jsonl"
    settings = {"level": level, "audit": {"target": f"file:{path}", **audit}}
    return install(settings, program="app", clock=lambda: 1_769_860_800.0, workflow=workflow), path


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_line(tmp_path: Path) -> None:
    log, path = made(tmp_path)
    log.emit(WARN, AUDIT, "http.rate_limited", {"path": "/a", "method": "GET"})
    assert path.read_text() == (
        '{"fields":{"event":"http.rate_limited","method":"GET","path":"/a"},"level":"WARN",'
        f'"target":"agentd::audit","timestamp":"{STAMP}"}}\n'
    )


def test_the_run_stands_beside_the_fields(tmp_path: Path) -> None:
    log, path = made(tmp_path, workflow="other")
    log.emit(INFO, AUDIT, "a", {}, SPANS)
    log.emit(INFO, AUDIT, "b", {})
    first, second = lines(path)
    assert first["fields"] == {"event": "a"}
    assert {key: first[key] for key in ("execution_id", "workflow", "node_id")} == {
        "execution_id": "exec-1-2-3",
        "workflow": "billing",
        "node_id": "ask",
    }
    assert second["workflow"] == "other"
    assert not second.keys() & {"execution_id", "node_id", "span", "spans"}


@pytest.mark.parametrize("level", ["off", "warn", "trace"])
def test_every_audit_event_arrives_whatever_the_level(
    tmp_path: Path, level: str, capfd: pytest.CaptureFixture[str]
) -> None:
    log, path = made(tmp_path, level=level)
    for each in range(ERROR, TRACE + 1):
        assert log.wants(AUDIT, each)
        log.emit(each, AUDIT, "e", {})
        log.emit(each, RUNNER, "e", {})
        log.emit(each, AUDIT + "::more", "e", {})
    assert [line["level"] for line in lines(path)] == ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"]
    capfd.readouterr()


@pytest.mark.parametrize(("enabled", "quiet"), [(False, False), (True, True)])
def test_a_disabled_log_has_no_audit_sink(tmp_path: Path, enabled: bool, quiet: bool) -> None:
    path = tmp_path / "audit.jsonl"
    settings = {"enabled": enabled, "audit": {"target": f"file:{path}"}}
    log = install(settings, program="app", quiet=quiet)
    log.emit(ERROR, AUDIT, "e", {})
    assert not log.wants(AUDIT, ERROR)
    assert not path.exists()


# field, redact_fields, include_reason, hidden
REDACTION = [
    *((name, [], False, True) for name in sorted(ALWAYS_REDACTED)),
    ("Authorization", [], False, True),
    ("SECRET", [], True, True),
    ("card_ref", [], False, False),
    ("card_ref", ["card_ref"], False, True),
    ("card_ref", [" Card_Ref "], False, True),
    ("card", ["card_ref"], False, False),
    ("token_count", [], False, False),
    ("reason", [], False, True),
    ("reason", [], True, False),
    ("reason", ["reason"], True, False),
    ("event", ["event"], False, True),
]


@pytest.mark.parametrize(("field", "more", "include_reason", "hidden"), REDACTION)
def test_redaction(field: str, more: list[str], include_reason: bool, hidden: bool) -> None:
    names = redacted_names(more, include_reason=include_reason)
    assert redact({field: "v"}, names) == {field: "<redacted>" if hidden else "v"}


def test_values_are_never_searched_and_the_main_log_is_not_redacted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log, path = made(tmp_path, level="info")
    log.emit(INFO, AUDIT, "e", {"secret": "s3", "note": "token=abc"})
    assert lines(path)[0]["fields"] == {"event": "e", "secret": "<redacted>", "note": "token=abc"}
    assert 'secret="s3"' in capfd.readouterr().err


def test_a_listed_name_is_hidden_beside_the_fields_too(tmp_path: Path) -> None:
    log, path = made(tmp_path, redact_fields=["node_id"])
    log.emit(INFO, AUDIT, "e", {"node_id": "x"}, SPANS)
    (line,) = lines(path)
    assert line["node_id"] == line["fields"]["node_id"] == "<redacted>"
    assert line["execution_id"] == "exec-1-2-3"


def test_the_first_lost_line_is_told_and_all_are_counted(capfd: pytest.CaptureFixture[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    log = install({"level": "off", "audit": {"target": "file:/dev/full"}}, program="app")
    assert log.audit_write_failures == 0
    for _ in range(3):
        log.emit(WARN, AUDIT, "e", {})
    assert log.audit_write_failures == 3
    assert capfd.readouterr().err == "app: an audit event could not be written: No space left on device\n"


def test_a_removed_directory_is_made_again(tmp_path: Path) -> None:
    log, path = made(tmp_path / "sub")
    path.unlink()
    path.parent.rmdir()
    log.emit(WARN, AUDIT, "e", {})
    assert len(lines(path)) == 1


def test_hostile_values_stay_on_one_line(tmp_path: Path) -> None:
    log, path = made(tmp_path)
    log.emit(WARN, AUDIT, "e", {"path": 'x\n{"event":"forged"}\u2028\x1b\ud800'})
    assert len(path.read_bytes().splitlines()) == 1
    assert lines(path)[0]["fields"]["path"] == 'x\n{"event":"forged"}\u2028\x1b\ud800'


def test_the_default_target() -> None:
    assert DEFAULT_TARGET == "file:/var/log/agent/audit.jsonl"
