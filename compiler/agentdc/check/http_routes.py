"""Routes against what every listener answers by itself (spec 02 §1.5), and what protocols need (extensions)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agentdc.check import errors
from agentdc.diagnostics import Diagnostic, Span, code, warning
from agentdc.model.server import HttpRoute
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places

_METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_NOT_IN_PATHS = re.compile(r"[?#]|\{[^/]*\}|(?<=/):\w|\*|\s")
_PARAMETER = "paths have no parameters; send what differs in the body"
_ODD_IN_PATHS = {
    "?": "what follows ? is no part of the path that is compared",
    "#": "no client sends what follows #",
    "{": _PARAMETER,
    ":": _PARAMETER,
    "*": "paths have no wildcards; write a route for each",
}
BUILT_IN = ("/healthz", "/metrics")


def _has_callers(auth: str | None) -> bool:
    """Whether a route knows its callers apart: a binding of a kind whose principals have names of their own."""
    return (auth or "").strip().partition(":")[0].strip() in {"basic", "mtls", "oidc"}


def check(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    """One finding for each route that is never reached, and for each protocol that can never be spoken."""
    taken = set(BUILT_IN)
    if workflow.server is not None:
        taken |= {"/readyz"} if workflow.server.readyz else set()
        taken |= {workflow.server.openapi_path} if workflow.server.openapi_path else set()
        taken |= {workflow.server.approvals_path} if workflow.server.approvals_auth else set()
    for index, route in enumerate(workflow.http_routes):
        yield from _never_matched(route, index, at)
        key = route.idempotency_key
        if key is not None and _has_callers(route.auth) and "principal" not in key.split("."):
            where = at.value(("http_routes", index, "idempotency_key"))
            yield errors.shared_idempotency_key(route.method, route.path, where)
        if route.method.upper() in {"GET", "HEAD"} and route.path in taken:
            yield errors.route_shadowed(
                route.method.upper(), route.path, at.value(("http_routes", index, "path"))
            )
        if route.websocket and route.method.upper() != "GET":
            place = at.value(("http_routes", index, "websocket"))
            yield errors.websocket_method(route.method.upper(), route.path, place)
        if route.websocket and route.idempotency_key is not None:
            yield errors.websocket_key(route.path, at.value(("http_routes", index, "idempotency_key")))
    if workflow.server is not None and workflow.server.http2 and workflow.server.tls is None:
        yield errors.http2_without_tls(at.value(("server", "http2")))


def _never_matched(route: HttpRoute, index: int, at: Places) -> Iterator[Diagnostic]:
    """Methods and paths are compared as they are written, with what a request can have (spec 02 §1.4)."""
    path, method = route.path, route.method
    if not path.startswith("/"):
        yield _no_match(
            path, "a path begins with /", f'write "/{path}"', at.value(("http_routes", index, "path"))
        )
    elif (found := _NOT_IN_PATHS.search(path)) is not None:
        says = _ODD_IN_PATHS.get(found[0][0], "blanks never stand in the path of a request")
        yield _no_match(path, says, None, at.value(("http_routes", index, "path")))
    if not _METHOD.match(method) or method.upper() in {"*", "ALL", "ANY"}:
        says = "a route has one method, such as POST; write a route for each"
        yield _no_match(method, says, None, at.value(("http_routes", index, "method")))


def _no_match(text: str, says: str, helped: str | None, where: Span) -> Diagnostic:
    message = f'no request has "{text}": {says}'
    return warning(code("route_never_matched"), message, where, "compared as it is written", help=helped)
