"""The manifest of an app: sorted, complete, and true to the tree it stands in."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from compiled import RUNTIME, TESTS, compiled

from agentdc.driver.compile import Compiled
from agentdc.ir.pprint import bundle_text
from agentdc.link.library import module_path
from agentdc.link.manifest import Capability, Origin, as_json, manifest
from agentdc.version import VERSION

ORIGIN = Origin("n", "n.toml", b"text", "digest", "1.2.3", 7, None, {"n.toml": "one", "c/d.toml": "two"})


def _document(data: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(data)
    return document


def test_document() -> None:
    capabilities = [
        Capability("fs.write", "b", None, "trigger.x"),
        Capability("fs.read", "z", None, "trigger.x"),
        Capability("fs.read", "a", "", "trigger.y"),
        Capability("env.read", "a", "HOME", None),
    ]
    dependencies = [("zlib", "2", "why"), ("alib", "1", "because")]
    data = manifest(ORIGIN, {"b": "text of b", "a": ""}, capabilities, dependencies)
    assert _document(data) == {
        "manifest_version": 1,
        "name": "n",
        "workflow": {"file": "n.toml", "sha256": sha256(b"text").hexdigest()},
        "workflows": {"c/d.toml": "two", "n.toml": "one"},
        "program_sha256": "digest",
        "compiler": {"name": "agentdc", "version": "1.2.3", "runtime_abi": 7},
        "signed_by": None,
        "capabilities": {
            "env.read": [{"node": "a", "constant": "HOME"}],
            "fs.read": [
                {"node": "a", "constant": "", "from": "trigger.y"},
                {"node": "z", "from": "trigger.x"},
            ],
            "fs.write": [{"node": "b", "from": "trigger.x"}],
        },
        "dependencies": [
            {"name": "alib", "version": "1", "reason": "because"},
            {"name": "zlib", "version": "2", "reason": "why"},
        ],
        "modules": {"a": sha256(b"").hexdigest(), "b": sha256(b"text of b").hexdigest()},
    }


def test_order_of_the_input_does_not_show() -> None:
    capabilities = [Capability("fs.read", node, None, "x") for node in "cab"]
    forwards = manifest(ORIGIN, {"a": "1", "b": "2"}, capabilities)
    assert forwards == manifest(ORIGIN, {"b": "2", "a": "1"}, reversed(capabilities))


def test_text() -> None:
    assert (
        as_json({"b": 1, "a": {"d": "é", "c": []}})
        == '{\n  "a": {\n    "c": [],\n    "d": "é"\n  },\n  "b": 1\n}\n'.encode()
    )


def _app(case: str) -> Compiled:
    return compiled((TESTS / case / "workflow.toml").read_bytes())


def test_it_is_true_to_the_tree() -> None:
    app = _app("cases/valid/operands")
    document = _document(app.files["operands/manifest.json"])
    assert document["name"] == "operands"
    assert document["compiler"]["version"] == VERSION
    assert document["workflow"]["sha256"] == sha256(app.files["operands/workflow.toml"]).hexdigest()
    assert document["program_sha256"] == sha256(bundle_text(app.bundle).encode()).hexdigest()
    assert document["program_sha256"] == _document(app.files["operands/operands.json"])["program_sha256"]
    assert document["modules"] == {
        module: sha256(app.files[module_path(module)]).hexdigest() for module in app.closure.modules
    }
    assert len(document["modules"]) == len([name for name in app.files if name.startswith(RUNTIME)])


@pytest.mark.parametrize(
    ("case", "capabilities"),
    [
        ("nodes/read_file", {"fs.read": [{"node": "load", "from": "trigger.path"}]}),
        ("nodes/write_file", {"fs.write": [{"node": "store", "from": "trigger.path"}]}),
        ("nodes/create_dir", {"fs.write": [{"node": "folder", "from": "trigger.path"}]}),
        (
            "nodes/read_env",
            {
                "env.read": [
                    {"node": "app", "constant": "APP_PORT"},
                    {"node": "city", "constant": "CITY"},
                    {"node": "home", "constant": "HOME"},
                ]
            },
        ),
        ("cases/valid/linear", {}),
    ],
)
def test_capabilities(case: str, capabilities: dict[str, Any]) -> None:
    app = _app(case)
    assert _document(app.files[f"{app.package}/manifest.json"])["capabilities"] == capabilities


def test_the_digest_is_of_the_meaning() -> None:
    """A comment or another place in the file makes no other program; another edge does."""
    text = (TESTS / "cases/valid/branch/workflow.toml").read_text()
    digests = [
        _document(compiled(each).files["branch/manifest.json"])["program_sha256"]
        for each in (text, f"# more\n\n{text}", text.replace("too big", "far too big"))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_nodes_that_are_cut_off_touch_nothing() -> None:
    text = """
name = "cut"
[[start_nodes]]
name = "go"
source = "manual"
entry_node = "a"
[[nodes]]
id = "a"
type = "merge"
[[nodes]]
id = "b"
type = "read_env"
key = "X"
[[edges]]
from = "a"
to = "b"
max_iterations = 0
"""
    assert _document(compiled(text).files["cut/manifest.json"])["capabilities"] == {}
