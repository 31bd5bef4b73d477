"""JSON values to the type that sums them up: what `agentdc infer` learns from samples.

>>> summed([{"a": 1}, {"a": 2, "b": "x"}])
record({"a": INTEGER}, optional={"b": STRING})

A sample says what occurs, not what is possible: texts and numbers are not kept, only their kinds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agentdc.types.shape import (
    BOOLEAN,
    FLOAT,
    INTEGER,
    NEVER,
    NULL,
    STRING,
    Array,
    Field,
    Object,
    Type,
    union,
)


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


def exact(value: Any) -> Type:
    """The type of one value alone: which keys and items it has and which it lacks is known; of scalars, the kind."""
    match value:
        case dict():
            return Object(tuple((name, Field(exact(value[name]))) for name in sorted(value)))
        case list():
            return Array(NEVER, tuple(exact(each) for each in value))
        case _:
            return _scalar(value)
