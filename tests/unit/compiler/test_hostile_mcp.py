"""As `test_hostile`, for the kinds that ask MCP servers.

The text is the name of a server and of a tool, an argument, a segment of a path; a server made with the official SDK
says what arrived.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import tomli
from compiled import compiled, write_app
from exchange import ENVIRONMENT, PYTHON
from hostile import ASKED, HOSTILE, Table, document, segment, skeletons
from mcp_routing import python

from agentdc.driver.compile import Compiled
from agentdc.nodes.registry import SPECS


def _workflow(text: str, ids: str, key: str) -> str:
    """Both kinds; `ids` begins the ids, `key` is a segment of the paths."""
    server, tool = f"s{text}", f"t{text}"
    call = {"type": "call_mcp_tool", "tool": tool, "server": server, "args_from": f"trigger.{key}"}
    read = {"type": "read_mcp_resource", "server": server, "resource_from": f"trigger.{key}.uri"}
    nodes: list[Table] = [{"id": f"{ids} call", **call}, {"id": f"{ids} read", **read}]
    nodes.append({"id": "sorry", "type": "fail"})
    edges = [
        {"from": f"{ids} call", "to": f"{ids} read"},
        {"from": f"{ids} call", "to": "sorry", "when": "error"},
    ]
    servers = [
        {
            "name": server,
            "command": python("sdk", "anything"),
            "allow_tools": ["*"],
            "allow_resources": ["*"],
        }
    ]
    starts = [{"name": "go", "source": "manual", "entry_node": f"{ids} call"}]
    tables = {"name": f"w{text}", "start_nodes": starts, "nodes": nodes, "edges": edges}
    return document({**tables, "mcp_servers": servers}, "[policy]")


def _hostile(text: str) -> Compiled:
    return compiled(_workflow(text, segment(text), segment(text)))


def test_the_workflow_has_every_kind_that_asks() -> None:
    nodes = tomli.loads(_workflow("x", "x", "x"))["nodes"]
    assert {each["type"] for each in nodes} - {"fail"} == ASKED
    for node in nodes[:-1]:  # and every field of text that the kind has
        fields = SPECS[node["type"]].model.model_fields
        assert {name for name, field in fields.items() if "str" in str(field.annotation)} <= node.keys()


@pytest.mark.parametrize("name", HOSTILE)
def test_the_code_has_the_skeleton_of_a_harmless_twin(name: str) -> None:
    text = segment(HOSTILE[name])
    key = "k" if [each for each in text.split(".") if each] else ""
    assert skeletons(_hostile(HOSTILE[name])) == skeletons(compiled(_workflow("k", "k", key or "k")))


@pytest.mark.parametrize(
    "name", ["quotes", "nul", "controls", "separators", "near surrogates", "very long", "emoji"]
)
def test_every_value_arrives(name: str, tmp_path: Path) -> None:
    text, key = HOSTILE[name], segment(HOSTILE[name])
    app = write_app(_hostile(text), tmp_path / "app")
    given = {"text": text, text: [text], "uri": "note://first"}
    (tmp_path / "in.json").write_text(json.dumps({key: given}))
    done = subprocess.run(
        [*PYTHON, str(app), "--input", "in.json", "--record", "run.json"],
        cwd=tmp_path, env=ENVIRONMENT, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "run.json").read_bytes())
    outputs = [each["output"] for each in record["trace"]["entries"]]
    assert outputs[0]["structured"] == {"tool": f"t{text}", "arguments": given}
    assert (outputs[0]["tool"], outputs[0]["server"]) == (f"t{text}", f"s{text}")
    assert outputs[1]["contents"][0]["text"] == "one"
