"""A built app whose streams are closed or full, whose operands were damaged, or that is told to stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import app, environment, make, shell, tree
from test_app_cli import WORKFLOW


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(WORKFLOW, tmp_path_factory.mktemp("plain"))


CLOSED = {
    "outcome": ("", ">&-", 5),
    "outcome, with files of its own": ("--log-level info --log-target file:x.log --record r.json", ">&-", 5),
    "full": ("--record r.json", ">/dev/full", 5),
    "help": ("--help", ">/dev/full", 5),
    "version": ("--version", ">&-", 5),
    "validate": ("--validate-only", ">&-", 5),
    "inspect": ("inspect r.json", ">/dev/full", 5),
    "inspect closed": ("inspect r.json", ">&-", 5),
    "no error stream": ("--start bad", "2>&-", 5),
    "no error stream, usage": ("--bogus", "2>/dev/full", 2),
    "no streams at all": ("--start hook", "<&- >&- 2>&-", 5),
    "no input": ("--input -", "<&-", 2),
    "input that cannot be read": ("--input -", "0>>r.json", 2),
}


@pytest.mark.parametrize(("words", "streams", "status"), CLOSED.values(), ids=CLOSED)
def test_streams_that_take_or_give_nothing(
    plain: Path, tmp_path: Path, words: str, streams: str, status: int
) -> None:
    (tmp_path / "r.json").write_text("{}")
    done = shell(f"exec $PYTHON {plain} {words} {streams}", cwd=tmp_path, AGENTD_QUIET="0")
    assert (done.returncode, done.stdout) == (status, "")
    if ">&-" in streams and "2>&-" not in streams:
        assert done.stderr.endswith("app: could not write to standard output: Bad file descriptor\n")
    # No file of the app's took the place of a stream.
    for content in tree(tmp_path).values():
        assert b'"last_node": "echo"\n}\n{' not in (content or b"")
    if (tmp_path / "x.log").exists():
        assert all(" INFO " in line for line in (tmp_path / "x.log").read_text().splitlines())
        assert json.loads((tmp_path / "r.json").read_text())["status"] == "completed"


# --- damage, signals


@pytest.mark.parametrize(
    "content", ["", "3", "{}", "[[[", '{"policy": null, "logging": 1, "signing": null}', "\xff"]
)
def test_operands_that_were_damaged(tmp_path: Path, content: str) -> None:
    built = make(WORKFLOW, tmp_path / "built")
    (built / "rows/operands.json").write_bytes(content.encode("latin-1"))
    done = app(built, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith("app: operands.json cannot be used: ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_retrying_run(plain: Path, tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "in.json").write_text('{"path": "never"}')
    words = ("--start", "wait", "--input", "in.json", "--log-level", "info", "--record", "r.json")
    command = [sys.executable, "-I", "-S", str(plain), *words]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path), stdout=-1, stderr=-1, text=True
    ) as process:
        assert process.stderr is not None
        while "node.retry" not in (line := process.stderr.readline()):
            assert line
        process.send_signal(number)
        began = time.monotonic()
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, "Traceback" in err) == (128 + number, "", False)
    assert time.monotonic() - began < 15
    assert f"stopped by signal {int(number)} in node `read`" in err
    assert json.loads((tmp_path / "r.json").read_text())["last_node"] == "read"
