"""Random workflows of many kinds that are mostly sound: branches, joins, loops, children, files, typed triggers.

A workflow is built as statements are, one in another, so that it is known which outputs are there; now and then a
path is chosen without looking. What the checker finds in such a workflow is what this does not know.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

Table = dict[str, Any]
Open = list[tuple[str, str | None]]
"""Edges without an end: the node that they leave, and the label."""

ENV = {"FUZZ_SET": "x", "FUZZ_JSON": '{"a": "x"}', "FUZZ_EMPTY": ""}
LITERALS = ('{"a": "x", "list": ["x", "y"]}', '["x"]', "7", '"x"', "{", "plain", "out/a.txt", "")
WORDS = ("x", "y", "z")
SIMPLE: tuple[Table, ...] = (
    {"type": "string"},
    {"type": "string", "minLength": 1},
    {"type": "integer"},
    {"type": "number"},
    {"type": "boolean"},
    {"enum": ["x", "y"]},
    {"enum": ["x", 1, None]},
    {"const": "x"},
    {"type": ["string", "null"]},
    {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    {"$ref": "#/definitions/word"},
    {"type": "array", "items": {"type": "string"}},
    {"type": "array", "items": {"enum": ["x", "y"]}, "minItems": 1, "maxItems": 3},
    {"type": "array", "items": [{"type": "string"}, {"type": "integer"}], "minItems": 2, "additionalItems": False},
    {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"]},
    {"oneOf": [
        {"type": "object", "properties": {"a": {"const": "x"}}, "required": ["a"], "additionalProperties": False},
        {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"], "additionalProperties": False},
    ]},
    {"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"type": "string"}}}]},
)  # fmt: skip
PURE = {
    "template_render": ("rendered",),
    "json_select": ("value", "found", "value.a"),
    "parse_json": ("parsed", "parsed.a"),
    "diff_compute": ("unchanged", "added"),
    "condition": ("value",),
    "switch": ("value",),
    "respond": ("status", "content_type"),
}
TOUCHING = {
    "read_env": ("value", "key", "missing"),
    "read_file": ("content", "path", "bytes"),
    "write_file": ("path", "bytes"),
    "create_dir": ("path", "created"),
}
COMPOSED = {
    "call": ("result", "error", "result.value"),
    "parallel": ("results", "ok", "results.0.result"),
    "map": ("results", "ok", "results.0"),
}
INSIDE = {**PURE, **TOUCHING, **COMPOSED, "merge": ("",)}


@dataclass
class Family:
    """A workflow and its children by file name."""

    main: Table
    children: dict[str, Table] = field(default_factory=dict)


def family(pick: random.Random) -> Family:
    """A workflow with up to three children, the later of which may call the earlier ones."""
    children: dict[str, Table] = {}
    for number in range(pick.choice((0, 0, 1, 2, 3))):
        maker = _Maker(pick, list(children))
        children[f"c{number}.toml"] = maker.document(f"c{number}", maker.by_hand(), pick.randrange(1, 5))
    maker = _Maker(pick, list(children))
    starts = maker.typed() if pick.random() < 0.85 else maker.by_hand()
    return Family(maker.document("w", starts, pick.randrange(2, 9)), children)


class _Maker:
    """One document in the making. `scope`: (path, kind of value) of what is surely there."""

    def __init__(self, pick: random.Random, children: list[str]) -> None:
        self.pick = pick
        self.children = children
        self.nodes: list[Table] = []
        self.edges: list[Table] = []
        self.enums: list[str] = []

    def by_hand(self) -> tuple[Table, list[tuple[str, str]]]:
        """A start of which nothing is known; the paths are those that other workflows happen to give."""
        start = {"start_nodes": [{"name": "go", "source": "manual"}]}
        found = [(f"trigger.{key}", "any") for key in ("a", "s", "input") if self.pick.random() < 0.15]
        return start, [*found, ("trigger", "object")]

    def typed(self) -> tuple[Table, list[tuple[str, str]]]:
        """A route with a schema, and what it says of the trigger; now and then an interval instead."""
        start: Table = {"name": "go", "source": "http"}
        if self.pick.random() < 0.1:
            every = [{"type": "interval", "every": "1h", "start_node": "go"}]
            return {"start_nodes": [start], "triggers": every}, [
                ("trigger.kind", "string"),
                ("trigger.tick", "any"),
            ]
        some = {
            key: self.pick.choice(SIMPLE) for key in self.pick.sample("abcdes", self.pick.randrange(1, 6))
        }
        required = [key for key in some if self.pick.random() < 0.8]
        draft = "http://json-schema.org/draft-07/schema#"
        schema: Table = {"$schema": draft, "type": "object", "properties": some, "required": required}
        schema["definitions"] = {"word": {"enum": list(WORDS)}}
        if self.pick.random() < 0.5:
            schema["additionalProperties"] = False
        route = {"method": "POST", "path": "/go", "start_node": "go", "input_schema": json.dumps(schema)}
        scope = [("trigger", "object")]
        for key in required:
            scope.append((f"trigger.{key}", _kind(some[key])))
            if "enum" in some[key] or "$ref" in some[key]:
                self.enums.append(f"trigger.{key}")
        return {"start_nodes": [start], "http_routes": [route]}, scope

    def document(self, name: str, start: tuple[Table, list[tuple[str, str]]], length: int) -> Table:
        """The whole file."""
        opened, _ = self._several([], start[1], length, 2)
        if not self.nodes or (opened and self.pick.random() < 0.3):
            self._enter(opened, self._node(self.pick.choice(("merge", "terminate", "fail")), []))
        start[0]["start_nodes"][0]["entry_node"] = self.nodes[0]["id"]
        return {"name": name, **start[0], "nodes": self.nodes, "edges": self.edges}

    def _several(
        self, opened: Open, scope: list[tuple[str, str]], length: int, depth: int
    ) -> tuple[Open, list[Any]]:
        scope = list(scope)
        for _ in range(length):
            how = self.pick.random()
            if depth and how < 0.3:
                opened = self._branch(opened, scope, depth)
            elif depth and how < 0.38:
                opened = self._loop(opened, scope, depth)
            else:
                node = self._leaf(scope)
                opened = self._leave(self._enter(opened, node), scope, depth)
                scope += _gives(node)
            if not opened:
                break
        return opened, scope

    def _branch(self, opened: Open, scope: list[tuple[str, str]], depth: int) -> Open:
        """A condition or a switch, and a node where its branches meet."""
        switch = bool(self.enums) and self.pick.random() < 0.5
        node = self._node("switch" if switch else "condition", scope)
        if switch:
            node["expr"] = self.pick.choice(self.enums)
        self._enter(opened, node)
        labels = [*WORDS, "1", "null"][: self.pick.randrange(1, 6)] if switch else ["true", "false"]
        ends: Open = []
        for label in labels:
            branch, _ = self._several([(node["id"], label)], scope, self.pick.randrange(3), depth - 1)
            if branch and branch[0][1] is None and self.pick.random() < 0.15:
                self._enter(branch, self._node(self.pick.choice(("fail", "terminate")), scope))
                branch = []
            ends += branch
        if not ends:
            return []
        return self._leave(self._enter(ends, self._node("merge", scope)), scope, 0)

    def _loop(self, opened: Open, scope: list[tuple[str, str]], depth: int) -> Open:
        """A body that is gone through again while a condition says so, and not too often."""
        head = self._enter(opened, self._node("merge", scope))
        body, inner = self._several(self._leave(head, scope, 0), scope, self.pick.randrange(1, 3), depth - 1)
        if not body:
            return []
        test = self._enter(body, self._node("condition", inner))
        again, on = self.pick.sample(("true", "false"), 2)
        self.edges.append(
            {"from": test["id"], "to": head["id"], "when": again, "max_iterations": self.pick.randrange(3)}
        )
        if self.pick.random() < 0.5:
            return [(test["id"], on)]
        return [(test["id"], on), (test["id"], again)]

    def _leaf(self, scope: list[tuple[str, str]]) -> Table:
        kinds = [
            "template_render",
            "template_render",
            "json_select",
            "json_select",
            "diff_compute",
            "respond",
            "read_env",
        ]
        there = {kind for _, kind in scope} | ({"wild"} if self.pick.random() < 0.1 else set())
        if there & {"json", "wild"}:
            kinds += ["parse_json", "parse_json"]
        if there & {"file", "wild"}:
            kinds += ["read_file", "read_file"]
        if there & {"string", "json", "wild"}:
            kinds += ["write_file", "create_dir"]
        if self.children:
            kinds += ["call", "call", "parallel", *(["map", "map"] if there & {"array", "wild"} else [])]
        return self._node(self.pick.choice(kinds), scope)

    def _enter(self, opened: Open, node: Table) -> Table:
        for source, label in opened:
            self.edges.append({"from": source, "to": node["id"]} | ({} if label is None else {"when": label}))
        return node

    def _leave(self, node: Table, scope: list[tuple[str, str]], depth: int) -> Open:
        """The edges out of a node; the branch `error` of one that runs children ends, or goes on beside the other."""
        if node["type"] in {"fail", "terminate"}:
            return []
        if node["type"] not in {"call", "parallel", "map"}:
            return [(node["id"], None)]
        how = self.pick.random()
        if how < 0.2 or not depth:
            return [(node["id"], None), (node["id"], "error")]
        if how < 0.8:
            self._enter([(node["id"], "error")], self._node("fail", scope))
        return [(node["id"], None)]

    def _node(self, kind: str, scope: list[tuple[str, str]]) -> Table:
        node: Table = {"id": f"n{len(self.nodes)}", "type": kind}
        self.nodes.append(node)
        node |= self._pure(kind, scope) or self._touching(kind, scope) or self._composed(kind, scope)
        if self.pick.random() < 0.08 and kind in (*PURE, *TOUCHING):
            node["retry"] = {"max_attempts": 2, "backoff_ms": 0}
        return node

    def _pure(self, kind: str, scope: list[tuple[str, str]]) -> Table:
        pick = self.pick
        data = {"input_from": self._path(scope, "any")} if pick.random() < 0.55 else {}
        match kind:
            case "template_render":
                return data | {
                    "template": pick.choice((*LITERALS, "{{a}}", "{{}}", "{{value}}", "out/{{a}}"))
                }
            case "json_select":
                return {
                    "input_from": self._path(scope, "any"),
                    "path": pick.choice(("", "a", "b", "0", "value")),
                }
            case "parse_json":
                return {"input_from": self._path(scope, "json")}
            case "diff_compute":
                return {"left_from": self._path(scope, "any"), "right_from": self._path(scope, "any")}
            case "condition" | "switch":
                return {"expr": self._path(scope, "any")}
            case "respond":
                return data | {"body_template": "{{a}}"}
        return {}

    def _touching(self, kind: str, scope: list[tuple[str, str]]) -> Table:
        match kind:
            case "read_env":
                return {"key": self.pick.choice((*ENV, "FUZZ_UNSET"))}
            case "read_file" | "create_dir":
                return {"path_from": self._path(scope, "file" if kind == "read_file" else "string")}
            case "write_file":
                return {"path_from": self._path(scope, "string"), "content_from": self._path(scope, "any")}
        return {}

    def _composed(self, kind: str, scope: list[tuple[str, str]]) -> Table:
        pick = self.pick
        match kind:
            case "call":
                return self._use(scope)
            case "parallel":
                return {"branches": [self._use(scope) for _ in range(pick.randrange(3))]}
            case "map":
                most = {"max_items": pick.choice((1, 2, 5)), "max_concurrent": 2}
                return {
                    "items_from": self._path(scope, "array"),
                    "workflow": pick.choice(self.children),
                    **most,
                }
        return {}

    def _use(self, scope: list[tuple[str, str]]) -> Table:
        use: Table = {"workflow": self.pick.choice(self.children)}
        return use | ({"input_from": self._path(scope, "any")} if self.pick.random() < 0.6 else {})

    def _path(self, scope: list[tuple[str, str]], kind: str) -> str:
        fit = [path for path, has in scope if kind in {"any", has} or (kind, has) == ("string", "json")]
        fit += [path for path, has in scope if has == "any" and self.pick.random() < 0.05]
        if fit and self.pick.random() < 0.98:
            return self.pick.choice(fit[-8:])
        before = [each for each in self.nodes[:-1] if each["type"] in INSIDE]
        if not before or self.pick.random() < 0.4:
            return self.pick.choice(
                ("trigger.a", "trigger.b", "trigger.e", "trigger.a.a", "trigger.d.0", "trigger")
            )
        node = self.pick.choice(before)
        return ".".join(filter(None, (node["id"], self.pick.choice(INSIDE[node["type"]]))))


def _kind(schema: Table) -> str:
    said = schema.get("type", "any")
    if schema.get("const") == "x" or "$ref" in schema or schema.get("enum") == ["x", "y"]:
        return "string"
    return said if isinstance(said, str) else "object" if "allOf" in schema or "oneOf" in schema else "any"


def _gives(node: Table) -> list[tuple[str, str]]:
    """What is surely in the output, as far as this knows."""
    name = node["id"]
    known = {
        "template_render": [("rendered", "json" if _is_json(node.get("template", "{{")) else "string")],
        "json_select": [("value", "any"), ("found", "boolean")],
        "parse_json": [("parsed", "any")],
        "diff_compute": [("added", "object")],
        "respond": [("content_type", "string")],
        "read_env": [("key", "string"), ("value", "any")],
        "read_file": [("content", "string"), ("path", "file")],
        "write_file": [("path", "file")],
        "create_dir": [("path", "string")],
        "parallel": [("results", "array")],
        "map": [("results", "array")],
    }
    return [(f"{name}.{key}", kind) for key, kind in known.get(node["type"], [])]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
