"""How `http_request` lowers: the method in upper case, headers cut into literal text and names of secrets."""

from __future__ import annotations

from typing import Any

import pytest

from agentdc.ir.ops import Call
from agentdc.ir.pprint import expr_text
from agentdc.nodes.http_request import SPEC, HttpRequest


def lowered(**fields: Any) -> Call:
    node = HttpRequest.model_validate(
        {"id": "n", "type": "http_request", "method": "get", "url_from": "u", **fields}
    )
    call = SPEC.lower(node)
    assert isinstance(call, Call)
    return call


def test_arguments() -> None:
    call = lowered(body_from="a.b")
    assert expr_text(call) == (
        'agentdc_runtime.nodes.http_request:run(run, method="GET", url=load("u", error, http_request), '
        'body=later(load("a.b", error, http_request)), headers=())'
    )
    assert dict(call.arguments)["body"] != dict(lowered().arguments)["body"]
    assert expr_text(dict(lowered().arguments)["body"]) == "null"


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("", "()"),
        ("plain", '("plain")'),
        ("{{secret:KEY}}", '(("KEY"))'),
        ("Bearer {{ secret: KEY }}", '("Bearer ", ("KEY"))'),
        ("{{secret:A}}{{secret:B}}", '(("A"), ("B"))'),
        ("a {{secret:A}} b {{secret:A}} c", '("a ", ("A"), " b ", ("A"), " c")'),
        ("}} { }", '("}} { }")'),
        ("{{secret:with space:and colon}}", '(("with space:and colon"))'),
    ],
)
def test_headers(value: str, parts: str) -> None:
    call = lowered(headers={"X-B": value, "X-A": "1"})
    assert expr_text(dict(call.arguments)["headers"]) == f'(("X-A", ("1")), ("X-B", {parts}))'
