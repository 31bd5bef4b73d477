"""As `test_hostile`, for the kinds that wait for something: other workflows, commands, servers.

The text is also a file name, a command's path, a secret's name and a header's value, as far as each of them may be
anything; and the app runs a real command, asks a real server, and hands each value on as it was written.
"""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import chdir
from itertools import pairwise
from pathlib import Path

import pytest
import tomli
from compiled import compiled, write_app
from exchange import ENVIRONMENT, PYTHON
from hostile import AWAITED, HOSTILE, Table, document, segment, skeletons
from hypothesis import given, settings
from hypothesis import strategies as st
from peers.echo import echo
from peers.http import serving

from agentdc.driver.compile import Compiled
from agentdc.nodes.registry import SPECS

POLICY = ('[policy.shell]\ncommands = ["/**"]', '[policy.http]\nurls = ["http://127.0.0.1:*"]')
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SCRIPT = '#!/bin/sh\nprintf %s "$0"\n'


def _name(text: str) -> str:
    """The text as a file's name: no longer than one may be, without what none may hold."""
    return "f" + text.replace("/", "\N{DIVISION SLASH}").replace("\0", "")[:40]


def _value(text: str) -> str:
    """The text as a header's value: no placeholder, no control character."""
    return "<" + re.sub(r"\{+", "{", CONTROL.sub("", text))[:500] + ">"


def _secret(text: str) -> str:
    """The text as a secret's name, as far as a placeholder can hold it."""
    return "s" + CONTROL.sub("", text).replace("{", "").replace("}", "").rstrip()


def _workflow(text: str, ids: str, key: str, command: str) -> str:
    """Every kind that waits; `ids` begins the ids, `key` is a segment of the paths."""
    order = ["post", "run", "call", "both", "each"]
    path, child = f"trigger.{key}", {"workflow": f"{_name(text)}.toml", "start": text}
    headers = {"X-Value": _value(text), "X-Secret": f"{_value(text)}{{{{secret:{_secret(text)}}}}}"}
    given: dict[str, Table] = {
        "post": {
            "type": "http_request",
            "method": "PATCH",
            "url_from": "trigger.url",
            "body_from": path,
            "headers": headers,
        },
        "run": {"type": "shell_run", "command": command, "args_from": path},
        "call": {"type": "call", "input_from": path, **child},
        "both": {"type": "parallel", "branches": [{"input_from": path, **child}]},
        "each": {"type": "map", "items_from": path, "max_items": 9, **child},
    }
    nodes = [{"id": f"{ids} {kind}", **given[kind]} for kind in order] + [{"id": "sorry", "type": "fail"}]
    edges = [{"from": f"{ids} {a}", "to": f"{ids} {b}"} for a, b in pairwise(order)]
    edges += [{"from": f"{ids} {kind}", "to": "sorry", "when": "error"} for kind in order]
    starts = [{"name": "go", "source": "manual", "entry_node": f"{ids} post"}]
    secrets = [{"name": _secret(text), "source": "env", "var": "HIDDEN"}]
    tables = {"name": f"w{text}", "start_nodes": starts, "nodes": nodes, "edges": edges, "secrets": secrets}
    return document(tables, *POLICY)


def _child(text: str, ids: str) -> str:
    starts = [{"name": text, "source": "manual"}]
    nodes = [{"id": f"{ids} say", "type": "json_select", "input_from": "trigger", "path": "input"}]
    return document({"name": f"c{text}", "start_nodes": starts, "nodes": nodes})


def _made(text: str, ids: str, key: str, folder: Path, command: str) -> Compiled:
    folder.mkdir(exist_ok=True)
    (folder / f"{_name(text)}.toml").write_text(_child(text, ids))
    with chdir(folder):
        return compiled(_workflow(text, ids, key, command))


def _hostile(text: str, folder: Path) -> Compiled:
    return _made(text, segment(text), segment(text), folder, f"{folder}/{_name(text)}")


def _twin(text: str, folder: Path) -> Compiled:
    key = "k" if [each for each in segment(text).split(".") if each] else ""
    return _made("k", "k", key or "k", folder, "/k")


def test_the_workflow_has_every_kind_that_waits() -> None:
    nodes = tomli.loads(_workflow("x", "x", "x", "/x"))["nodes"]
    assert {each["type"] for each in nodes} - {"fail"} == AWAITED
    for node in nodes[:-1]:  # and every field of text that the kind has
        fields = SPECS[node["type"]].model.model_fields
        assert {name for name, field in fields.items() if "str" in str(field.annotation)} <= node.keys()


@pytest.mark.parametrize("name", HOSTILE)
def test_the_code_has_the_skeleton_of_a_harmless_twin(name: str, tmp_path: Path) -> None:
    found = skeletons(_hostile(HOSTILE[name], tmp_path / "a"))
    assert found.keys() >= {"workflow.py", "child"}
    assert found == skeletons(_twin(HOSTILE[name], tmp_path / "b"))


@settings(max_examples=10, deadline=None)
@given(st.text(min_size=1) | st.text(alphabet="\"'\\\n\r{}%# \0\u2028\u202e.x", min_size=1))
def test_any_text_leaves_the_skeleton_alone(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    assert skeletons(_hostile(text, folder / "a")) == skeletons(_twin(text, folder / "b"))


@pytest.mark.parametrize("name", HOSTILE)
def test_every_value_arrives(name: str, tmp_path: Path) -> None:
    text, key = HOSTILE[name], segment(HOSTILE[name])
    app = write_app(_hostile(text, tmp_path), tmp_path / "app")
    command = tmp_path / _name(text)
    command.write_text(SCRIPT)
    command.chmod(0o755)
    words = [text.replace("\0", "")]  # no program can be given a NUL
    with serving(echo) as peer:
        (tmp_path / "in.json").write_text(json.dumps({key: words, "url": peer.url()}))
        done = subprocess.run(
            [*PYTHON, str(app), "--input", "in.json", "--record", "run.json"],
            cwd=tmp_path, env={**ENVIRONMENT, "HIDDEN": "open-sesame"}, capture_output=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "run.json").read_bytes())
    entries = record["trace"]["entries"]
    outputs = {each["node_id"].removeprefix(f"{key} "): each["output"] for each in entries}
    head, _, body = peer.requests[0].decode().partition("\r\n\r\n")
    assert body == json.dumps(words, ensure_ascii=False, separators=(",", ":"))
    assert head.split("\r\n")[-2:] == [f"X-Secret: {_value(text)}open-sesame", f"X-Value: {_value(text)}"]
    assert "open-sesame" not in str(record)  # though the peer sent it back
    assert (outputs["run"]["stdout"], outputs["run"]["args"]) == (str(command), words)
    value = {"found": True, "value": words}
    assert outputs["call"] == {"result": value}
    assert outputs["both"] == {"ok": True, "results": [{"result": value}]}
    assert outputs["each"] == {"ok": True, "results": [{"result": {"found": True, "value": words[0]}}]}
