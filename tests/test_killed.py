"""The kill matrix of idempotent requests (spec 04 §4.2): SIGKILL at each commit and around each effect.

What is said: once an answer is committed it is given again, and its effect has happened once. Between an effect and
the commit of its answer there is a moment in which a kill makes the effect happen again; nothing else does.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from command import app, make
from killing import LOAD, asking, integrity, killed_at, killed_early, random_kills
from serving import serving

# The point, and how often the effect has happened in the end.
POINTS = {
    "commit:claim:before": 1,
    "commit:claim:after": 1,
    "call:agentdc_runtime.host.command:run_command:before": 1,
    "call:agentdc_runtime.host.command:run_command:after": 2,
    "commit:close:before": 2,
    "commit:close:after": 1,
    "call:agentdc_runtime.http.service:Service._outcome:before": 1,
    "call:agentdc_runtime.http.service:Service._outcome:after": 1,
}


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point(tmp_path: Path, point: str) -> None:
    built = make(LOAD, tmp_path / "built")
    body, effects = asking("k"), tmp_path / "effects.txt"
    killed_at(built, tmp_path, point, body, "--state-dir", "state")
    assert integrity(tmp_path / "state", tmp_path) == "ok"
    committed = effects.read_bytes().count(b"k") if effects.exists() else 0
    with serving("", tmp_path, "--state-dir", "state", app=built) as server:
        first = server.ask("POST", "/once", body)
        second = server.ask("POST", "/once", body)
    assert (first.status, second.status) == (201, 201)
    assert first.body == second.body
    assert second.headers["x-agentd-idempotent-replay"] == "true"
    happened = effects.read_bytes().count(b"k")
    assert happened == POINTS[point]
    replayed = "x-agentd-idempotent-replay" in first.headers
    assert replayed == (committed == happened)


@pytest.mark.parametrize(
    "point",
    [
        "call:agentdc_runtime.state.database:_step:before",
        "call:agentdc_runtime.state.database:_step:after",
        "call:agentdc_runtime.state.status:Reserve.make:before",
        "call:agentdc_runtime.state.status:Reserve.make:after",
    ],
)
def test_killed_while_the_database_is_made(tmp_path: Path, point: str) -> None:
    """Tables come in whole versions; the next start makes what is missing."""
    built = make(LOAD, tmp_path / "built")
    killed_early(built, tmp_path, point, "--state-dir", "state", "--bind", "127.0.0.1:0")
    with serving("", tmp_path, "--state-dir", "state", app=built) as server:
        assert server.ask("POST", "/once", asking("k")).body == b"1\n"
    assert integrity(tmp_path / "state", tmp_path) == "ok"


@pytest.mark.parametrize(
    "point",
    [
        "call:agentdc_runtime.state.copies:set_aside:before",
        "call:agentdc_runtime.state.copies:set_aside:after",
        "call:agentdc_runtime.state.copies:put_in_place:before",
        "call:os:rename:before",
        "call:os:rename:after",
    ],
)
def test_killed_while_a_backup_is_restored(tmp_path: Path, point: str) -> None:
    """What is there afterwards is all of the old database or all of the backup."""
    built = make(LOAD, tmp_path / "built")
    with serving("", tmp_path, "--state-dir", "state", app=built) as server:
        assert server.ask("POST", "/once", asking("old")).body == b"1\n"
        assert app(built, "state", "backup", "b.db", "--state-dir", "state", cwd=tmp_path).returncode == 0
        assert server.ask("POST", "/once", asking("new")).body == b"2\n"
    killed_early(built, tmp_path, point, "state", "restore", "b.db", "--state-dir", "state")
    assert integrity(tmp_path / "state", tmp_path) == "ok"
    with serving("", tmp_path, "--state-dir", "state", app=built) as server:
        assert server.ask("POST", "/once", asking("old")).headers["x-agentd-idempotent-replay"] == "true"
        again = server.ask("POST", "/once", asking("new"))
        assert again.body == (b"3\n" if point == "call:os:rename:after" else b"2\n")
    assert app(built, "state", "restore", "b.db", "--state-dir", "state", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("stepwise", [False, True])
def test_killed_at_any_moment(tmp_path: Path, stepwise: bool) -> None:
    """The short form of `make soak`."""
    figures = random_kills(tmp_path, 30, seed=1, stepwise=stepwise)
    assert figures.kills == 30
    assert figures.answered > 50
    assert (figures.lost, figures.damaged) == (0, 0)
    assert (figures.missing_effects, figures.repeated_without_cause) == (0, 0)
    assert figures.finished_nodes_run_again == 0
