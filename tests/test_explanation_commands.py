"""The pages of `agentdc explain` whose examples are commands: they are run, and say what the page is about.

A line `$ cat FILE` with text below it is that file. Everything else that a page takes for granted (a workflow, a
pair of keys, a model) is put beside it by `_scene`. MCP servers are the ones that people run. Commands that freeze,
or that write outside the folder, are not run.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command import AGENTDC, PATH, Done, codes, environment, shell, sound
from mockmodel import mock_model
from unit.compiler.test_explanations import COMMANDS

from agentdc.diagnostics import CODES
from agentdc.diagnostics.explanation import explanation

NOT_RUN = {
    *("freeze_no_shared_python", "freeze_no_binutils", "freeze_failed", "freeze_does_not_start"),  # freeze
    "not_pure_python",  # freezes, and needs a workflow whose library has compiled parts
    "output_unwritable",  # writes outside the folder, where root may
    "internal",  # a bug of ours, which no command shows
}
RIGHT_NOT_RUN = {"output_exists"}  # freezes
# Every command of a page is found as it is written, and so are the servers that it names.
SEARCHED = f"{Path(AGENTDC[0]).parent}:{PATH}"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)

GREET = """\
name = "greet"
start_nodes = [{ name = "go", source = "manual" }]
nodes = [{ id = "hello", type = "template_render", template = "Hello!" }]
"""
SIGNED = GREET + '[signing]\npublic_key_file = "agent.key.pub"\n'
LOAD = """\
name = "load"
start_nodes = [{ name = "go", source = "manual" }]
edges = [{ from = "load", to = "parse" }]
nodes = [
  { id = "load", type = "read_file", path_from = "trigger.path" },
  { id = "parse", type = "parse_json", input_from = "load.content" },
]
"""
SEARCH = """\
name = "search"
start_nodes = [{ name = "go", source = "manual" }]
nodes = [{ id = "search", type = "call_mcp_tool", tool = "search" }]
mcp_servers = [{ name = "notes", command = ["/bin/notes"] }]
"""
ASK = """\
name = "ask"
start_nodes = [{ name = "go", source = "manual" }]
nodes = [{ id = "ask", type = "llm_infer", backend = "default", prompt = "yes or no?" }]
"""
CALLS = """\
name = "caller"
start_nodes = [{{ name = "go", source = "manual" }}]
nodes = [{{ id = "inner", type = "call", workflow = "c{child}.toml" }}]
"""
# What the model on `model.sock` says, and a test that asks a model.
MODEL = """\
[[rules]]
contains = "make it better"
replies = ["What is not good enough?"]

[[rules]]
contains = "Mood?"
replies = ["calm"]

[[rules]]
replies = ['''
name = "copy"
start_nodes = [{ name = "go", source = "manual" }]
edges = [{ from = "load", to = "where" }, { from = "where", to = "save" }]
nodes = [
  { id = "load", type = "read_file", path_from = "trigger.path" },
  { id = "where", type = "template_render", template = "/srv/out/note" },
  { id = "save", type = "write_file", path_from = "where.rendered", content_from = "load.content" },
]
''']
"""
MOOD = """\
name = "mood"
start_nodes = [{{ name = "go", source = "manual" }}]
nodes = [{{ id = "ask", type = "llm_infer", backend = "desk", prompt = "Mood?" }}]

[[intelligence.backends]]
name = "desk"
provider = "openai-compatible"
model = "house-7b"
base_url = "{url}"
"""
ASKS_A_MODEL = {"cassette_invalid", "plan_failed"}
WORKFLOWS = {
    "impossible_expectation": LOAD,
    "impossible_mock": SEARCH,
    "signing_not_declared": GREET,
    "unused_mock": ASK,
}


@pytest.mark.parametrize("slug", sorted(COMMANDS - NOT_RUN))
def test_wrong_commands_give_the_code(slug: str, tmp_path: Path) -> None:
    said = _text(_run(slug, 0, tmp_path))
    assert slug in codes(said), said


@pytest.mark.parametrize("slug", sorted(COMMANDS - NOT_RUN - RIGHT_NOT_RUN))
def test_right_commands_do_not(slug: str, tmp_path: Path) -> None:
    done = _run(slug, 1, tmp_path)
    said = _text(done)
    assert slug not in codes(said) and "error[" not in said, said
    assert [each.args for each in done if each.returncode] == [], said


def _text(done: list[Done]) -> str:
    return "".join(each.stdout + each.stderr for each in done)


def _part(slug: str, which: int) -> str:
    parts = explanation(CODES[slug]).partition("\n## Wrong\n")[2].split("\n## Right\n")
    found = BLOCK.search(parts[which])
    assert found is not None
    return found[1]


def _scene(slug: str, folder: Path) -> None:
    text = WORKFLOWS.get(slug, SIGNED if slug.startswith("sign") else GREET)
    (folder / "workflow.toml").write_bytes(
        text.replace("Hello", "Grüße").encode("latin-1" if slug == "not_utf8" else "utf-8")
    )
    (folder / "workflows").mkdir()
    (folder / "workflows" / "greeter.toml").write_text(GREET)
    (folder / "corpus").mkdir()
    (folder / "corpus" / "greeting.toml").write_text(
        'name = "greeting"\nworkflow.path = "../workflow.toml"\n'
    )
    if slug == "nested_too_deep":
        for name, child in [("main", 1), *((f"c{level}", level + 1) for level in range(1, 9))]:
            (folder / f"{name}.toml").write_text(CALLS.format(child=child))
        (folder / "c9.toml").write_text(GREET)
    if slug == "signature_mismatch":  # it looks at what changed
        assert shell("git init --quiet", cwd=folder).returncode == 0
    if slug.startswith("sign"):
        done = shell("$AGENTDC keygen -o agent.key", cwd=folder)
        assert done.returncode == 0, done.stderr


@contextmanager
def _model(slug: str, folder: Path) -> Iterator[None]:
    """For pages that ask a model: one that listens on `model.sock`, and a test of a workflow that asks it."""
    if slug not in ASKS_A_MODEL:
        yield
        return
    with mock_model(MODEL, folder) as mock:
        suite = folder / "tests" / "mood"
        suite.mkdir(parents=True)
        (suite / "workflow.toml").write_text(MOOD.format(url=mock.url))
        (suite / "fixture.toml").write_text('start = "go"\nexpected.status = "completed"\n')
        yield


def _run(slug: str, which: int, folder: Path) -> list[Done]:
    """How the commands of an example went, one after the other."""
    _scene(slug, folder)
    with _model(slug, folder):
        return list(_steps(_part(slug, which), folder))


def _steps(example: str, folder: Path) -> Iterator[Done]:
    """How each command went; files that the example shows are written."""
    for step in re.split(r"^\$ ", example, flags=re.MULTILINE)[1:]:
        line, _, below = step.partition("\n")
        if line.startswith("cat ") and below.strip():
            (folder / line.removeprefix("cat ")).write_text(below)
        elif line.startswith("agentdc mock-llm "):
            yield _served(line, folder)
        elif line.startswith("agentdc ") or not below.strip():  # the output of other programs is for people
            assert not below.strip(), f"nothing would keep true what it says here: {line}"
            yield shell(line, cwd=folder, PATH=SEARCHED)


def _served(line: str, folder: Path) -> Done:
    """How a command went that serves until it is stopped; it is stopped as soon as it serves."""
    command = ["/bin/sh", "-c", f"exec {line}"]
    env = environment(folder, PATH=SEARCHED)
    with subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        if said.startswith("listening on "):
            process.terminate()
        said += process.stderr.read()
        return sound(Done(command, process.wait(30), "", said))
