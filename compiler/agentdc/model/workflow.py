"""The root of the model: one workflow file as written (spec 01 §1, §2)."""

from typing import Literal

from pydantic import Field, SerializeAsAny

from agentdc.model.auth import Auth
from agentdc.model.base import EXTENSION, U32, Many, Section
from agentdc.model.budget import Budget
from agentdc.model.extensions import Bus, Check, Health, Relay, State
from agentdc.model.intelligence import Intelligence
from agentdc.model.logging import Logging
from agentdc.model.node import NodeModel
from agentdc.model.policy import Policy
from agentdc.model.sandbox import Sandbox
from agentdc.model.secrets import Secret
from agentdc.model.server import HttpRoute, McpServe, Server
from agentdc.model.signing import Signing
from agentdc.model.supervision import McpServer, Sidecar, Supervisor
from agentdc.model.trigger import Trigger

SAFEGUARDS = (
    "auth",
    "budget",
    "policy",
    "signing",
)  # sections that must never be dropped silently (spec 01 §1)


class StartNode(Section):
    """A named way into the graph."""

    name: str
    source: Literal["event", "http", "manual"] = Field(description="Who starts runs here; for information.")
    entry_node: str | None = Field(None, description="By default the one node without an incoming edge.")


class Edge(Section):
    """A way from one node to the next."""

    from_: str = Field(alias="from", description="Id of the node that is left.")
    to: str = Field(description="Id of the node that is entered.")
    when: str | None = Field(None, description="Followed only for this branch label.")
    max_iterations: U32 | None = Field(
        None, description="Makes a loop edge, followed at most so often per run."
    )


class Workflow(Section):
    """A workflow: nodes, the edges between them, what starts it, and what it may do."""

    name: str
    description: str | None = None
    start_nodes: Many[StartNode] = ()
    triggers: Many[Trigger] = ()
    http_routes: Many[HttpRoute] = ()
    nodes: Many[SerializeAsAny[NodeModel]] = ()
    edges: Many[Edge] = ()
    policy: Policy | None = Field(
        None, description="Absent allows everything; present denies what it does not list."
    )
    auth: Auth | None = None
    logging: Logging | None = None
    server: Server | None = None
    signing: Signing | None = None
    budget: Budget | None = None
    intelligence: Intelligence | None = None
    mcp_servers: Many[McpServer] = ()
    mcp_serve: McpServe | None = Field(None, json_schema_extra=EXTENSION)
    secrets: Many[Secret] = ()
    supervisor: Supervisor | None = Field(None, json_schema_extra=EXTENSION)
    sidecars: Many[Sidecar] = Field((), json_schema_extra=EXTENSION)
    sandbox: Sandbox | None = Field(None, json_schema_extra=EXTENSION)
    state: State | None = Field(None, json_schema_extra=EXTENSION)
    bus: Bus | None = Field(None, json_schema_extra=EXTENSION)
    health: Health | None = Field(None, json_schema_extra=EXTENSION)
    relay: Relay | None = Field(None, json_schema_extra=EXTENSION)
    check: Check | None = Field(None, json_schema_extra=EXTENSION)
