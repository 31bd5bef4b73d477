"""`<app> emit NAME`: events that somebody emits to an app that runs, and what became of them."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from command import PYTHON, Done, environment, make, run
from serving import until

EVENTS = """\
name = "listener"

[[start_nodes]]
name = "saved"
source = "event"
entry_node = "echo"

[[start_nodes]]
name = "broken"
source = "event"
entry_node = "no"

[[triggers]]
type = "internal.event"
name = "saved"
start_node = "saved"

[[triggers]]
type = "internal.event"
name = "both"
start_node = "saved"

[[triggers]]
type = "internal.event"
name = "both"
start_node = "broken"

[[nodes]]
id = "echo"
type = "template_render"
input_from = "trigger"
template = "{{name}}: {{payload}}"

[[nodes]]
id = "path"
type = "template_render"
input_from = "trigger"
template = "{{name}}-{{tick}}.txt"

[[nodes]]
id = "save"
type = "write_file"
path_from = "path.rendered"
content_from = "echo.rendered"

[[nodes]]
id = "no"
type = "fail"
reason = "not today"

[[edges]]
from = "echo"
to = "path"

[[edges]]
from = "path"
to = "save"

[policy.fs]
write = ["*"]

[check]
allow = ["untrusted_subject", "wide_grant"]
"""
WORDS = "`emit` takes the name of an event"


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(EVENTS, tmp_path_factory.mktemp("listener"))


def _variables(folder: Path) -> dict[str, str]:
    return environment(folder, AGENTDC_EVENTS=str(folder / "events"))


def _emit(app: Path, folder: Path, *words: str, input: str = "") -> Done:
    return run([*PYTHON, app, "emit", *words], cwd=folder, env=_variables(folder), input=input)


@contextmanager
def _running(app: Path, folder: Path, env: dict[str, str], place: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The app as a process, once somebody answers at `place`."""
    command = [*PYTHON, str(app)]
    with subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: _answers(place))
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _answers(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as peer:
        try:
            peer.connect(str(place))
        except OSError:
            return False
        return True


@contextmanager
def _started(app: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with _running(app, folder, _variables(folder), folder / "events") as process:
        yield process


def test_events_fire_runs_and_say_what_became_of_them(listener: Path, tmp_path: Path) -> None:
    with _started(listener, tmp_path) as process:
        assert stat.S_IMODE((tmp_path / "events").stat().st_mode) == 0o600
        done = _emit(listener, tmp_path, "saved", "--input", "-", input='{"id": 7}')
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {
            "ok": True,
            "runs": [{"start_node": "saved", "status": "completed"}],
        }
        assert (tmp_path / "saved-1.txt").read_text() == 'saved: {"id":7}'
        both = _emit(listener, tmp_path, "both")
        assert both.returncode == 5
        assert [each["status"] for each in json.loads(both.stdout)["runs"]] == ["completed", "failed"]
        unknown = _emit(listener, tmp_path, "lost")
        assert unknown.returncode == 2
        assert "no trigger waits for this event; there are: both, saved" in unknown.stdout
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not (tmp_path / "events").exists()
    gone = _emit(listener, tmp_path, "saved")
    assert gone.returncode == 2
    assert "no app answers events at" in gone.stderr


def test_many_events_at_once_each_fire_once(listener: Path, tmp_path: Path) -> None:
    answers: list[Any] = []

    def ask(number: int) -> None:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(tmp_path / "events"))
            peer.sendall(json.dumps({"event": "saved", "payload": number}).encode() + b"\n")
            answers.append(json.loads(peer.makefile().readline()))

    with _started(listener, tmp_path):
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert len(answers) == 50
    assert all(answer["ok"] for answer in answers)
    seen = {(tmp_path / f"saved-{number}.txt").read_text() for number in range(1, 51)}
    assert seen == {f"saved: {number}" for number in range(50)}


def test_whatever_is_no_event_is_answered(listener: Path, tmp_path: Path) -> None:
    with _started(listener, tmp_path):
        for data in (b"\n", b"{}\n", b"x" * 2_000_000 + b"\n", b'{"event": 4}\n', b"\xff\n", b"cut"):
            with socket.socket(socket.AF_UNIX) as peer:
                peer.connect(str(tmp_path / "events"))
                try:
                    peer.sendall(data)
                    peer.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # it has heard enough
                assert json.loads(peer.makefile().readline())["ok"] is False
        assert _emit(listener, tmp_path, "saved").returncode == 0


def test_two_apps_do_not_share_a_place(listener: Path, tmp_path: Path) -> None:
    with _started(listener, tmp_path):
        second = run([*PYTHON, listener], cwd=tmp_path, env=_variables(tmp_path))
        assert second.returncode == 5
        assert "another app listens there" in second.stderr
        assert _emit(listener, tmp_path, "saved").returncode == 0


def test_a_place_that_a_killed_app_left_is_taken_over(listener: Path, tmp_path: Path) -> None:
    with _started(listener, tmp_path) as process:
        process.kill()
    assert (tmp_path / "events").exists()
    with _started(listener, tmp_path):
        assert _emit(listener, tmp_path, "saved").returncode == 0


def test_the_default_place_is_the_users_own(listener: Path, tmp_path: Path) -> None:
    place = tmp_path / "run" / "agentdc" / "app.events"
    env = environment(tmp_path, XDG_RUNTIME_DIR=str(tmp_path / "run"))
    with _running(listener, tmp_path, env, place):
        assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
        assert run([*PYTHON, listener, "emit", "saved"], cwd=tmp_path, env=env).returncode == 0


@pytest.mark.parametrize("words", [(), ("--input", "x"), ("a", "b"), ("a", "--input"), ("",)])
def test_words_that_do_not_fit(listener: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = _emit(listener, tmp_path, *words)
    assert done.returncode == 2
    assert WORDS in done.stderr
