"""An OpenAPI 3.1 document from routes: what a caller may send, and every answer there is (spec 02 §1).

A route's answers depend on the nodes that its start node reaches: statuses and media types of `respond`, 202 where a
run can pause, the outcome of spec 02 §1.7 only where a run can end without a reply of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from agentdc.check import graph, shape
from agentdc.check.children import ends_without
from agentdc.codegen.names import Names
from agentdc.model.auth import Auth
from agentdc.model.node import NodeModel
from agentdc.model.server import HttpRoute
from agentdc.model.workflow import Workflow
from agentdc.openapi import answers
from agentdc.openapi.answers import JSON, answer, header, shaped
from agentdc.openapi.bodies import component

Json: TypeAlias = Any

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_BODILESS = frozenset({"delete", "get", "head", "options", "trace"})
_CHALLENGED = frozenset({"basic", "bearer", "oidc"})


def openapi(workflow: Workflow, schemas: Mapping[str, Json], version: str) -> dict[str, Json]:
    """The document. `schemas`: documents of the schema files that routes name; `version`: of the compiler."""
    described = _Document(workflow, schemas)
    components: dict[str, Json] = {
        "headers": answers.HEADERS,
        "schemas": dict(sorted({**answers.SHAPES, **described.inputs()}.items())),
    }
    if described.schemes:
        components["securitySchemes"] = dict(sorted(described.schemes.items()))
    info = {"title": workflow.name or "agent", "version": version}
    if workflow.description is not None:
        info["description"] = workflow.description
    return {
        "openapi": "3.1.0",
        "info": info,
        "paths": dict(sorted(described.paths().items())),
        "components": components,
    }


class _Document:
    """The parts of one document. `schemes`: security schemes by name."""

    def __init__(self, workflow: Workflow, schemas: Mapping[str, Json]) -> None:
        self._workflow = workflow
        self._schemas = schemas
        names = Names(())
        self._inputs = {
            file: names.take(file.rpartition("/")[2].removesuffix(".json"), prefix="input_")
            for file in sorted(schemas)
        }
        self._operations = Names(())
        self.schemes = _schemes(workflow)

    def inputs(self) -> dict[str, Json]:
        """The schemas of bodies, by their names."""
        return {
            name: component(self._schemas[file], f"#/components/schemas/{name}")
            for file, name in self._inputs.items()
        }

    def paths(self) -> dict[str, Json]:
        """Path to method to operation; the built-in endpoints win over routes (spec 02 §1.5)."""
        built_in = _built_in(self._workflow)
        server = self._workflow.server
        taken = {*built_in, *([server.openapi_path] if server and server.openapi_path else [])}
        found: dict[str, Json] = {}
        for route in self._workflow.http_routes:
            method = route.method.lower()
            if method in _METHODS and not (method in {"get", "head"} and route.path in taken):
                found.setdefault(_path(route.path), {})[method] = self._operation(route)
        for path, operation in built_in.items():
            found.setdefault(path, {})["get"] = operation
        return {path: dict(sorted(item.items())) for path, item in found.items()}

    def _operation(self, route: HttpRoute) -> Json:
        method = route.method.lower()
        kind = _scheme(route)
        operation: dict[str, Json] = {
            "operationId": self._operations.take(f"{method}_{route.path}"),
            "responses": _Responses(self._workflow, route).all(),
        }
        if method not in _BODILESS or route.input_schema in self._inputs:
            operation["requestBody"] = self._body(route)
        if self.schemes:
            operation["security"] = [] if kind is None else [{".".join(kind): []}]
        return operation

    def _body(self, route: HttpRoute) -> Json:
        if route.input_schema is not None and route.input_schema in self._inputs:
            reference = shaped(self._inputs[route.input_schema])
            return {"required": True, "content": {JSON: {"schema": reference}}}
        form = {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
        content = {
            JSON: {"schema": {}},
            "application/x-www-form-urlencoded": form,
            "multipart/form-data": form,
        }
        return {"required": False, "content": content}


class _Responses:
    """The answers of one route."""

    def __init__(self, workflow: Workflow, route: HttpRoute) -> None:
        self._workflow = workflow
        self._route = route
        self._found: dict[str, Json] = {}

    def all(self) -> dict[str, Json]:
        """Status to response, in order."""
        replays = self._of_runs()
        for status, (text, name) in answers.ALWAYS.items():
            hidden = (
                status == "500" and self._workflow.server is not None and self._workflow.server.opaque_errors
            )
            self._add(status, answer(text, "Hidden" if hidden else name))
        self._with("405", "Allow")
        self._with("503", "Retry-After")
        scheme = _scheme(self._route)
        if scheme is not None:
            self._add("401", answer(*answers.UNAUTHORIZED))
            if scheme[0] in _CHALLENGED:
                self._with("401", "WWW-Authenticate")
        if self._route.rate_limit is not None:
            self._add("429", answer(*answers.LIMITED))
            self._with("429", "Retry-After")
        if self._route.idempotency_key is not None:
            self._add("409", answer(*answers.CONFLICT))
            for status in replays:
                self._with(status, "X-Agentd-Idempotent-Replay")
        if self._route.websocket:
            self._found["101"] = {"description": "A WebSocket follows the run."}
        return dict(sorted(self._found.items()))

    def _of_runs(self) -> list[str]:
        """Add the answers of runs that complete or pause; their statuses."""
        nodes, entry = self._reached()
        replies = {node.id: node for node in nodes if node.type == "respond"}
        for node in replies.values():
            self._add(str(getattr(node, "status", 200)), _reply(node))
        if entry is None or ends_without(self._workflow, entry, set(replies)):
            self._add("200", answer(*answers.COMPLETED))
        if any(node.type == "pause_for_approval" for node in nodes):
            self._add("202", answer(*answers.PAUSED))
        if self._route.stream:
            events = {"text/event-stream": {"schema": {"type": "string"}}}
            self._add("200", {"description": "The events of the run.", "content": events})
        return list(self._found)

    def _reached(self) -> tuple[list[NodeModel], str | None]:
        """The nodes that a run of the route can visit, and where it begins; all of them when that is not known."""
        workflow = self._workflow
        entry = shape.entries(workflow).get(self._route.start_node)
        if entry is None:
            return list(workflow.nodes), None
        ids = graph.reachable([entry], graph.successors((edge.from_, edge.to) for edge in workflow.edges))
        return [node for node in workflow.nodes if node.id in ids], entry

    def _add(self, status: str, response: Json) -> None:
        """A further reason for a status: descriptions are joined, and bodies of one media type are alternatives."""
        there = self._found.setdefault(status, {"description": response["description"], "content": {}})
        if response["description"] not in there["description"]:
            there["description"] += f" {response['description']}"
        for media, content in response["content"].items():
            known = there["content"].get(media)
            there["content"][media] = content if known in (None, content) else _either(known, content)
        there["content"] = dict(sorted(there["content"].items()))

    def _with(self, status: str, name: str) -> None:
        headers = self._found[status].setdefault("headers", {})
        headers |= header(name)
        self._found[status]["headers"] = dict(sorted(headers.items()))


def _either(left: Json, right: Json) -> Json:
    """Bodies of one kind or another; anything at all swallows the rest."""
    if {} in (left["schema"], right["schema"]):
        return {"schema": {}}
    known = left["schema"].get("anyOf", [left["schema"]])
    return {"schema": {"anyOf": [*known, *([] if right["schema"] in known else [right["schema"]])]}}


def _reply(node: NodeModel) -> Json:
    """What a `respond` node sends: text of its media type, whose JSON depends on data."""
    media = getattr(node, "content_type", JSON).strip()
    plain = media.partition(";")[0].strip().lower()
    is_json = plain == JSON or plain.endswith("+json")
    return {
        "description": f"The reply of a respond node ({node.id}).",
        "content": {media: {"schema": {} if is_json else {"type": "string"}}},
    }


def _path(path: str) -> str:
    """Braces would be parameters, and routes have none."""
    return path.replace("{", "%7B").replace("}", "%7D") if path.startswith("/") else f"/{path}"


def _built_in(workflow: Workflow) -> dict[str, Json]:
    found = {
        "/healthz": _get("healthz", "The process is alive.", JSON, shaped("Health")),
        "/metrics": _get("metrics", "Counters for Prometheus.", "text/plain", {"type": "string"}),
    }
    if workflow.server is not None and workflow.server.readyz:
        found["/readyz"] = ready = _get("readyz", "The process takes requests.", JSON, shaped("Ready"))
        ready["responses"]["503"] = answer("The process is ending.", "Ready")
    return found


def _get(name: str, description: str, media: str, schema: Json) -> Json:
    response = {"description": description, "content": {media: {"schema": schema}}}
    return {"operationId": f"builtin_{name}", "security": [], "responses": {"200": response}}


def _scheme(route: HttpRoute) -> tuple[str, str] | None:
    """Kind and name of the binding that a route asks for (spec 02 §2.1)."""
    text = (route.auth or "").strip()
    if text.lower() in {"", "none"}:
        return None
    kind, _, name = text.partition(":")
    return kind.strip(), name.strip() or "default"


def _schemes(workflow: Workflow) -> dict[str, Json]:
    return {
        ".".join(found): _security(*found, workflow.auth or Auth())
        for route in workflow.http_routes
        if (found := _scheme(route)) is not None
    }


def _security(kind: str, name: str, auth: Auth) -> Json:
    match kind:
        case "basic":
            return {"type": "http", "scheme": "basic"}
        case "bearer":
            return {"type": "http", "scheme": "bearer"}
        case "oidc":
            oidc = auth.oidc.get(name)
            issued = {} if oidc is None else {"description": f"A token of {oidc.issuer}."}
            return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", **issued}
        case "mtls":
            return {"type": "mutualTLS"}
    binding = auth.hmac.get(name)
    if binding is None:
        return {"type": "apiKey", "in": "header", "name": "X-Agent-Signature"}
    return {"type": "apiKey", "in": "header", "name": binding.header, "description": _signed(binding)}


def _signed(binding: Any) -> str:
    """How a caller makes the signature (spec 02 §2.6)."""
    what = "the body"
    if binding.timestamp_header is not None:
        what = f"the time in {binding.timestamp_header}, a dot and the body"
    before = f", behind {binding.prefix!r}" if binding.prefix else ""
    return f"HMAC-SHA256 of {what}, in {binding.encoding}{before}."
