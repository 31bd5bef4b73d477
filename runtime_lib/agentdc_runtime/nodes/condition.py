"""`condition` (spec 01 §5.18): a branch on whether a value counts as true. Links `values`."""

from __future__ import annotations

from agentdc_runtime.values import truthy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.values import Json


def run(*, value: Json) -> tuple[Json, str]:
    """`{"value"}` and the branch, `true` or `false`; an unresolved path arrives as None."""
    return {"value": value}, "true" if truthy(value) else "false"
