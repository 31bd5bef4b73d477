"""`[check] max_…`: what a run may use up at most, against what it can (design §7, `ceilings`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agentdc.check import effect_errors as errors
from agentdc.check.ceilings import MEASURES, Ceilings
from agentdc.diagnostics import Diagnostic
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places


def check(workflow: Workflow, found: Mapping[str, Ceilings], at: Places) -> Iterator[Diagnostic]:
    """Ceilings above what is declared, one finding for each, about the start with the most."""
    if workflow.check is None:
        return
    for measure in MEASURES:
        most: int | None = getattr(workflow.check, f"max_{measure}")
        if most is None:
            continue
        above = [start for start in found if _above(found[start][measure].most, most)]
        if above:
            start = max(above, key=lambda each: _size(found[each][measure].most))
            where = at.value(("check", f"max_{measure}"))
            yield errors.ceiling_exceeded(measure, found[start][measure], most, start, where)


def _above(found: int | None, most: int) -> bool:
    return found is None or found > most


def _size(found: int | None) -> float:
    return float("inf") if found is None else found
