"""What a model wants, out of what it said: the first balanced `{…}` of a text (spec 01 §11.1). Pure.

read('Let me look. {"action": "tool", "tool": "read_file", "args": {"path": "a"}}')
-> Wanted("tool", name="read_file", args={"path": "a"})
"""

from __future__ import annotations

from agentdc_runtime.jsontext import JsonError, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Json: TypeAlias = Any


class Wanted:
    """An action. `kind`: final, tool or malformed. `value`: the result of a final one; `reason`: of a malformed."""

    __slots__ = ("args", "id", "kind", "name", "reason", "value")

    def __init__(
        self,
        kind: str,
        *,
        value: Json = None,
        name: str = "",
        args: Json = None,
        reason: str = "",
        id: str | None = None,
    ) -> None:
        self.kind = kind
        self.value = value
        self.name = name
        self.args = args
        self.reason = reason
        self.id = id


def read(text: str) -> Wanted:
    """The action in a reply."""
    found = first_object(text)
    if found is None:
        return _malformed("the reply holds no JSON object")
    try:
        value = loads(found)
    except JsonError as problem:
        return _malformed(f"the JSON object of the reply cannot be read: {problem.reason}")
    match value.get("action"):
        case "final":
            return Wanted("final", value=value.get("result"))
        case "tool":
            return called(value.get("tool"), value.get("args", {}))
        case _:
            return _malformed('`action` must be "tool" or "final"')


def called(name: Json, args: Json, id: str | None = None) -> Wanted:
    """A call of a tool; `id`: of a native one."""
    if not isinstance(name, str):
        return _malformed("`tool` must be a string")
    if not isinstance(args, dict):
        return _malformed("`args` must be an object")
    return Wanted("tool", name=name, args=args, id=id)


def _malformed(reason: str) -> Wanted:
    return Wanted("malformed", reason=reason)


def first_object(text: str) -> str | None:
    """The first balanced `{…}`; braces in strings do not count."""
    start = text.find("{")
    if start < 0:
        return None
    depth, at, inside = 0, start, False
    while at < len(text):
        each = text[at]
        if inside:
            if each == "\\":
                at += 1
            elif each == '"':
                inside = False
        elif each == '"':
            inside = True
        elif each == "{":
            depth += 1
        elif each == "}":
            depth -= 1
            if not depth:
                return text[start : at + 1]
        at += 1
    return None
