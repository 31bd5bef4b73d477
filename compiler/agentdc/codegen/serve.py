"""The view of the module that says what an app listens for: a literal table of routes and triggers, and the parts
of the runtime library that they take. What is not listed here is not linked.
"""

from __future__ import annotations

from collections.abc import Iterator

from agentdc.codegen.literals import docstring as quoted_docstring
from agentdc.codegen.literals import literal
from agentdc.codegen.schemas import Schemas
from agentdc.codegen.views import ServeView
from agentdc.ir.service import (
    MAX_RUNS,
    STORE_FAILURE,
    Cron,
    Event,
    Interval,
    Resource,
    Route,
    Service,
    Trigger,
    Watch,
)

AUTH = {
    "basic": ("agentdc_runtime.auth.basic", "Basic"),
    "bearer": ("agentdc_runtime.auth.bearer", "Bearer"),
    "hmac": ("agentdc_runtime.auth.hmac", "Hmac"),
    "mtls": ("agentdc_runtime.auth.mtls", "Mtls"),
    "oidc": ("agentdc_runtime.auth.binding", "oidc"),
}


class ServeModule:
    """Builds the view. `package`: of the generated code. `awaits`: the colour of the app."""

    def __init__(self, service: Service, package: str, schemas: Schemas, *, awaits: bool) -> None:
        self._service = service
        self._schemas = schemas
        self._package = package
        self._awaits = awaits
        self._imports: set[tuple[str, str]] = {
            ("agentdc_runtime.host.serve", "serve as run"),
            ("agentdc_runtime.host.surface", "Surface"),
        }

    def view(self) -> ServeView:
        """The whole module."""
        routes = tuple(self._route(route) for route in self._service.routes)
        triggers = tuple(self._trigger(trigger) for trigger in self._service.triggers)
        parts = tuple(self._parts())
        count = len(routes)
        said = f"{count} route{'' if count == 1 else 's'} and {len(triggers)} triggers"
        return ServeView(
            docstring=quoted_docstring(f"What the app listens for: {said}."),
            imports=tuple(f"from {module} import {name}" for module, name in sorted(self._imports)),
            routes=routes,
            triggers=triggers,
            parts=parts,
        )

    def _take(self, module: str, name: str) -> str:
        self._imports.add((module, name))
        return name

    def _route(self, route: Route) -> str:
        self._take("agentdc_runtime.http.route", "Route")
        words = [
            f"method={literal(route.method)}",
            f"path={literal(route.path)}",
            f"start={literal(route.start)}",
        ]
        if route.schema is not None:
            self._take(self._package, "schemas")
            words.append(f"check=schemas.{self._schemas.function(route.schema.document)}")
        if route.key is not None:
            words += [f"key={literal(route.key)}", f"ttl={route.ttl}"]
        if route.cors is not None:
            self._take("agentdc_runtime.http.cors", "Cors")
            cors = route.cors
            words.append(
                f"cors=Cors(origins={literal(cors.origins)}, headers={literal(cors.headers)}, max_age={cors.max_age})"
            )
        if route.stream:
            self._take("agentdc_runtime.http", "stream")
            words.append("stream=stream")
        if route.mcp:
            self._take(self._package, "offers")
            words.append("handle=offers.ROUTE.serve")
        if route.websocket:
            self._take("agentdc_runtime.http", "websocket")
            words.append("websocket=websocket")
        return ", ".join(words)

    def _trigger(self, trigger: Trigger) -> str:
        start = f"start_node={literal(trigger.start)}"
        match trigger:
            case Interval():
                self._take("agentdc_runtime.triggers.interval", "IntervalTrigger")
                return f"IntervalTrigger({start}, every_seconds={trigger.seconds})"
            case Watch():
                self._take("agentdc_runtime.triggers.watch", "WatchTrigger")
                return (
                    f"WatchTrigger({start}, path={literal(trigger.path)}, recursive={trigger.recursive}, "
                    f"events={literal(trigger.events)}, debounce_ms={trigger.debounce_ms})"
                )
            case Resource():
                kind = "CreatedTrigger" if trigger.new else "UpdatedTrigger"
                self._take("agentdc_runtime.triggers.mcp", kind)
                return (
                    f"{kind}({start}, server={literal(trigger.server)}, resource={literal(trigger.resource)})"
                )
            case Event():
                self._take("agentdc_runtime.triggers.event", "EventTrigger")
                return f"EventTrigger({start}, name={literal(trigger.name)})"
            case Cron():
                self._take("agentdc_runtime.triggers.cron", "Cron")
                self._take("agentdc_runtime.triggers.cron", "CronTrigger")
                fields = ("second", "minute", "hour", "day", "month", "weekday", "year")
                sets = ", ".join(f"{name}={_numbers(getattr(trigger, name))}" for name in fields)
                return (
                    f"CronTrigger({start}, schedule={literal(trigger.schedule)}, cron=Cron({sets}), "
                    f"catch_up={literal(trigger.catch_up)})"
                )

    def _parts(self) -> list[str]:
        service = self._service
        parts = []
        if self._awaits:
            parts.append(f"walk={self._take('agentdc_runtime.core.drive_async', 'walk')}")
        if service.auth:
            kinds = ", ".join(f"{literal(kind)}: {self._take(*AUTH[kind])}" for kind in service.auth)
            self._take("agentdc_runtime.auth", "reference")
            parts += [f"auth={{{kinds}}}", "reference=reference.parse"]
        if service.limited:
            parts.append(f"bucket={self._take('agentdc_runtime.http.rate', 'Bucket')}")
        if service.tls:
            parts.append(f"tls={self._take('agentdc_runtime.host', 'tls')}")
        if service.http2:
            parts.append(f"http2={self._take('agentdc_runtime.http', 'http2')}")
        parts += self._keeping()
        parts += [f"{name}=True" for name in ("readyz", "opaque") if getattr(service, name)]
        if service.date:
            self._take("agentdc_runtime.http", "date")
            parts.append("date=date.now")
        if service.openapi is not None:
            parts.append(f"openapi={literal(service.openapi[0])}")
        if service.max_connections is not None:
            parts.append(f"most_connections={service.max_connections}")
        if service.max_runs != MAX_RUNS:
            parts.append(f"most_runs={service.max_runs}")
        return parts

    def _keeping(self) -> Iterator[str]:
        """What is kept in the state directory, and who may ask about it."""
        service = self._service
        if service.state:
            yield f"store={self._take('agentdc_runtime.state.store', 'Store')}"
            yield f"upkeep={self._take('agentdc_runtime.state.upkeep', 'Upkeep')}"
            yield f"walk_kept={self._take('agentdc_runtime.state.walk_async', 'walk_kept')}"
        if any(route.key is not None for route in service.routes):
            yield f"guard={self._take('agentdc_runtime.http.guard', 'Guard')}"
        if service.approvals is not None:
            self._take("agentdc_runtime.http", "approvals")
            yield f"approvals=approvals.routes({literal(service.approvals)})"
        if service.state and service.store_failure != STORE_FAILURE:
            yield f"store_failure={service.store_failure}"


def _numbers(numbers: tuple[int, ...] | None) -> str:
    """A range where the numbers are one, for people and for the size of the source."""
    if numbers is not None and len(numbers) > 2 and numbers == tuple(range(numbers[0], numbers[-1] + 1)):
        return f"tuple(range({numbers[0]}, {numbers[-1] + 1}))"
    return literal(numbers)
