"""What may change without a rebuild, as one JSON document bound to the program's digest."""

from __future__ import annotations

from typing import Any

from agentdc.model.workflow import Workflow

VERSION = 1


def operands(workflow: Workflow, program_sha256: str) -> dict[str, Any]:
    """The operand document of a workflow: its sections as written, None where absent."""
    return {
        "operands_version": VERSION,
        "program_sha256": program_sha256,
        "policy": _table(workflow.policy),
        "logging": _table(workflow.logging),
        "signing": _table(workflow.signing),
        "budget": _table(workflow.budget),
        "secrets": [_table(secret) for secret in workflow.secrets],
    }


def _table(section: Any) -> dict[str, Any] | None:
    if section is None:
        return None
    table: dict[str, Any] = section.model_dump(mode="json", by_alias=True, exclude_none=True)
    return table
