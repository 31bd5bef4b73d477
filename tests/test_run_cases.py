"""Every `exchange.txt` is what the built app says: the app is compiled, and run as a process for each line of it.

What needs a second actor (a file that appears during back-off, a signal, a full disk) is tested below in Python.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from compiled import TESTS, compiled, compiled_file, write_app
from exchange import ENVIRONMENT, PYTHON, play, start
from runner import check_golden, orphans

CASES = sorted([*TESTS.glob("cases/run/*/workflow.toml"), *TESTS.glob("nodes/*/workflow.toml")])
RUN = [case for case in CASES if case.with_name("exchange.txt").exists()]


@pytest.mark.parametrize("case", RUN, ids=lambda case: f"{case.parent.parent.name}-{case.parent.name}")
def test_exchange(case: Path, golden_update: bool, tmp_path: Path) -> None:
    app = write_app(compiled_file(case), tmp_path / "app")
    folder = tmp_path / "cwd"
    folder.mkdir()
    golden = case.with_name("exchange.txt")
    check_golden(golden, play(golden.read_text(), app, folder), golden_update)


def test_every_run_case_has_an_exchange() -> None:
    root = TESTS / "cases" / "run"
    used = [case.with_name(name) for case in CASES for name in ("workflow.toml", "exchange.txt")]
    assert not orphans(root, used)
    assert {each.parent for each in RUN if each.parent.parent == root} == set(root.iterdir())


RETRIED = """
name = "waits"

[[start_nodes]]
name = "go"
source = "manual"

[[nodes]]
id = "load"
type = "read_file"
path_from = "trigger.path"
retry = { max_attempts = 4, backoff_ms = 100, on = "transient" }

[[nodes]]
id = "after"
type = "template_render"
template = "got {{content}}"
input_from = "load"

[[edges]]
from = "load"
to = "after"
"""


@pytest.fixture(scope="module")
def waits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app whose first node reads the file named in its input, and can be made to wait: by a file that is not
    there, or by a pipe that nobody has written to."""
    return write_app(compiled(RETRIED), tmp_path_factory.mktemp("waits") / "app")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """The input names a named pipe; reading it waits until `feed` has written to it."""
    (tmp_path / "in.json").write_text('{"path": "pipe"}')
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def _feed(pipe: Path) -> None:
    pipe.write_text("text")  # waits for the reader


def _opened(pipe: Path) -> int:
    """Waits until the app has opened the pipe; the other end, to be closed without a word."""
    return os.open(pipe, os.O_WRONLY)


def _outcome(data: bytes) -> dict[str, Any]:
    outcome: dict[str, Any] = json.loads(data)
    return outcome


def _ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err.decode()


def test_a_file_that_appears_during_back_off_is_read(waits: Path, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text('{"path": "late"}')
    process = start(waits, ["--input", "in.json"], tmp_path, AGENTD_QUIET="")
    assert process.stderr is not None
    told = process.stderr.readline().decode()  # after the first wait, before the second attempt
    (tmp_path / "late").write_text("text")
    status, out, err = _ended(process)
    assert 'event="node.retry" node_id=load attempt=1' in told
    assert status == 0, err
    assert _outcome(out)["final_value"] == {"rendered": "got text"}


def test_the_back_off_is_linear(waits: Path, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text('{"path": "never"}')
    began = time.monotonic()
    assert _ended(start(waits, ["--input", "in.json"], tmp_path))[0] == 5
    assert 0.6 <= time.monotonic() - began < 30  # 100 + 200 + 300 ms, and the start


def test_the_deadline_is_judged_between_nodes(waits: Path, tmp_path: Path, pipe: Path) -> None:
    arguments = ["--input", "in.json", "--timeout-secs", "1", "--record", "run.json"]
    process = start(waits, arguments, tmp_path, AGENTD_QUIET="")
    writer = _opened(pipe)
    time.sleep(1.1)
    os.write(writer, b"late")
    os.close(writer)
    status, out, err = _ended(process)
    assert re.search(r'agentd::audit: event="workflow.timed_out" elapsed_ms=\d+ last_node=load', err)
    outcome = _outcome(out)
    assert (status, list(outcome)) == (5, ["status", "elapsed_ms", "last_node"])
    assert (outcome["status"], outcome["last_node"]) == ("timed_out", "load")
    assert outcome["elapsed_ms"] >= 1000
    record = _outcome((tmp_path / "run.json").read_bytes())
    assert (record["status"], record["last_node"]) == ("timed_out", "load")
    assert list(record["detail"]) == ["elapsed_ms"]
    assert record["cost"]["workflow_timeouts"] == 1
    assert [entry["output"]["content"] for entry in record["trace"]["entries"]] == ["late"]


def test_a_run_whose_last_node_is_late_completes(tmp_path: Path, pipe: Path) -> None:
    only = RETRIED[: RETRIED.index("[[edges]]")].replace('name = "go"', 'name = "go"\nentry_node = "load"')
    only = only[: only.index('[[nodes]]\nid = "after"')]
    app = write_app(compiled(only), tmp_path / "app")
    process = start(app, ["--input", "in.json", "--timeout-secs", "1"], tmp_path)
    writer = _opened(pipe)
    time.sleep(1.1)
    os.write(writer, b"late")
    os.close(writer)
    status, out, _ = _ended(process)
    assert (status, _outcome(out)["final_value"]["content"]) == (0, "late")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_at_the_next_node(waits: Path, tmp_path: Path, pipe: Path, number: int) -> None:
    process = start(waits, ["--input", "in.json", "--record", "run.json"], tmp_path)
    writer = _opened(pipe)
    process.send_signal(number)
    time.sleep(0.05)
    assert process.poll() is None  # the node in flight is not cut off
    os.write(writer, b"text")
    os.close(writer)
    status, out, err = _ended(process)
    assert (status, out) == (128 + number, b"")
    assert f"stopped by signal {int(number)} after node `load`" in err
    record = _outcome((tmp_path / "run.json").read_bytes())
    assert (record["status"], record["last_node"]) == ("stopped", "load")
    assert [entry["node_id"] for entry in record["trace"]["entries"]] == ["load"]


def test_a_second_signal_ends_the_process(waits: Path, tmp_path: Path, pipe: Path) -> None:
    process = start(waits, ["--input", "in.json"], tmp_path)
    writer = _opened(pipe)
    process.send_signal(signal.SIGTERM)
    time.sleep(1)  # one signal that arrives twice is one, so there is a pause to wait for
    process.send_signal(signal.SIGTERM)
    assert _ended(process)[:2] == (-signal.SIGTERM, b"")
    os.close(writer)


def test_a_signal_ends_a_back_off(waits: Path, tmp_path: Path) -> None:
    slow = RETRIED.replace("backoff_ms = 100", "backoff_ms = 20000")
    app = write_app(compiled(slow), tmp_path / "app")
    (tmp_path / "in.json").write_text('{"path": "never"}')
    process = start(app, ["--input", "in.json"], tmp_path)
    time.sleep(2)  # the app has begun, and waits for its second attempt
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    status, out, err = _ended(process)
    assert time.monotonic() - began < 15
    assert (status, out) == (128 + signal.SIGTERM, b"")
    assert "stopped by signal 15 in node `load`: tool `read_file` failed: " in err


def test_an_outcome_that_cannot_be_written_is_an_error(waits: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    (tmp_path / "in.json").write_text('{"path": "text"}')
    command = [*PYTHON, str(waits), "--input", "in.json"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, cwd=tmp_path, env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 5
    assert done.stderr.decode() == "app: could not write to standard output: No space left on device\n"


def test_a_reader_that_is_gone_is_an_error(waits: Path, tmp_path: Path, pipe: Path) -> None:
    process = start(waits, ["--input", "in.json"], tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    _feed(pipe)
    assert process.wait(30) == 5
    assert process.stderr is not None
    assert process.stderr.read() == b"app: could not write to standard output: Broken pipe\n"
    process.stderr.close()


def test_closed_standard_input_is_refused(waits: Path, tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", 'exec "$@" 0<&-', "sh", *PYTHON, str(waits), "--input", "-"]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_a_record_is_for_its_owner_only(waits: Path, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text('{"path": "never"}')
    _ended(start(waits, ["--input", "in.json", "--record", "run.json"], tmp_path))
    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o600


def test_a_variable_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    head = 'name = "env"\n[[start_nodes]]\nname = "go"\nsource = "manual"\n'
    text = head + '[[nodes]]\nid = "x"\ntype = "read_env"\nkey = "X"\n'
    app = write_app(compiled(text), tmp_path / "app")
    environment = {**{key.encode(): value.encode() for key, value in ENVIRONMENT.items()}, b"X": b"a\xff"}
    done = subprocess.run([*PYTHON, str(app)], env=environment, capture_output=True, check=False)
    assert done.returncode == 5
    assert b'app: tool `read_env` failed: the value of "X" is not UTF-8 text\n' in done.stderr
