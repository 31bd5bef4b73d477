"""Who called, as the workflow sees it (spec 02 §1.6). Links nothing.

The payload that comes out is what idempotency keys are looked up in and what the run gets. An array or a scalar has
no place for a principal; there the run's `trigger` document gets it beside `input`, from whoever makes the run.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from agentdc_runtime.core.run import Json


def with_principal(payload: Json, principal: dict[str, Any]) -> Json:
    """The payload with its `principal`, which no caller can forge; an object is changed in place."""
    if payload is None:
        return {"principal": principal}
    if payload.__class__ is dict:
        payload["principal"] = principal
    return payload
