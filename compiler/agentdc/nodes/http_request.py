"""`http_request`: one HTTP exchange (spec 01 §5.12)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import Field

from agentdc.diagnostics import Diagnostic
from agentdc.ir.ops import Call, Const, Expr, Items, Later, Load
from agentdc.model.base import EXTENSION
from agentdc.model.node import NodeModel
from agentdc.nodes import errors
from agentdc.nodes.spec import Cost, Effect, Names, NodeSpec, PathField, TypeOf, handler
from agentdc.parse.positions import Places
from agentdc.types import INTEGER, STRING, Object, Type, record

_METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PLACEHOLDER = re.compile(r"\{\{(.*?)(\}\}|\Z)", re.DOTALL)
_RESERVED = frozenset(("connection", "content-length", "host", "transfer-encoding"))  # the client's own


class HttpRequest(NodeModel):
    """Send one HTTP request; a status outside 200…299 takes the branch `error`."""

    type: Literal["http_request"]
    method: str = Field(description="HTTP method, sent in upper case")
    url_from: str = Field(description="context path of the URL, a string")
    body_from: str | None = Field(None, description="context path of the body; not a string: compact JSON")
    headers: Mapping[str, str] = Field(default_factory=dict, description="literal text and {{secret:NAME}}")
    idempotency_key: bool = Field(
        False,
        description="send an Idempotency-Key: the same on every attempt of this node in this run",
        json_schema_extra=EXTENSION,
    )


def _output(node: HttpRequest, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    return record({"body": STRING, "bytes": INTEGER, "headers": Object(rest=STRING), "status": INTEGER})


def _effects(node: HttpRequest) -> Iterable[Effect]:
    sends = (node.url_from,) if node.body_from is None else (node.url_from, node.body_from)
    return (Effect("http", "url_from", data=node.url_from, method=node.method.upper(), sends=sends),)


def _costs(node: HttpRequest, limits: Mapping[str, int]) -> Iterable[Cost]:  # noqa: ARG001
    """The client ends a plain exchange after 120 seconds; a secret may need one of its own."""
    secret = any(_PLACEHOLDER.search(value) for value in node.headers.values())
    return (Cost("http_requests", 1), Cost("wall_secs", 240 if secret else 120))


def _check(node: HttpRequest, at: Places, index: int, names: Names) -> Iterable[Diagnostic]:  # noqa: ARG001
    if not _METHOD.match(node.method):
        yield errors.method_token(node.id, node.method, at.value(("nodes", index, "method")))
    for name in sorted(node.headers):
        value, path = node.headers[name], ("nodes", index, "headers", name)
        if not _NAME.match(name):
            yield errors.header_name(node.id, name, at.key(path))
        if name.lower() in _RESERVED or (node.idempotency_key and name.lower() == "idempotency-key"):
            yield errors.header_reserved(node.id, name, at.key(path))
        if "\r" in value or "\n" in value:
            yield errors.header_line_break(node.id, name, at.value(path))
        elif _CONTROL.search(value):
            yield errors.header_control(node.id, name, at.value(path))
        for found in _PLACEHOLDER.finditer(value):
            if not found.group(2) or _secret(found) is None:
                yield errors.header_placeholder(node.id, name, found.group(0), at.value(path))


def _secret(placeholder: re.Match[str]) -> str | None:
    """The secret that a placeholder names, if it names one."""
    prefix, found, name = placeholder.group(1).strip().partition(":")
    return name.strip() or None if found and prefix == "secret" else None


def _lower(node: HttpRequest) -> Expr:
    url = Load(node.url_from, "error", "http_request")
    body = Const(None) if node.body_from is None else Later(Load(node.body_from, "error", "http_request"))
    headers = Items(tuple(Items((Const(name), _parts(node.headers[name]))) for name in sorted(node.headers)))
    arguments: tuple[tuple[str, Expr], ...] = (
        ("method", Const(node.method.upper())),
        ("url", url),
        ("body", body),
        ("headers", headers),
    )
    if node.idempotency_key:
        arguments += (("keyed", Const(value=True)),)
    return Call(handler("http_request"), arguments, takes_run=True)


def _parts(value: str) -> Items:
    """Literal texts, and each secret's name in a tuple of its own."""
    parts: list[Expr] = []
    end = 0
    for found in _PLACEHOLDER.finditer(value):
        parts += [Const(value[end : found.start()]), Items((Const(_secret(found)),))]
        end = found.end()
    parts.append(Const(value[end:]))
    return Items(tuple(part for part in parts if part != Const("")))


SPEC = NodeSpec(
    kind="http_request",
    summary="send one HTTP request",
    model=HttpRequest,
    output=_output,
    lower=_lower,
    paths=(PathField("url_from", "string"), PathField("body_from")),
    labels=("error",),
    effects=_effects,
    costs=_costs,
    errors=("policy", "tool"),
    check=_check,
    check_order=11,
    awaits=True,
    dry_run=True,
)
