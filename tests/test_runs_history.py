"""`<app> runs …`: the history of runs, what it shows, what it hides, and that it does not grow for ever."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from command import Done, app, make
from serving import serving, until

TEXT = """\
name = "notes"
[[start_nodes]]
name = "go"
source = "http"
entry_node = "good"
[[start_nodes]]
name = "other"
source = "http"
entry_node = "fine"
[[http_routes]]
method = "POST"
path = "/go"
start_node = "go"
[[http_routes]]
method = "POST"
path = "/other"
start_node = "other"
[state]
history = true
reserve_mb = 0
max_runs = 40

[[nodes]]
id = "good"
type = "condition"
expr = "trigger.good"
[[nodes]]
id = "bad"
type = "fail"
reason = "not good"
[[nodes]]
id = "fine"
type = "template_render"
input_from = "trigger"
template = "fine: {{word}}"
[[edges]]
from = "good"
to = "fine"
when = "true"
[[edges]]
from = "good"
to = "bad"
when = "false"
"""
STATE = ("--state-dir", "state")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(TEXT, tmp_path_factory.mktemp("notes"))


@pytest.fixture
def used(built: Path, tmp_path: Path) -> Path:
    """A folder in which the app has run four times."""
    with serving("", tmp_path, *STATE, app=built) as server:
        for path, good in (("/go", True), ("/go", False), ("/other", True), ("/go", True)):
            assert server.ask("POST", path, json.dumps({"good": good, "word": "x"})).status in {200, 422}
    return tmp_path


def runs(built: Path, folder: Path, *words: str) -> Done:
    return app(built, "runs", *words, *STATE, cwd=folder)


def listed(built: Path, folder: Path, *words: str) -> list[dict[str, Any]]:
    done = runs(built, folder, "list", "--json", *words)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["runs"]
    return found


def test_list_and_its_filters(built: Path, used: Path) -> None:
    everything = listed(built, used)
    assert [each["status"] for each in everything] == ["completed", "completed", "failed", "completed"]
    assert [each["start_node"] for each in everything] == ["go", "other", "go", "go"]
    assert [each["start_node"] for each in listed(built, used, "--start", "other")] == ["other"]
    assert [each["last_node"] for each in listed(built, used, "--status", "failed")] == ["bad"]
    assert len(listed(built, used, "--limit", "2")) == 2
    assert listed(built, used, "--workflow", "another") == []
    assert len(listed(built, used, "--since", "1h")) == 4
    assert listed(built, used, "--until", "2020-01-31") == []
    assert len(runs(built, used, "list").stdout.splitlines()) == 4


def test_show_and_export(built: Path, used: Path) -> None:
    failed = listed(built, used, "--status", "failed")[0]
    shown = json.loads(runs(built, used, "show", failed["run_id"]).stdout)
    assert [(each["node_id"], each["branch"]) for each in shown["nodes"]] == [
        ("good", "false"),
        ("bad", None),
    ]
    assert shown["trigger_input"]["good"] is False
    assert shown["outcome"] == {"status": "failed", "reason": "not good", "last_node": "bad"}
    lines = runs(built, used, "export").stdout.splitlines()
    exported = [json.loads(line) for line in lines]
    assert [each["run_id"] for each in exported] == [each["run_id"] for each in listed(built, used)][::-1]
    assert exported[1]["nodes"] == shown["nodes"]


def test_prune(built: Path, used: Path) -> None:
    assert json.loads(runs(built, used, "prune", "--status", "failed", "--json").stdout) == {"pruned": 1}
    assert {each["status"] for each in listed(built, used)} == {"completed"}
    assert json.loads(runs(built, used, "prune", "--older-than", "1", "--json").stdout) == {"pruned": 0}
    newest = listed(built, used)[0]["run_id"]
    assert json.loads(runs(built, used, "prune", "--keep", "1", "--json").stdout) == {"pruned": 2}
    assert [each["run_id"] for each in listed(built, used)] == [newest]


def test_one_shot_runs_are_recorded(built: Path, tmp_path: Path) -> None:
    once = ("--mode", "once", "--start", "go", "--input", "-", *STATE)
    assert app(built, *once, cwd=tmp_path, input='{"good": true}').returncode == 0
    assert app(built, *once, cwd=tmp_path, input='{"good": false}').returncode == 5
    assert [each["status"] for each in listed(built, tmp_path)] == ["failed", "completed"]


def test_it_does_not_grow_for_ever(built: Path, tmp_path: Path) -> None:
    """`max_runs` is 40: what is beyond goes when the store is looked after."""
    with serving("", tmp_path, *STATE, app=built) as server:
        for _ in range(100):
            assert server.ask("POST", "/go", '{"good": true}').status == 200
    with serving("", tmp_path, *STATE, app=built):
        database = sqlite3.connect(tmp_path / "state" / "state.db")

        def count(table: str) -> int:
            return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

        until(lambda: count("runs") == 40)
        assert count("run_nodes") == 80
        database.close()


def test_a_run_that_was_killed_was_interrupted(built: Path, tmp_path: Path) -> None:
    """It has no checkpoint, so nothing goes on with it; the history says so."""
    with serving("", tmp_path, *STATE, app=built) as server:
        assert server.ask("POST", "/go", '{"good": true}').status == 200
        database = sqlite3.connect(tmp_path / "state" / "state.db")
        until(lambda: database.execute("SELECT status FROM runs").fetchall() == [("completed",)])
        database.execute("UPDATE runs SET status = 'running', ended_at = NULL")
        database.commit()
        database.close()
        server.process.kill()
        server.process.wait()
    assert [each["status"] for each in listed(built, tmp_path)] == ["interrupted"]
