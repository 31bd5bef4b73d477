"""`json_select` (spec 01 §5.6): the inner walk as a node. Links `values`."""

from __future__ import annotations

from agentdc_runtime.values import MISSING, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.values import Json


def run(*, value: Json, path: tuple[str, ...]) -> Json:
    """`{"found", "value"}`; `path` is split as `values.inner` does, and a null at its end is found."""
    found = walk(value, path)
    if found is MISSING:
        return {"found": False, "value": None}
    return {"found": True, "value": found}
