"""`switch` (spec 01 §5.19): a branch named after a value. Links `values`."""

from __future__ import annotations

from agentdc_runtime.values import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.values import Json


def run(*, value: Json) -> tuple[Json, str]:
    """`{"value"}` and the branch; an unresolved path arrives as None."""
    return {"value": value}, label(value)
