"""How the providers of models speak: which modules of the runtime library an app takes."""

from __future__ import annotations

from collections.abc import Iterable

from agentdc.model.intelligence import Backend
from agentdc.model.workflow import Workflow

COMMAND_LINE = "rpc"
"""The dialect of the backend `default`, which the command line names (spec 03 §6.4)."""


def dialect(backend: Backend) -> str:
    """The module of `agentdc_runtime.models` that speaks as the provider of a backend."""
    if backend.provider in ("openai", "openai-compatible"):
        return "openai_responses" if backend.api == "responses" else "openai"
    return backend.provider


def dialects(workflow: Workflow, asked: Iterable[str]) -> tuple[str, ...]:
    """The modules for backends that nodes ask by these names, and for those that they fail over to; sorted."""
    declared = {each.name: each for each in (workflow.intelligence.backends if workflow.intelligence else ())}
    found: set[str] = set()
    waiting, seen = list(asked), set()
    while waiting:
        name = waiting.pop()
        backend = declared.get(name)
        if name in seen:
            continue
        seen.add(name)
        if backend is None:
            found.add(COMMAND_LINE)  # `default`, or a name that at run time is an error that lists the others
        else:
            found.add(dialect(backend))
            waiting += backend.failover
    return tuple(sorted(found))
