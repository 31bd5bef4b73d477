"""The pages of `agentdc explain` whose examples are commands: they are run, and say what the page is about.

A line `$ cat FILE` with text below it is that file. Everything else that a page takes for granted (a workflow, a
pair of keys) is put beside it by `_scene`. Commands that freeze, or that write outside the folder, are not run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import AGENTDC, codes, shell
from unit.compiler.test_explanations import COMMANDS

from agentdc.diagnostics import CODES
from agentdc.diagnostics.explanation import explanation

NOT_RUN = {
    "freeze_no_shared_python",
    "freeze_no_binutils",
    "freeze_failed",
    "freeze_does_not_start",
    "internal",
}
NOT_RUN |= {"output_unwritable", "not_pure_python"}
RIGHT_NOT_RUN = {"output_exists"}  # freezes
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
WORKFLOWS = {
    "impossible_expectation": LOAD,
    "impossible_mock": SEARCH,
    "signing_not_declared": GREET,
    "unused_mock": ASK,
}


@pytest.mark.parametrize("slug", sorted(COMMANDS - NOT_RUN))
def test_wrong_commands_give_the_code(slug: str, tmp_path: Path) -> None:
    _scene(slug, tmp_path)
    said = "".join(_said(_part(slug, 0), tmp_path))
    assert slug in codes(said), said


@pytest.mark.parametrize("slug", sorted(COMMANDS - NOT_RUN - RIGHT_NOT_RUN))
def test_right_commands_do_not(slug: str, tmp_path: Path) -> None:
    _scene(slug, tmp_path)
    said = "".join(_said(_part(slug, 1), tmp_path))
    assert slug not in codes(said) and "error[" not in said, said


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
    if slug.startswith("sign"):
        done = shell("$AGENTDC keygen -o agent.key", cwd=folder)
        assert done.returncode == 0, done.stderr


def _said(example: str, folder: Path) -> Iterator[str]:
    """What the commands of an example say, one after the other; files that it shows are written first."""
    for step in re.split(r"^\$ ", example, flags=re.MULTILINE)[1:]:
        line, _, below = step.partition("\n")
        if line.startswith("cat ") and below.strip():
            (folder / line.removeprefix("cat ")).write_text(below)
        elif not below.strip():  # the output of other programs is for people
            done = shell(re.sub(r"\bagentdc\b", AGENTDC[0], line, count=1), cwd=folder)
            yield done.stdout + done.stderr
