"""What a JSON value can be: a small structural type language.

    Unknown                      any JSON value; nothing is known
    Scalar("string")             null, boolean, integer, float, string
    Literal("ok")                exactly this scalar
    Array(item)                  items are all of `item`
    Object(fields, rest)         named fields, each required or not; `rest` types the other keys, None = no others
    Union((a, b))                one of them, flattened, no duplicates
    Never                        no value: the place is never reached

`1`, `1.0` and `true` are different values (spec 01 §0), hence integer and float are different scalars.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias

ScalarKind: TypeAlias = OneOf["null", "boolean", "integer", "float", "string"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Any JSON value."""


@dataclass(frozen=True, slots=True)
class Never:
    """No value at all."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """Any value of one scalar kind."""

    kind: ScalarKind


@dataclass(frozen=True, slots=True)
class Literal:
    """Exactly one scalar value; `kind` keeps `1`, `1.0` and `true` apart."""

    kind: ScalarKind
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Array:
    """An array whose items are all of `item`."""

    item: Type


@dataclass(frozen=True, slots=True)
class Field:
    """One key of an object; `required` means present in every value of the type."""

    type: Type
    required: bool = True


@dataclass(frozen=True, slots=True)
class Object:
    """An object; `fields` sorted by name, `rest` types keys not named (None: there are none)."""

    fields: tuple[tuple[str, Field], ...] = ()
    rest: Type | None = None

    def field(self, name: str) -> Field | None:
        """The named field, or None."""
        return next((field for key, field in self.fields if key == name), None)


@dataclass(frozen=True, slots=True)
class Union:
    """One of several types; build it with `union`."""

    members: tuple[Type, ...]


Type: TypeAlias = Unknown | Never | Scalar | Literal | Array | Object | Union

UNKNOWN = Unknown()
NEVER = Never()
NULL = Scalar("null")
BOOLEAN = Scalar("boolean")
INTEGER = Scalar("integer")
FLOAT = Scalar("float")
STRING = Scalar("string")


def record(fields: Mapping[str, Type], optional: Mapping[str, Type] | None = None) -> Object:
    """A closed object with these required and optional fields."""
    known = [(name, Field(each)) for name, each in fields.items()]
    known += [(name, Field(each, required=False)) for name, each in (optional or {}).items()]
    return Object(tuple(sorted(known, key=lambda item: item[0])))


def open_record(fields: Mapping[str, Type], rest: Type = UNKNOWN) -> Object:
    """An object with these required fields and any others of type `rest`."""
    return Object(record(fields).fields, rest)


def union(types: Iterable[Type]) -> Type:
    """The union, flattened; Unknown absorbs the others, Never adds nothing, a scalar absorbs its literals."""
    members: list[Type] = []
    for each in types:
        for member in each.members if isinstance(each, Union) else (each,):
            if isinstance(member, Unknown):
                return UNKNOWN
            if not isinstance(member, Never) and member not in members:
                members.append(member)
    whole = {member.kind for member in members if isinstance(member, Scalar)}
    members = [each for each in members if not (isinstance(each, Literal) and each.kind in whole)]
    if not members:
        return NEVER
    return members[0] if len(members) == 1 else Union(tuple(members))


def kinds(value_type: Type) -> frozenset[str] | None:
    """The JSON kinds a value of the type can have (array, object and the scalar kinds); None when unknown."""
    match value_type:
        case Unknown():
            return None
        case Never():
            return frozenset()
        case Scalar(kind) | Literal(kind):
            return frozenset({kind})
        case Array():
            return frozenset({"array"})
        case Object():
            return frozenset({"object"})
        case Union(members):
            found: set[str] = set()
            for member in members:
                of_member = kinds(member)
                if of_member is None:
                    return None
                found |= of_member
            return frozenset(found)
