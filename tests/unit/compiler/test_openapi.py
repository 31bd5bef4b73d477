"""The OpenAPI document of an app: valid, complete, the same each time, and true to the workflow's graph."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hostile import HOSTILE, toml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import validate
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from agentdc.codegen.schema_document import DRAFTS
from agentdc.diagnostics import SourceFile
from agentdc.nodes.registry import MODELS
from agentdc.openapi.bodies import component
from agentdc.openapi.document import openapi
from agentdc.parse.decode import decode

D4, D6, D7, D2019, D2020 = DRAFTS

HEAD = 'name = "shop"\ndescription = "orders"\n'
START = '[[start_nodes]]\nname = "in"\nsource = "http"\nentry_node = "a"\n'
PLAIN = f'{START}[[nodes]]\nid = "a"\ntype = "terminate"\n'
ROUTE = '[[http_routes]]\nmethod = "post"\npath = "/orders"\nstart_node = "in"\n'


def described(text: str, schemas: dict[str, Any] | None = None) -> dict[str, Any]:
    """The document of a workflow; valid, and the same for the same input."""
    workflow = decode(SourceFile("workflow.toml", text.encode()), MODELS).workflow
    assert workflow is not None
    document = openapi(workflow, schemas or {}, "1.2.3")
    validate(json.loads(json.dumps(document)))
    assert json.dumps(openapi(workflow, schemas or {}, "1.2.3")) == json.dumps(document)
    return document


def operation(text: str, schemas: dict[str, Any] | None = None) -> Any:
    return described(HEAD + text, schemas)["paths"]["/orders"]["post"]


def respond(name: str, more: str = "") -> str:
    return f'[[nodes]]\nid = "{name}"\ntype = "respond"\nbody_template = "x"\n{more}'


def test_the_whole_of_a_small_one() -> None:
    document = described(HEAD + PLAIN + ROUTE)
    assert document["openapi"] == "3.1.0"
    assert document["info"] == {"title": "shop", "version": "1.2.3", "description": "orders"}
    assert list(document["paths"]) == ["/healthz", "/metrics", "/orders"]
    assert "securitySchemes" not in document["components"]
    post = document["paths"]["/orders"]["post"]
    assert post["operationId"] == "post_orders"
    assert "security" not in post
    assert list(post["requestBody"]["content"]) == [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ]
    assert list(post["responses"]) == [
        *("200", "400", "404", "405", "413", "422", "431", "500", "503", "504", "505"),
    ]
    assert post["responses"]["200"]["content"] == {
        "application/json": {"schema": {"$ref": "#/components/schemas/Completed"}}
    }
    assert list(post["responses"]["405"]["headers"]) == ["Allow"]
    assert list(post["responses"]["503"]["headers"]) == ["Retry-After"]


# Bodies as spec 02 has them; a change of a shape must show here.
@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("Completed", {"status": "completed", "final_value": None, "last_node": None}),
        ("Failed", {"status": "failed", "reason": "no", "last_node": "a"}),
        ("TimedOut", {"status": "timed_out", "elapsed_ms": 7, "last_node": "a"}),
        ("Paused", {"status": "paused", "run_id": "r", "last_node": "a"}),
        ("Error", {"error": "invalid JSON body"}),
        ("TooLarge", {"error": "body exceeds server cap", "cap_bytes": 1048576}),
        ("Unauthorized", {"error": "unauthorized", "detail": "header missing"}),
        ("RateLimited", {"error": "rate limited", "retry_after_ms": 1}),
        ("NoSuchRoute", {"error": "Not Found", "path": "/x"}),
        ("Health", {"status": "ok", "workflow": "shop"}),
        ("Ready", {"status": "draining"}),
        ("Hidden", {"error": "internal error", "run_id": "r"}),
        ("Busy", {"error": "too many runs in flight"}),
    ],
)
def test_shapes(shape: str, body: Any) -> None:
    document = described(HEAD + PLAIN + ROUTE)
    fits(document, shape, body)
    for name in body:
        if (shape, name) != ("Hidden", "run_id"):
            assert not _fits(document, shape, {key: value for key, value in body.items() if key != name})


def fits(document: dict[str, Any], name: str, body: Any) -> None:
    assert _fits(document, name, body)


def _fits(document: dict[str, Any], name: str, body: Any) -> bool:
    """Whether a body fits a component, with references resolved in the whole document."""
    resource = DRAFT202012.create_resource(document)
    registry: Registry[Any] = Registry().with_resource("app:", resource)
    reference = {"$ref": f"app:#/components/schemas/{name}"}
    return bool(Draft202012Validator(reference, registry=registry).is_valid(body))


# Answers of runs ----------------------------------------------------------------------------------------------------


def test_a_reply_on_every_way_replaces_the_outcome() -> None:
    responses = operation(f"{START}{respond('a', 'status = 201')}\n{ROUTE}")["responses"]
    assert "200" not in responses
    assert responses["201"]["content"] == {"application/json": {"schema": {}}}


def test_a_reply_on_one_way_stands_beside_the_outcome() -> None:
    text = (
        f'{START}[[nodes]]\nid = "a"\ntype = "condition"\nexpr = "trigger.x"\n'
        f'{respond("b", "status = 303")}\ncontent_type = "text/html; charset=utf-8"\n'
        '[[nodes]]\nid = "c"\ntype = "terminate"\n'
        '[[edges]]\nfrom = "a"\nto = "b"\nwhen = "true"\n[[edges]]\nfrom = "a"\nto = "c"\nwhen = "false"\n'
    )
    responses = operation(f"{text}{ROUTE}")["responses"]
    assert list(responses["200"]["content"]) == ["application/json"]
    assert responses["303"]["content"] == {"text/html; charset=utf-8": {"schema": {"type": "string"}}}


def test_a_reply_with_a_status_of_ours_is_one_of_two() -> None:
    text = f'{START}{respond("a", "status = 422")}\ncontent_type = "text/plain"\n{ROUTE}'
    found = operation(text)["responses"]["422"]
    assert found["content"] == {
        "application/json": {"schema": {"$ref": "#/components/schemas/Failed"}},
        "text/plain": {"schema": {"type": "string"}},
    }
    assert "respond node (a)" in found["description"] and "failed" in found["description"]


def test_nodes_that_a_route_does_not_reach_do_not_count() -> None:
    other = '[[start_nodes]]\nname = "other"\nsource = "http"\nentry_node = "z"\n'
    responses = operation(f"{other}{PLAIN}{respond('z', 'status = 418')}\n{ROUTE}")["responses"]
    assert "418" not in responses


def test_a_pause_is_202() -> None:
    text = f'{START}[[nodes]]\nid = "a"\ntype = "pause_for_approval"\n{ROUTE}'
    assert "202" in operation(text)["responses"]
    assert "202" not in operation(PLAIN + ROUTE)["responses"]


def test_headers_and_statuses_of_a_guarded_route() -> None:
    limit = 'rate_limit = { capacity = 1, per_second = 1.0 }\nidempotency_key = "body_sha256"\n'
    text = f'{START}{respond("a", "status = 201")}\n{ROUTE}auth = "bearer"\n{limit}[auth.bearer.default]\n'
    responses = operation(text)["responses"]
    assert list(responses["201"]["headers"]) == ["X-Agentd-Idempotent-Replay"]
    assert list(responses["401"]["headers"]) == ["WWW-Authenticate"]
    assert list(responses["429"]["headers"]) == ["Retry-After"]
    assert "409" in responses
    assert "headers" not in responses["422"]


def test_a_stream_and_a_socket() -> None:
    responses = operation(f"{PLAIN}{ROUTE}stream = true\nwebsocket = true\n")["responses"]
    assert list(responses["200"]["content"]) == ["application/json", "text/event-stream"]
    assert "content" not in responses["101"]


def test_opaque_errors_and_readyz() -> None:
    document = described(f"{HEAD}{PLAIN}{ROUTE}[server]\nopaque_errors = true\nreadyz = true\n")
    content = document["paths"]["/orders"]["post"]["responses"]["500"]["content"]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/Hidden"}
    assert list(document["paths"]["/readyz"]["get"]["responses"]) == ["200", "503"]


# Who may call -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "section", "scheme"),
    [
        ("bearer:till", "[auth.bearer.till]", {"type": "http", "scheme": "bearer"}),
        (" basic ", "[auth.basic.default]", {"type": "http", "scheme": "basic"}),
        (
            "hmac:hook",
            '[auth.hmac.hook]\nsecret = "hunter2"\nheader = "X-Sig"\nprefix = ""',
            {
                "type": "apiKey",
                "in": "header",
                "name": "X-Sig",
                "description": "HMAC-SHA256 of the body, in hex.",
            },
        ),
        (
            "hmac",
            '[auth.hmac.default]\ntimestamp_header = "X-Time"\nencoding = "base64"',
            {
                "type": "apiKey",
                "in": "header",
                "name": "X-Agent-Signature",
                "description": "HMAC-SHA256 of the time in X-Time, a dot and the body, in base64, behind 'sha256='.",
            },
        ),
        ("mtls:", "", {"type": "mutualTLS"}),
        (
            "oidc:corp",
            '[auth.oidc.corp]\nissuer = "https://own.example"\njwks_json = "{}"',
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "A token of https://own.example.",
            },
        ),
    ],
)
def test_security(auth: str, section: str, scheme: Any) -> None:
    open_route = ROUTE.replace("/orders", "/open")
    document = described(f'{HEAD}{PLAIN}{ROUTE}auth = "{auth}"\n{open_route}auth = "None"\n{section}\n')
    kind, _, name = auth.strip().partition(":")
    full = f"{kind}.{name or 'default'}"
    assert document["components"]["securitySchemes"] == {full: scheme}
    assert document["paths"]["/orders"]["post"]["security"] == [{full: []}]
    assert document["paths"]["/open"]["post"]["security"] == []
    assert "401" not in document["paths"]["/open"]["post"]["responses"]
    challenged = kind in {"basic", "bearer", "oidc"}
    assert ("headers" in document["paths"]["/orders"]["post"]["responses"]["401"]) is challenged
    assert "hunter2" not in json.dumps(document)


# Routes -------------------------------------------------------------------------------------------------------------


def test_methods_paths_and_names() -> None:
    routes = "".join(
        f'[[http_routes]]\nmethod = "{method}"\npath = "{path}"\nstart_node = "in"\n'
        for method, path in [
            ("GET", "/healthz"),
            ("POST", "/healthz"),
            ("get", "/a-b"),
            ("GET", "/a_b"),
            ("PURGE", "/a-b"),
            ("DELETE", "/{id}"),
        ]
    )
    paths = described(HEAD + PLAIN + routes)["paths"]
    assert list(paths) == ["/%7Bid%7D", "/a-b", "/a_b", "/healthz", "/metrics"]
    assert list(paths["/healthz"]) == ["get", "post"]
    assert paths["/healthz"]["get"]["operationId"] == "builtin_healthz"
    assert [paths["/a-b"]["get"]["operationId"], paths["/a_b"]["get"]["operationId"]] == [
        "get_a_b",
        "get_a_b_2",
    ]
    assert list(paths["/a-b"]) == ["get"]
    assert "requestBody" not in paths["/%7Bid%7D"]["delete"]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text(text: str) -> None:
    workflow = (
        f"name = {toml(text)}\ndescription = {toml(text)}\n{START}{respond('a')}content_type = {toml(text + 'x')}\n"
        f'[[http_routes]]\nmethod = "post"\npath = {toml("/" + text)}\nstart_node = "in"\n'
        f"input_schema = {toml(text)}\n"
    )
    schema = {"properties": {text: {"$ref": "#/$defs/x"}}, "$defs": {"x": {"const": text}}}
    document = described(workflow, {text: schema})
    assert document["info"]["title"] == text
    name = next(each for each in document["components"]["schemas"] if each.startswith("input_"))
    assert _fits(document, name, {text: text})
    assert not _fits(document, name, {text: 5})


# Schemas of bodies --------------------------------------------------------------------------------------------------


def test_a_schema_is_the_only_body() -> None:
    schemas = {"schemas/new order.json": {"$id": "https://own.example/o", "type": "object"}}
    document = described(f'{HEAD}{PLAIN}{ROUTE}input_schema = "schemas/new order.json"\n', schemas)
    body = document["paths"]["/orders"]["post"]["requestBody"]
    reference = {"$ref": "#/components/schemas/input_new_order"}
    assert body == {"required": True, "content": {"application/json": {"schema": reference}}}
    assert document["components"]["schemas"]["input_new_order"] == {"type": "object"}


def test_schemas_of_one_name_stay_apart() -> None:
    schemas = {"a/x.json": {"const": 1}, "b/x.json": {"const": 2}}
    found = described(HEAD + PLAIN + ROUTE, schemas)["components"]["schemas"]
    assert (found["input_x"], found["input_x_2"]) == ({"const": 1}, {"const": 2})


ROOT = "#/components/schemas/input_x"


@pytest.mark.parametrize(
    ("schema", "moved"),
    [
        (True, True),
        ({"items": {"$ref": "#"}}, {"items": {"$ref": ROOT}}),
        (
            {"items": {"$ref": "#/$defs/a~1b c"}, "$defs": {"a/b c": {}}},
            {"items": {"$ref": f"{ROOT}/$defs/a~1b%20c"}, "$defs": {"a/b c": {}}},
        ),
        ({"$ref": "#n", "$defs": {"a": {"$anchor": "n"}}}, {"$ref": f"{ROOT}/$defs/a", "$defs": {"a": {}}}),
        (
            {
                "$id": "https://own.example/r",
                "$ref": "part",
                "$defs": {"p": {"$id": "part", "$ref": "#/$defs/q", "$defs": {"q": {}}}},
            },
            {
                "$ref": f"{ROOT}/$defs/p",
                "$defs": {"p": {"$ref": f"{ROOT}/$defs/p/$defs/q", "$defs": {"q": {}}}},
            },
        ),
        ({"const": {"$ref": "#/x", "$id": "y"}}, {"const": {"$ref": "#/x", "$id": "y"}}),
        (
            {"properties": {"$ref": {}, "$id": {"$ref": "#/properties/$ref"}}},
            {"properties": {"$ref": {}, "$id": {"$ref": f"{ROOT}/properties/$ref"}}},
        ),
        (
            {"$ref": "#/x/y", "x": {"y": {"$ref": "#/z"}}, "z": {}},
            {"$ref": f"{ROOT}/x/y", "x": {"y": {"$ref": f"{ROOT}/z"}}, "z": {}},
        ),
        (
            {
                "$schema": D7,
                "items": [{}, {"$ref": "#/items/0"}],
                "additionalItems": {"items": {"$ref": "#/additionalItems"}},
            },
            {
                "prefixItems": [{}, {"$ref": f"{ROOT}/prefixItems/0"}],
                "items": {"items": {"$ref": f"{ROOT}/items"}},
            },
        ),
        (
            {"$schema": D7, "dependencies": {"a": ["b"], "c": {"$ref": "#/dependencies/d"}, "d": {}}},
            {
                "dependentRequired": {"a": ["b"]},
                "dependentSchemas": {"c": {"$ref": f"{ROOT}/dependentSchemas/d"}, "d": {}},
            },
        ),
        (
            {
                "$schema": D4,
                "id": "http://own.example/x",
                "exclusiveMinimum": True,
                "minimum": 1,
                "maximum": 2,
                "exclusiveMaximum": False,
            },
            {"exclusiveMinimum": 1, "maximum": 2},
        ),
        ({"$schema": D4, "exclusiveMaximum": True}, {}),
        (
            {"$schema": D7, "$ref": "#/definitions/a", "type": "string", "definitions": {"a": {}}},
            {"$ref": f"{ROOT}/definitions/a", "definitions": {"a": {}}},
        ),
        (
            {"$schema": D2019, "$recursiveAnchor": True, "items": {"$recursiveRef": "#"}},
            {"items": {"$ref": ROOT}},
        ),
        (
            {"$ref": "#/$defs/a", "$dynamicRef": "#n", "$defs": {"a": {"$dynamicAnchor": "n"}}},
            {"allOf": [{"$ref": f"{ROOT}/$defs/a"}, {"$ref": f"{ROOT}/$defs/a"}], "$defs": {"a": {}}},
        ),
        (
            {"title": "t", "format": "email", "examples": [{"$id": "x"}]},
            {"title": "t", "format": "email", "examples": [{"$id": "x"}]},
        ),
    ],
)
def test_components(schema: Any, moved: Any) -> None:
    assert component(schema, ROOT) == moved
    described(HEAD + PLAIN + ROUTE, {"x.json": schema})


def test_references_resolve_in_the_document() -> None:
    schema = {
        "$schema": D7,
        "$id": "http://own.example/tree",
        "type": "object",
        "properties": {"below": {"items": [{"$ref": "#"}], "additionalItems": False}, "n": {"$ref": "#num"}},
        "definitions": {"n": {"$id": "#num", "type": "integer"}},
    }
    document = described(HEAD + PLAIN + ROUTE, {"x.json": schema})
    assert _fits(document, "input_x", {"below": [{"n": 1}]})
    assert not _fits(document, "input_x", {"below": [{"n": "x"}]})
    assert not _fits(document, "input_x", {"below": [{}, {}]})
