"""JSON values to types: the type that sums samples up, for `agentdc infer`, and the type of one value alone.

>>> summed([{"a": 1}, {"a": 2, "b": "x"}])
record({"a": INTEGER}, optional={"b": STRING})
>>> exact({"a": 1})
record({"a": Literal("integer", 1)})

A sample says what occurs, not what is possible: texts and numbers are not kept, only their kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from agentdc.types.shape import (
    BOOLEAN,
    FLOAT,
    INTEGER,
    NEVER,
    NULL,
    STRING,
    UNKNOWN,
    Array,
    Field,
    Literal,
    Object,
    Type,
    record,
    union,
)

_LARGE = 256  # values within a value that are told apart; what is larger is any value
_INTEGERS = range(-(2**63), 2**64)  # beyond it an integer is read as a float (spec 01 §0)


def summed(samples: Iterable[Any]) -> Type:
    """One type for all objects, one for all arrays, and the kinds of the scalars; Never for no sample."""
    values = list(samples)
    found: list[Type] = [_scalar(each) for each in values if not isinstance(each, dict | list)]
    objects = [each for each in values if isinstance(each, dict)]
    arrays = [each for each in values if isinstance(each, list)]
    if objects:
        found.append(_object(objects))
    if arrays:
        found.append(Array(summed(item for each in arrays for item in each)))
    return union(dict.fromkeys(found))


def _object(objects: list[dict[str, Any]]) -> Object:
    fields = []
    for name in sorted({name for each in objects for name in each}):
        held = [each[name] for each in objects if name in each]
        fields.append((name, Field(summed(held), len(held) == len(objects))))
    return Object(tuple(fields))


def _scalar(value: Any) -> Type:
    match value:
        case None:
            return NULL
        case bool():
            return BOOLEAN
        case int():
            return INTEGER
        case float():
            return FLOAT
        case str():
            return STRING
    return NEVER


def exact(value: Any, number: Callable[[int | float], Type] | None = None) -> Type:
    """The type of this value and no other; any value, if it is large. `number`: another type for numbers."""
    return UNKNOWN if _size(value) > _LARGE else _exactly(value, number or _number)


def _exactly(value: Any, number: Callable[[int | float], Type]) -> Type:
    match value:
        case dict():
            return record({name: _exactly(each, number) for name, each in value.items()})
        case list():
            return Array(NEVER, tuple(_exactly(each, number) for each in value))
        case None:
            return NULL
        case bool():
            return Literal("boolean", value)
        case int() | float():
            return number(value)
        case str():
            return Literal("string", value)
    return UNKNOWN


def _number(value: int | float) -> Type:
    if isinstance(value, float):
        return Literal("float", value)
    return Literal("integer", value) if value in _INTEGERS else FLOAT


def _size(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_size, inner))


def shape_of(value: Any) -> Type:
    """As `exact`, however large; of scalars only the kind."""
    match value:
        case dict():
            return Object(tuple((name, Field(shape_of(value[name]))) for name in sorted(value)))
        case list():
            return Array(NEVER, tuple(shape_of(each) for each in value))
        case _:
            return _scalar(value)
