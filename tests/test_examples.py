"""Every example checks without a finding, builds, and gives the outcome that stands beside it; servers serve."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from serving import serving, until

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/workflow.toml"))
AGENTDC = [sys.executable, "-m", "agentdc"]
FAILS = {"config-drift"}
# They write files at fixed places, or ask a model at a fixed address, so each has one test.
OWN = {"approval-gate", "cron-poller", "github-webhook", "repo-assistant", "support-triage"}


@contextmanager
def peer_of(folder: Path) -> Iterator[None]:
    """The service that an example asks, as its README starts it, at a port that is free here."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    text = (folder / "workflow.toml").read_text()
    (folder / "workflow.toml").write_text(text.replace("127.0.0.1:8099", f"127.0.0.1:{port}"))
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", "peer"]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            for _ in range(200):
                with socket.socket() as asked:
                    if asked.connect_ex(("127.0.0.1", port)) == 0:
                        break
                sleep(0.05)
            yield
        finally:
            server.terminate()


def _copied(example: Path, tmp_path: Path) -> Path:
    folder = tmp_path / example.name
    shutil.copytree(example, folder, ignore=shutil.ignore_patterns("reports"))
    return folder


def _runs(folder: Path) -> None:
    """Check, build, run once: each as a person would see it."""
    checked = subprocess.run(
        [*AGENTDC, "check", "workflow.toml"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert checked.stdout == f"{folder.name}: no errors\n"
    subprocess.run(
        [*AGENTDC, "build", "workflow.toml", "-o", "app/"], cwd=folder, check=True, capture_output=True
    )
    app = [sys.executable, "-I"] + ([] if (folder / "peer").exists() else ["-S"]) + ["app"]
    ran = subprocess.run(
        [*app, "--mode", "once", "--input", "input.json"],
        cwd=folder,
        env={**os.environ, "DEPLOY_STAGE": "test"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr if not ran.stdout else "") == ((folder / "expected.json").read_text(), "")
    assert ran.returncode == (5 if folder.name in FAILS else 0)


@pytest.mark.parametrize(
    "example", [each for each in EXAMPLES if each.name not in OWN], ids=lambda path: path.name
)
def test_example(example: Path, tmp_path: Path) -> None:
    _runs(_copied(example, tmp_path))


def _built(example: str, app: Path) -> Path:
    folder = ROOT / "examples" / example
    build = [*AGENTDC, "build", "workflow.toml", "-o", str(app), "--format", "dir"]
    subprocess.run(build, cwd=folder, check=True, capture_output=True)
    return folder


def _curl(folder: Path, url: str, *words: str) -> tuple[int, str]:
    """Status and body, by curl."""
    command = ["curl", "-s", "-w", "\n%{http_code}", url, *words]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    body, _, status = said.rpartition("\n")
    return int(status), body


def test_cron_poller(tmp_path: Path) -> None:
    folder = _copied(ROOT / "examples" / "cron-poller", tmp_path)
    alarm = Path("/tmp/cron-poller/alarm.txt")
    alarm.unlink(missing_ok=True)
    with peer_of(folder):
        _runs(folder)
        with serving("", tmp_path, app=folder / "app") as app:
            poll = f"http://127.0.0.1:{app.port}/poll"
            assert _curl(folder, poll, "-X", "POST") == (200, '{"healthy":true}')
            kept = json.loads(Path("/tmp/cron-poller/last.json").read_text())
            assert kept == {"healthy": True, "queue": 3}
            (folder / "peer" / "status.json").write_text('{"healthy": false}')
            assert _curl(folder, poll, "-X", "POST") == (200, '{"healthy":false}')
            assert alarm.read_text().startswith("status 200: ")
            (folder / "peer" / "status.json").unlink()
            assert _curl(folder, poll, "-X", "POST") == (200, '{"healthy":false}')
            assert alarm.read_text().startswith("status 404: ")
            assert app.end() == 0


def test_order_hook_serves(tmp_path: Path) -> None:
    example = _built("order-hook", tmp_path / "app")
    order = (example / "input.json").read_bytes()
    with serving("", tmp_path, app=tmp_path / "app", SHOP_HOOK_KEY="k3y") as hook:
        accepted = hook.ask("POST", "/orders", order, _signed(order))
        assert accepted.status == 201
        assert json.dumps(accepted.json, separators=(",", ":")) in (example / "README.md").read_text()
        assert hook.ask("POST", "/orders", order).status == 401
        assert hook.ask("POST", "/orders", b"{}", _signed(b"{}")).status == 400
        assert hook.ask("GET", "/orders").headers["allow"] == "POST"
        found = {hook.ask("POST", "/orders", order, _signed(order)).status for _ in range(25)}
        assert found == {201, 429}
        assert hook.end() == 0


def _signature(body: bytes, key: str) -> str:
    """As the READMEs make it."""
    command = ["openssl", "dgst", "-sha256", "-hmac", key]
    said = subprocess.run(command, input=body, capture_output=True, check=True).stdout.decode()
    return f"sha256={said.split()[-1]}"


def _signed(body: bytes) -> dict[str, str]:
    return {"Content-Type": "application/json", "X-Shop-Signature": _signature(body, "k3y")}


def test_github_webhook_serves(tmp_path: Path) -> None:
    folder = _copied(ROOT / "examples" / "github-webhook", tmp_path)
    _runs(folder)
    note = Path("/tmp/github-webhook/17.md")
    note.unlink(missing_ok=True)

    def send(name: str, key: str = "k3y") -> tuple[int, str]:
        signature = _signature((folder / "payloads" / f"{name}.json").read_bytes(), key)
        headers = ["-H", "Content-Type: application/json", "-H", f"X-Hub-Signature-256: {signature}"]
        url = f"http://127.0.0.1:{hook.port}/github"
        return _curl(folder, url, *headers, "--data-binary", f"@payloads/{name}.json")

    with serving("", tmp_path, app=folder / "app", GITHUB_WEBHOOK_SECRET="k3y") as hook:
        for name in ("opened", "push", "ping"):
            assert send(name) == (202, '{"noted":false}')
        assert send("merged", "other")[0] == 401
        assert not note.exists()
        status, said = send("merged")
        assert (status, said in (folder / "README.md").read_text()) == (201, True)
        assert note.read_text().splitlines()[0] == "# acme/garden #17: Water the roses twice a day"
        assert hook.end() == 0


def test_approval_gate(tmp_path: Path) -> None:
    folder = _copied(ROOT / "examples" / "approval-gate", tmp_path)
    checked = subprocess.run(
        [*AGENTDC, "check", "workflow.toml"], cwd=folder, capture_output=True, check=True
    )
    assert checked.stdout == b"approval-gate: no errors\n"
    app = folder / "app"
    _built("approval-gate", app)
    paid = Path("/tmp/approval-gate")
    shutil.rmtree(paid, ignore_errors=True)
    tokens = {"SHOP_TOKEN": "s3", "OPS_TOKEN": "0ps"}

    def ask(path: str, token: str, *words: str) -> tuple[int, Any]:
        url = f"http://127.0.0.1:{gate.port}{path}"
        status, body = _curl(folder, url, "-H", f"Authorization: Bearer {token}", *words)
        return status, json.loads(body)

    def refund(name: str) -> tuple[int, Any]:
        body = ("-H", "Content-Type: application/json", "--data-binary", f"@requests/{name}.json")
        return ask("/refunds", "s3", *body)

    def decide(run_id: str, decision: str, note: str, token: str = "0ps") -> tuple[int, Any]:
        said = json.dumps({"decision": decision, "note": note})
        return ask(f"/approvals/{run_id}", token, "-d", said)

    def history(*words: str) -> Any:
        command = [sys.executable, "-I", "-S", "app", "runs", *words, "--state-dir", "state", "--json"]
        return json.loads(subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout)

    with serving("", folder, "--state-dir", "state", app=app, **tokens) as gate:
        status, small = refund("small")
        assert (status, small["status"]) == (200, "completed")
        assert (paid / "R-18.txt").read_text() == "small enough to need no approval\n"
        status, large = refund("large")
        assert (status, large["status"]) == (202, "paused")
        assert refund("large") == (202, large)
        status, doubtful = refund("doubtful")
        waiting = ask("/approvals", "0ps")[1]["approvals"]
        assert [each["run_id"] for each in waiting] == [large["run_id"], doubtful["run_id"]]
        assert decide(large["run_id"], "approve", "", token="s3")[0] == 401
        assert not (paid / "R-17.txt").exists()
        gate.process.kill()
        gate.process.wait()
    with serving("", folder, "--state-dir", "state", app=app, **tokens) as gate:
        assert decide(large["run_id"], "approve", "receipt seen")[0] == 200
        until((paid / "R-17.txt").exists)
        assert (paid / "R-17.txt").read_text().startswith("approved by bearer:ops at 20")
        assert decide(large["run_id"], "approve", "again")[0] == 409
        assert decide(doubtful["run_id"], "reject", "no receipt")[0] == 200
        until(lambda: history("show", large["run_id"])["status"] == "completed")
        assert history("show", doubtful["run_id"])["outcome"]["reason"] == "no receipt"
        assert [each["status"] for each in history("list")["runs"]] == ["failed", "completed", "completed"]
        assert not (paid / "R-19.txt").exists()
        assert gate.end() == 0


def test_readme_of_each_example_says_how_to_run_it() -> None:
    for example in EXAMPLES:
        assert "workflow.toml" in (example / "README.md").read_text()
