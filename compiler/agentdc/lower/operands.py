"""What may change without a rebuild, as one JSON document bound to the program's digest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentdc.lower.models import dialect
from agentdc.lower.service import http_routes
from agentdc.model.supervision import McpServer, Supervisor
from agentdc.model.workflow import Workflow

VERSION = 1


def operands(
    workflow: Workflow,
    program_sha256: str,
    *,
    signing_required: bool = False,
    signing_key: str | None = None,
    mcp: bool = False,
    locks: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The operand document of a workflow: policy, logging and signing as written, None where absent.

    What the build demanded of the signature, the app demands at every start: `signing_required`, and the PEM text
    of a `signing_key` that replaces the keys of the workflow. `mcp`: the app speaks to MCP servers. `locks`:
    digests of locked tools, by server.
    """
    signing = _table(workflow.signing)
    if signing is not None:
        signing.pop("files", None)  # they were compiled in
    if signing_required or signing_key is not None:
        signing = {"algorithm": "ed25519", **(signing or {})}
        signing["required"] = signing_required or signing.get("required", False)
    if signing_key is not None:
        signing = {key: value for key, value in (signing or {}).items() if key != "public_key_file"}
        signing["public_key_pem"] = signing_key
    auth = _table(workflow.auth) or {}
    backends = workflow.intelligence.backends if workflow.intelligence else ()
    document: dict[str, Any] = {
        "operands_version": VERSION,
        "program_sha256": program_sha256,
        "policy": _table(workflow.policy),
        "logging": _table(workflow.logging),
        "signing": signing,
        "budget": _table(workflow.budget),
        "secrets": [_table(secret) for secret in workflow.secrets],
    }
    if workflow.state is not None:
        document["state"] = _table(workflow.state)
    if backends:
        document["models"] = [{**(_table(each) or {}), "dialect": dialect(each)} for each in backends]
    if mcp:
        document["supervisor"] = _supervised(workflow, None)
        document["mcp_servers"] = [
            {
                **(_table(server) or {}),
                **({"locked": locks[server.name]} if locks and server.name in locks else {}),
                "supervisor": _supervised(workflow, server),
            }
            for server in workflow.mcp_servers
        ]
    routes = http_routes(workflow)
    if routes:
        document["auth"] = {kind: named for kind, named in auth.items() if named}
        document["server"] = _table(workflow.server)
        document["routes"] = [
            {
                "method": route.method,
                "path": route.path,
                "auth": route.auth,
                "rate_limit": _table(route.rate_limit),
            }
            for route in routes
        ]
    return document


def _supervised(workflow: Workflow, server: McpServer | None) -> dict[str, Any]:
    """All settings of one supervised server: its own over those of `[supervisor]`."""
    settings = workflow.supervisor or Supervisor()
    if server is None or server.supervisor is None:
        return _table(settings) or {}
    table = _table(server.supervisor.over(settings)) or {}
    passed = server.supervisor.env_pass
    return table if passed is None else {**table, "env_pass": list(passed)}


def _table(section: Any) -> dict[str, Any] | None:
    if section is None:
        return None
    table: dict[str, Any] = section.model_dump(mode="json", by_alias=True, exclude_none=True)
    return table
