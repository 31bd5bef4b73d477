"""The kill matrix of kept runs: SIGKILL at each commit of a checkpoint, a pause, a decision, a resume and an end.

What is said: a node whose checkpoint is committed never runs again, a pause or a decision that was told is there, and
a run that was on its way goes on. The node that a kill cut off runs again.
"""

from __future__ import annotations

import http.client
import json
import re
from pathlib import Path

import pytest
from command import Done, app, make
from killing import integrity, killed_at, killed_early
from serving import serving, start, until
from steps import STEPS, asking, counted

STATE = ("--state-dir", "state")
ONCE = ("--mode", "once", *STATE)
RUN = "call:agentdc_runtime.host.command:run_command"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(STEPS, tmp_path_factory.mktemp("steps"))


def kept(built: Path, folder: Path) -> dict[str, str]:
    """The runs that are kept: id to kind."""
    lines = app(built, "--list-checkpoints", *STATE, cwd=folder).stdout.split("\n")
    return {line.split()[0]: line.split()[1] for line in lines if line.startswith("exec-")}


def killed(built: Path, folder: Path, point: str, *words: str, arm: str = "") -> None:
    """Start an app that dies at a point; with `arm`, at its first time after that node's effect."""
    (folder / "input.json").write_text(asking("k"))
    if arm:
        (folder / f"arm-{arm}").touch()
    killed_early(built, folder, point, *words, armed=not arm)
    assert integrity(folder / "state", folder) == "ok"


def paused(built: Path, folder: Path) -> str:
    """A run that waits for approval."""
    done = app(built, *ONCE, "--start", "go", "--input", "-", cwd=folder, input=asking("k"))
    assert done.returncode == 7, done.stderr
    return str(json.loads(done.stdout)["run_id"])


def completed(done: Done) -> None:
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "completed"


# Where, and behind which node: what is kept of the run, and how often each node ran in the end.
ON_ITS_WAY: dict[tuple[str, str], tuple[str, tuple[int, int, int]]] = {
    ("", "commit:progress:before"): ("", (0, 0, 0)),
    ("", "commit:progress:after"): ("recoverable", (1, 1, 1)),
    ("", f"{RUN}:before"): ("recoverable", (1, 1, 1)),
    ("one", f"{RUN}:after"): ("recoverable", (2, 1, 1)),
    ("one", "commit:progress:before"): ("recoverable", (2, 1, 1)),
    ("one", "commit:progress:after"): ("recoverable", (1, 1, 1)),
    ("two", "commit:progress:before"): ("recoverable", (1, 2, 1)),
    ("two", "commit:progress:after"): ("recoverable", (1, 1, 1)),
    ("two", "commit:pause:before"): ("recoverable", (1, 1, 1)),
    ("two", "commit:pause:after"): ("paused", (1, 1, 1)),
    ("two", "call:agentdc_runtime.state.keeper:Keeper.end_now:after"): ("paused", (1, 1, 1)),
}


@pytest.mark.parametrize(("arm", "point"), ON_ITS_WAY)
def test_killed_on_its_way_to_a_pause(built: Path, tmp_path: Path, arm: str, point: str) -> None:
    kind, ran = ON_ITS_WAY[arm, point]
    words = (*ONCE, "--checkpoint-each-node", "--start", "go", "--input", "input.json")
    killed(built, tmp_path, point, *words, arm=arm)
    left = kept(built, tmp_path)
    assert list(left.values()) == ([kind] if kind else [])
    if kind == "recoverable":
        again = app(built, *ONCE, "--resume-incomplete", cwd=tmp_path)
        assert (again.returncode, json.loads(again.stdout)["status"]) == (7, "paused")
        assert kept(built, tmp_path) == dict.fromkeys(left, "paused")
    for run_id in left:
        completed(app(built, *ONCE, "--resume", run_id, cwd=tmp_path))
    assert kept(built, tmp_path) == {}
    assert counted(tmp_path) == ran


# Where a decision is stored: whether it still waits afterwards.
DECIDING = {"commit:decide:before": True, "commit:decide:after": False}


@pytest.mark.parametrize("point", DECIDING)
@pytest.mark.parametrize("action", ["approve", "reject"])
def test_killed_while_somebody_decides(built: Path, tmp_path: Path, point: str, action: str) -> None:
    run_id = paused(built, tmp_path)
    killed(built, tmp_path, point, "approvals", action, run_id, "--by", "ann", *STATE)
    listed = app(built, "approvals", "list", *STATE, "--json", cwd=tmp_path)
    waits = [each["run_id"] for each in json.loads(listed.stdout)["approvals"]]
    assert waits == ([run_id] if DECIDING[point] else [])
    again = app(built, "approvals", action, run_id, "--by", "bob", *STATE, cwd=tmp_path)
    if DECIDING[point]:
        assert again.returncode == 0
    else:
        assert again.returncode != 0
        assert "by ann" in again.stderr
    if action == "approve" and not DECIDING[point]:
        completed(app(built, *ONCE, "--resume", run_id, cwd=tmp_path))
    assert kept(built, tmp_path) == {}
    assert counted(tmp_path) == (1, 1, 1 if action == "approve" else 0)
    shown = app(built, "runs", "show", run_id, *STATE, cwd=tmp_path)
    assert json.loads(shown.stdout)["status"] == ("completed" if action == "approve" else "failed")


# Where a resume dies, behind which node: what is kept, and how often the last node ran in the end.
RESUMING: dict[tuple[str, str], tuple[str, int]] = {
    ("", "commit:take:before"): ("paused", 1),
    ("", "commit:take:after"): ("recoverable", 1),
    ("", "commit:progress:before"): ("recoverable", 1),
    ("", f"{RUN}:before"): ("recoverable", 1),
    ("three", f"{RUN}:after"): ("recoverable", 2),
    ("three", "commit:close:before"): ("recoverable", 2),
    ("three", "commit:close:after"): ("", 1),
}


@pytest.mark.parametrize(("arm", "point"), RESUMING)
def test_killed_while_it_goes_on(built: Path, tmp_path: Path, arm: str, point: str) -> None:
    kind, ran = RESUMING[arm, point]
    run_id = paused(built, tmp_path)
    killed(built, tmp_path, point, *ONCE, "--resume", run_id, arm=arm)
    assert kept(built, tmp_path) == ({run_id: kind} if kind else {})
    if kind:
        completed(app(built, *ONCE, "--resume", run_id, cwd=tmp_path))
    assert kept(built, tmp_path) == {}
    assert counted(tmp_path) == (1, 1, ran)


# In serve mode, with a key: how often each node ran in the end.
SERVING: dict[tuple[str, str], tuple[int, int, int]] = {
    ("", "commit:claim:before"): (1, 1, 0),
    ("", "commit:claim:after"): (1, 1, 0),
    ("", "commit:progress:after"): (1, 1, 0),
    ("one", "commit:progress:before"): (2, 1, 0),
    ("one", "commit:progress:after"): (1, 1, 0),
    ("two", "commit:progress:before"): (1, 2, 0),
    ("two", "commit:progress:after"): (1, 1, 0),
    ("two", "commit:close:before"): (1, 1, 0),
    ("two", "commit:close:after"): (1, 1, 0),
}


@pytest.mark.parametrize("mode", ["auto", "list", "off"])
@pytest.mark.parametrize(("arm", "point"), SERVING)
def test_killed_while_it_serves(built: Path, tmp_path: Path, arm: str, point: str, mode: str) -> None:
    """The same key gets the run that was begun for it, wherever that stands, and its answer ever after."""
    if arm:
        (tmp_path / f"arm-{arm}").touch()
    killed_at(built, tmp_path, point, asking("k"), *STATE, "--checkpoint-each-node", armed=not arm)
    assert integrity(tmp_path / "state", tmp_path) == "ok"
    flags = (*STATE, "--checkpoint-each-node", "--recover", mode)
    with serving("", tmp_path, *flags, app=built) as server:
        until(lambda: server.ask("POST", "/once", asking("k")).status != 409)
        answers = [server.ask("POST", "/once", asking("k")) for _ in range(2)]
        assert [each.status for each in answers] == [201, 201]
        assert answers[0].body == answers[1].body
        assert answers[1].headers["x-agentd-idempotent-replay"] == "true"
    assert counted(tmp_path) == SERVING[arm, point]
    assert kept(built, tmp_path) == {}


def test_what_nobody_asks_for_again_goes_on_too(built: Path, tmp_path: Path) -> None:
    (tmp_path / "arm-one").touch()
    flags = (*STATE, "--checkpoint-each-node")
    killed_at(built, tmp_path, "commit:progress:after", asking("k"), *flags, armed=False)
    with serving("", tmp_path, *STATE, "--recover", "list", app=built) as server:
        run_id = next(iter(kept(built, tmp_path)))
        until(lambda: f"recoverable run {run_id}: continue it with --resume {run_id}" in server.said)
    assert counted(tmp_path) == (1, 0, 0)
    with serving("", tmp_path, *STATE, "--recover", "off", app=built) as server:
        assert server.ask("GET", "/healthz").status == 200
    assert counted(tmp_path) == (1, 0, 0)
    with serving("", tmp_path, *STATE, app=built) as server:
        until(lambda: counted(tmp_path) == (1, 1, 0))
        until(lambda: kept(built, tmp_path) == {})
        answer = server.ask("POST", "/once", asking("k"))
        assert answer.headers["x-agentd-idempotent-replay"] == "true"
    assert re.fullmatch(rb"2\n", answer.body)


@pytest.mark.parametrize("stepwise", [True, False])
def test_a_run_that_errors_is_tried_again_from_where_it_stands(
    built: Path, tmp_path: Path, stepwise: bool
) -> None:
    """Its key is not used up; with a checkpoint the nodes before the error do not run again."""
    body = json.dumps({**json.loads(asking("k")), "two": "no list of arguments"})
    flags = (*STATE, *(("--checkpoint-each-node",) if stepwise else ()))
    with serving("", tmp_path, *flags, app=built) as server:
        answers = [server.ask("POST", "/once", body) for _ in range(3)]
        assert [each.status for each in answers] == [500] * 3
        assert answers[0].body == answers[2].body
        assert server.end() == 0
    assert counted(tmp_path) == ((1, 0, 0) if stepwise else (3, 0, 0))
    assert list(kept(built, tmp_path).values()) == (["recoverable"] if stepwise else [])


def test_a_run_that_kills_its_process_is_left_alone_at_last(tmp_path: Path) -> None:
    """Five times it goes on; then the app serves the others again, and the run is still there."""
    built = make(STEPS, tmp_path / "built")
    deadly = json.dumps({"id": "k", "one": ["-c", "kill -9 $PPID"], "two": ["-c", "true"]})
    flags = (*STATE, "--checkpoint-each-node")
    with serving("", tmp_path, *flags, app=built) as server:
        with pytest.raises((OSError, http.client.HTTPException)):
            server.ask("POST", "/once", deadly)
        assert server.process.wait(20) != 0
    for _ in range(5):
        assert start(built, tmp_path, *flags).process.wait(20) != 0
    with serving("", tmp_path, *flags, app=built) as server:
        assert server.ask("POST", "/once", asking("other")).status == 201
        assert list(kept(built, tmp_path).values()) == ["recoverable"]
