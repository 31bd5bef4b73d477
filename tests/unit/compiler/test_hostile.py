"""Text of any shape in every field that can reach generated code: it stays data.

One workflow holds every kind that never waits (`test_hostile_waiting` has the others), with one hostile text in all
its fields of text. The code that comes of it has the same skeleton as the code of a harmless twin, which has as many
path segments and template holes; and the app runs, and hands each value on exactly as it was written.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import tomli
from compiled import RUNTIME, compiled, write_app
from exchange import ENVIRONMENT, PYTHON
from hostile import ASKING, AWAITED, HOSTILE, document, segment, skeletons, toml
from hypothesis import given, settings
from hypothesis import strategies as st

from agentdc.driver.compile import Compiled
from agentdc.ir.ops import Hole
from agentdc.nodes.registry import SPECS
from agentdc.nodes.template import parse


def _workflow(text: str, template: str, name: Callable[[str], str]) -> str:
    """Every kind that never waits, `text` or `template` in every field of text; `name` makes the ids."""
    key = segment(text)
    load, parse_, env = name("load"), name("parse"), name("env")
    nodes: list[dict[str, Any]] = [
        {"id": name("text"), "type": "template_render", "template": template, "input_from": f"trigger.{key}"},
        {"id": load, "type": "read_file", "path_from": "trigger.file"},
        {"id": parse_, "type": "parse_json", "input_from": f"{load}.content"},
        {"id": name("select"), "type": "json_select", "input_from": f"{parse_}.parsed.{key}", "path": key},
        {
            "id": name("diff"),
            "type": "diff_compute",
            "left_from": f"trigger.{key}",
            "right_from": f"{parse_}.parsed",
        },
        {"id": env, "type": "read_env", "key": text},
        {"id": name("dir"), "type": "create_dir", "path_from": "trigger.folder"},
        {
            "id": name("write"),
            "type": "write_file",
            "path_from": "trigger.out",
            "content_from": f"trigger.{key}",
        },
        {
            "id": name("reply"),
            "type": "respond",
            "content_type": f"x{text}",
            "body_template": template,
            "input_from": "trigger.none",
        },
        {"id": name("merge"), "type": "merge"},
        {"id": name("test"), "type": "condition", "expr": f"trigger.{key}.{key}"},
        {"id": name("switch"), "type": "switch", "expr": "trigger.label", "retry": {"max_attempts": 2}},
        {"id": name("fail"), "type": "fail", "reason": text},
        {"id": name("end"), "type": "terminate"},
        {"id": name("wait"), "type": "pause_for_approval", "reason": text},
    ]
    order = [node["id"] for node in nodes]
    edges = [{"from": a, "to": b} for a, b in pairwise(order[:11])]
    edges += [
        {"from": order[10], "to": order[11], "when": "true"},
        {"from": order[11], "to": order[12], "when": text},
        {"from": order[11], "to": order[13], "when": f"{text}2"},
        {"from": order[11], "to": order[14], "when": f"{text}3"},
        {"from": order[14], "to": order[13]},
    ]
    starts = [{"name": text, "source": "manual", "entry_node": order[0]}]
    tables = {"name": f"w{text}", "description": text, "start_nodes": starts, "nodes": nodes, "edges": edges}
    reads = "[policy.env]\nread_keys = [" + toml(f"{text}*") + "]"
    return document(tables, reads, '[policy.fs]\nread = ["*"]\nwrite = ["*"]')


def _hostile(text: str) -> str:
    return _workflow(text, text, lambda kind: f"{segment(text)} {kind}")


@cache
def _app(name: str) -> Compiled:
    return compiled(_hostile(HOSTILE[name]))


def _twin(text: str) -> str:
    """The harmless twin: plain words, and a template with holes where the hostile one has them."""
    template = "".join(
        f"{{{{{'.'.join(['k'] * len(part.segments))}}}}}" if isinstance(part, Hole) else "plain"
        for part in parse(text)
    )
    inner = "k" if [each for each in segment(text).split(".") if each] else ""
    return _workflow(inner or "k", template, lambda kind: f"k {kind}")


def test_the_workflow_has_every_kind_that_never_waits() -> None:
    found = tomli.loads(_hostile("x"))
    supported = set(SPECS) - AWAITED - ASKING
    assert {node["type"] for node in found["nodes"]} == supported
    for kind in supported:  # and every field of text that the kind has
        (node,) = (each for each in found["nodes"] if each["type"] == kind)
        fields = SPECS[kind].model.model_fields
        assert {name for name, field in fields.items() if "str" in str(field.annotation)} <= node.keys()


@pytest.mark.parametrize("name", HOSTILE)
def test_the_code_has_the_skeleton_of_a_harmless_twin(name: str) -> None:
    assert skeletons(_app(name)) == skeletons(compiled(_twin(HOSTILE[name])))


@settings(max_examples=15, deadline=None)
@given(st.text(min_size=1) | st.text(alphabet="\"'\\\n\r{}%# \0\u2028\u202e.x", min_size=1))
def test_any_text_leaves_the_skeleton_alone(text: str) -> None:
    assert skeletons(compiled(_hostile(text))) == skeletons(compiled(_twin(text)))


@pytest.mark.parametrize("name", HOSTILE)
def test_plain_files_of_the_app_stay_what_they_are(name: str) -> None:
    app = _app(name)
    assert app.package.isidentifier()
    project = tomli.loads(app.files["pyproject.toml"].decode())["project"]
    assert project["scripts"] == {project["name"]: f"{app.package}.main:main"}
    assert project["name"] == app.package.replace("_", "-").strip("-")
    for path, data in app.files.items():
        if not path.endswith((".toml", ".json")) and not path.startswith(RUNTIME):
            assert all(each.isprintable() or each == "\n" for each in data.decode()), path


@pytest.mark.parametrize("name", HOSTILE)
def test_every_value_arrives(name: str, tmp_path: Path) -> None:
    text, key = HOSTILE[name], segment(HOSTILE[name])
    app = write_app(_app(name), tmp_path / "app")
    (tmp_path / "file").write_text(json.dumps({key: {key: text}}))
    given_input = {key: {key: text}, "file": "file", "folder": "d", "out": "out", "none": 0, "label": text}
    (tmp_path / "in.json").write_text(json.dumps(given_input))
    command = [*PYTHON, str(app), "--input", "in.json", "--record", "run.json"]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, check=False)
    assert done.returncode == 5, done.stderr  # it ends at `fail`
    assert json.loads(done.stdout) == {"status": "failed", "reason": text, "last_node": f"{key} fail"}
    record = json.loads((tmp_path / "run.json").read_bytes())
    assert record["workflow"] == f"w{text}"
    assert record["start_node"] == text
    outputs = {
        entry["node_id"].removeprefix(f"{key} "): entry["output"] for entry in record["trace"]["entries"]
    }
    assert " ".join(outputs) == "text load parse select diff env dir write reply merge test switch fail"
    assert outputs["text"] == {"rendered": _filled(text, {key: text})}
    assert outputs["select"] == {"found": True, "value": text}
    assert outputs["diff"] == {
        "added": {},
        "changed": {key: {"from": text, "to": {key: text}}},
        "removed": {},
        "unchanged": False,
    }
    assert outputs["env"] == {"key": text, "missing": True, "value": None}
    assert json.loads((tmp_path / "out").read_text()) == {key: text}
    assert outputs["reply"]["content_type"] == f"x{text}"
    assert outputs["reply"]["bytes"] == len(_filled(text, 0).encode())
    assert outputs["test"] == {"value": text}
    assert outputs["switch"] == {"value": text}


def _filled(template: str, data: Any) -> str:
    """What the template gives for the data, by the words of spec 01 §4."""
    done, rest = "", template
    while "{{" in rest and "}}" in rest.partition("{{")[2]:
        before, _, after = rest.partition("{{")
        key, _, rest = after.partition("}}")
        key = key.strip()
        whole = not key.replace(".", "")
        value = data if whole else data.get(key) if isinstance(data, dict) else None
        shown = (
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        )
        done += before + (shown if whole or value is not None else f"{{{{{key}}}}}")
    return done + rest
