"""Runs that are to be kept on a disk that fills up under them: kept with the space of the reserve, or an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import app, make
from disks import small_disk
from steps import STEPS, asking

FILLS = ["-c", "dd if=/dev/zero of=disk/ballast bs=4096 2>/dev/null; true"]
GIVEN = json.dumps({**json.loads(asking("k")), "two": FILLS})
ONCE = ("--mode", "once", "--state-dir", "disk/state")


@pytest.mark.parametrize("flags", [(), ("--checkpoint-each-node",)])
def test_a_pause_is_kept_with_the_space_of_the_reserve(tmp_path: Path, flags: tuple[str, ...]) -> None:
    built = make(STEPS, tmp_path / "built")
    with small_disk(tmp_path / "disk", 8) as disk:
        done = app(built, *ONCE, *flags, "--start", "go", "--input", "-", cwd=tmp_path, input=GIVEN)
        assert done.returncode == 7, done.stderr
        assert not (disk / "state" / "reserve").exists()
        (disk / "ballast").unlink()
        run_id = json.loads(done.stdout)["run_id"]
        assert app(built, *ONCE, "--resume", run_id, cwd=tmp_path).returncode == 0


def test_without_a_reserve_nobody_is_told_of_a_pause(tmp_path: Path) -> None:
    built = make(STEPS.replace("reserve_mb = 1", "reserve_mb = 0"), tmp_path / "built")
    with small_disk(tmp_path / "disk", 4) as disk:
        done = app(built, *ONCE, "--start", "go", "--input", "-", cwd=tmp_path, input=GIVEN)
        assert (done.returncode, done.stdout) == (5, "")
        assert "the run could not be kept" in done.stderr
        (disk / "ballast").unlink()
        listed = app(built, "--list-checkpoints", "--state-dir", "disk/state", cwd=tmp_path)
        assert listed.stdout == "no checkpoints in disk/state\n"
