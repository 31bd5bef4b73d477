"""Every example checks without a finding, builds, and gives the outcome that stands beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/workflow.toml"))
AGENTDC = [sys.executable, "-m", "agentdc"]
FAILS = {"config-drift"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example(example: Path, tmp_path: Path) -> None:
    folder = tmp_path / example.name
    shutil.copytree(example, folder, ignore=shutil.ignore_patterns("reports"))
    checked = subprocess.run(
        [*AGENTDC, "check", "workflow.toml"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert checked.stdout == f"{example.name}: no errors\n"
    subprocess.run(
        [*AGENTDC, "build", "workflow.toml", "-o", "app/"], cwd=folder, check=True, capture_output=True
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "app", "--input", "input.json"],
        cwd=folder,
        env={**os.environ, "DEPLOY_STAGE": "test"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == (folder / "expected.json").read_text()
    assert ran.returncode == (5 if example.name in FAILS else 0)


def test_readme_of_each_example_says_how_to_run_it() -> None:
    for example in EXAMPLES:
        assert "workflow.toml" in (example / "README.md").read_text()
