"""Random workflows in which the same few values are asked about again and again, so that routes depend on each other.

Most paths name what is there; what is not makes findings, and a workflow with findings makes claims too.
"""

from __future__ import annotations

import json
import random
from typing import Any

KEYS = ("a", "b")
INSIDE = {
    "condition": ("value",),
    "switch": ("value",),
    "json_select": ("value", "found", "value.a"),
    "template_render": ("rendered",),
    "parse_json": ("parsed", "parsed.a"),
    "respond": ("status", "content_type"),
    "diff_compute": ("unchanged", "added"),
    "merge": ("",),
}
KINDS = (
    *("condition",) * 6, *("switch",) * 4, *("json_select",) * 6, *("template_render",) * 3, *("parse_json",) * 3,
    "merge", "merge", "respond", "diff_compute", "terminate", "fail",
)  # fmt: skip
ENDS = ("terminate", "fail")
LABELS = ("true", "false", "x", "y", "1", "1.0", "null", "array", "object", "")
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 0.0, -0.0, 1.0, "", "x", "y", "true", "null"),
    *([], ["x"], {}, {"a": "x"}, {"a": None}, {"a": {"b": 1}}, '{"a": "x"}', '{"a": 1}', '"x"'),
)
TYPES: tuple[Any, ...] = (
    *(
        {"type": "string"},
        {"type": "boolean"},
        {"enum": ["x", "y", 1]},
        {"const": "x"},
        {},
        {"type": "integer"},
    ),
    *(
        {"type": ["string", "null"]},
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"enum": ["x"]}},
    ),
    {"type": "object", "properties": {"a": {"enum": ["x", None]}}, "required": ["a"]},
    {"anyOf": [{"type": "object", "properties": {"a": {"const": "x"}}}, {"type": "boolean"}]},
)


def grown(pick: random.Random) -> dict[str, Any]:
    """A document with up to twelve nodes, and one or two starts; half of them are routes with a schema."""
    names = [f"n{at}" for at in range(pick.randrange(3, 13))]
    nodes: list[dict[str, Any]] = []
    looping = pick.choice((0.0, 0.05, 0.4))
    for at, name in enumerate(names):
        nodes.append(_node(pick, name, nodes, last=at == len(names) - 1))
    for node in nodes:  # what a later node gave is there from the second round on
        field = next((each for each in ("expr", "input_from") if each in node), None)
        if field is not None and pick.random() < looping / 2:
            node[field] = _path(pick, pick.sample(nodes, 2))
    starts = [{"name": "s", "source": "http", "entry_node": names[0]}]
    if pick.random() < 0.3:
        starts.append({"name": "t", "source": "http", "entry_node": pick.choice(names[:4])})
    document = _reached(nodes, _edges(pick, nodes, looping), [each["entry_node"] for each in starts])
    document["start_nodes"] = starts
    if pick.random() < 0.6:
        document["http_routes"] = [
            {
                "method": "POST",
                "path": f"/{each['name']}",
                "start_node": each["name"],
                "input_schema": _schema(pick),
            }
            for each in starts
        ]
    return document


def _reached(nodes: list[dict[str, Any]], edges: list[dict[str, Any]], entries: list[str]) -> dict[str, Any]:
    """The document without the nodes that no start reaches."""
    seen, waiting = set(entries), list(entries)
    for name in waiting:
        ahead = {each["to"] for each in edges if each["from"] == name} - seen
        seen |= ahead
        waiting += sorted(ahead)
    return {
        "name": "w",
        "nodes": [each for each in nodes if each["id"] in seen],
        "edges": [each for each in edges if each["from"] in seen],
    }


def _schema(pick: random.Random) -> str:
    some = {key: pick.choice(TYPES) for key in KEYS}
    schema = {"type": "object", "properties": some, "required": [key for key in KEYS if pick.random() < 0.5]}
    if pick.random() < 0.5:
        schema["additionalProperties"] = False
    return json.dumps(schema)


def given(pick: random.Random) -> Any:
    """An input, mostly an object with the keys that the paths name."""
    if pick.random() < 0.1:
        return pick.choice(VALUES)
    return {key: pick.choice(VALUES) for key in KEYS if pick.random() < 0.8}


def _path(pick: random.Random, before: list[dict[str, Any]]) -> str:
    """The same few paths, so that one question is asked more than once."""
    if not before or pick.random() < 0.45:
        return pick.choice(("trigger.a", "trigger.a", "trigger.b", "trigger.a.a", "trigger", "trigger.a.0"))
    node = pick.choice(before[-4:] if pick.random() < 0.7 else before)
    inside = pick.choice(INSIDE.get(node["type"], ("",)))
    return f"{node['id']}.{inside}" if inside else str(node["id"])


def _node(pick: random.Random, name: str, before: list[dict[str, Any]], *, last: bool) -> dict[str, Any]:
    kind = pick.choice(KINDS)
    if not before or (kind in ENDS and not last and pick.random() < 0.5):
        kind = pick.choice(("condition", "json_select"))
    node: dict[str, Any] = {"id": name, "type": kind}
    match kind:
        case "template_render":
            node["template"] = pick.choice(("", '{"a": "x"}', "{{value}}", "{{a}}", "{{}}"))
            if pick.random() < 0.7:
                node["input_from"] = _path(pick, before)
        case "json_select":
            node |= {"input_from": _path(pick, before), "path": pick.choice(("", "a", "b", "a.a", "value"))}
        case "parse_json":
            node["input_from"] = _path(pick, before)
        case "diff_compute":
            node |= {"left_from": _path(pick, before), "right_from": _path(pick, before)}
        case "condition" | "switch":
            node["expr"] = _path(pick, before)
        case "respond":
            node |= {"status": pick.choice((200, 404)), "body_template": "{{a}}"}
    return node


def _edges(pick: random.Random, nodes: list[dict[str, Any]], looping: float) -> list[dict[str, Any]]:
    """From each node to later ones by its labels, now and then back."""
    edges: list[dict[str, Any]] = []
    for at, node in enumerate(nodes[:-1]):
        if node["type"] in ENDS:
            continue
        labels: list[str | None] = [None]
        if node["type"] == "condition":
            labels = ["true", "false"]
        elif node["type"] == "switch":
            labels = list(pick.sample(LABELS, 3))
        for number, label in enumerate(labels):
            ahead = (
                at + 1
                if number == 0 or pick.random() < 0.3
                else pick.randrange(at + 1, min(len(nodes), at + 5))
            )
            edges.append(
                {"from": node["id"], "to": nodes[ahead]["id"]} | ({} if label is None else {"when": label})
            )
            if pick.random() < looping:
                back = {"from": node["id"], "to": nodes[pick.randrange(at + 1)]["id"], "max_iterations": 2}
                edges.append(back | ({} if label is None else {"when": label}))
    return edges
