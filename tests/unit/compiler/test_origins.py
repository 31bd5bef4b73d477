"""Where values come from: what is known of a text at build, and which nodes the rest has anything from."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from compiled import checked

from agentdc.check.origins import Data, Origins, Text, shown, whole

HEAD = """
name = "w"
edges = [{edges}]
start_nodes = [{{ name = "go", source = "http", entry_node = "a" }}]
[[http_routes]]
method = "POST"
path = "/"
start_node = "go"
input_schema = '''{schema}'''
"""
AREA = {
    "type": "object",
    "required": ["area", "id", "free"],
    "properties": {"area": {"enum": ["north", "south"]}, "id": {"const": "x7"}, "free": {"type": "string"}},
}


def _origins(*nodes: dict[str, Any], schema: object = AREA) -> Origins:
    names = [each["id"] for each in nodes]
    edges = ", ".join(f'{{ from = "{a}", to = "{b}" }}' for a, b in pairwise(names))
    text = HEAD.format(edges=edges, schema=json.dumps(schema))
    for node in nodes:
        text += "[[nodes]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in node.items())
    report = checked(text)
    assert report.facts is not None, report.diagnostics
    return Origins(report.facts.flow)


def _say(name: str, template: str, source: str | None = "trigger") -> dict[str, Any]:
    found = {"id": name, "type": "template_render", "template": template}
    return found if source is None else {**found, "input_from": source}


END = {"id": "z", "type": "terminate"}


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        ("plain", [("plain",)]),
        ("", [()]),
        ("{{id}}", [("x7",)]),
        ("https://{{area}}.example/", [("https://north.example/",), ("https://south.example/",)]),
        ("/in/{{free}}.txt", [("/in/", Data("trigger.free"), ".txt")]),
        ("{{free}}{{id}}", [(Data("trigger.free"), "x7")]),
        ("{{missing}}", [(Data("trigger.missing"),)]),
        ("{{", [("{{",)]),
    ],
)
def test_templates(template: str, texts: list[Text]) -> None:
    assert list(_origins(_say("a", template), END).texts("a.rendered", "z")) == texts


def test_without_data_holes_stay_as_they_are() -> None:
    origins = _origins(_say("a", "{{ x }}:{{}}", None), END)
    assert origins.texts("a.rendered", "z") == (("{{x}}:null",),)


def test_templates_in_templates_and_copies() -> None:
    inner = _say("a", "v1/{{free}}")
    picked = {"id": "b", "type": "json_select", "input_from": "a", "path": "rendered"}
    outer = _say("c", "https://a.example/{{value}}", "b")
    origins = _origins(inner, picked, outer, END)
    (text,) = origins.texts("c.rendered", "z")
    assert text == ("https://a.example/v1/", Data("trigger.free"))
    assert shown(text) == "https://a.example/v1/{{trigger.free}}"
    assert whole(text) is None


def test_too_many_alternatives_are_one_of_data() -> None:
    many = {"type": "object", "required": ["n"], "properties": {"n": {"enum": [f"v{n}" for n in range(9)]}}}
    origins = _origins(_say("a", "/srv/{{n}}/{{n}}"), END, schema=many)
    assert origins.texts("a.rendered", "z") == (("/srv/v", Data("a.rendered")),)


def test_a_value_that_is_no_text_is_data() -> None:
    assert _origins(_say("a", "x"), END).texts("trigger", "z") == ((Data("trigger"),),)


def test_taint_goes_through_pure_nodes_and_models_and_stops_at_effects() -> None:
    read = {"id": "b", "type": "read_file", "path_from": "a.rendered"}
    both = {"id": "c", "type": "diff_compute", "left_from": "b.content", "right_from": "trigger"}
    ask = {"id": "d", "type": "llm_infer", "backend": "default", "prompt": "{{}}", "input_from": "c"}
    origins = _origins(_say("a", "/srv/{{free}}"), read, both, ask, END)
    assert origins.tainted("a.rendered") == {"trigger"}
    assert origins.tainted("b.content") == {"b"}
    assert origins.tainted("c.changed") == {"b", "trigger"}
    assert origins.tainted("d.content") == {"b", "d", "trigger"}
