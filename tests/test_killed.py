"""The kill matrix of idempotent requests (spec 04 §4.2): SIGKILL at each commit and around each effect.

What is said: once an answer is committed it is given again, and its effect has happened once. Between an effect and
the commit of its answer there is a moment in which a kill makes the effect happen again; nothing else does.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from command import make
from killing import LOAD, asking, integrity, killed_at, random_kills
from serving import serving

# The point, and how often the effect has happened in the end.
POINTS = {
    "commit:claim:before": 1,
    "commit:claim:after": 1,
    "call:agentdc_runtime.host.command:run_command:before": 1,
    "call:agentdc_runtime.host.command:run_command:after": 2,
    "commit:keep:before": 2,
    "commit:keep:after": 1,
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


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """The short form of `make soak`."""
    figures = random_kills(tmp_path, 40, seed=1)
    assert figures.kills == 40
    assert figures.answered > 100
    assert (figures.lost, figures.damaged) == (0, 0)
    assert (figures.missing_effects, figures.repeated_without_cause) == (0, 0)
