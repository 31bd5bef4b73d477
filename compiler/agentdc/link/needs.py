"""Which optional parts of the runtime an app needs: what its nodes touch, and which sections it declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agentdc.codegen.package import Extras
from agentdc.ir.service import Event, Resource, Service
from agentdc.model.workflow import Workflow

GATED = frozenset({"env.read", "fs.read", "fs.write", "http", "shell"})
SECRETS = ("secrets", "agentdc_runtime.secrets.registry", "Registry")
MCP = frozenset({"mcp.tool", "mcp.resource"})


@dataclass(frozen=True, slots=True)
class Needs:
    """`awaits`: the colour. `touches`: effect families of all nodes. `signing`: the app verifies itself.

    `service`: what it offers to the outside, if anything. `dialects`: modules that speak to its models.
    `kinds`: of its nodes.
    """

    awaits: bool
    touches: frozenset[str]
    workflow: Workflow
    signing: bool
    service: Service | None = None
    dialects: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()

    @property
    def mcp(self) -> bool:
        """Whether the app speaks to MCP servers: nodes do, or a trigger listens to one."""
        triggers = () if self.service is None else self.service.triggers
        return bool(self.touches & MCP) or any(isinstance(each, Resource) for each in triggers)

    @property
    def starts_with_secrets(self) -> bool:
        """Whether a server is started with a secret in its environment, or called with one."""
        servers = self.workflow.mcp_servers if self.mcp else ()
        return any(server.env or server.bearer is not None for server in servers)

    @property
    def speaks_http(self) -> bool:
        """Whether an MCP server is a URL."""
        return self.mcp and any(each.url is not None for each in self.workflow.mcp_servers)


def extras(needs: Needs) -> Extras:
    """The parts to hand to the host, and what to install beside a directory app."""
    parts: list[tuple[str, str, str]] = []
    if needs.touches & GATED:
        parts.append(("gate", "agentdc_runtime.policy.gate", "Gate"))
    if needs.workflow.budget is not None:
        parts.append(("budget", "agentdc_runtime.policy.budget", "Budget"))
    if any(secret.source == "oauth2" for secret in needs.workflow.secrets):
        parts.append(("secrets", "agentdc_runtime.secrets.oauth2", "registry"))
    elif needs.workflow.secrets or needs.dialects or "http" in needs.touches or needs.starts_with_secrets:
        parts.append(SECRETS)
    if needs.service is not None and any(isinstance(each, Event) for each in needs.service.triggers):
        parts.append(("emit", "agentdc_runtime.host.emit", "emit"))
    if needs.signing:
        parts.append(("signing", "agentdc_runtime.signing.verify", "check"))
    if keeps_runs(needs.workflow):
        parts.append(("verbs", "agentdc_runtime.host.verbs", "VERBS"))
    oauth2 = any(secret.source == "oauth2" for secret in needs.workflow.secrets)
    service = needs.service
    if service is not None and service.auth and not any(part[0] == "secrets" for part in parts):
        parts.append(SECRETS)
    if "agent_loop" in needs.kinds:
        parts.append(("instructions", "agentdc_runtime.loop.instructions", "read"))
    if needs.mcp:
        parts.append(("mcp", f"agentdc_runtime.mcp.{'http' if needs.speaks_http else 'start'}", "router"))
    requirements = tuple(_requirements(needs, oauth2=oauth2))
    return Extras(tuple(parts), requirements, tuple(_features(needs)), needs.dialects)


def keeps_runs(workflow: Workflow) -> bool:
    """Whether the app has a state store: for pauses, for answers that are given again, or because it says so."""
    return (
        workflow.state is not None
        or any(node.type == "pause_for_approval" for node in workflow.nodes)
        or any(route.idempotency_key is not None for route in workflow.http_routes)
    )


def _requirements(needs: Needs, *, oauth2: bool) -> Iterator[str]:
    service = needs.service
    oidc = service is not None and "oidc" in service.auth
    if oidc:
        yield "cryptography>=44"
    if service is not None and service.http2:
        yield "h2>=4.1,<5"
    if oauth2 or oidc or needs.dialects or "http" in needs.touches or needs.speaks_http:
        yield "httpx>=0.28,<0.29"
    if service is not None:
        yield 'uvloop>=0.21; platform_system != "Windows"'
    if service is not None and any(route.websocket for route in service.routes):
        yield "wsproto>=1.2,<2"


def _features(needs: Needs) -> Iterator[str]:
    if needs.mcp:
        yield "mcp"
    if needs.workflow.mcp_serve is not None:
        yield "mcp_serve"
    if needs.service is not None and any(route.mcp for route in needs.service.routes):
        yield "mcp_http"
    if needs.dialects:
        yield "model"
    if needs.service is not None:
        yield "serve"
    if keeps_runs(needs.workflow):
        yield "state"
