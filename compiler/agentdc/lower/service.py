"""Routes, triggers and the server's settings to the service of an app; None for one that only runs once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from agentdc.check import schedule
from agentdc.check.offers import route as offered_route
from agentdc.ir import service as ir
from agentdc.model import trigger as model
from agentdc.model.server import HttpRoute, Server
from agentdc.model.workflow import Workflow

_EVERY_YEAR = frozenset(range(1970, 2101))


def service(
    workflow: Workflow, schemas: Mapping[str, Any], openapi: Any = None, *, keeps_runs: bool = False
) -> ir.Service | None:
    """The service of a checked workflow. `schemas`: documents of the schema files, by name as written."""
    triggers = tuple(_triggers(workflow))
    spoken = offered_route(workflow)
    routes = tuple(_route(each, schemas) for each in workflow.http_routes)
    if spoken is not None:
        routes += (replace(_route(spoken, {}), mcp=True),)
    if not routes and not triggers:
        return None
    server = workflow.server or Server()
    return ir.Service(
        routes=routes,
        triggers=triggers,
        auth=auth_kinds(workflow),
        limited=any(each.rate_limit is not None for each in http_routes(workflow)),
        tls=server.tls is not None,
        http2=server.http2,
        readyz=server.readyz,
        opaque=server.opaque_errors,
        date=server.date,
        openapi=None if server.openapi_path is None else (server.openapi_path, openapi),
        max_connections=server.max_connections,
        max_runs=server.max_runs,
        state=keeps_runs,
        approvals=server.approvals_path if server.approvals_auth is not None and keeps_runs else None,
        store_failure=server.store_failure_status,
    )


def http_routes(workflow: Workflow) -> tuple[HttpRoute, ...]:
    """The routes as written, and the one that speaks MCP."""
    spoken = offered_route(workflow)
    return workflow.http_routes if spoken is None else (*workflow.http_routes, spoken)


def auth_kinds(workflow: Workflow) -> tuple[str, ...]:
    """The kinds of bindings that are declared, and mtls when a route asks for it."""
    declared = {} if workflow.auth is None else workflow.auth.model_dump()
    found = {kind for kind, named in declared.items() if named}
    asked = [route.auth for route in http_routes(workflow)]
    if workflow.server is not None:
        asked.append(workflow.server.approvals_auth)
    if any((each or "").strip().partition(":")[0].strip() == "mtls" for each in asked):
        found.add("mtls")
    return tuple(sorted(found))


def _route(route: HttpRoute, schemas: Mapping[str, Any]) -> ir.Route:
    cors = None
    if route.cors is not None:
        headers = tuple(sorted({each.lower() for each in route.cors.allow_headers}))
        cors = ir.Cors(tuple(sorted(set(route.cors.allow_origins))), headers, route.cors.max_age_secs)
    schema = None
    if route.input_schema is not None and route.input_schema in schemas:
        schema = ir.Schema(route.input_schema, schemas[route.input_schema])
    return ir.Route(
        method=route.method,
        path=route.path,
        start=route.start_node,
        schema=schema,
        key=route.idempotency_key,
        ttl=route.idempotency_ttl_secs,
        cors=cors,
        stream=route.stream,
        websocket=route.websocket,
    )


def _triggers(workflow: Workflow) -> Iterator[ir.Trigger]:
    for each in workflow.triggers:
        match each:
            case model.Cron():
                yield _cron(each)
            case model.Interval():
                yield ir.Interval(each.start_node, schedule.interval_seconds(each.every))
            case model.ResourceUpdated() | model.ResourceCreated():
                new = isinstance(each, model.ResourceCreated)
                yield ir.Resource(each.start_node, each.server, each.resource, new)
            case model.InternalEvent():
                yield ir.Event(each.start_node, each.name)
            case model.FsWatch():
                events = tuple(sorted({_event(name) for name in each.events}))
                yield ir.Watch(each.start_node, each.path, each.recursive, events, each.debounce_ms)


def _cron(trigger: model.Cron) -> ir.Cron:
    sets = schedule.cron(trigger.schedule)
    return ir.Cron(
        trigger.start_node,
        trigger.schedule,
        tuple(sorted(sets.second)),
        tuple(sorted(sets.minute)),
        tuple(sorted(sets.hour)),
        tuple(sorted(sets.day)),
        tuple(sorted(sets.month)),
        tuple(sorted(sets.weekday)),
        None if sets.year >= _EVERY_YEAR else tuple(sorted(sets.year)),
        trigger.catch_up,
    )


def _event(name: str) -> str:
    word = name.lower()
    return "remove" if word == "delete" else word
