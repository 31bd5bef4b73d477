"""What `agentdc compat` says of two versions, against what their apps do: one pauses a run, the other takes it over.

Every case of `tests/cases/compat` is built in both versions. Where the verdict is `cannot`, the app refuses with the
same words and keeps the run; else it goes on.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from command import agentdc, app, make, run
from runner import case_id, find

from agentdc.driver.build import BuildRequest, Format, build

ROOT = Path(__file__).parent / "cases" / "compat"
CASES = find(ROOT, "*/new.toml")
INPUT = json.dumps({"id": "R-1", "text": '{"id": 1}', "good": True, "big": True, "sure": True})
STATE = ("--state-dir", "state")
FAILS = {"needed_on_one_route"}  # it is on that route
ONCE = ("--mode", "once", "--start", "go", "--input", "-")


def built(source: Path, folder: Path) -> Path:
    """The app of a version, in `folder`."""
    made = build(BuildRequest(str(source), str(folder), Format.DIRECTORY))
    assert made.ok, [each.message for each in made.diagnostics]
    return folder


def judged(old: Path, new: Path, folder: Path) -> dict[str, Any]:
    """The verdict about the one run in the state directory."""
    done = agentdc("compat", old, new, *STATE, "--format", "json", cwd=folder)
    runs = json.loads(done.stdout)["runs"]
    assert len(runs) == 1
    assert done.returncode == (5 if runs[0]["verdict"] == "cannot" else 0), done.stderr
    found: dict[str, Any] = runs[0]
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case_id(ROOT, case.parent))
def test_the_new_app_does_as_was_said(case: Path, tmp_path: Path) -> None:
    old, new = case.with_name("old.toml"), case
    paused = app(built(old, tmp_path / "old"), *ONCE, *STATE, cwd=tmp_path, input=INPUT)
    assert paused.returncode == 7, paused.stderr
    run_id = json.loads(paused.stdout)["run_id"]
    verdict = judged(old, new, tmp_path)
    assert (verdict["run_id"], verdict["awaiting_approval"]) == (run_id, True)
    done = app(built(new, tmp_path / "new"), "--resume", run_id, *STATE, "--mode", "once", cwd=tmp_path)
    kept = app(tmp_path / "old", "--list-checkpoints", *STATE, cwd=tmp_path).stdout
    if "keeps no runs" in "".join(verdict["reasons"]):
        assert done.returncode == 2
    elif verdict["verdict"] == "cannot":
        assert done.returncode == 5
        assert done.stdout == ""
        if "it is a run of workflow" not in verdict["reasons"][0]:
            assert f"{verdict['reasons'][0]}; its checkpoint is kept" in done.stderr
        assert kept.startswith(f"{run_id}  paused ")
    elif case.parent.name in FAILS:
        assert done.returncode == 5
        assert 'path "customer" does not resolve' in done.stderr
        assert kept.startswith(f"{run_id}  recoverable ")
    else:
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["status"] == "completed"
        assert kept == "no checkpoints in state\n"


@pytest.mark.parametrize("form", [Format.DIRECTORY, Format.ZIPAPP])
def test_a_rebuilt_app_goes_on(form: Format, tmp_path: Path) -> None:
    """Built again, from a copy elsewhere, the program is the same: nothing is told about a change."""
    source = tmp_path / "workflow.toml"
    shutil.copyfile(ROOT / "unchanged" / "old.toml", source)
    paused = app(built(source, tmp_path / "first"), *ONCE, *STATE, cwd=tmp_path, input=INPUT)
    run_id = json.loads(paused.stdout)["run_id"]
    (tmp_path / "again").mkdir()
    source = source.rename(tmp_path / "again" / "other.toml")
    again = tmp_path / "again" / ("app.pyz" if form is Format.ZIPAPP else "app")
    made = build(BuildRequest(str(source), str(again), form))
    assert made.ok
    shutil.rmtree(tmp_path / "first")
    done = app(again, "--resume", run_id, *STATE, "--log-level", "info", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["final_value"]["rendered"] == "paid: refund R-1"
    assert "workflow.changed" not in done.stderr


def test_a_changed_program_is_told(tmp_path: Path) -> None:
    case = ROOT / "unchanged"
    paused = app(built(case / "old.toml", tmp_path / "old"), *ONCE, *STATE, cwd=tmp_path, input=INPUT)
    run_id = json.loads(paused.stdout)["run_id"]
    new = built(case / "new.toml", tmp_path / "new")
    done = app(new, "--resume", run_id, *STATE, "--log-level", "info", cwd=tmp_path)
    assert "workflow.changed" in done.stderr
    assert json.loads(done.stdout)["final_value"]["rendered"] == "paid out: refund R-1"


def test_what_it_says_without_runs_and_without_files(tmp_path: Path) -> None:
    source = ROOT / "unchanged" / "old.toml"
    assert agentdc("compat", source, source, "--state-dir", ".", cwd=tmp_path).returncode == 2
    assert agentdc("compat", source, "none.toml", cwd=tmp_path).returncode == 2
    assert agentdc("compat", source, source, "--fail-on", "what", cwd=tmp_path).returncode == 2
    gone = agentdc("compat", source, ROOT / "node_gone" / "new.toml", cwd=tmp_path)
    assert gone.returncode == 5
    assert (
        agentdc(
            "compat", source, ROOT / "node_gone" / "new.toml", "--fail-on", "none", cwd=tmp_path
        ).returncode
        == 0
    )
    between = ROOT / "step_in_between" / "new.toml"
    assert agentdc("compat", source, between, cwd=tmp_path).returncode == 0
    assert agentdc("compat", source, between, "--fail-on", "warning", cwd=tmp_path).returncode == 5


@pytest.mark.parametrize("form", [Format.DIRECTORY, Format.ZIPAPP])
def test_a_built_app_or_a_revision_says_the_same(form: Format, tmp_path: Path) -> None:
    """What runs is a build, and what is to come is in git: both can be asked about."""
    case = ROOT / "needs_what_was_never_stored"
    old = make((case / "old.toml").read_text(), tmp_path / "old", form=form)
    shutil.copyfile(case / "new.toml", tmp_path / "new.toml")
    git = ("git", "-c", "user.name=x", "-c", "user.email=x", "-c", "init.defaultBranch=main")
    for words in (("init", "-q"), ("add", "new.toml"), ("commit", "-q", "-m", "x")):
        assert run([*git, *words], cwd=tmp_path).returncode == 0
    done = agentdc("compat", old, "git:main:new.toml", cwd=tmp_path)
    assert done.returncode == 5, done.stderr
    assert done.stdout.splitlines()[1:] == (case / "verdict.txt").read_text().splitlines()[1:]
    assert agentdc("compat", old, "git:other:new.toml", cwd=tmp_path).returncode == 2
