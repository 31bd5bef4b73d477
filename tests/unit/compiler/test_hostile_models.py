"""As `test_hostile`, for the kinds that ask models and MCP servers."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
import tomli
from command import app as run_app
from compiled import compiled, write_app
from hostile import ASKING, HOSTILE, Table, document, segment, skeletons
from mockmodel import mock_model

from agentdc.codegen.literals import literal

ORDER = ("ask", "free", "act", "tool", "read")
SAY = """
[[rules]]
system_contains = "turns"
replies = ['{"action": "final", "result": 1}']
[[rules]]
json = 1
"""


def _workflow(text: str, ids: str, key: str, url: str | None = None) -> str:
    """With a `url`: only what asks the model behind it."""
    order = ORDER if url is None else ORDER[:3]
    path, server = f"trigger.{key}", {"server": f"s{text}"}
    schema = json.dumps({"description": text, "type": "integer", "not": {"const": text}})
    asked = {"type": "llm_infer", "backend": f"b{text}", "prompt": text, "input_from": path}
    given: dict[str, Table] = {
        "ask": {**asked, "output_schema": schema},
        "free": {**asked, "output_schema": f"i{text.replace('/', '').replace('.', '')}"},
        "act": {
            "type": "agent_loop",
            "backend": f"b{text}",
            "instructions": text,
            "tools": ["read_file", "call_mcp_tool"] if url is None else ["read_file"],
            "max_steps": 2,
        },
        "tool": {"type": "call_mcp_tool", "tool": text, "args_from": path, **server},
        "read": {"type": "read_mcp_resource", "resource_from": path, **server},
    }
    nodes = [{"id": f"{ids} {kind}", **given[kind]} for kind in order] + [{"id": "sorry", "type": "fail"}]
    edges = [{"from": f"{ids} {a}", "to": f"{ids} {b}"} for a, b in pairwise(order)]
    edges += [{"from": f"{ids} act", "to": "sorry", "when": "exhausted"}]
    edges += [{"from": f"{ids} tool", "to": "sorry", "when": "error"}] if url is None else []
    starts = [{"name": "go", "source": "manual", "entry_node": f"{ids} ask"}]
    servers = [{"name": f"s{text}", "command": ["/bin/cat"], "allow_tools": ["*"], "allow_resources": ["*"]}]
    tables = {
        "name": f"w{text}",
        "start_nodes": starts,
        "nodes": nodes,
        "edges": edges,
        "mcp_servers": servers,
    }
    backend = {
        "name": f"b{text}",
        "provider": "openai-compatible",
        "model": f"m{text}",
        "base_url": url or "http://127.0.0.1:9",
    }
    return document({**tables, "intelligence.backends": [backend]}, "[policy]")


def test_the_workflow_has_every_kind_that_asks() -> None:
    nodes = tomli.loads(_workflow("x", "x", "x"))["nodes"]
    assert {each["type"] for each in nodes} - {"fail"} == ASKING


@pytest.mark.parametrize("name", HOSTILE)
def test_the_code_has_the_skeleton_of_a_harmless_twin(name: str) -> None:
    text = HOSTILE[name]
    if "{{" in text or not segment(text).strip("."):
        text = text.replace("{", "(")  # holes are code; test_hostile has them
    found = skeletons(compiled(_workflow(text, segment(text), segment(text))))
    twin = skeletons(compiled(_workflow("k", "k", "k")))
    assert found["workflow.py"] == twin["workflow.py"]
    assert found["main.py"] == twin["main.py"]


@pytest.mark.parametrize("name", HOSTILE)
def test_every_text_arrives_at_the_model(name: str, tmp_path: Path) -> None:
    text = HOSTILE[name].replace("{", "(").replace("\0", "")
    with mock_model(SAY, tmp_path / "mock") as mock:
        written = _workflow(text, segment(text), segment(text), mock.url)
        app = write_app(compiled(written), tmp_path / "app")
        (tmp_path / "in.json").write_text("{}")
        run_app(app, "--input", "in.json", "--quiet", cwd=tmp_path)
        prompts = [each["asked"]["messages"][-1]["content"] for each in mock.requests]
        models = {each["asked"]["model"] for each in mock.requests}
    assert literal(prompts) == literal([text] * len(prompts))
    assert len(prompts) == 3
    assert models == {f"m{text}"}
