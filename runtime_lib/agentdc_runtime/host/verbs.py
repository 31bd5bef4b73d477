"""Verbs for operators: `<app> approvals …`, `<app> runs …`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.host.app import App


def run_verb(app: App, argv: list[str], program: str) -> int:
    """A command line that begins with a verb; the exit status."""
    raise NotImplementedError
