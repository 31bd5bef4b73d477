"""`agentdc infer` as a user has it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from agentdc.testing.fits import misfit
from agentdc.testing.schemas import violation
from agentdc.types.from_schema import from_schema

ROOT = Path(__file__).resolve().parents[1]
TRIAGE = ROOT / "examples" / "triage"

ASK = """
name = "ask"
start_nodes = [{ name = "go", source = "manual" }]
edges = [{ from = "ask", to = "show" }]

[[nodes]]
id = "ask"
type = "llm_infer"
backend = "default"
prompt = "How is the mood in {{city}}?"
input_from = "trigger"
output_schema = "inline"

[[nodes]]
id = "show"
type = "json_select"
input_from = "ask.parsed"
path = "mood"
"""
FIXTURE = """
start = "go"
trigger = { payload = { city = "Oslo" } }
mocks = { intel = ['{"mood": "calm"}', "not JSON"] }
"""


def _infer(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agentdc", "infer", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_types_of_an_example() -> None:
    done = _infer("workflow.toml", cwd=TRIAGE)
    assert done.returncode == 0, done.stderr
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert lines["severity"] == "{found: true, value: string} | {found: false, value: null}"
    assert lines["reply"] == '{bytes: integer, content_type: "text/plain", status: 202}'
    assert any(line.startswith("start incident (") for line in lines)


def test_schemas_accept_the_samples() -> None:
    done = _infer("examples/triage/workflow.toml", "--format", "json", cwd=ROOT)
    schema = json.loads(done.stdout)["triggers"]["incident"]
    given = json.loads((TRIAGE / "input.json").read_text("utf-8"))
    assert violation(schema, given) is None
    assert misfit(given, from_schema(schema)) is None


def test_answers_of_models(tmp_path: Path) -> None:
    (tmp_path / "workflow.toml").write_text(ASK, "utf-8")
    (tmp_path / "fixture.toml").write_text(FIXTURE, "utf-8")
    done = _infer("workflow.toml", ".", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "start go (1 sample): {city: string}" in done.stdout
    assert "answers of models: {mood: string}" in done.stdout
    assert "show: {found: true, value: string}" in done.stdout


def test_usage_and_errors(tmp_path: Path) -> None:
    assert _infer("nowhere.toml", cwd=tmp_path).returncode == 2
    (tmp_path / "workflow.toml").write_text(ASK.replace("llm_infer", "llm_infre"), "utf-8")
    done = _infer("workflow.toml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (5, "")
    assert "unknown_node_kind" in done.stderr
    assert _infer("workflow.toml", "--format", "xml", cwd=tmp_path).returncode == 2
