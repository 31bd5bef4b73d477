"""`read_env` (spec 01 §5.2): one environment variable, really read in dry runs too. Links the gate."""

from __future__ import annotations

from os import environ

from agentdc_runtime.errors import ToolError
from agentdc_runtime.jsontext import compact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Run
    from agentdc_runtime.values import Json


def run(run: Run, *, key: str) -> Json:
    """`{"key", "value"}`; a variable that is not set adds `missing`, an empty one does not."""
    assert run.gate is not None
    run.gate.env(key)
    value = environ.get(key)
    if value is None:
        return {"key": key, "missing": True, "value": None}
    try:
        value.encode()  # bytes that are not UTF-8 stand in the string as surrogates
    except UnicodeEncodeError:
        raise ToolError("read_env", f"the value of {compact(key)} is not UTF-8 text") from None
    return {"key": key, "value": value}
