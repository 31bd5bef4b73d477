"""Schedules and file events of a serving app (spec 02 §10): what fires, what the workflow sees, what is told."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command import PYTHON, make, powerless, run
from serving import Server, serving, start, until

# Writes what it was given, one file per run.
TEXT = """\
name = "clock"

[[start_nodes]]
name = "go"
source = "event"

[[nodes]]
id = "write"
type = "write_file"
path_from = "trigger.kind"
content_from = "trigger"
"""


def lines(folder: Path, name: str) -> dict[str, object]:
    """What the last run has written."""
    found: dict[str, object] = json.loads((folder / name).read_text())
    return found


def trigger(more: str) -> str:
    return f'{TEXT}\n[[triggers]]\nstart_node = "go"\n{more}\n'


def test_interval(tmp_path: Path) -> None:
    text = trigger('type = "interval"\nevery = "1s"')
    server = start(make(text, tmp_path / "built"), tmp_path, "--log-level", "info")
    try:
        until(lambda: server.said.count('event="cron.completed"') >= 2)
    finally:
        assert server.end() == 0
    told = lines(tmp_path, "interval")
    tick = told.pop("tick")
    fired = told.pop("fired_at_unix_ms")
    assert told == {"kind": "interval", "every_ms": 1000}
    assert isinstance(tick, int)
    assert isinstance(fired, int)
    assert abs(fired / 1000 - time.time()) < 20
    assert 'event="cron.fire" kind="interval" start_node="go" tick=1' in server.said
    assert re.search(
        r'event="cron.completed" start_node="go" tick=1 status="?completed"? elapsed_ms=\d', server.said
    )


def test_cron(tmp_path: Path) -> None:
    text = trigger('type = "cron"\nschedule = "* * * * * *"')
    server = start(make(text, tmp_path / "built"), tmp_path, "--log-level", "info")
    try:
        until(lambda: server.said.count('event="cron.completed"') >= 2)
    finally:
        assert server.end() == 0
    told = lines(tmp_path, "cron")
    assert (told["kind"], told["schedule"]) == ("cron", "* * * * * *")
    fired = told["fired_at_unix_ms"]
    assert isinstance(fired, int)
    assert fired % 1000 < 300  # at the second, not some time in it


def test_a_schedule_that_is_over(tmp_path: Path) -> None:
    text = trigger('type = "cron"\nschedule = "0 0 0 1 1 ? 2001"')
    server = start(make(text, tmp_path / "built"), tmp_path)
    until(lambda: 'event="cron.no_next_fire"' in server.said)
    assert server.end() == 0


def test_failing_run_does_not_end_the_schedule(tmp_path: Path) -> None:
    text = trigger('type = "interval"\nevery = "1s"').replace("trigger.kind", "trigger.nothing")
    server = start(make(f'{text}[check]\nallow = ["unknown_output_key"]\n', tmp_path / "built"), tmp_path)
    try:
        until(lambda: server.said.count('event="cron.error"') >= 2)
    finally:
        assert server.end() == 0


def test_files(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "before.txt").write_text("not told")
    text = trigger('type = "fs_watch"\npath = "in"\nrecursive = true\ndebounce_ms = 50')
    server = start(make(text, tmp_path / "built"), tmp_path, "--log-level", "info")
    try:
        until(lambda: 'event="fs_watch.started"' in server.said)

        def told(path: Path, kind: str) -> bool:
            wanted = f'event="fs_watch.fire" path={path} fs_event="{kind}"'
            return wanted in server.said

        (folder / "a.txt").write_text("x")
        until(lambda: told(folder / "a.txt", "modify") or told(folder / "a.txt", "create"))
        (folder / "a.txt").rename(folder / "b.txt")
        until(lambda: told(folder / "b.txt", "rename"))
        (folder / "b.txt").unlink()
        until(lambda: told(folder / "b.txt", "remove"))
        (folder / "new" / "deeper").mkdir(parents=True)
        (folder / "new" / "deeper" / "c.txt").write_text("x")
        until(
            lambda: (
                told(folder / "new" / "deeper" / "c.txt", "modify")
                or told(folder / "new" / "deeper" / "c.txt", "create")
            )
        )
        (folder / "before.txt").chmod(0o600)  # only its mode: nothing is told
        time.sleep(0.3)
        assert "before.txt" not in server.said
        payload = lines(tmp_path, "fs_watch")
        assert set(payload) == {"kind", "path", "event", "fired_at_unix_ms", "tick"}
    finally:
        assert server.end() == 0


def test_only_the_events_that_are_wanted(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    text = trigger('type = "fs_watch"\npath = "in"\nevents = ["DELETE"]\ndebounce_ms = 20')
    server = start(make(text, tmp_path / "built"), tmp_path, "--log-level", "info")
    try:
        until(lambda: 'event="fs_watch.started"' in server.said)
        (tmp_path / "in" / "x").write_text("1")
        time.sleep(0.3)
        assert "fs_watch.fire" not in server.said
        (tmp_path / "in" / "x").unlink()
        until(lambda: 'fs_event="remove"' in server.said)
    finally:
        assert server.end() == 0


def test_nothing_to_watch_refuses_the_start(tmp_path: Path) -> None:
    server = start(make(trigger('type = "fs_watch"\npath = "nowhere"'), tmp_path / "built"), tmp_path)
    assert server.process.wait(10) == 5
    assert "fs_watch" in server.said
    assert "nowhere" in server.said


def test_a_folder_that_cannot_be_watched_refuses_the_start(tmp_path: Path) -> None:
    """It is there, and the app may not look into it."""
    folder = tmp_path / "in"
    folder.mkdir()
    built = make(trigger('type = "fs_watch"\npath = "in"'), tmp_path / "built")
    folder.chmod(0)
    try:
        done = run([*powerless(), *PYTHON, built], cwd=tmp_path)
    finally:
        folder.chmod(0o755)
    assert done.returncode == 5
    assert f"fs_watch: {folder} cannot be watched: Permission denied" in done.stderr


def test_a_folder_that_goes_away_is_audited(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    built = make(trigger('type = "fs_watch"\npath = "in"'), tmp_path / "built")
    server = start(built, tmp_path, "--log-level", "info")
    try:
        until(lambda: 'event="fs_watch.started"' in server.said)
        (tmp_path / "in").rmdir()
        until(lambda: f'event="fs_watch.event_error" reason={tmp_path / "in"} is gone' in server.said)
        assert server.process.poll() is None
    finally:
        assert server.end() == 0


def test_what_happens_between_the_start_and_the_first_look_counts(tmp_path: Path) -> None:
    """The watch begins before the app says that it listens, so whoever waits for that may write at once."""
    (tmp_path / "in").mkdir()
    text = trigger('type = "fs_watch"\npath = "in"\ndebounce_ms = 10')
    server = start(make(text, tmp_path / "built"), tmp_path, "--log-level", "info")
    try:
        until(lambda: "listening" in server.said)
        (tmp_path / "in" / "at-once").write_text("x")
        until(lambda: "fs_watch.completed" in server.said)
    finally:
        assert server.end() == 0


def test_folders_are_compared_where_nothing_tells_of_changes(tmp_path: Path) -> None:
    """In a namespace of its own that may open no inotify instance."""
    inside = ("unshare", "--user", "--map-root-user", "sh", "-c")
    no_inotify = "echo 0 > /proc/sys/user/max_inotify_instances"
    tried = shutil.which("unshare") and subprocess.run(
        [*inside, no_inotify], capture_output=True, check=False
    )
    if not tried or tried.returncode != 0:
        pytest.skip("no user namespace can be made here")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "before.txt").write_text("not told")
    built = make(
        trigger('type = "fs_watch"\npath = "in"\nrecursive = true\ndebounce_ms = 10'), tmp_path / "built"
    )
    errors = tmp_path / "stderr.txt"
    command = f'{no_inotify}; exec "$@" 2> {errors}'
    flags = ("--log-level", "info")
    process = subprocess.Popen([*inside, command, "sh", *PYTHON, str(built), *flags], cwd=tmp_path)
    server = Server(process, errors)
    try:
        until(lambda: errors.exists() and 'event="fs_watch.started"' in server.said, 30)
        assert "inotify" not in _descriptors(process.pid)
        for path, change, kind in (
            (folder / "a.txt", lambda: (folder / "a.txt").write_text("x"), "create"),
            (folder / "a.txt", lambda: (folder / "a.txt").write_text("longer"), "modify"),
            (folder / "b.txt", lambda: (folder / "a.txt").rename(folder / "b.txt"), "rename"),
            (folder / "b.txt", (folder / "b.txt").unlink, "remove"),
            (folder / "deep", (folder / "deep").mkdir, "create"),
            (folder / "deep/c", lambda: (folder / "deep/c").write_text("x"), "create"),
        ):
            change()
            wanted = f'event="fs_watch.fire" path={path} fs_event="{kind}"'
            until(lambda wanted=wanted: wanted in server.said)  # type: ignore[misc]
        assert "before.txt" not in server.said
    finally:
        assert server.end() == 0


def _descriptors(process: int) -> str:
    """What a process has open, as the kernel names it."""
    return " ".join(str(each.readlink()) for each in Path(f"/proc/{process}/fd").iterdir())


def test_no_port_is_opened_without_routes_unless_asked_for(tmp_path: Path) -> None:
    """An address given explicitly opens the listener for /healthz and /metrics alone."""
    with serving(trigger('type = "interval"\nevery = "1h"'), tmp_path) as server:
        assert server.ask("GET", "/healthz").status == 200
        assert server.ask("POST", "/").status == 404


def test_a_run_in_progress_finishes_in_the_drain(tmp_path: Path) -> None:
    text = f"""{trigger('type = "interval"' + chr(10) + 'every = "1s"')}
[[nodes]]
id = "slow"
type = "shell_run"
command = "/bin/sh"
args_from = "write.args"
[[nodes]]
id = "after"
type = "merge"
""".replace(
        """[[nodes]]
id = "write"
type = "write_file"
path_from = "trigger.kind"
content_from = "trigger"
""",
        """[[nodes]]
id = "write"
type = "parse_json"
input_from = "text.rendered"
[[nodes]]
id = "text"
type = "template_render"
template = '["-c", "sleep 1; echo done > done.txt"]'
[[edges]]
from = "text"
to = "write"
[[edges]]
from = "write"
to = "slow"
[[edges]]
from = "slow"
to = "after"
[policy.shell]
commands = ["*"]
""",
    ).replace("write.args", "write.parsed")
    server = start(make(text, tmp_path / "built"), tmp_path, "--log-level", "info")
    until(lambda: 'event="cron.fire"' in server.said)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) == 0
    assert (tmp_path / "done.txt").exists()


@pytest.mark.parametrize(("flags", "status"), [(["--mode", "once"], 0), ([], 0)])
def test_mode_once_still_runs_once(tmp_path: Path, flags: list[str], status: int) -> None:
    built = make(trigger('type = "interval"\nevery = "1h"'), tmp_path / "built")
    (tmp_path / "input.json").write_text('{"kind": "out"}')
    server = start(built, tmp_path, "--mode", "once", "--input", "input.json", *flags)
    assert server.process.wait(10) == status
    assert (tmp_path / "out").exists()
