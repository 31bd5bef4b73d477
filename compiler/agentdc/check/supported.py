"""What this version can check and cannot build: refused by name, never left out in silence."""

from __future__ import annotations

from collections.abc import Iterator

from agentdc.check import errors, secrets
from agentdc.diagnostics import Diagnostic
from agentdc.model.supervision import Supervisor
from agentdc.model.trigger import BusMessage
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places

_SECTIONS = (
    "bus",
    "health",
    "relay",
    "sandbox",
    "sidecars",
)


def _supervision(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    tables: list[tuple[Supervisor | None, tuple[str | int, ...]]] = [(workflow.supervisor, ("supervisor",))]
    for index, server in enumerate(workflow.mcp_servers):
        if server.sandbox is not None:
            yield errors.unsupported("[mcp_servers.sandbox]", at.key(("mcp_servers", index, "sandbox")))
        tables.append((server.supervisor, ("mcp_servers", index, "supervisor")))
    for table, place in tables:
        if table is not None and table.intensity:
            yield errors.unsupported("[supervisor] intensity", at.key((*place, "intensity")))


def check(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    """One error for each part of a main workflow that a build would have to leave out."""
    for index, trigger in enumerate(workflow.triggers):
        if isinstance(trigger, BusMessage):
            yield errors.unsupported(f"{trigger.type} triggers", at.value(("triggers", index)))
    for section in _SECTIONS:
        if getattr(workflow, section, None):
            header = f"[[{section}]]" if isinstance(getattr(workflow, section), tuple) else f"[{section}]"
            yield errors.unsupported(header, at.key((section,)))
    if workflow.state is not None and workflow.state.backend == "files":
        yield errors.unsupported('[state] backend = "files"', at.value(("state", "backend")))
    yield from _supervision(workflow, at)
    for what, where in secrets.unbuilt(workflow, at):
        yield errors.unsupported(what, where)
    if workflow.budget is not None and workflow.budget.hard_deadline:
        yield errors.unsupported("[budget] hard_deadline", at.key(("budget", "hard_deadline")))
    if workflow.policy is not None and workflow.policy.rego is not None:
        yield errors.unsupported("[policy.rego]", at.key(("policy", "rego")))
    if workflow.logging is not None and workflow.logging.otel is not None:
        yield errors.unsupported("[logging.otel]", at.key(("logging", "otel")))
