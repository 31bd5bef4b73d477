"""`agentdc mcp lock` and `diff` against a server made with the official SDK, and apps that hold it to its lock."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from command import agentdc, app
from mcp_routing import python

WORKFLOW = """\
name = "talk"

[[start_nodes]]
name = "go"
source = "manual"

[[mcp_servers]]
name = "sdk"
command = {command}
allow_tools = ["echo", "grow", "grown_*"]
{more}

[[nodes]]
id = "grow"
type = "call_mcp_tool"
tool = "grow"

[[nodes]]
id = "say"
type = "call_mcp_tool"
tool = "echo"
args_from = "trigger.said"

[[nodes]]
id = "failed"
type = "fail"

[[edges]]
from = "grow"
to = "say"

[[edges]]
from = "grow"
to = "failed"
when = "error"

[[edges]]
from = "say"
to = "failed"
when = "error"

[policy]
"""
INPUT = json.dumps({"said": {"text": "hello"}})


def _workflow(folder: Path, more: str = "") -> Path:
    """A workflow whose server is what the file `mode` says."""
    mode = folder / "mode"
    if not mode.exists():
        mode.write_text("")
    place = folder / "workflow.toml"
    place.write_text(WORKFLOW.format(command=json.dumps(python("sdk", str(mode))), more=more))
    return place


def _built(folder: Path, more: str = "") -> Path:
    done = agentdc("build", _workflow(folder, more), "-o", "app/", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "app"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workflow and its lock."""
    folder = tmp_path_factory.mktemp("locked")
    done = agentdc("mcp", "lock", _workflow(folder).name, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "+ server sdk: 12 tools\nagentdc.lock: 1 server, written\n"
    return folder


@pytest.fixture
def folder(locked: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    shutil.copy(locked / "agentdc.lock", tmp_path)
    _workflow(tmp_path)
    return tmp_path


def test_the_same_server_gives_the_same_bytes(folder: Path) -> None:
    before = (folder / "agentdc.lock").read_bytes()
    again = agentdc("mcp", "lock", "workflow.toml", cwd=folder)
    assert again.stdout == "agentdc.lock: 1 server, nothing changed\n"
    assert (folder / "agentdc.lock").read_bytes() == before
    assert str(folder) not in before.decode()
    assert sys.executable not in before.decode()
    tools = json.loads(before)["servers"]["sdk"]["tools"]
    assert tools["add"]["output_schema"]["properties"] == {"sum": {"type": "integer"}}
    assert agentdc("mcp", "diff", "workflow.toml", cwd=folder).returncode == 0


@pytest.mark.parametrize(
    ("mode", "lines"),
    [
        ("drifted", ["~ sdk: tool echo", '    +    "loud": {', '    +    "loud"']),
        ("reworded", ["~ sdk: tool echo (its words only)"]),
        ("gone", ["- sdk: tool echo"]),
    ],
)
def test_diff_says_what_changed(folder: Path, mode: str, lines: list[str]) -> None:
    (folder / "mode").write_text(mode)
    done = agentdc("mcp", "diff", "workflow.toml", cwd=folder)
    assert done.returncode == 5
    for line in lines:
        assert line.replace(" ", "") in done.stdout.replace(" ", ""), done.stdout
    assert agentdc("mcp", "lock", "workflow.toml", cwd=folder).returncode == 0
    assert agentdc("mcp", "diff", "workflow.toml", cwd=folder).returncode == 0


def test_servers_of_other_workflows_are_kept(folder: Path) -> None:
    other = (folder / "workflow.toml").read_text().replace('name = "sdk"', 'name = "another"')
    (folder / "other.toml").write_text(other)
    done = agentdc("mcp", "lock", "other.toml", cwd=folder)
    assert done.stdout == "+ server another: 12 tools\nagentdc.lock: 1 server, written\n"
    assert set(json.loads((folder / "agentdc.lock").read_text())["servers"]) == {"another", "sdk"}
    assert agentdc("check", "workflow.toml", cwd=folder).returncode == 0


def test_a_server_that_cannot_be_asked_is_told_and_nothing_is_written(folder: Path) -> None:
    before = (folder / "agentdc.lock").read_bytes()
    text = (folder / "workflow.toml").read_text()
    broken = '[[mcp_servers]]\nname = "gone"\ncommand = ["/no/such/server"]\n'
    (folder / "workflow.toml").write_text(text.replace("[[mcp_servers]]", f"{broken}\n[[mcp_servers]]", 1))
    done = agentdc("mcp", "lock", "workflow.toml", cwd=folder)
    assert done.returncode == 5
    assert 'error[ADC1050 mcp_server_unavailable]: the MCP server "gone" cannot be asked: ' in done.stderr
    assert "spawn /no/such/server: No such file or directory" in done.stderr
    assert (folder / "agentdc.lock").read_bytes() == before


def test_words_that_mean_nothing(tmp_path: Path) -> None:
    (tmp_path / "none.toml").write_text('name = "none"\n[[nodes]]\nid = "a"\ntype = "merge"\n')
    assert agentdc("mcp", "lock", "none.toml", cwd=tmp_path).returncode == 2
    assert agentdc("mcp", "lock", "absent.toml", cwd=tmp_path).returncode == 2
    _workflow(tmp_path)
    done = agentdc("mcp", "diff", "workflow.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot read the lock file agentdc.lock: No such file or directory" in done.stderr


def test_an_app_runs_with_the_server_that_was_locked(folder: Path) -> None:
    done = app(_built(folder), "--input", "-", cwd=folder, input=INPUT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["final_value"]["content"] == [{"type": "text", "text": "hello"}]


@pytest.mark.parametrize(("mode", "what"), [("drifted", "changed"), ("gone", "gone")])
def test_an_app_refuses_a_server_that_drifted(folder: Path, mode: str, what: str) -> None:
    built = _built(folder)
    (folder / "mode").write_text(mode)
    done = app(built, "--input", "-", cwd=folder, input=INPUT)
    assert done.returncode == 5
    assert f"the tools of the MCP server `sdk` are not those in agentdc.lock: `echo` ({what})" in done.stderr
    assert 'event="mcp.drift" server="sdk" tool="echo"' in done.stderr
    assert done.stdout == ""


def test_an_app_warns_of_a_drift_when_it_is_told_to(folder: Path) -> None:
    built = _built(folder, 'on_drift = "warn"')
    (folder / "mode").write_text("drifted")
    done = app(built, "--input", "-", cwd=folder, input=json.dumps({"said": {"text": "hi", "loud": True}}))
    assert done.returncode == 0, done.stderr
    assert 'event="mcp.drift" server="sdk" tool="echo" change="changed"' in done.stderr


def test_other_words_are_told_and_nothing_else(folder: Path) -> None:
    built = _built(folder)
    (folder / "mode").write_text("reworded")
    done = app(built, "--input", "-", cwd=folder, input=INPUT)
    assert done.returncode == 0, done.stderr
    assert 'event="mcp.drift" server="sdk" tool="echo" change="reworded"' in done.stderr


def test_tools_that_change_between_list_and_call_are_not_called(folder: Path) -> None:
    """The server says that its tools changed in the answer before; the next call asks first what they are now."""
    mode = folder / "mode"
    built = _built(folder)
    text = (folder / "workflow.toml").read_text()
    assert 'tool = "grow"' in text
    mode.write_text("drifted-after-growing")
    done = app(built, "--input", "-", cwd=folder, input=INPUT)
    assert done.returncode == 5
    denied = "mcp tool `echo` on server `sdk` is not the one in agentdc.lock: changed"
    assert f"policy violation: {denied}" in done.stderr


def test_a_tool_that_appears_under_a_pattern_is_a_drift_too(folder: Path) -> None:
    document = json.loads((folder / "agentdc.lock").read_text())
    assert "grown_0" not in document["servers"]["sdk"]["tools"]
    (folder / "mode").write_text("grown")
    built = _built(folder)
    done = app(built, "--input", "-", cwd=folder, input=INPUT)
    assert done.returncode == 5
    assert "`grown_0` (new)" in done.stderr


def test_check_knows_the_tools(folder: Path) -> None:
    text = (folder / "workflow.toml").read_text()
    (folder / "workflow.toml").write_text(text.replace('tool = "echo"', 'tool = "ecko"'))
    done = agentdc("check", "workflow.toml", cwd=folder)
    assert done.returncode == 5
    assert 'did you mean "echo"?' in done.stdout


ADDING = """\
name = "adder"

[[start_nodes]]
name = "go"
source = "manual"

[[mcp_servers]]
name = "sdk"
command = {command}
allow_tools = ["add"]

[[nodes]]
id = "add"
type = "call_mcp_tool"
tool = "add"
args_from = "trigger.numbers"

[[nodes]]
id = "sum"
type = "json_select"
input_from = "add.structured"
path = "sum"

[[edges]]
from = "add"
to = "sum"

[policy]

[check]
allow = ["unhandled_error_branch"]
"""


@pytest.mark.parametrize(
    ("mode", "wrong"),
    [("lies", "/sum: must be an integer (type)"), ("is silent", "must be an object (type)")],
)
def test_answers_are_held_against_the_lock(tmp_path: Path, mode: str, wrong: str) -> None:
    (tmp_path / "mode").write_text("")
    command = json.dumps(python("sdk", str(tmp_path / "mode")))
    (tmp_path / "adder.toml").write_text(ADDING.format(command=command))
    assert agentdc("mcp", "lock", "adder.toml", cwd=tmp_path).returncode == 0
    assert agentdc("build", "adder.toml", "-o", "app/", cwd=tmp_path).returncode == 0
    given = json.dumps({"numbers": {"a": 1, "b": 2}})
    honest = app(tmp_path / "app", "--input", "-", cwd=tmp_path, input=given)
    assert json.loads(honest.stdout)["final_value"] == {"found": True, "value": 3}
    (tmp_path / "mode").write_text(mode)
    done = app(tmp_path / "app", "--input", "-", cwd=tmp_path, input=given)
    assert done.returncode == 5
    assert (
        "the tool `add` on server `sdk`: its answer is not what agentdc.lock says that it gives: "
        in done.stderr
    )
    assert wrong in done.stderr


def test_the_lock_is_part_of_what_is_compiled(folder: Path) -> None:
    """`agentdc run` compiles again when the lock is another."""
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    words = ("run", "workflow.toml", "--input", "-")
    assert agentdc(*words, cwd=folder, input=INPUT, **cache).returncode == 0
    (folder / "mode").write_text("drifted")
    assert agentdc(*words, cwd=folder, input=INPUT, **cache).returncode == 5
    assert agentdc("mcp", "lock", "workflow.toml", cwd=folder).returncode == 0
    loud = json.dumps({"said": {"text": "hi", "loud": True}})
    done = agentdc(*words, cwd=folder, input=loud, **cache)
    assert done.returncode == 0, done.stderr
