"""`agentdc plan`: a scripted model drafts, what it may not bring in is dropped, what does not check is sent back."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import tomli
from command import Done, agentdc, codes
from mockmodel import MockModel, mock_model

from agentdc.planning import toml

BASE = """\
name = "old"

[[start_nodes]]
name = "gone"
source = "manual"

[[nodes]]
id = "gone"
type = "merge"

[policy.fs]
read = ["/srv/in/**"]
write = ["/srv/out/**"]

[[intelligence.backends]]
name = "desk"
provider = "openai-compatible"
model = "m"
base_url = "{url}"

[budget]
max_llm_tokens = 1000
"""
GOOD = """\
name = "copy"
description = "Copies a note."

[[start_nodes]]
name = "go"
source = "manual"
entry_node = "load"

[[nodes]]
id = "load"
type = "read_file"
path_from = "trigger.path"

[[nodes]]
id = "where"
type = "template_render"
template = "/srv/out/note"

[[nodes]]
id = "save"
type = "write_file"
path_from = "where.rendered"
content_from = "load.content"

[[edges]]
from = "load"
to = "where"

[[edges]]
from = "where"
to = "save"
"""


def _script(*answers: str) -> str:
    rules = [f"[[rules]]\ntimes = 1\nreplies = [{json.dumps(each)}]\n" for each in answers[:-1]]
    return "".join([*rules, f"[[rules]]\nreplies = [{json.dumps(answers[-1])}]\n"])


def _plan(mock: MockModel, folder: Path, *words: str, task: str = "copy a note") -> Done:
    (folder / "base.toml").write_text(BASE.format(url=mock.url))
    return agentdc("plan", task, "--config", "base.toml", *words, cwd=folder)


def test_a_plan_gets_everything_else_from_the_base(tmp_path: Path) -> None:
    sneaky = GOOD + '\n[policy.fs]\nread = ["/**"]\n\n[[secrets]]\nname = "K"\nsource = "env"\nvar = "HOME"\n'
    with mock_model(_script(f"```toml\n{sneaky}```"), tmp_path / "mock") as mock:
        done = _plan(mock, tmp_path)
        (prompt,) = mock.prompts
    assert done.returncode == 0, done.stderr
    document, base = tomli.loads(done.stdout), tomli.loads(BASE.format(url=mock.url))
    assert {key: document[key] for key in ("policy", "intelligence", "budget")} == {
        key: base[key] for key in ("policy", "intelligence", "budget")
    }
    assert {key: document.get(key) for key in tomli.loads(GOOD)} == tomli.loads(GOOD)
    assert "secrets" not in document
    assert "Left out of the answer, since a plan may not bring it in: policy, secrets" in done.stderr
    assert "copy a note" in prompt
    assert "llm_infer" in prompt
    assert "call_mcp_tool" not in prompt  # there is no server
    assert not re.search(r"^- (call|map|parallel|pause_for_approval):", prompt, re.MULTILINE)


def test_the_review_says_what_it_touches(tmp_path: Path) -> None:
    with mock_model(_script(GOOD), tmp_path / "mock") as mock:
        done = _plan(mock, tmp_path, "-o", "plan.toml")
    assert done.stdout == ""
    assert done.stderr.split("\n")[:5] == [
        "copy: 3 nodes, 2 edges",
        "Reads: ← trigger.path",
        "Writes: file ← where.rendered",
        "Side effects: write_file",
        "Policy: fs.read /srv/in/**; fs.write /srv/out/**",
    ]
    checked = agentdc("check", "plan.toml", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    assert not Path("/srv/out/note").exists()


def test_what_does_not_check_is_sent_back(tmp_path: Path) -> None:
    child = GOOD.replace(
        'type = "template_render"\ntemplate = "/srv/out/note"', 'type = "call"\nworkflow = "x.toml"'
    )
    answers = ("no TOML at all {", GOOD.replace("where.rendered", "where.rendred"), child, GOOD)
    with mock_model(_script(*answers), tmp_path / "mock") as mock:
        done = _plan(mock, tmp_path, "--max-replans", "3")
        prompts = mock.prompts
    assert done.returncode == 0, done.stderr
    assert "it is not TOML" in prompts[1]
    assert "[unknown_output_key]" in prompts[2]
    assert "nodes of type call are not offered" in prompts[3]
    assert all("Your last answer was:" in each for each in prompts[1:])


@pytest.mark.parametrize("replans", [0, 1])
def test_attempts_are_bounded(tmp_path: Path, replans: int) -> None:
    with mock_model(_script("nope"), tmp_path / "mock") as mock:
        done = _plan(mock, tmp_path, "--max-replans", str(replans), "-o", "plan.toml")
        assert len(mock.requests) == replans + 1
    assert (done.returncode, codes(done.stderr)) == (5, ["plan_failed"])
    assert not (tmp_path / "plan.toml").exists()


def test_a_model_that_fails_is_told(tmp_path: Path) -> None:
    with mock_model("[[rules]]\nstatus = 401\nreplies = ['no']\n", tmp_path / "mock") as mock:
        done = _plan(mock, tmp_path)
    assert (done.returncode, codes(done.stderr)) == (5, ["plan_failed"])
    assert "the model gave no plan: intelligence call failed: openai-compatible returned 401" in done.stderr


def test_the_model_of_the_command_line_plans(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("[policy.fs]\nread = ['/srv/in/**']\nwrite = ['/srv/out/**']\n")
    with mock_model(_script(GOOD), tmp_path / "mock") as mock:
        words = ("--config", "base.toml", "--intel-unix", str(mock.socket))
        (tmp_path / "task").write_text("copy it")
        done = agentdc("plan", "@task", *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "copy it" in mock.prompts[0]
        assert "llm_infer" not in mock.prompts[0]  # the base declares no model


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("  ", "--config", "base.toml"), 2),
        (("x", "--config", "none.toml"), 2),
        (("x", "--config", "bad.toml"), 2),
        (("@none", "--config", "base.toml"), 2),
        (("x",), 2),
        (("x", "--config", "base.toml", "--backend", "other"), 5),
    ],
)
def test_usage(tmp_path: Path, words: tuple[str, ...], status: int) -> None:
    (tmp_path / "base.toml").write_text(BASE.format(url="http://127.0.0.1:9"))
    (tmp_path / "bad.toml").write_text("= no")
    assert agentdc("plan", *words, cwd=tmp_path).returncode == status


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"a": 1, "b": -0.5, "c": True, "d": 'x"\\\n\t\u2028é\x7f'},
        {"a b": {"c.d": {"": [1, [2, "x"], {"k": [1]}]}}},
        {"t": [{"x": 1, "y": {"z": []}}, {"x": [{"deep": 1}]}], "plain": []},
        {"mixed": [1, {"a": 1}]},
    ],
)
def test_what_is_written_reads_as_it_was(document: dict[str, object]) -> None:
    assert tomli.loads(toml.write(document)) == document
