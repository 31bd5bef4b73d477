"""Routes against what every listener answers by itself (spec 02 §1.5)."""

from __future__ import annotations

from collections.abc import Iterator

from agentdc.check import errors
from agentdc.diagnostics import Diagnostic
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places

BUILT_IN = ("/healthz", "/metrics")


def check(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    """One finding for each route that is never reached."""
    taken = set(BUILT_IN)
    if workflow.server is not None:
        taken |= {"/readyz"} if workflow.server.readyz else set()
        taken |= {workflow.server.openapi_path} if workflow.server.openapi_path else set()
    for index, route in enumerate(workflow.http_routes):
        if route.method.upper() in {"GET", "HEAD"} and route.path in taken:
            yield errors.route_shadowed(
                route.method.upper(), route.path, at.value(("http_routes", index, "path"))
            )
