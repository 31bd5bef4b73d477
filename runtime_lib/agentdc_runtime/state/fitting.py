"""Whether what is stored of a run is what this build needs to go on with it. Imports nothing.

The build says for each node what a run that goes on there certainly reads (`Program.needs`). Here it is looked for,
so that a run that would error is refused before it does anything, and stays as it is. `agentdc compat` says the same
words before a deploy.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from agentdc_runtime.core.run import Program

_KINDS = {"array": "an array", "string": "a string", "strings": "an array of strings"}
_VALUES = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
_MISSING = object()


def why_not(program: Program, node: str | None, outputs: Mapping[str, Any]) -> str | None:
    """Why a run cannot go on at a node with these outputs; None when nothing is known against it."""
    if node is None:
        return None
    if node not in program.points:
        return f"it stands before node `{node}`, which this build of the workflow does not have"
    for reader, path, kind in program.needs.get(node, ()):
        head, *segments = path.split(".")
        if head not in outputs:
            return f"node `{reader}` reads `{path}`, and no output of `{head}` is stored"
        value = _found(outputs[head], segments)
        if value is _MISSING:
            return f"node `{reader}` reads `{path}`, and what is stored of `{head}` does not have it"
        if not _is(value, kind):
            held = _VALUES.get(value.__class__, "a number")
            return f"node `{reader}` needs {_KINDS[kind]} at `{path}`, and {held} is stored there"
    return None


def _found(value: Any, segments: list[str]) -> Any:
    for segment in segments:
        if isinstance(value, dict):
            value = value.get(segment, _MISSING)
        elif isinstance(value, list) and _index(segment) < len(value):
            value = value[_index(segment)]
        else:
            return _MISSING
    return value


def _index(segment: str) -> int:
    """A decimal index; for anything else more than any list has."""
    digits = segment[1:] if segment[:1] == "+" else segment
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 18 else 1 << 62


def _is(value: Any, kind: str) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "array":
        return isinstance(value, list)
    return kind == "any" or (isinstance(value, list) and all(isinstance(each, str) for each in value))
