"""Whether a JSON Schema keeps the rules of OpenAI's strict mode, which refuses every other one. Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KNOWN = frozenset(
    (
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "description",
        "title",
    )
)


def strict(schema: Any) -> bool:
    """True when every object lists all its members as required and allows no others, and nothing else is asked."""
    if not isinstance(schema, dict) or not schema.keys() - {"$schema"} <= _KNOWN:
        return False
    properties = schema.get("properties")
    if schema.get("type") == "object" or properties is not None:
        closed = schema.get("additionalProperties") is False and isinstance(properties, dict)
        if not closed or set(schema.get("required") or ()) != set(properties or ()):
            return False
        if not all(strict(each) for each in (properties or {}).values()):
            return False
    items = schema.get("items")
    return strict(items) if "items" in schema else schema.get("type") != "array"
