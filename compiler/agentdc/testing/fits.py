"""Whether a JSON value belongs to a static type.

>>> misfit({"content": 1}, record({"content": STRING}))
'"content" is an integer, and the type says string'
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentdc.types import Array, Literal, Never, Object, Scalar, Type, Union, Unknown

_NAMES = {type(None): "null", bool: "boolean", int: "integer", float: "float", str: "string"}

_FALSE: tuple[Any, ...] = (None, False, 0, "", [], {})


def misfit(value: Any, expected: Type, place: str = "") -> str | None:
    """Why `value` is not of the type, at its first such place; None when it is."""
    match expected:
        case Unknown(null, full):
            if full and value in _FALSE:
                return _wrong(value, place, "something that counts as true")
            return None if null or value is not None else _wrong(value, place, "anything but null")
        case Never():
            return f"{_at(place)} never has a value"
        case Union(members):
            found = [misfit(value, member, place) for member in members]
            return None if None in found else found[0]
        case Scalar(kind, full):
            fits = _kind(value) == kind and not (full and value in _FALSE)
            return None if fits else _wrong(value, place, f"{kind} that is not empty" if full else kind)
        case Literal(kind, exact):
            return None if _kind(value) == kind and value == exact else _wrong(value, place, repr(exact))
        case Array(item, prefix):
            if not isinstance(value, list):
                return _wrong(value, place, "array")
            if len(value) < len(prefix):
                return f"{_at(place)} has fewer than {len(prefix)} items"
            types = (*prefix, *[item] * (len(value) - len(prefix)))
            every = zip(value, types, strict=True)
            return next(_each((f"{place}[{at}]", one, its) for at, (one, its) in enumerate(every)), None)
        case Object():
            return _object(value, expected, place)


def _object(value: Any, expected: Object, place: str) -> str | None:
    if not isinstance(value, dict):
        return _wrong(value, place, "object")
    inner: list[tuple[str, Any, Type]] = []
    for name, field in expected.fields:
        if name in value:
            inner.append((f"{place}.{name}".strip("."), value[name], field.type))
        elif field.required:
            return f"{_at(place)} lacks {name!r}"
    named = {name for name, _ in expected.fields}
    for name in sorted(value.keys() - named):
        if expected.rest is None:
            return f"{_at(place)} has no key {name!r}"
        inner.append((f"{place}.{name}".strip("."), value[name], expected.rest))
    return next(_each(iter(inner)), None)


def _each(inner: Iterator[tuple[str, Any, Type]]) -> Iterator[str]:
    for place, value, expected in inner:
        found = misfit(value, expected, place)
        if found is not None:
            yield found


def _wrong(value: Any, place: str, needed: str) -> str:
    kind = _kind(value)
    article = "" if kind == "null" else "an " if kind[0] in "aeio" else "a "
    return f"{_at(place)} is {article}{kind}, and the type says {needed}"


def _kind(value: Any) -> str:
    return _NAMES.get(type(value)) or ("array" if isinstance(value, list) else "object")


def _at(place: str) -> str:
    return f'"{place}"' if place else "the output"
