"""Pictures of graphs: what they show, that they are well-formed, and that no name can break out of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from agentdc.diagnostics import SourceFile
from agentdc.drawing import dot, mermaid, svg
from agentdc.drawing.layout import BOX_WIDTH, lay_out
from agentdc.drawing.picture import NotARecord, Picture, picture
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import MODELS
from agentdc.parse.decode import decode

ROOT = Path(__file__).resolve().parents[3]
LOOP = b"""
name = "loop"
[[start_nodes]]
name = "go"
source = "manual"
entry_node = "a"
[[nodes]]
id = "a"
type = "condition"
expr = "trigger.x"
[[nodes]]
id = "b"
type = "read_env"
key = "HOME"
[[nodes]]
id = "c"
type = "merge"
[[edges]]
from = "a"
to = "b"
when = "true"
[[edges]]
from = "a"
to = "c"
when = "false"
[[edges]]
from = "b"
to = "a"
max_iterations = 3
[[edges]]
from = "b"
to = "c"
"""


def workflow(data: bytes) -> Workflow:
    found = decode(SourceFile("w.toml", data), MODELS).workflow
    assert found is not None
    return found


def record(*route: tuple[str, str | None]) -> object:
    entries = [{"node_id": node, "branch": branch} for node, branch in route]
    return {"workflow": "loop", "trace": {"entries": entries}}


def test_mermaid() -> None:
    assert mermaid.render(picture(workflow(LOOP))) == (
        "flowchart TD\n"
        '    n0{{"<b>a</b><br/>condition"}}\n'
        '    n1["<b>b</b><br/>read_env<br/>env.read HOME"]\n'
        '    n2["<b>c</b><br/>merge"]\n'
        '    s0(("go")) --> n0\n'
        '    n0 -->|"true"| n1\n'
        '    n0 -->|"false"| n2\n'
        '    n1 -.->|"at most 3×"| n0\n'
        "    n1 --> n2\n"
    )


def test_the_path_of_a_run() -> None:
    drawn = picture(workflow(LOOP), record(("a", "true"), ("b", None), ("a", "false"), ("c", None)))
    assert [box.visits for box in drawn.boxes] == [(1, 3), (2,), (4,)]
    assert [arrow.taken for arrow in drawn.arrows] == [1, 1, 1, 0]
    assert 'class="box branch ran"' in svg.render(drawn)
    assert "penwidth=2" in dot.render(drawn)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([], "it is no run record: it has no trace"),
        ({"workflow": "other", "trace": {}}, 'it is the record of the workflow "other"'),
        (record(("z", None)), 'it visits the node "z", which the workflow does not have'),
    ],
)
def test_what_is_no_record(document: object, why: str) -> None:
    with pytest.raises(NotARecord, match=re.escape(why)):
        picture(workflow(LOOP), document)


def hostile() -> Picture:
    nasty = 'x"]<script>&\\n{{}}%%\u202e--> \x7f'
    text = f'name = {json.dumps(nasty)}\n[[nodes]]\nid = {json.dumps(nasty)}\ntype = "merge"\n'
    return picture(workflow(text.encode()))


def test_no_name_breaks_out() -> None:
    drawn = ET.fromstring(svg.render(hostile()))
    assert not list(drawn.iter("{http://www.w3.org/2000/svg}script"))
    assert "<script" not in mermaid.render(hostile())
    assert len(mermaid.render(hostile()).splitlines()) == 2
    assert '\\"]<script>' in dot.render(hostile())


@pytest.mark.parametrize(
    "source", sorted((ROOT / "examples").glob("*/workflow.toml")), ids=lambda p: p.parent.name
)
def test_boxes_do_not_overlap(source: Path) -> None:
    layout = lay_out(picture(workflow(source.read_bytes())))
    places = list(layout.boxes.values())
    for index, one in enumerate(places):
        for other in places[index + 1 :]:
            assert one.y != other.y or abs(one.x - other.x) >= BOX_WIDTH
    assert all(0 < place.x < layout.width and 0 < place.y < layout.height for place in places)


def test_a_long_chain_is_drawn() -> None:
    nodes = "".join(f'[[nodes]]\nid = "n{i}"\ntype = "merge"\n' for i in range(3000))
    edges = "".join(f'[[edges]]\nfrom = "n{i}"\nto = "n{i + 1}"\n' for i in range(2999))
    assert svg.render(picture(workflow(f'name = "x"\n{nodes}{edges}'.encode()))).count("<rect") == 3001


def test_command(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_bytes(LOOP)
    command = [sys.executable, "-m", "agentdc", "graph", "w.toml"]
    subprocess.run([*command, "-o", "w.svg"], cwd=tmp_path, check=True)
    assert ET.parse(tmp_path / "w.svg").getroot().tag.endswith("svg")
    bad = subprocess.run(
        [*command, "--run", "w.toml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert bad.returncode == 2
    assert "cannot use the record w.toml: it is not JSON" in bad.stderr
