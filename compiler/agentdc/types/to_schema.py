"""A type to a JSON Schema (draft 7) that accepts its values.

>>> to_schema(record({"a": STRING}))
{'type': 'object', 'properties': {'a': {'type': 'string'}}, 'required': ['a'], 'additionalProperties': False}
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agentdc.types.shape import Array, Literal, Never, Object, Scalar, Type, Union, Unknown

Schema = dict[str, Any] | bool
_NAMES = {"float": "number"}


def to_schema(value_type: Type, *, closed: bool = True) -> Schema:
    """A schema document without `$schema`; without `closed`, objects may have further keys."""
    match value_type:
        case Unknown(null):
            return True if null else {"not": {"type": "null"}}
        case Never():
            return False
        case Scalar("string", True):
            return {"type": "string", "minLength": 1}
        case Scalar(kind):
            return {"type": _NAMES.get(kind, kind)}
        case Literal(_, value):
            return {"const": value}
        case Array(item, prefix):
            return _array(item, prefix, closed=closed)
        case Object():
            return _object(value_type, closed=closed)
        case Union(members):
            return _union(members, closed=closed)


def _array(item: Type, prefix: tuple[Type, ...], *, closed: bool) -> Schema:
    if not prefix:
        none = isinstance(item, Never)
        return {"type": "array", **({"maxItems": 0} if none else {"items": to_schema(item, closed=closed)})}
    return {
        "type": "array",
        "items": [to_schema(each, closed=closed) for each in prefix],
        "additionalItems": to_schema(item, closed=closed),
        "minItems": len(prefix),
    }


def _object(value: Object, *, closed: bool) -> Schema:
    schema: dict[str, Any] = {"type": "object"}
    if value.fields:
        schema["properties"] = {name: to_schema(field.type, closed=closed) for name, field in value.fields}
    required = [name for name, field in value.fields if field.required]
    if required:
        schema["required"] = required
    if value.rest is None:
        if closed:
            schema["additionalProperties"] = False
    elif not isinstance(value.rest, Unknown):
        schema["additionalProperties"] = to_schema(value.rest, closed=closed)
    return schema


def _union(members: Iterable[Type], *, closed: bool) -> Schema:
    literals = [each.value for each in members if isinstance(each, Literal)]
    scalars = sorted({_NAMES.get(each.kind, each.kind) for each in members if isinstance(each, Scalar)})
    if "number" in scalars and "integer" in scalars:
        scalars.remove("integer")
    parts: list[Any] = []
    if scalars:
        parts.append({"type": scalars[0] if len(scalars) == 1 else scalars})
    if literals:
        parts.append({"enum": literals})
    parts += [to_schema(each, closed=closed) for each in members if not isinstance(each, Scalar | Literal)]
    return parts[0] if len(parts) == 1 else {"anyOf": parts}
