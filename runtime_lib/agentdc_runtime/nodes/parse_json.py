"""`parse_json` (spec 01 §5.4): text to a JSON value. Links `jsontext`."""

from __future__ import annotations

from agentdc_runtime.errors import ToolError
from agentdc_runtime.jsontext import JsonError, loads
from agentdc_runtime.values import string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.values import Json


def run(*, text: Json) -> Json:
    """`{"parsed"}`; a value that is JSON already is an error, as is text that is not."""
    source = string(text, "parse_json", "input_from")
    try:
        return {"parsed": loads(source)}
    except JsonError as error:
        raise ToolError("parse_json", f"invalid JSON: {error.reason}") from None
