"""Which optional parts of the runtime an app needs: what its nodes touch, and which sections it declares."""

from __future__ import annotations

from dataclasses import dataclass

from agentdc.codegen.package import Extras
from agentdc.model.workflow import Workflow

GATED = frozenset({"env.read", "fs.read", "fs.write", "http", "shell"})


@dataclass(frozen=True, slots=True)
class Needs:
    """`awaits`: the colour. `touches`: effect families of all nodes. `signing`: the app verifies itself."""

    awaits: bool
    touches: frozenset[str]
    workflow: Workflow
    signing: bool


def extras(needs: Needs) -> Extras:
    """The parts to hand to the host, and what to install beside a directory app."""
    parts: list[tuple[str, str, str]] = []
    if needs.touches & GATED:
        parts.append(("gate", "agentdc_runtime.policy.gate", "Gate"))
    if needs.workflow.budget is not None:
        parts.append(("budget", "agentdc_runtime.policy.budget", "Budget"))
    if any(secret.source == "oauth2" for secret in needs.workflow.secrets):
        parts.append(("secrets", "agentdc_runtime.secrets.oauth2", "registry"))
    elif needs.workflow.secrets or "http" in needs.touches:
        parts.append(("secrets", "agentdc_runtime.secrets.registry", "Registry"))
    if needs.signing:
        parts.append(("signing", "agentdc_runtime.signing.verify", "check"))
    oauth2 = any(secret.source == "oauth2" for secret in needs.workflow.secrets)
    requirements = ("httpx>=0.28,<0.29",) if oauth2 or "http" in needs.touches else ()
    return Extras(tuple(parts), requirements)
