"""Agent loops in built apps: their bounds, their words, their tools, and a model that misbehaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import Done, app, make
from mockmodel import mock_model

from agentdc.driver.build import Format

LOOP = """\
name = "loop"
{sections}
[[start_nodes]]
name = "go"
source = "manual"
entry_node = "work"

[policy.fs]
read = ["/proc/version"]

[[nodes]]
id = "work"
type = "agent_loop"
backend = "default"
instructions_from = "trigger.task"
tools = ["read_file"]
max_steps = 4
{more}

[[nodes]]
id = "ran_out"
type = "json_select"
input_from = "work"
path = "reason"

[[edges]]
from = "work"
to = "ran_out"
when = "exhausted"
"""
READ = """replies = ['{"action": "tool", "tool": "read_file", "args": {"path": "/proc/version"}}']\n"""


def _run(
    script: str, folder: Path, *words: str, sections: str = "", more: str = "", task: Any = "Look."
) -> tuple[Done, dict[str, Any], list[dict[str, Any]]]:
    """What the app said, its record, and what the model was asked."""
    built = make(LOOP.format(sections=sections, more=more), folder / "built", form=Format.ZIPAPP)
    with mock_model(script, folder / "mock") as mock:
        flags = ("--intel-http", mock.url, "--input", "-", "--record", "run.json", *words)
        done = app(built, *flags, cwd=folder, input=json.dumps({"task": task}))
        asked = [each["asked"] for each in mock.requests]
    record = folder / "run.json"
    return done, json.loads(record.read_text()) if record.exists() else {}, asked


@pytest.mark.parametrize(
    ("sections", "more", "rule", "reason", "steps"),
    [
        ("", "", READ, "step cap exhausted", 4),
        (
            "",
            "max_tokens = 25",
            f"{READ}prompt_tokens = 10\ncompletion_tokens = 0\n",
            "token budget exhausted",
            3,
        ),
        (
            "[budget]\nmax_llm_tokens = 15\n",
            "",
            f"{READ}prompt_tokens = 10\ncompletion_tokens = 0\n",
            "run token budget exhausted",
            2,
        ),
        (
            "[budget]\nmax_run_llm_tokens = 5\n",
            "",
            f"{READ}prompt_tokens = 10\ncompletion_tokens = 0\n",
            "run token budget exhausted",
            1,
        ),
    ],
)
def test_a_loop_that_runs_out(
    tmp_path: Path, sections: str, more: str, rule: str, reason: str, steps: int
) -> None:
    done, record, asked = _run(f"[[rules]]\n{rule}", tmp_path, sections=sections, more=more)
    assert done.returncode == 0, done.stderr
    assert record["detail"] == {"found": True, "value": reason}
    output = record["trace"]["entries"][0]["output"]
    assert (output["result"], output["steps"], len(asked)) == (None, steps, steps)
    assert record["trace"]["entries"][0]["branch"] == "exhausted"
    assert len(output["transcript"]) == steps


def test_the_deadline_ends_a_loop(tmp_path: Path) -> None:
    script = f"[[rules]]\n{READ}latency_ms = 700\n"
    done, record, asked = _run(script, tmp_path, "--timeout-secs", "1")
    assert done.returncode == 5
    assert record["status"] == "errored"
    assert len(asked) <= 2
    error = record["detail"]["error"]
    assert error.startswith(("timeout after ", "intelligence call failed: "))


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ("", "holds no JSON object"),
        ("Well.", "holds no JSON object"),
        ("{", "holds no JSON object"),
        ("{nope}", "cannot be read"),
        ("[" * 500 + '{"a": 1}', "`action` must be"),
        ('{"action": 1}', "`action` must be"),
        ('{"action": "tool", "tool": 1}', "`tool` must be a string"),
        ('{"action": "tool", "tool": "read_file", "args": []}', "`args` must be an object"),
        ('{"a": "}"} {"action": "final"}', "`action` must be"),
    ],
)
def test_what_is_no_action_is_told_to_the_model(tmp_path: Path, reply: str, told: str) -> None:
    script = f"[[rules]]\nturn = 0\nreplies = [{json.dumps(reply)}]\n"
    script += '[[rules]]\nreplies = [\'{"action": "final", "result": 7}\']\n'
    _, record, asked = _run(script, tmp_path)
    assert record["detail"]["result"] == 7
    assert record["detail"]["transcript"] == [
        {"action": "malformed", "step": 1},
        {"action": "final", "step": 2},
    ]
    assert told in json.loads(asked[1]["messages"][-1]["content"])["error"]


@pytest.mark.parametrize(("task", "said"), [("Look.", "Look."), ({"a": [1.5, None]}, '{"a":[1.5,null]}')])
def test_the_task_is_what_the_user_says(tmp_path: Path, task: Any, said: str) -> None:
    _, _, asked = _run('[[rules]]\nreplies = [\'{"action": "final"}\']\n', tmp_path, task=task)
    (request,) = asked
    assert request["messages"][1] == {"role": "user", "content": said}
    assert request["max_tokens"] is None


def test_a_result_of_many_megabytes_is_cut(tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_text("x" * 50_000_000)
    script = f"[[rules]]\nturn = 0\n{READ}".replace("/proc/version", str(tmp_path / "big.txt"))
    script += '[[rules]]\nreplies = [\'{"action": "final", "result": 1}\']\n'
    built = LOOP.replace('"/proc/version"', f'"{tmp_path}/*"')
    with mock_model(script, tmp_path / "mock") as mock:
        made = make(built.format(sections="", more=""), tmp_path / "built", form=Format.ZIPAPP)
        done = app(made, "--intel-http", mock.url, "--input", "-", cwd=tmp_path, input='{"task": "x"}')
        shown = mock.requests[1]["asked"]["messages"][-1]["content"]
    assert done.returncode == 0, done.stderr
    result = json.loads(shown)["tool_result"]
    assert (result["truncated"], len(result["begin"])) == (True, 262_144)
    assert result["characters"] > 50_000_000


FINAL = '[[rules]]\nreplies = [\'{"action": "final"}\']\n'


def test_standing_words_come_first(tmp_path: Path) -> None:
    (tmp_path / "who.toml").write_text('[agent]\nname = "x"\nsystem = "You sell roses."\n')
    done, _, asked = _run(FINAL, tmp_path, "--instructions", "who.toml")
    assert done.returncode == 0, done.stderr
    system = asked[0]["messages"][0]["content"]
    assert system.startswith("You sell roses.\n\n")
    assert 'read_file {"path": string}' in system
    assert "write_file" not in system


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "the instructions"),
        ("nope", "are not TOML"),
        ("[agent]\nsytem = 'x'\n", "have the key `sytem`"),
        ("[other]\n", "have the key `other`"),
        ("agent = 1\n", "`agent` that is no table"),
        ("[agent]\nsystem = 1\n", "`system` has the wrong type"),
        ("[agent]\ntask = 'do it'\n", "a built app makes no plans"),
    ],
)
def test_instructions_that_cannot_be_used_are_told_at_start(
    tmp_path: Path, text: str | None, said: str
) -> None:
    if text is not None:
        (tmp_path / "who.toml").write_text(text)
    done, record, asked = _run(FINAL, tmp_path, "--instructions", "who.toml")
    assert (done.returncode, record, asked) == (2, {}, [])
    assert said in done.stderr


def test_a_dry_run_asks_nobody(tmp_path: Path) -> None:
    _, record, asked = _run(FINAL, tmp_path, "--dry-run")
    assert record["detail"] == {"dry_run": True, "result": None, "steps": 0}
    assert asked == []
