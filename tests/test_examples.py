"""Every example checks without a finding, builds, and gives the outcome that stands beside it; one serves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from serving import serving

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
        [sys.executable, "-I", "-S", "app", "--mode", "once", "--input", "input.json"],
        cwd=folder,
        env={**os.environ, "DEPLOY_STAGE": "test"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == (folder / "expected.json").read_text()
    assert ran.returncode == (5 if example.name in FAILS else 0)


def test_order_hook_serves(tmp_path: Path) -> None:
    example = ROOT / "examples" / "order-hook"
    order = (example / "input.json").read_bytes()
    app = tmp_path / "app"
    build = [*AGENTDC, "build", "workflow.toml", "-o", str(app), "--format", "dir"]
    subprocess.run(build, cwd=example, check=True, capture_output=True)
    with serving("", tmp_path, app=app, SHOP_HOOK_KEY="k3y") as hook:
        accepted = hook.ask("POST", "/orders", order, _signed(order))
        assert accepted.status == 201
        assert json.dumps(accepted.json, separators=(",", ":")) in (example / "README.md").read_text()
        assert hook.ask("POST", "/orders", order).status == 401
        assert hook.ask("POST", "/orders", b"{}", _signed(b"{}")).status == 400
        assert hook.ask("GET", "/orders").headers["allow"] == "POST"
        found = {hook.ask("POST", "/orders", order, _signed(order)).status for _ in range(25)}
        assert found == {201, 429}
        assert hook.end() == 0


def _signed(body: bytes) -> dict[str, str]:
    """Headers of a request as the README makes them."""
    command = ["openssl", "dgst", "-sha256", "-hmac", "k3y"]
    said = subprocess.run(command, input=body, capture_output=True, check=True).stdout.decode()
    return {"Content-Type": "application/json", "X-Shop-Signature": f"sha256={said.split()[-1]}"}


def test_readme_of_each_example_says_how_to_run_it() -> None:
    for example in EXAMPLES:
        assert "workflow.toml" in (example / "README.md").read_text()
