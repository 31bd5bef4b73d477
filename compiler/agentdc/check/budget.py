"""`[budget]` values that do something else than they seem to (spec 02 §8)."""

from __future__ import annotations

from collections.abc import Iterator

from agentdc.diagnostics import Diagnostic, code, warning
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places

# MiB of address space. Measured on Linux, Python 3.11: 13 to start, 25 with an event loop and a command, 60 with
# HTTPS and a thread, 250 taken when threads find room for their own heaps; the rest is for the workflow's data.
MEMORY_FLOOR = 256
_NOT_SET_BY_ZERO = ("max_memory_mb", "max_cpu_secs")


def check(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    """Warnings; nothing when there is no budget."""
    budget = workflow.budget
    if budget is None:
        return
    for key in _NOT_SET_BY_ZERO:
        if getattr(budget, key) == 0:
            message = f"{key} = 0 sets no limit"
            place = at.value(("budget", key))
            yield warning(code("budget_zero"), message, place, "no limit", help="remove it, or write one")
    memory = budget.max_memory_mb
    if memory is not None and 0 < memory < MEMORY_FLOOR:
        message = (
            f"max_memory_mb = {memory} leaves little for data: an app itself takes up to {MEMORY_FLOOR} MiB"
        )
        note = "it limits address space, which is more than what is used, and programs that the app starts"
        place = at.value(("budget", "max_memory_mb"))
        yield warning(code("budget_memory_low"), message, place, f"less than {MEMORY_FLOOR}", notes=[note])
