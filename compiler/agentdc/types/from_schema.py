"""A JSON Schema (draft 4 to 2020-12) to a type that contains every value the schema accepts.

Soundness first: a keyword that is not understood, or that cannot be said in types, makes the type wider, never
narrower. Local references are followed; a reference that leads back to itself is Unknown at the knot, one that leads
out of the document is Unknown. Nothing here fails: what is not a schema gives Unknown.

    {"type": "object", "required": ["a"],              Object(a: integer or float, b?: "x" or "y", …: Unknown)
     "properties": {"a": {"type": "integer"},
                    "b": {"enum": ["x", "y"]}}}

A number in a schema means the number, not its spelling: `1` accepts `1.0`, so `integer` is integer or float here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from agentdc.types.from_value import exact
from agentdc.types.relate import join, meet
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
    Never,
    Object,
    Scalar,
    Type,
    members_of,
    union,
)

MAX_DEPTH = 40
MAX_STEPS = 20_000
MAX_PREFIX = 64
_INTEGERS = range(-(2**63), 2**64)
_SCALARS: dict[str, tuple[Type, ...]] = {
    "null": (NULL,),
    "boolean": (BOOLEAN,),
    "integer": (INTEGER, FLOAT),
    "number": (INTEGER, FLOAT),
    "string": (STRING,),
}
_TYPES = (*_SCALARS, "array", "object")
_ABOUT_OBJECTS = frozenset(("properties", "required", "additionalProperties", "patternProperties"))
_ABOUT_ARRAYS = frozenset(("items", "prefixItems", "minItems", "maxItems", "additionalItems"))


def from_schema(schema: Any) -> Type:
    """The type of what a parsed JSON Schema accepts."""
    return _Reader(schema, _draft(schema)).type_of(schema)


def _draft(schema: Any) -> int:
    """4, 6, 7, 2019 or 2020; 7 when it is not said, and 0 when it is none of these."""
    said = schema.get("$schema") if isinstance(schema, dict) else None
    if said is None:
        return 7
    known = {"draft-04": 4, "draft-06": 6, "draft-07": 7, "2019-09": 2019, "2020-12": 2020}
    return next((number for name, number in known.items() if isinstance(said, str) and name in said), 0)


@dataclass
class _Reader:
    """Reads one document. `open`: references that are being followed."""

    root: Any
    draft: int
    open: list[str] = field(default_factory=list)
    steps: int = 0

    def type_of(self, schema: Any, depth: int = 0) -> Type:
        self.steps += 1
        if schema is False:
            return NEVER
        if not isinstance(schema, dict) or depth > MAX_DEPTH or self.steps > MAX_STEPS or not self.draft:
            return UNKNOWN
        if depth and ("$id" in schema or "id" in schema):
            return UNKNOWN  # references inside it mean another document
        if "$ref" in schema and self.draft < 2019:
            return self._referred(schema["$ref"], depth)
        found = [self._own(schema, depth)]
        if "$ref" in schema:
            found.append(self._referred(schema["$ref"], depth))
        found += [self.type_of(each, depth + 1) for each in _schemas(schema.get("allOf"))]
        for name in ("anyOf", "oneOf"):
            if _schemas(schema.get(name)):
                found.append(join([self.type_of(each, depth + 1) for each in schema[name]]))
        whole = found[0]
        for each in found[1:]:
            whole = meet(whole, each)
        return whole

    def _referred(self, reference: Any, depth: int) -> Type:
        if not isinstance(reference, str) or reference in self.open:
            return UNKNOWN
        target = _pointed(self.root, reference)
        self.open.append(reference)
        found = self.type_of(target, depth + 1) if depth or target is not self.root else UNKNOWN
        self.open.pop()
        return found

    def _own(self, schema: Mapping[str, Any], depth: int) -> Type:
        """By the keywords about the value itself."""
        found = self._of_kinds(schema, depth)
        if isinstance(schema.get("enum"), list):
            found = _only(found, schema["enum"])
        if "const" in schema and self.draft >= 6:
            found = _only(found, [schema["const"]])
        return found

    def _of_kinds(self, schema: Mapping[str, Any], depth: int) -> Type:
        said = schema.get("type")
        names = [said] if isinstance(said, str) else said if isinstance(said, list) else None
        if names is None or not set(map(str, names)) <= set(_TYPES):
            if not schema.keys() & (_ABOUT_OBJECTS | _ABOUT_ARRAYS):
                return UNKNOWN
            names = list(_TYPES)
        found: list[Type] = []
        for name in names:
            if name == "object":
                found.append(self._object(schema, depth))
            elif name == "array":
                found.append(self._array(schema, depth))
            elif name == "string":
                least = schema.get("minLength")
                found.append(Scalar("string", isinstance(least, int) and least > 0))
            else:
                found += _SCALARS[name]
        return union(found)

    def _object(self, schema: Mapping[str, Any], depth: int) -> Type:
        properties = schema.get("properties")
        named = properties if isinstance(properties, dict) else {}
        required = schema.get("required")
        needed = {each for each in required if isinstance(each, str)} if isinstance(required, list) else set()
        rest = self._rest(schema, depth)
        fields: list[tuple[str, Field]] = []
        for name in sorted(named.keys() | needed):
            value = self.type_of(named[name], depth + 1) if name in named else rest
            if name in needed and isinstance(value, Never):
                return NEVER
            fields.append((name, Field(value, name in needed)))
        return Object(tuple(fields), None if isinstance(rest, Never) else rest)

    def _rest(self, schema: Mapping[str, Any], depth: int) -> Type:
        """What keys that are not named hold; Never when there are none."""
        others = self.type_of(schema.get("additionalProperties", True), depth + 1)
        patterns = schema.get("patternProperties")
        if not isinstance(patterns, dict):
            return others
        return join([others, *(self.type_of(each, depth + 1) for each in patterns.values())])

    def _array(self, schema: Mapping[str, Any], depth: int) -> Type:
        items, before = schema.get("items", True), _schemas(schema.get("prefixItems"))
        behind = items
        if isinstance(items, list):  # the form of drafts before 2020-12
            before, behind = items, schema.get("additionalItems", True)
        first = [self.type_of(each, depth + 1) for each in before[:MAX_PREFIX]]
        item = self.type_of(behind, depth + 1)
        if "prefixItems" in schema and self.draft != 2020:  # other drafts do not have the word
            first, item = [], join([*first, item])
        least = schema.get("minItems")
        count = min(least, MAX_PREFIX) if isinstance(least, int) and not isinstance(least, bool) else 0
        there = tuple(first[at] if at < len(first) else item for at in range(count))
        if any(isinstance(each, Never) for each in there):
            return NEVER
        cut = [UNKNOWN] if len(before) > MAX_PREFIX else []
        most = schema.get("maxItems")
        if isinstance(most, int) and not isinstance(most, bool) and most <= count:
            return NEVER if most < count else Array(NEVER, there)  # as many as there must be, and no more
        return Array(join([*first[count:], item, *cut]), there)


def _schemas(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _only(found: Type, values: Sequence[Any]) -> Type:
    """What of a type is one of these values."""
    parts = [meet(member, exact(value, _number)) for value in values for member in members_of(found)]
    return join(parts)


def _number(value: int | float) -> Type:
    """The numbers that a schema holds equal to this one."""
    whole = int(value) if isinstance(value, int) or value.is_integer() else None
    if whole is None:
        return Literal("float", value)
    if whole not in _INTEGERS or float(whole) != whole:
        return union((FLOAT, *([Literal("integer", whole)] if whole in _INTEGERS else ())))
    return union((Literal("integer", whole), Literal("float", float(whole))))


def _pointed(root: Any, reference: str) -> Any:
    """What a local reference points at; True, which accepts everything, when it points at nothing here."""
    if reference in {"#", ""}:
        return root
    if not reference.startswith("#/"):
        return True
    found = root
    for part in reference[2:].split("/"):
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return True
        if isinstance(found, dict) and isinstance(found.get("$id", found.get("id")), str):
            return True  # another document begins here
    return found
