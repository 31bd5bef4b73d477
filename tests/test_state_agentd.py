"""agentd's checkpoint files: taken over by `state import`, written by `state export` (spec 01 §7)."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from command import app, make
from steps import STEPS, asking, counted, effect

STATE = ("--state-dir", "state")
ONCE = ("--mode", "once", *STATE)
# As agentd writes it: no field of ours, and one that nobody knows.
FILE: dict[str, Any] = {
    "run_id": "exec-65f0a1b2-1f-3",
    "workflow": "steps",
    "start_node": "go",
    "trigger_kind": "manual",
    "trigger_input": {"id": "k"},
    "node_outputs": {
        "trigger": {"kind": "manual", "id": "k", "three": effect("k", "three")},
        "one": {"stdout": "1\n"},
    },
    "paused_at": "ask",
    "resume_node": "three",
    "reason": None,
    "from_a_newer_agentd": {"x": [1, 2.5]},
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(STEPS, tmp_path_factory.mktemp("steps"))


def put(folder: Path, **changes: Any) -> None:
    folder.mkdir(exist_ok=True)
    document = {name: value for name, value in {**FILE, **changes}.items() if value is not ...}
    (folder / f"{document.get('run_id', 'none')}.json").write_text(json.dumps(document))


def test_a_run_of_agentd_goes_on(built: Path, tmp_path: Path) -> None:
    put(tmp_path / "old")
    done = app(built, "state", "import", "old", *STATE, "--json", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"imported": 1, "known": 0, "unreadable": []})
    again = app(built, "state", "import", "old", *STATE, "--json", cwd=tmp_path)
    assert json.loads(again.stdout) == {"imported": 0, "known": 1, "unreadable": []}
    listed = app(built, "--list-checkpoints", *STATE, cwd=tmp_path).stdout
    assert listed == f"{FILE['run_id']}  paused       workflow=steps  resume_node=three\n"
    resumed = app(built, *ONCE, "--resume", FILE["run_id"], cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert counted(tmp_path) == (0, 0, 1)
    assert (tmp_path / "old" / f"{FILE['run_id']}.json").exists()


def test_there_and_back(built: Path, tmp_path: Path) -> None:
    """What is exported is what was imported, with what we know of it behind; so does a paused run of ours."""
    put(tmp_path / "old")
    app(built, "state", "import", "old", *STATE, cwd=tmp_path)
    paused = app(built, *ONCE, "--start", "go", "--input", "-", cwd=tmp_path, input=asking("k"))
    run_id = json.loads(paused.stdout)["run_id"]
    done = app(built, "state", "export", "new", *STATE, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "exported: 2\nto: new\n")
    path = tmp_path / "new" / f"{FILE['run_id']}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = json.loads(path.read_text())
    assert list(told)[: len(FILE) - 1] == [name for name in FILE if name != "from_a_newer_agentd"]
    assert {name: told[name] for name in FILE} == FILE
    assert app(built, "state", "export", "new", *STATE, cwd=tmp_path).returncode == 8
    other = app(built, "state", "import", "new", "--state-dir", "other", cwd=tmp_path)
    assert (other.returncode, other.stdout) == (0, "imported: 2\nknown: 0\nunreadable: none\n")
    again = app(built, "state", "export", "again", "--state-dir", "other", cwd=tmp_path)
    assert again.returncode == 0
    for name in (path.name, f"{run_id}.json"):
        assert (tmp_path / "new" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    resumed = app(built, "--mode", "once", "--state-dir", "other", "--resume", run_id, cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert counted(tmp_path) == (1, 1, 1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"run_id": ...}, "its run_id is missing or of the wrong kind"),
        ({"trigger_kind": "cron"}, "its trigger_kind is none of event, http, manual"),
        ({"node_outputs": []}, "its node_outputs is missing or of the wrong kind"),
        ({"awaiting_approval": "yes"}, "its awaiting_approval is missing or of the wrong kind"),
        ({"loop_counts": 3}, "its loop_counts is missing or of the wrong kind"),
    ],
)
def test_files_that_are_none(built: Path, tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """The others are taken over all the same."""
    put(tmp_path / "old", **changes)
    put(tmp_path / "old", run_id="exec-1-1-1")
    (tmp_path / "old" / "broken.json").write_text("{")
    (tmp_path / "old" / "other.json").write_text(json.dumps({**FILE, "run_id": "../state"}))
    (tmp_path / "old" / "notes.txt").write_text("no checkpoint")
    done = app(built, "state", "import", "old", *STATE, "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert (done.returncode, told["imported"], len(told["unreadable"])) == (5, 1, 3)
    assert said in "\n".join(told["unreadable"])
    assert "other.json: its run_id is not the name of the file" in told["unreadable"]


def test_folders_that_are_not_there(built: Path, tmp_path: Path) -> None:
    assert app(built, "state", "import", "none", *STATE, cwd=tmp_path).returncode == 3
    assert app(built, "state", "export", "none", *STATE, cwd=tmp_path).returncode == 3
