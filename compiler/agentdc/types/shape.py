"""What a JSON value can be: a small structural type language.

    Unknown()                    any JSON value; nothing is known
    Unknown(null=False)          any JSON value but null; with `full`, any that counts as true (spec 01 §5.18)
    Scalar("string")             null, boolean, integer, float, string; with `full`, not 0 and not empty
    Literal("ok")                exactly this scalar
    Array(item, prefix)          an item of each type of `prefix` in order, then any number of `item`
    Object(fields, rest)         named fields, each required or not; `rest` types the other keys, None = no others
    Union((a, b))                one of them, flattened, no duplicates
    Never                        no value: the place is never reached

A type is the set of its values; `relate` compares and joins such sets, `narrow` takes parts of them. `1`, `1.0` and
`true` are different values (spec 01 §0), hence integer and float are different scalars. The float literal `0.0`
stands for `-0.0` too, which is equal to it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal as OneOf
from typing import TypeAlias

ScalarKind: TypeAlias = OneOf["null", "boolean", "integer", "float", "string"]
Kind: TypeAlias = OneOf["null", "boolean", "integer", "float", "string", "array", "object"]
ALL_KINDS: frozenset[Kind] = frozenset(("null", "boolean", "integer", "float", "string", "array", "object"))
_NAME = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Any JSON value; without `null`, any but null; with `full`, any that counts as true."""

    null: bool = True
    full: bool = False


@dataclass(frozen=True, slots=True)
class Never:
    """No value at all."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """Any value of one scalar kind; with `full`, any number but 0, any string but the empty one."""

    kind: ScalarKind
    full: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """Exactly one scalar value; `kind` keeps `1`, `1.0` and `true` apart."""

    kind: ScalarKind
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Array:
    """An array: one item of each type of `prefix`, which are always there, then any number of `item`."""

    item: Type
    prefix: tuple[Type, ...] = ()

    @property
    def any_item(self) -> Type:
        """The type of the items wherever they stand."""
        return union((*self.prefix, self.item)) if self.prefix else self.item


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
        at = bisect_left(self.fields, name, key=_NAME)
        return self.fields[at][1] if at < len(self.fields) and self.fields[at][0] == name else None

    def with_field(self, name: str, field: Field) -> Object:
        """The same with one field set."""
        at = bisect_left(self.fields, name, key=_NAME)
        behind = at + (at < len(self.fields) and self.fields[at][0] == name)
        return Object((*self.fields[:at], (name, field), *self.fields[behind:]), self.rest)


@dataclass(frozen=True, slots=True)
class Union:
    """One of several types; build it with `union`."""

    members: tuple[Type, ...]


Type: TypeAlias = Unknown | Never | Scalar | Literal | Array | Object | Union

UNKNOWN = Unknown()
SOME = Unknown(null=False)
FULL = Unknown(null=False, full=True)
NEVER = Never()
NULL = Scalar("null")
BOOLEAN = Scalar("boolean")
INTEGER = Scalar("integer")
FLOAT = Scalar("float")
STRING = Scalar("string")
TRUE = Literal("boolean", value=True)
FALSE = Literal("boolean", value=False)


def record(fields: Mapping[str, Type], optional: Mapping[str, Type] | None = None) -> Object:
    """A closed object with these required and optional fields."""
    known = [(name, Field(each)) for name, each in fields.items()]
    known += [(name, Field(each, required=False)) for name, each in (optional or {}).items()]
    return Object(tuple(sorted(known, key=_NAME)))


def open_record(fields: Mapping[str, Type], rest: Type = UNKNOWN) -> Object:
    """An object with these required fields and any others of type `rest`."""
    return Object(record(fields).fields, rest)


def members_of(value_type: Type) -> tuple[Type, ...]:
    """The types that a type is the union of; itself when it is none, nothing for Never."""
    if isinstance(value_type, Union):
        return value_type.members
    return () if isinstance(value_type, Never) else (value_type,)


def union(types: Iterable[Type]) -> Type:
    """The union, flattened; Unknown absorbs the others, Never adds nothing, a scalar absorbs its literals."""
    members: list[Type] = []
    literals: set[tuple[str, object]] = set()
    for each in types:
        for member in members_of(each):
            if member == UNKNOWN:
                return UNKNOWN
            if isinstance(member, Literal):
                if (member.kind, member.value) in literals:
                    continue
                literals.add((member.kind, member.value))
            elif member in members:
                continue
            members.append(member)
    return _whole(members, literals)


_FALSE: dict[str, str | int | float] = {"string": "", "integer": 0, "float": 0.0}


def _whole(members: list[Type], literals: set[tuple[str, object]]) -> Type:
    """The union of different members, of which none is any value, Never or a union."""
    if SOME in members:
        null = NULL in members or ("null", None) in literals
        return UNKNOWN if null else SOME
    if literals >= {("boolean", True), ("boolean", False)}:
        members.append(BOOLEAN)
    scalars = {member for member in members if isinstance(member, Scalar)}
    whole = {
        Scalar(each.kind) for each in scalars if each.full and (each.kind, _FALSE[each.kind]) in literals
    }
    members += sorted(whole - scalars, key=str)
    scalars |= whole
    if FULL in members:
        members = [each for each in members if each is FULL or each == FULL or not _counts_as_true(each)]
        if len(members) > len(_FALSE) + 3 and _all_false(members):
            return UNKNOWN
    members = (
        [each for each in dict.fromkeys(members) if not _absorbed(each, scalars)] if scalars else members
    )
    if not members:
        return NEVER
    return members[0] if len(members) == 1 else Union(tuple(members))


def _absorbed(member: Type, scalars: set[Scalar]) -> bool:
    """Whether a scalar among the members has all values of this one."""
    match member:
        case Literal(kind, value):
            return Scalar(kind) in scalars or (bool(value) and Scalar(kind, full=True) in scalars)
        case Scalar(kind, True):
            return Scalar(kind) in scalars
    return False


def _counts_as_true(member: Type) -> bool:
    """Whether every value of the type does, as far as can be said."""
    match member:
        case Scalar(_, full):
            return full
        case Literal(_, value):
            return bool(value)
        case Array(_, prefix):
            return bool(prefix)
        case Object(fields):
            return any(field.required for _, field in fields)
    return False


def _all_false(members: list[Type]) -> bool:
    """Whether everything that counts as false is among the members."""

    def has(kind: ScalarKind, value: str | float | bool | None) -> bool:
        return Scalar(kind) in members or Literal(kind, value) in members

    scalars = has("null", None) and has("boolean", value=False) and has("string", "")
    arrays = any(isinstance(each, Array) and not each.prefix for each in members)
    objects = any(isinstance(each, Object) and not _counts_as_true(each) for each in members)
    return scalars and has("integer", 0) and has("float", 0.0) and arrays and objects


def kinds(value_type: Type) -> frozenset[Kind] | None:
    """The JSON kinds a value of the type can have (array, object and the scalar kinds); None when unknown."""
    match value_type:
        case Unknown():
            return None
        case Never():
            return frozenset()
        case Scalar(kind) | Literal(kind):
            return frozenset((kind,))
        case Array():
            return frozenset(("array",))
        case Object():
            return frozenset(("object",))
        case Union(members):
            found: set[Kind] = set()
            for member in members:
                of_member = kinds(member)
                if of_member is None:
                    return None
                found |= of_member
            return frozenset(found)
