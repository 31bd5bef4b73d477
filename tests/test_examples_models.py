"""The examples that ask models, as their READMEs run them: against `agentdc mock-llm`, at a port that is free."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command import AGENTDC, agentdc, app, environment
from serving import Server, serving, until

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@contextmanager
def _model(name: str, tmp_path: Path) -> Iterator[Path]:
    """A copy of an example that asks its scripted model, which runs."""
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLES / name, folder)
    with subprocess.Popen(
        [*AGENTDC, "mock-llm", "mock.toml", "--bind", "127.0.0.1:0"],
        cwd=folder,
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        said = re.search(r"listening on .*127\.0\.0\.1:(\d+)", process.stderr.readline())
        assert said is not None
        text = (folder / "workflow.toml").read_text()
        named = re.sub(r"http://127\.0\.0\.1:80\d\d", f"http://127.0.0.1:{said[1]}", text)
        assert named != text
        (folder / "workflow.toml").write_text(named)
        try:
            yield folder
        finally:
            process.terminate()


@pytest.mark.parametrize("name", ["repo-assistant", "support-triage"])
def test_they_check_and_take_every_edge(name: str, tmp_path: Path) -> None:
    folder = EXAMPLES / name
    checked = agentdc("check", "workflow.toml", cwd=folder)
    assert (checked.returncode, checked.stdout) == (0, f"{name}: no errors\n")
    done = agentdc("test", "--min-edge-coverage", "1", cwd=folder, XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert "(100%)" in done.stdout


def test_repo_assistant_answers(tmp_path: Path) -> None:
    built = tmp_path / "repo-assistant.pyz"
    with _model("repo-assistant", tmp_path) as folder:
        agentdc("build", "workflow.toml", "-o", built, cwd=folder)
        words = ("--input", "input.json", "--record", str(tmp_path / "run.json"))
        done = app(built, *words, cwd=folder, PYTHONDONTWRITEBYTECODE="1")
    assert done.returncode == 0, done.stderr
    said = done.stdout.strip()
    readme = (folder / "README.md").read_text()
    assert "\n".join(f"    {line}" for line in said.split("\n")) in readme
    assert json.loads((tmp_path / "run.json").read_text())["cost"]["llm_calls"] == 3


@contextmanager
def _desk(tmp_path: Path, folder: Path, built: Path) -> Iterator[Server]:
    """support-triage, built and running."""
    agentdc("build", "workflow.toml", "-o", f"{built}/", cwd=folder)
    state = ("--state-dir", str(tmp_path / "state"))
    with serving("", tmp_path, *state, app=built, DESK_TOKENS="s3same", LEAD_TOKENS="l3ad") as desk:
        yield desk


def test_support_triage_serves(tmp_path: Path) -> None:
    built = tmp_path / "support-triage"
    sent = {"Authorization": "Bearer s3same", "Content-Type": "application/json"}
    tickets = [
        (
            {"subject": "It crashes", "body": "The app crashes."},
            200,
            b"Thank you for telling us. We look into it.",
        ),
        (
            {"subject": "Hi", "body": "Nice."},
            201,
            b'{"state":"filed","about":{"topic":"other","urgent":false}}',
        ),
    ]
    with _model("support-triage", tmp_path) as folder, _desk(tmp_path, folder, built) as desk:
        for ticket, status, body in tickets:
            answer = desk.ask("POST", "/tickets", json.dumps(ticket).encode(), sent)
            assert (answer.status, answer.body) == (status, body)
        refund = desk.ask("POST", "/tickets", b'{"subject": "Refund", "body": "I want my money back."}', sent)
        assert refund.status == 202
        lead = {"Authorization": "Bearer l3ad", "Content-Type": "application/json"}
        place = f"/approvals/{refund.json['run_id']}"
        assert desk.ask("POST", place, b'{"decision": "approve"}', sent).status == 401
        agreed = desk.ask("POST", place, b'{"decision": "approve", "note": "fair"}', lead)
        assert (agreed.status, agreed.json["by"]) == (200, "bearer:lead")
        show = (
            sys.executable,
            str(built),
            "runs",
            "show",
            refund.json["run_id"],
            "--state-dir",
            str(tmp_path / "state"),
        )

        def shown() -> str:
            return subprocess.run(show, capture_output=True, text=True, check=False).stdout

        until(lambda: "completed" in shown(), 60)
        assert "You get your money back. bearer:lead has agreed to it." in shown()
        assert desk.ask("POST", "/tickets", b'{"subject": "x"}', sent).status == 400
        assert desk.ask("POST", "/tickets", b"{}", {**sent, "Authorization": "Bearer no"}).status == 401
        assert desk.end() == 0
