"""What holds on every route: workflows that are right, and would look wrong to a checker that forgets."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from compiled import checked

from agentdc.check.validate import Options
from agentdc.types.text import text


def _node(name: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "type": kind, **fields}


def _edges(*routes: str) -> list[dict[str, Any]]:
    """`a b c` is two edges; `a:true b` is one with a label, `a*3 b` a loop edge."""
    made = []
    for route in routes:
        steps = route.split()
        for step, to in pairwise(steps):
            source, _, rounds = step.partition("*")
            source, _, label = source.partition(":")
            edge: dict[str, Any] = {"from": source, "to": to.partition(":")[0].partition("*")[0]}
            made.append(
                edge
                | ({"when": label} if label else {})
                | ({"max_iterations": int(rounds)} if rounds else {})
            )
    return made


def _workflow(nodes: list[dict[str, Any]], edges: list[dict[str, Any]], **more: Any) -> str:
    document = {"name": "w", "policy": {}, "nodes": nodes, "edges": edges, **more}
    document.setdefault("start_nodes", [{"name": "go", "source": "manual", "entry_node": nodes[0]["id"]}])
    return "".join(f"{key} = {_toml(value)}\n" for key, value in document.items())


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + "}"
    return "[" + ", ".join(map(_toml, value)) + "]" if isinstance(value, list) else json.dumps(value)


def _hook(schema: dict[str, Any]) -> dict[str, Any]:
    """The sections of a workflow that one route with this schema starts."""
    route = {"method": "POST", "path": "/", "start_node": "go", "input_schema": json.dumps(schema)}
    return {"start_nodes": [{"name": "go", "source": "http", "entry_node": "a"}], "http_routes": [route]}


OTHERS = {"end_without_value", "policy_denied", "untrusted_subject"}  # not about what holds on every route


def _found(workflow: str, options: Options | None = None) -> list[tuple[str, str]]:
    found = checked(workflow, options=options).diagnostics
    return [(each.severity.value, each.code.slug) for each in found if each.code.slug not in OTHERS]


NOTE = {"type": "object", "properties": {"note": {"type": "string"}}, "additionalProperties": False}
KIND = {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["x", "y"]}}}
EITHER = {
    "type": "object",
    "properties": {
        "text": {"type": ["string", "null"]},
        "list": {"type": "array", "items": {"type": "string"}},
    },
}
A = _node("a", "condition", expr="trigger.note")
READ = _node("r", "parse_json", input_from="trigger.note")
END = _node("end", "terminate")


@pytest.mark.parametrize(
    ("nodes", "edges", "more"),
    [
        # The same question, asked again behind a join, has the same answer.
        (
            [_node("a", "condition", expr="trigger.x"), _node("b", "template_render", template="1"),
             _node("j", "merge"), _node("c", "condition", expr="trigger.x"),
             _node("r", "parse_json", input_from="b.rendered"), END],
            _edges("a:true b j c", "a:false j", "c:true r", "c:false end"), {},
        ),
        # The same by way of a copy, and of a copy of a copy.
        (
            [_node("a", "json_select", input_from="trigger", path="x"),
             _node("is", "condition", expr="a.found"), _node("b", "template_render", template="1"),
             _node("j", "merge"), _node("s", "json_select", input_from="a", path="found"),
             _node("c", "switch", expr="s.value"), _node("r", "parse_json", input_from="b.rendered"), END],
            _edges("a is", "is:true b j s c", "is:false j", "c:true r", "c:false end"), {},
        ),
        # Asking a node that may not have run whether it has.
        (
            [_node("a", "condition", expr="trigger.x"), _node("b", "template_render", template="1"),
             _node("c", "condition", expr="b.rendered"), _node("r", "parse_json", input_from="b.rendered"), END],
            _edges("a:true b c", "a:false c", "c:true r", "c:false end"), {},
        ),
        # A key that a schema does not require, and a null that it allows.
        ([A, READ, END], _edges("a:true r", "a:false end"), _hook(NOTE)),
        (
            [_node("a", "switch", expr="trigger.text"), _node("r", "parse_json", input_from="trigger.text"), END],
            _edges("a:null end", "a:1 r"), _hook(EITHER),
        ),
        # What was found is there, and a string since the schema says so.
        (
            [_node("a", "json_select", input_from="trigger", path="note"), _node("c", "condition", expr="a.found"),
             _node("r", "parse_json", input_from="a.value"), {**READ, "id": "o"}, END],
            _edges("a c", "c:true r o", "c:false end"), _hook(NOTE),
        ),
        # Every value of an enum has its edge.
        (
            [_node("a", "switch", expr="trigger.kind"), _node("x", "merge"), _node("y", "merge")],
            _edges("a:x x", "a:y y"), _hook(KIND),
        ),
        # A node that did not abort had what it needs.
        (
            [{**READ, "id": "a"}, READ],
            _edges("a r"), _hook(NOTE),
        ),
        # The loop goes first: who comes out of it has been through it.
        (
            [_node("a", "merge"), _node("b", "template_render", template="1"),
             _node("r", "parse_json", input_from="b.rendered")],
            _edges("a*3 b", "b a", "a r"), {},
        ),
        # An interval is not asked whether it has a tick.
        (
            [_node("a", "template_render", template="{{tick}} {{kind}}", input_from="trigger")],
            [], {"start_nodes": [{"name": "go", "source": "event"}],
                 "triggers": [{"type": "interval", "every": "5m", "start_node": "go"}]},
        ),
        # Arguments that are texts, or none.
        (
            [_node("a", "shell_run", command="/bin/true", args_from="trigger.list"), END],
            _edges("a end", "a:error end"), _hook(EITHER),
        ),
        # A text that a schema says nothing about is not doubted.
        ([_node("a", "parse_json", input_from="trigger.any"), END], _edges("a end"), _hook(KIND)),
    ],
)  # fmt: skip
def test_nothing_is_told(
    nodes: list[dict[str, Any]], edges: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    found = _found(_workflow(nodes, edges, **more))
    # One that may lack its text is told of once, and so is the question whether a node has run.
    assert found in ([], [("warning", "maybe_missing")], [("warning", "maybe_unset")])


def test_the_dialect_of_agentd_does_not_look_at_bodies() -> None:
    workflow = _workflow([_node("a", "parse_json", input_from="trigger.kind.deep")], [], **_hook(KIND))
    assert _found(workflow) == [("error", "unknown_output_key")]
    slugs = {slug for _, slug in _found(workflow, Options(agentd_dialect=True))}
    assert "unknown_output_key" not in slugs


def test_a_start_by_hand_may_have_any_input() -> None:
    hook = _hook(KIND)
    by_hand = {**hook, "start_nodes": [{"name": "go", "source": "manual", "entry_node": "a"}]}
    nodes = [_node("a", "parse_json", input_from="trigger.kind.deep")]
    assert _found(_workflow(nodes, [], **by_hand)) == []


def test_answers_have_the_type_of_their_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answer.json").write_text(json.dumps(KIND), "utf-8")
    ask = _node("a", "llm_infer", backend="default", prompt="?", output_schema="answer.json")
    report = checked(
        _workflow([ask, _node("b", "switch", expr="a.parsed.kind"), END], _edges("a b", "b:x end"))
    )
    assert report.facts is not None
    assert text(report.facts.flow.resolve("a.parsed.kind", "b").type) == '"x" | "y"'
    assert report.facts.flow.certain("a.parsed.kind", "b")
    assert [each.code.slug for each in report.diagnostics] == ["switch_label_missing"]


def test_the_type_on_each_edge() -> None:
    nodes = [
        _node("a", "json_select", input_from="trigger", path="x"), _node("c", "condition", expr="a.value"),
        _node("yes", "merge"), _node("no", "merge"), _node("j", "json_select", input_from="a", path="value"),
    ]  # fmt: skip
    report = checked(_workflow(nodes, _edges("a c", "c:true yes j", "c:false no j")))
    assert report.facts is not None
    flow = report.facts.flow
    assert text(flow.type_of("a", "c")) == "{found: true, value: any} | {found: false, value: null}"
    assert text(flow.type_of("a", "yes")) == "{found: true, value: any that is true}"
    assert text(flow.type_of("trigger", "yes")) == "{kind: any, x: any that is true, …}"
    assert flow.certain("trigger.x", "yes") and not flow.certain("trigger.x", "no")
    assert text(flow.type_of("a", "j")) == text(flow.type_of("a", "c"))
    assert flow.envs["j"] == {}


def test_a_loop_forgets_what_it_writes_again() -> None:
    nodes = [
        _node("a", "json_select", input_from="c", path="value"), _node("b", "condition", expr="a.value"),
        _node("c", "template_render", template="1"), END,
    ]  # fmt: skip
    start = [{"name": "go", "source": "manual", "entry_node": "c"}]
    report = checked(_workflow(nodes, _edges("c a b", "b:true end", "b:false*3 c"), start_nodes=start))
    assert report.facts is not None
    assert report.facts.flow.ran("c", "a") and not report.facts.flow.ran("a", "c")


def test_growth_ends() -> None:
    """A condition on what it stored the round before nests deeper each time."""
    nodes = [_node("a", "condition", expr="a"), _node("b", "merge"), END]
    report = checked(_workflow(nodes, _edges("a:true b", "b*5 a", "b end", "a:false*5 a", "a:false end")))
    assert report.facts is not None
    assert report.facts.flow.reaches("b")


@pytest.mark.parametrize(
    ("auth", "shown"),
    [
        ("none", '{kind: "anonymous", name: ""}'),
        ("hmac:github", '{kind: "hmac", name: "github"}'),
        ("bearer", '{kind: "bearer", name: "default"}'),
        ("oidc:sso", '{kind: "oidc", name: string}'),
    ],
)
def test_the_caller_of_a_route_is_known(auth: str, shown: str) -> None:
    workflow = _hook({"type": "object", "additionalProperties": False})
    workflow["http_routes"][0]["auth"] = auth
    found = checked(_workflow([_node("a", "condition", expr="trigger.principal.name")], [], **workflow))
    assert found.facts is not None
    assert text(found.facts.outputs["trigger"]) == f'{{kind: "http", principal: {shown}}}'


def test_a_certificate_tells_more_of_any_caller() -> None:
    workflow = _hook({"type": "null"})
    ask = {"mode": "optional", "ca_file": "ca.pem"}
    workflow["server"] = {"tls": {"cert_file": "c.pem", "key_file": "k.pem", "client_auth": ask}}
    found = checked(_workflow([_node("a", "condition", expr="trigger.principal.cn")], [], **workflow))
    assert found.facts is not None
    assert "cn?: string" in text(found.facts.outputs["trigger"])


def test_a_watch_tells_the_events_that_it_names() -> None:
    start = [{"name": "go", "source": "event", "entry_node": "a"}]
    watch = {"type": "fs_watch", "path": "/srv", "events": ["create", "DELETE"], "start_node": "go"}
    nodes = [_node("a", "switch", expr="trigger.event")]
    found = checked(_workflow(nodes, [], start_nodes=start, triggers=[watch]))
    assert found.facts is not None
    assert text(found.facts.outputs["a"]) == '{value: "create" | "remove"}'


def test_a_text_without_placeholders_is_known() -> None:
    nodes = [
        _node("a", "template_render", template='["-l", 5]'),
        _node("b", "parse_json", input_from="a.rendered"),
    ]
    nodes.append(_node("c", "shell_run", command="/usr/bin/ls", args_from="b.parsed"))
    assert ("error", "type_mismatch") in _found(_workflow(nodes, _edges("a b c")))


def test_who_called_stands_beside_a_body_that_is_no_object() -> None:
    workflow = _hook({"type": "array", "items": {"type": "string"}})
    found = checked(
        _workflow(
            [_node("a", "template_render", template="x", input_from="trigger.principal")], [], **workflow
        )
    )
    assert found.facts is not None
    assert text(found.facts.outputs["trigger"]) == (
        '{input: [string…], kind: "http", principal: {kind: "anonymous", name: ""}}'
    )
    assert not [each for each in found.diagnostics if each.is_error]
