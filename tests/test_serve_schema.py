"""Bodies against the schema of their route, and every promise of the OpenAPI document, asked of a running app."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import agentdc
from serving import ECHO, Server, serving

SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "required": ["id", "items"],
    "properties": {
        "id": {"type": "string", "minLength": 1, "pattern": "^[a-z]+$"},
        "items": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/item"}},
    },
    "definitions": {
        "item": {
            "type": "object",
            "required": ["qty"],
            "properties": {"qty": {"type": "integer", "minimum": 1}},
        }
    },
    "additionalProperties": False,
}
TEXT = f"""{ECHO}
[[http_routes]]
method = "POST"
path = "/orders"
start_node = "go"
input_schema = "schemas/order.json"

[[http_routes]]
method = "PUT"
path = "/again"
start_node = "go"
input_schema = "schemas/order.json"

[[http_routes]]
method = "GET"
path = "/plain"
start_node = "go"

[[http_routes]]
method = "POST"
path = "/known"
start_node = "go"
auth = "bearer:people"
rate_limit = {{ capacity = 1000, per_second = 1000.0 }}

[auth.bearer.people]
tokens = ["t0ken"]

[server]
openapi_path = "/openapi.json"

[check]
allow = ["literal_secret"]
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("schema")
    (folder / "built" / "schemas").mkdir(parents=True)
    (folder / "built" / "schemas" / "order.json").write_text(json.dumps(SCHEMA))
    with serving(TEXT, folder) as server:
        yield server


GOOD = {"id": "abc", "items": [{"qty": 1}, {"qty": 2.0}]}


@pytest.mark.parametrize("path", ["/orders", "/again"])
def test_what_fits(shop: Server, path: str) -> None:
    method = "POST" if path == "/orders" else "PUT"
    answer = shop.ask(method, path, json.dumps(GOOD))
    assert answer.status == 200
    assert answer.json["final_value"]["value"]["principal"] == {"kind": "anonymous", "name": ""}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (None, ["object"]),
        ([], ["object"]),
        ({}, ["id", "items"]),
        ({**GOOD, "id": "ABC"}, ["/id"]),
        ({**GOOD, "id": ""}, ["/id"]),
        ({**GOOD, "items": []}, ["/items"]),
        ({**GOOD, "items": [{"qty": 0}, {"qty": "x"}]}, ["/items/0/qty", "/items/1/qty"]),
        ({**GOOD, "more": 1}, ["more"]),
        ({**GOOD, "principal": "forged"}, ["principal"]),
    ],
)
def test_what_does_not(shop: Server, body: object, words: list[str]) -> None:
    before = shop.metric("agentd_workflow_starts_total")
    answer = shop.ask("POST", "/orders", json.dumps(body))
    assert answer.status == 400
    assert answer.json["error"].startswith("schema validation failed: ")
    for word in words:
        assert word in answer.json["error"]
    assert answer.headers["connection"] == "keep-alive"
    assert shop.metric("agentd_workflow_starts_total") == before


def test_a_body_with_many_faults_is_told_in_bounds(shop: Server) -> None:
    body = json.dumps({"id": "a", "items": [{"qty": 0}] * 10_000})
    answer = shop.ask("POST", "/orders", body)
    assert answer.status == 400
    assert len(answer.body) < 20_000


def test_other_routes_are_not_checked(shop: Server) -> None:
    assert shop.ask("GET", "/plain").status == 200


def test_the_app_keeps_what_its_document_promises(shop: Server) -> None:
    """schemathesis makes requests from the document, good and bad ones, and judges every answer by it."""
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{shop.url}/openapi.json"]
    command += ["--max-examples", "25", "--seed", "1", "--phases", "examples,coverage,fuzzing", "--no-color"]
    command += ["--header", "Authorization: Bearer t0ken", "--request-timeout", "10"]
    # A caller without a token is denied by design; the header above is ours, so nothing can be asked without it.
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command += ["--checks", checks]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=shop.folder)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_agentd_dialect_checks_no_bodies(tmp_path: Path) -> None:
    """agentd never enforced the key, so a workflow that is compiled as agentd's is not refused for a missing file."""
    text = TEXT.partition("[server]")[0].replace("/orders", "/o")
    (tmp_path / "w.toml").write_text(text)
    done = agentdc("check", "w.toml", "--dialect", "agentd", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "warning[ADC0345 schema_unreadable]" in done.stdout
    done = agentdc("check", "w.toml", cwd=tmp_path)
    assert "schema_unreadable" in done.stdout + done.stderr
    assert done.returncode == 5
