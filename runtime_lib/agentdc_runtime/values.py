"""Questions to JSON values: walk a path, compare, take as text, branch label (spec 01 §3, §4, §5.18, §5.19).

Linking costs `jsontext`. Pure: no files, no clock, no policy. A path arrives split; whether empty segments are
real keys (`*_from`) or skipped (`inner`) is decided by whoever split it.
"""

from __future__ import annotations

from agentdc_runtime.errors import ToolError
from agentdc_runtime.jsontext import compact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Json: TypeAlias = Any


class _Missing:
    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Json = _Missing()

# More digits than any list has items; int() of an absurdly long string would be slow or refused.
_MAX_DIGITS = 18


def walk(value: Json, segments: tuple[str, ...]) -> Json:
    """The value at the end of the path, or MISSING; a null that is there is a value."""
    for segment in segments:
        if isinstance(value, dict):
            value = value.get(segment, MISSING)
            if value is MISSING:
                return MISSING
        elif isinstance(value, list):
            index = _index(segment)
            if not 0 <= index < len(value):
                return MISSING
            value = value[index]
        else:
            return MISSING
    return value


def _index(segment: str) -> int:
    """A decimal index, leading zeros and one leading `+` accepted; -1 for anything else."""
    if segment.isdecimal() and segment.isascii() and len(segment) <= _MAX_DIGITS:
        return int(segment)
    digits = segment[1:] if segment[:1] == "+" else segment
    if not (digits.isascii() and digits.isdecimal()):
        return -1
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) <= _MAX_DIGITS else -1


def find(value: Json, segments: tuple[str, ...]) -> Json:
    """The value at the end of the path, or None."""
    found = walk(value, segments)
    return None if found is MISSING else found


def need(value: Json, segments: tuple[str, ...], tool: str, path: str) -> Json:
    """The value at the end of the path; a ToolError of `tool` that names `path` when there is none."""
    found = walk(value, segments)
    if found is MISSING:
        raise ToolError(tool, f'path "{path}" does not resolve')
    return found


def inner(path: str) -> tuple[str, ...]:
    """The segments of an inner path: empty ones are dropped, so "" is the value itself."""
    return tuple([segment for segment in path.split(".") if segment])


def text(value: Json) -> str:
    """A string as it is, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    return int.__repr__(value) if value.__class__ is int else compact(value)


def fill(data: Json, segments: tuple[str, ...], key: str) -> str:
    """The text for a template hole; an unresolved one is put back as `{{key}}`."""
    found = walk(data, segments)
    return f"{{{{{key}}}}}" if found is MISSING else text(found)


def truthy(value: Json) -> bool:
    """Everything except null, false, a number equal to 0, and an empty string, array or object: Python's own rule."""
    return bool(value)


def label(value: Json) -> str:
    """The branch label of a `switch` on this value."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    return compact(value)


def kind(value: Json) -> str:
    """The JSON name of the value's type, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "number"


def string(value: Json, tool: str, field: str) -> str:
    """The value if it is a string; otherwise a ToolError of `tool` that names the workflow's `field`."""
    if isinstance(value, str):
        return value
    raise ToolError(tool, f"{field} must resolve to a string, not {kind(value)}")
