"""What a model declares at a path: known keys, choices, tables; read from the annotations of the records.

known_keys(Policy, ("fs",))          delete, list, read, write
choices(Logging, ("format",))        text, json
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from agentdc.model.base import Section


def known_keys(model: type[Section], path: Sequence[str | int] = ()) -> list[str]:
    """The keys of the table at `path` below `model`, in the order of declaration."""
    return [key for table in _tables(_at(model, path)) for key in _keys(table)]


def required_keys(model: type[Section], path: Sequence[str | int]) -> list[str]:
    """The keys that the table at `path` cannot do without."""
    return [
        field.alias or name
        for table in _tables(_at(model, path))
        for name, field in table.model_fields.items()
        if field.is_required()
    ]


def choices(model: type[Section], path: Sequence[str | int]) -> list[str]:
    """The texts that may stand at `path`; empty when it is not a closed list."""
    literals = [each for each in _at(model, path) if get_origin(each) is Literal]
    return [str(value) for each in literals for value in get_args(each)]


def holds_tables(model: type[Section], path: Sequence[str | int]) -> bool:
    """True when an array of tables belongs at `path`."""
    return any(
        _tables(_members(get_args(each)[0])) for each in _at(model, path) if get_origin(each) in {tuple, list}
    )


def element_model(model: type[Section], key: str) -> type[Section] | None:
    """The record of the table, or of the entries of the array, at `key`; None when it holds no tables."""
    annotation = model.model_fields[key].annotation
    tables = _tables(_members(annotation)) or _tables(
        member for each in _members(annotation) for arg in get_args(each) for member in _members(arg)
    )
    return tables[0] if tables else None


def is_array(model: type[Section], key: str) -> bool:
    """True when `key` holds an array."""
    return any(get_origin(each) is tuple for each in _members(model.model_fields[key].annotation))


def _keys(model: type[Section]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _tables(members: Iterator[Any] | list[Any]) -> list[type[Section]]:
    return [each for each in members if isinstance(each, type) and issubclass(each, Section)]


def _at(model: type[Section], path: Sequence[str | int]) -> list[Any]:
    found: list[Any] = [model]
    for part in path:
        found = [member for each in found for member in _step(each, part)]
    return found


def _step(annotation: Any, part: str | int) -> Iterator[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Section):
        for name, field in annotation.model_fields.items():
            if (field.alias or name) == part:
                yield from _members(field.annotation)
    elif origin in {tuple, list}:
        yield from _members(arguments[0])
    elif origin is dict or origin is Mapping:
        yield from _members(arguments[1])


def _members(annotation: Any) -> Iterator[Any]:
    """The alternatives of an annotation, without None and without `Annotated`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin is Union or origin is UnionType:
        for each in get_args(annotation):
            yield from _members(each)
    elif annotation is not NoneType:
        yield annotation
