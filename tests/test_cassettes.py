"""`agentdc test --record` and `--replay`: answers of models beside fixtures, and scripted agent loops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import agentdc, codes
from mockmodel import mock_model

KEY = "sk-sesame-open-1234"
WORKFLOW = """\
name = "mood"

[[secrets]]
name = "DESK_KEY"
source = "env"
var = "DESK_KEY"

[[intelligence.backends]]
name = "desk"
provider = "openai-compatible"
model = "house-7b"
base_url = "{url}"
api_key_env = "DESK_KEY"

[policy.fs]
read = ["/proc/version"]

[[start_nodes]]
name = "go"
source = "manual"
entry_node = "ask"

[[nodes]]
id = "ask"
type = "llm_infer"
backend = "desk"
prompt = "Mood in {{{{city}}}}? {{{{key}}}}"
input_from = "trigger"
output_schema = "inline"
output_repairs = 1

[[nodes]]
id = "act"
type = "agent_loop"
backend = "desk"
instructions = "Look."
tools = ["read_file"]
max_steps = 3

[[nodes]]
id = "tired"
type = "fail"
reason = "no answer"

[[edges]]
from = "ask"
to = "act"

[[edges]]
from = "act"
to = "tired"
when = "exhausted"
"""
FIXTURE = """\
start = "go"
[trigger]
payload = {{ city = "{city}", key = "{key}" }}
[expected]
status = "completed"
path = ["ask", "act"]
"""
SCRIPT = """
[[rules]]
contains = "Mood"
replies = ["no JSON"]
[[rules]]
contains = "rejected"
json = { mood = "calm" }
[[rules]]
contains = "Look."
replies = ['{"action": "tool", "tool": "read_file", "args": {"path": "/proc/version"}}']
[[rules]]
replies = ['{"action": "final", "result": 1}']
"""


def _suite(folder: Path, url: str, fixture: str) -> Path:
    suite = folder / "tests" / "mood"
    suite.mkdir(parents=True)
    (suite / "workflow.toml").write_text(WORKFLOW.format(url=url))
    (suite / "fixture.toml").write_text(fixture)
    return suite


def _report(stdout: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stdout)
    return found


def test_what_is_recorded_is_replayed_without_the_model(tmp_path: Path) -> None:
    with mock_model(SCRIPT, tmp_path / "mock") as mock:
        suite = _suite(tmp_path, mock.url, FIXTURE.format(city="Oslo", key=KEY))
        done = agentdc("test", "--record", "--json", "tests", cwd=tmp_path, DESK_KEY=KEY)
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(mock.requests) == 4
    cassette = (suite / "cassette.json").read_text()
    assert KEY not in cassette
    assert "<redacted>" in cassette
    assert len(json.loads(cassette)["answers"]) == 4
    for words in (("--replay",), ()):
        done = agentdc("test", *words, "--json", "tests", cwd=tmp_path, DESK_KEY=KEY)
        assert done.returncode == 0, done.stdout + done.stderr
        assert _report(done.stdout)["fixtures"][0]["passed"]


def test_recording_again_gives_the_same_bytes(tmp_path: Path) -> None:
    seen = []
    for number in range(2):
        with mock_model(SCRIPT, tmp_path / "mock") as mock:
            suite = _suite(tmp_path / str(number), mock.url, FIXTURE.format(city="Oslo", key="x"))
            done = agentdc("test", "--record", "tests", cwd=tmp_path / str(number), DESK_KEY=KEY)
            assert done.returncode == 0, done.stdout + done.stderr
            seen.append((suite / "cassette.json").read_bytes())
    assert seen[0] == seen[1]


def test_another_prompt_is_not_in_the_cassette(tmp_path: Path) -> None:
    with mock_model(SCRIPT, tmp_path / "mock") as mock:
        suite = _suite(tmp_path, mock.url, FIXTURE.format(city="Oslo", key="x"))
        agentdc("test", "--record", "tests", cwd=tmp_path, DESK_KEY=KEY)
    (suite / "fixture.toml").write_text(FIXTURE.format(city="Rome", key="x"))
    done = agentdc("test", "--replay", "tests", cwd=tmp_path, DESK_KEY=KEY)
    assert done.returncode == 1
    assert "the cassette has no answer of `desk` to this request; record it again" in done.stdout


def test_replay_without_a_cassette_is_an_error_and_not_a_stub(tmp_path: Path) -> None:
    _suite(tmp_path, "http://127.0.0.1:9", FIXTURE.format(city="Oslo", key="x"))
    done = agentdc("test", "--replay", "tests", cwd=tmp_path, DESK_KEY=KEY)
    assert done.returncode == 1
    assert "record it again" in done.stdout


@pytest.mark.parametrize(
    "text", ["{}", "nope", '{"version": 1, "answers": [{}]}', '{"version": 2, "answers": []}']
)
def test_a_cassette_that_is_none(tmp_path: Path, text: str) -> None:
    suite = _suite(tmp_path, "http://127.0.0.1:9", FIXTURE.format(city="Oslo", key="x"))
    (suite / "cassette.json").write_text(text)
    done = agentdc("test", "tests", cwd=tmp_path, DESK_KEY=KEY)
    assert (done.returncode, codes(done.stderr)) == (2, ["cassette_invalid"])


def test_record_and_replay_exclude_each_other(tmp_path: Path) -> None:
    done = agentdc("test", "--record", "--replay", cwd=tmp_path)
    assert done.returncode == 2
    assert "it excludes --replay" in done.stderr


LOOP = (
    FIXTURE
    + """
[mocks]
intel = ['{{"mood": "calm"}}']
agent_loop = [{replies}]
"""
)
READ = """'{"action": "tool", "tool": "read_file", "args": {"path": "/proc/version"}}'"""
FINAL = """'{"action": "final", "result": 1}'"""


@pytest.mark.parametrize(
    ("replies", "status"),
    [(f"{READ}, {FINAL}", 0), (FINAL, 0), (READ, 1), (f"{READ}, {READ}, {READ}", 1)],
)
def test_mocks_drive_the_real_loop(tmp_path: Path, replies: str, status: int) -> None:
    _suite(tmp_path, "http://127.0.0.1:9", LOOP.format(city="Oslo", key="x", replies=replies))
    done = agentdc("test", "tests", cwd=tmp_path, DESK_KEY=KEY)
    assert done.returncode == status, done.stdout + done.stderr
    if replies == READ:
        assert "the agent loop finds no mock reply left; there were 1" in done.stdout
    elif status:
        assert "no answer" in done.stdout
