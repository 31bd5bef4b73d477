"""`http_request`: one HTTP exchange (spec 01 §5.12). Parsed, checked and typed; not built yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import Field

from agentdc.diagnostics import Diagnostic
from agentdc.model.node import NodeModel
from agentdc.nodes import errors
from agentdc.nodes.spec import Effect, Names, NodeSpec, PathField, TypeOf
from agentdc.parse.positions import Places
from agentdc.types import INTEGER, STRING, Object, Type, record

_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_PLACEHOLDER = re.compile(r"\{\{(.*?)(\}\}|\Z)", re.DOTALL)


class HttpRequest(NodeModel):
    """Send one HTTP request; a status outside 200…299 takes the branch `error`."""

    type: Literal["http_request"]
    method: str = Field(description="HTTP method, sent in upper case")
    url_from: str = Field(description="context path of the URL, a string")
    body_from: str | None = Field(None, description="context path of the body; not a string: compact JSON")
    headers: Mapping[str, str] = Field(default_factory=dict, description="literal text and {{secret:NAME}}")


def _output(node: HttpRequest, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    return record({"body": STRING, "bytes": INTEGER, "headers": Object(rest=STRING), "status": INTEGER})


def _effects(node: HttpRequest) -> Iterable[Effect]:
    return (Effect("http", constant=node.method.upper(), data=node.url_from),)


def _check(node: HttpRequest, at: Places, index: int, names: Names) -> Iterable[Diagnostic]:  # noqa: ARG001
    for name in sorted(node.headers):
        value, path = node.headers[name], ("nodes", index, "headers", name)
        if not _NAME.match(name):
            yield errors.header_name(node.id, name, at.key(path))
        if "\r" in value or "\n" in value:
            yield errors.header_line_break(node.id, name, at.value(path))
        for found in _PLACEHOLDER.finditer(value):
            inner, closing = found.group(1).strip(), found.group(2)
            if not closing or not inner.startswith("secret:") or inner == "secret:":
                yield errors.header_placeholder(node.id, name, found.group(0), at.value(path))


SPEC = NodeSpec(
    kind="http_request",
    summary="send one HTTP request",
    model=HttpRequest,
    output=_output,
    paths=(PathField("url_from", "string"), PathField("body_from")),
    labels=("error",),
    effects=_effects,
    errors=("policy", "tool"),
    check=_check,
    check_order=11,
    awaits=True,
    dry_run=True,
)
