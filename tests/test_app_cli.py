"""The command line of a built one-shot app, row by row of spec 03 §1.3-§1.9, as a process.

What an app says to one line of flags is also told by the exchanges of `cases/run`; here are precedence, files,
streams and signals.
"""

from __future__ import annotations

import json
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import PYTHON, Done, app, make, powerless, run

WORKFLOW = """\
name = "rows"

[[start_nodes]]
name = "main"
source = "manual"
entry_node = "echo"

[[start_nodes]]
name = "hook"
source = "http"
entry_node = "stop"

[[start_nodes]]
name = "bad"
source = "event"
entry_node = "parse"

[[start_nodes]]
name = "wait"
source = "event"
entry_node = "read"

[[nodes]]
id = "echo"
type = "json_select"
input_from = "trigger"
path = ""

[[nodes]]
id = "stop"
type = "fail"
reason = "stopped as declared"

[[nodes]]
id = "parse"
type = "parse_json"
input_from = "trigger.kind"

[[nodes]]
id = "read"
type = "read_file"
path_from = "trigger.path"
retry = { max_attempts = 1000, backoff_ms = 20 }
"""
LOGGING = """
[logging]
level = "info"
format = "json"
target = "file:toml.log"

[logging.audit]
target = "file:deep/audit.jsonl"
redact_fields = ["last_node"]
"""
App = Callable[..., Done]


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(WORKFLOW, tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="session")
def logging(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(WORKFLOW + LOGGING, tmp_path_factory.mktemp("logging"))


@pytest.fixture
def quiet(plain: Path, tmp_path: Path) -> App:
    """The app without logging, in an empty folder."""

    def run_app(*words: str, input: str = "", **variables: str) -> Done:
        return app(plain, *words, cwd=tmp_path, input=input, **{"AGENTD_QUIET": "1", **variables})

    return run_app


def outcome(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.stdout == json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    return found


def echoed(done: Done) -> Any:
    assert (done.returncode, done.stderr) == (0, ""), done
    return outcome(done)["final_value"]["value"]


# --- §1.2, §1.3: flags and their twins


def test_input_and_its_twin(quiet: App, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"from": "a"}')
    (tmp_path / "b.json").write_text('{"from": "b"}')
    for words in (("--input", "a.json"), ("--input=a.json",), ("-i", "a.json"), ("--input-file", "a.json")):
        assert echoed(quiet(*words)) == {"from": "a", "kind": "manual"}
    assert echoed(quiet(AGENTD_INPUT="b.json")) == {"from": "b", "kind": "manual"}
    assert echoed(quiet("--input", "a.json", AGENTD_INPUT="b.json"))["from"] == "a"
    assert echoed(quiet("--input", "a.json", "-i", "b.json"))["from"] == "b"
    assert echoed(quiet(AGENTD_INPUT="  ")) == {"input": None, "kind": "manual"}


@pytest.mark.parametrize(
    ("given", "trigger"),
    [
        ("", {"raw": ""}),
        ("null", {"input": None}),
        ("[1, 1.0, 1e400]", {"raw": "[1, 1.0, 1e400]"}),
        ('{"kind": "mine"}', {"kind": "mine"}),
        ("{'a': 1}", {"raw": "{'a': 1}"}),
        ('"\\ud800"', {"raw": '"\\ud800"'}),
        ("[" * 127 + "]" * 127, {"input": json.loads("[" * 127 + "]" * 127)}),
        ("[" * 128 + "]" * 128, {"raw": "[" * 128 + "]" * 128}),
        ('{"a": "\u202e\U0001f600\x7f"}', {"a": "\u202e\U0001f600\x7f"}),
    ],
)
def test_any_text_is_an_input(quiet: App, given: str, trigger: dict[str, Any]) -> None:
    assert echoed(quiet("--input", "-", input=given)) == {"kind": "manual", **trigger}


def test_inputs_that_are_refused(quiet: App, tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b'{"a": "\xe4"}')
    for name, why in (
        ("missing", "failed to read the input missing: No such file or directory"),
        (".", "failed to read the input .: Is a directory"),
        ("latin", "the input latin is not UTF-8"),
        ('{"a": 1}', 'failed to read the input {"a": 1}: No such file or directory'),
    ):
        done = quiet("--input", name)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"app: {why}\n")


def test_start_and_its_twin(quiet: App) -> None:
    assert quiet().returncode == 0  # the only manual one
    assert outcome(quiet("--start", "hook"))["reason"] == "stopped as declared"
    assert outcome(quiet("-s", "hook")) == outcome(quiet(AGENTD_START="hook"))
    assert quiet("--start", "main", AGENTD_START="hook").returncode == 0
    assert quiet(AGENTD_START=" ").returncode == 0
    done = quiet("--start", "nowhere")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == "app: workflow `rows`: unknown start node `nowhere`\n"


def test_mode_and_its_twin(quiet: App) -> None:
    assert quiet("--mode", "once").returncode == quiet(AGENTD_MODE="once").returncode == 0
    for words, variables in ((("--mode", "serve"), {}), ((), {"AGENTD_MODE": "serve"})):
        done = quiet(*words, **variables)
        assert (done.returncode, done.stdout) == (2, "")
        assert "serve mode needs an HTTP route" in done.stderr
    for words, variables in ((("--mode", "twice"), {}), ((), {"AGENTD_MODE": "twice"})):
        done = quiet(*words, **variables)
        assert (done.returncode, "takes `once` or `serve`" in done.stderr) == (2, True)
    assert quiet("--mode", "once", AGENTD_MODE="twice").returncode == 0


def test_timeout_and_its_twin(quiet: App) -> None:
    began = time.monotonic()
    for words, variables in (
        (("--timeout-secs", "1"), {}),
        (("--timeout-secs=0",), {"AGENTD_TIMEOUT_SECS": "60"}),  # 0 counts as 1
        ((), {"AGENTD_TIMEOUT_SECS": "1"}),
    ):
        done = quiet("--start", "wait", *words, **variables)
        assert (done.returncode, done.stdout) == (5, "")
        assert "timeout after " in done.stderr
        assert "no time left to retry after: tool `read_file` failed: " in done.stderr
    assert 2.5 < time.monotonic() - began < 20
    for odd in ("0", "-1", "1.5", "ten", ""):
        assert quiet(AGENTD_TIMEOUT_SECS=odd).returncode == 0
        assert odd in {"0"} or quiet("--timeout-secs", odd).returncode == 2
    assert quiet("--timeout-secs", str(2**64 - 1)).returncode == 0
    assert quiet("--timeout-secs", str(2**64)).returncode == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--bind", "0.0.0.0:1"),
        ("-b", "0.0.0.0:1"),
        ("--drain-timeout-secs", "1"),
        ("--reload-file", "x"),
        ("--state-dir", "x"),
        ("--intel-unix", "x"),
        ("--intel-http", "x"),
        ("--intel-http-bearer-file", "x"),
        ("--instructions", "x"),
    ],
)
def test_flags_of_parts_that_are_not_there(quiet: App, tmp_path: Path, words: tuple[str, str]) -> None:
    """Existing service files pass them to every app; nothing is lost by accepting them."""
    assert quiet(*words).returncode == 0
    assert list(tmp_path.iterdir()) == []
    assert quiet(words[0]).returncode == 2


REFUSED = """\
--resume r1
--resume-incomplete
--list-checkpoints
--checkpoint-each-node --state-dir x
--mcp-stdio x
--operands x
--goal x
--instruction x
--auto-approve
--plan-only
stray
-x
--inptu a
--input
inspect
"""


@pytest.mark.parametrize("words", REFUSED.splitlines())
def test_flags_that_are_refused(quiet: App, tmp_path: Path, words: str) -> None:
    done = quiet(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("app: ")
    assert ("bounded workflow runtime" in done.stderr) == (words != "inspect")
    assert list(tmp_path.iterdir()) == []


def test_dry_run_and_its_twin(quiet: App) -> None:
    for words, variables in ((("--dry-run",), {}), ((), {"AGENTD_DRY_RUN": "true"})):
        done = quiet("--start", "wait", "--input", "-", *words, input='{"path": "/nowhere"}', **variables)
        assert outcome(done)["final_value"] == {"dry_run": True, "path": "/nowhere"}
    done = quiet("--timeout-secs", "1", "--start", "wait", AGENTD_DRY_RUN="yes")
    assert done.returncode == 5
    assert "`AGENTD_DRY_RUN` is off: only `1` and `true` switch it on" in done.stderr


def test_config_is_the_same_file_or_none(quiet: App, plain: Path, tmp_path: Path) -> None:
    source = plain.parent / "workflow.toml"
    assert quiet("--config", str(source)).returncode == quiet(AGENTD_CONFIG=str(source)).returncode == 0
    (tmp_path / "other.toml").write_bytes(source.read_bytes() + b"\n")
    for name, why in (
        ("other.toml", "is not the workflow that this app was built from"),
        ("missing", "No such file"),
    ):
        for done in (
            quiet("--config", name),
            quiet("-c", name, "--validate-only"),
            quiet(AGENTD_CONFIG=name),
        ):
            assert (done.returncode, done.stdout) == (2, "")
            assert why in done.stderr


def test_help_version_and_what_stops_first(quiet: App) -> None:
    done = quiet("--help", "--bogus")
    assert (done.returncode, done.stderr, "bounded workflow runtime" in done.stdout) == (0, "", True)
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", quiet("-V", "--bogus").stdout)
    assert quiet("--bogus", "--help").returncode == 2
    assert max(map(len, done.stdout.splitlines())) <= 80


# --- §1.4: logging


def events(text: str) -> list[str]:
    return re.findall(r'event"?[=:]\s?"?([a-z_.]+)', text)


LEVELS: tuple[tuple[tuple[str, ...], dict[str, str], list[str]], ...] = (
    ((), {}, []),
    (("--log-level", "info"), {}, ["workflow.started", "workflow.completed"]),
    ((), {"AGENTD_LOG": "info"}, ["workflow.started", "workflow.completed"]),
    (("--log-level", "error"), {"AGENTD_LOG": "info"}, []),
    (("--log-level=agentd::engine=debug,off",), {}, ["node.completed"]),
    (("--log-level", "info", "--quiet"), {}, []),
    (("--log-level", "info"), {"AGENTD_QUIET": "1"}, []),
    (("--log-level", "info"), {"AGENTD_QUIET": "0"}, ["workflow.started", "workflow.completed"]),
)


@pytest.mark.parametrize(("words", "variables", "expected"), LEVELS)
def test_levels(
    plain: Path, tmp_path: Path, words: tuple[str, ...], variables: dict[str, str], expected: list[str]
) -> None:
    done = app(plain, *words, cwd=tmp_path, **variables)
    assert (done.returncode, events(done.stderr)) == (0, expected)
    assert outcome(done)["status"] == "completed"


def test_every_knob_is_flag_then_environment_then_workflow(
    logging: Path, plain: Path, tmp_path: Path
) -> None:
    def logged(built: Path, *words: str, **variables: str) -> dict[str, str]:
        for each in tmp_path.glob("*.log"):
            each.unlink()
        done = app(built, *words, cwd=tmp_path, **variables)
        assert done.returncode == 0
        found = {each.name: each.read_text() for each in tmp_path.glob("*.log")}
        return found | ({"stderr": done.stderr} if done.stderr else {})

    both = {"AGENTD_LOG": "error", "AGENTD_LOG_FORMAT": "text", "AGENTD_LOG_TARGET": "file:env.log"}
    flags = ("--log-level", "debug", "--log-format", "JSON", "--log-target", "file:flag.log")
    assert list(logged(logging)) == ["toml.log"]
    assert logged(logging, **both) == {"env.log": ""}
    found = logged(logging, *flags, **both)
    assert list(found) == ["flag.log"]
    assert [json.loads(line)["level"] for line in found["flag.log"].splitlines()] == ["INFO", "DEBUG", "INFO"]
    text = logged(logging, AGENTD_LOG_FORMAT="text")["toml.log"]
    assert events(text) == ["workflow.started", "workflow.completed"]
    assert not text.startswith("{")
    assert logged(plain) == {}
    assert list(logged(plain, "--log-level", "info")) == ["stderr"]
    for variable, value in (("AGENTD_LOG_FORMAT", "xml"), ("AGENTD_LOG_TARGET", "syslog")):
        found = logged(plain, **{variable: value})
        assert f"`{variable}` " in found["stderr"]
        assert "it is ignored" in found["stderr"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--log-format", "xml"), "`text` or `json`"),
        (("--log-target", "syslog"), "`file:PATH`"),
        (("--log-target", "file:"), "`file:PATH`"),
    ],
)
def test_log_flags_that_are_refused(quiet: App, words: tuple[str, str], named: str) -> None:
    done = quiet(*words)
    assert (done.returncode, done.stdout, named in done.stderr) == (2, "", True)


def test_log_targets(plain: Path, tmp_path: Path) -> None:
    done = app(plain, "--log-level", "info", "--log-target", "stdout", cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr, events(lines[0])) == (0, "", ["workflow.started"])
    assert json.loads("\n".join(lines[2:]))["status"] == "completed"
    for _ in range(2):
        app(plain, "--log-level", "info", "--log-target", "file:new/deep/x.log", cwd=tmp_path)
    assert len((tmp_path / "new/deep/x.log").read_text().splitlines()) == 4  # made, then appended to
    (tmp_path / "closed").mkdir(mode=0o555)
    done = run([*powerless(), *PYTHON, str(plain), "--log-target", "file:closed/x.log"], cwd=tmp_path)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == "app: cannot open log file closed/x.log: Permission denied\n"


def test_the_audit_sink(logging: Path, tmp_path: Path) -> None:
    app(logging, "--start", "hook", "--log-level", "off", cwd=tmp_path)
    path = tmp_path / "deep/audit.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [each["fields"]["event"] for each in lines] == ["workflow.started", "workflow.failed"]
    fields = lines[1]["fields"]
    assert (fields["reason"], fields["last_node"]) == ("<redacted>", "<redacted>")
    assert list(lines[0]) == sorted(lines[0])
    assert lines[0].keys() >= {"fields", "level", "target", "timestamp", "execution_id", "workflow"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", lines[0]["timestamp"])
    path.unlink()
    app(logging, "--start", "hook", "--quiet", cwd=tmp_path)
    assert not path.exists()


# --- §1.8: order of the start


def test_validate_only_touches_nothing(logging: Path, tmp_path: Path) -> None:
    words = (
        "--validate-only",
        "--signing-required",
        "--signing-key-file",
        "missing",
        "--log-target",
        "file:/proc/x",
    )
    for done in (
        app(logging, *words, "--input", "missing", "--start", "nowhere", "--record", "r.json", cwd=tmp_path),
        app(logging, cwd=tmp_path, AGENTD_VALIDATE_ONLY="1", AGENTD_SIGNING_REQUIRED="1"),
    ):
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == '{\n  "ok": true,\n  "workflow": "rows"\n}\n'
    assert list(tmp_path.iterdir()) == []


def test_logging_comes_before_the_input(quiet: App) -> None:
    assert quiet("--log-target", "file:/proc/x", "--input", "missing", AGENTD_QUIET="").returncode == 5


# --- §1.9: output, record


@pytest.mark.parametrize(
    ("words", "status", "record"),
    [((), 0, "completed"), (("--start", "hook"), 5, "failed"), (("--start", "bad"), 5, "errored")],
)
def test_record(quiet: App, tmp_path: Path, words: tuple[str, ...], status: int, record: str) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")
    path.chmod(0o644)
    done = quiet(*words, "--record", "r.json")
    assert (done.returncode, bool(done.stdout)) == (status, record != "errored")
    assert "app: wrote the record r.json\n" in done.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = json.loads(path.read_text())
    fields = "workflow start_node execution_id status last_node detail wall_ms cost trace"
    assert list(found) == fields.split()
    assert (found["workflow"], found["status"]) == ("rows", record)
    assert re.fullmatch(r"exec-[0-9a-f]+-[0-9a-f]+-1", found["execution_id"])
    assert found["trace"]["execution_id"] == found["execution_id"]
    if record == "completed":
        assert found["detail"] == outcome(done)["final_value"]
    elif record == "failed":
        assert found["detail"] == {"reason": outcome(done)["reason"]}
    else:
        assert f"app: {found['detail']['error']}\n" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["r.json"]
    shown = quiet("inspect", "r.json")
    assert (shown.returncode, shown.stdout.splitlines()[0].split()[-1]) == (0, f"status={record}")


def test_a_record_that_cannot_be_written_changes_nothing(quiet: App) -> None:
    done = quiet("--record", "missing/r.json")
    assert (done.returncode, outcome(done)["status"]) == (0, "completed")
    assert done.stderr == "app: could not write the record missing/r.json: No such file or directory\n"


def test_standard_output_is_the_outcome_and_nothing_else(quiet: App) -> None:
    assert quiet("--start", "bad").stdout == ""
    assert quiet("--start", "nowhere").stdout == ""
    assert list(outcome(quiet())) == ["status", "final_value", "last_node"]
    assert list(outcome(quiet("--start", "hook"))) == ["status", "reason", "last_node"]
