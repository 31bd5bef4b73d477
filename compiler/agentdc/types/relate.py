"""Types compared, joined and cut down: what the data flow needs where routes meet.

A join loses nothing when two objects differ in one field only; a union of more than a few objects becomes one object,
and a type that nests too deep ends in Unknown, so that every chain of joins ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from agentdc.types.shape import (
    NEVER,
    UNKNOWN,
    Array,
    Field,
    Literal,
    Never,
    Object,
    Scalar,
    Type,
    Union,
    Unknown,
    kinds,
    members_of,
    union,
)

MAX_OBJECTS = 6
MAX_LITERALS = 256
MAX_DEPTH = 12
_ABSENT = Field(NEVER, required=False)


def subtype(left: Type, right: Type) -> bool:
    """True when it is proven that every value of `left` is one of `right`."""
    if left is right or right == UNKNOWN or isinstance(left, Never):
        return True
    match left, right:
        case Union(members), _:
            return all(subtype(member, right) for member in members)
        case Unknown(null, full), Unknown(other, fuller):
            return (other or not null) and (full or not fuller)
        case _, Unknown(_, False):
            return "null" not in (kinds(left) or ("null",))
        case Literal(kind, value), Scalar(whole, full):
            return kind == whole and (bool(value) or not full)
        case Scalar(kind, some), Scalar(whole, full):
            return kind == whole and (some or not full)
        case ((Scalar(_, True) | Array(_, (_, *_))), Unknown()):
            return True
        case Literal(_, value), Unknown():
            return bool(value)
        case _, Union(members):
            return any(subtype(left, member) for member in members)
        case Array(), Array():
            return _array_in(left, right)
        case Object(), Object():
            return _object_in(left, right)
    return left == right


def _array_in(left: Array, right: Array) -> bool:
    if len(left.prefix) < len(right.prefix):
        return False
    expected = (*right.prefix, *[right.item] * (len(left.prefix) - len(right.prefix)))
    return subtype(left.item, right.item) and all(map(subtype, left.prefix, expected))


def _object_in(left: Object, right: Object) -> bool:
    if left.rest is not None and (right.rest is None or not subtype(left.rest, right.rest)):
        return False
    if left.fields is right.fields:
        return True
    named = dict(left.fields)
    for name, wanted in right.fields:
        here = named.pop(name, None) or _other(left)
        if here is wanted:
            continue
        if (wanted.required and not here.required) or not subtype(here.type, wanted.type):
            return False
    others = NEVER if right.rest is None else right.rest
    return all(subtype(field.type, others) for field in named.values())


def _other(value: Object) -> Field:
    """What a key that an object does not name is."""
    return _ABSENT if value.rest is None else Field(value.rest, required=False)


def join(types: Sequence[Type]) -> Type:
    """A type of which every value of each type is one; as narrow as is useful."""
    whole = union(types)
    if not isinstance(whole, Union):
        return whole
    objects = [member for member in whole.members if isinstance(member, Object)]
    arrays = [member for member in whole.members if isinstance(member, Array)]
    literals = [member for member in whole.members if isinstance(member, Literal)]
    if len(objects) < 2 and len(arrays) < 2 and len(literals) <= MAX_LITERALS:
        return whole
    others: list[Type] = [each for each in whole.members if isinstance(each, Scalar | Unknown)]
    if len(literals) > MAX_LITERALS:
        others += [Scalar(kind) for kind in dict.fromkeys(each.kind for each in literals)]
    else:
        others += literals
    return union((*others, *_joined_objects(objects), *_joined_arrays(arrays)))


def _joined_objects(objects: list[Object]) -> list[Object]:
    kept: list[Object] = []
    for each in objects:
        new = each
        at = 0
        while at < len(kept):
            both = _one(kept[at], new, lossless=True)
            if both is None:
                at += 1
            else:  # it may now be like one that it was unlike before
                del kept[at]
                new, at = both, 0
        kept.append(new)
    while len(kept) > MAX_OBJECTS:
        both = _one(kept[-2], kept.pop(), lossless=False)
        assert both is not None
        kept[-1] = both
    return kept


def _one(left: Object, right: Object, *, lossless: bool) -> Object | None:
    """One object for two; None when it would have values that neither of them has."""
    if lossless and left.rest != right.rest:
        return None
    rest = right.rest if left.rest is None else left.rest
    if left.rest is not None and right.rest is not None and left.rest != right.rest:
        rest = join((left.rest, right.rest))
    ours, theirs = dict(left.fields), dict(right.fields)
    fields: list[tuple[str, Field]] = []
    differ = 0
    for name in sorted(ours.keys() | theirs.keys()):
        a, b = ours.get(name) or _other(left), theirs.get(name) or _other(right)
        if a is not b and a != b:
            differ += 1
            if lossless and differ > 1:
                return _larger(left, right)
            a = Field(join((a.type, b.type)), a.required and b.required)
        if a.required or rest is None or a.type != rest:
            fields.append((name, a))
    return Object(tuple(each for each in fields if each[1] != _ABSENT or rest is not None), rest)


def _larger(left: Object, right: Object) -> Object | None:
    """The one that contains the other, if one does."""
    if subtype(left, right):
        return right
    return left if subtype(right, left) else None


def _joined_arrays(arrays: list[Array]) -> list[Array]:
    if len(arrays) < 2:
        return arrays
    length = min(len(each.prefix) for each in arrays)
    prefix = tuple(join([each.prefix[at] for each in arrays]) for at in range(length))
    behind = [part for each in arrays for part in (*each.prefix[length:], each.item)]
    return [Array(join(behind), prefix)]


def meet(left: Type, right: Type) -> Type:
    """A type of which every value that is in both is one."""
    if left in (UNKNOWN, right):
        return right
    if right == UNKNOWN:
        return left
    found = [_meet(a, b) for a in members_of(left) for b in members_of(right)]
    return join(found) if len(found) <= MAX_LITERALS else left


def _meet(left: Type, right: Type) -> Type:
    """Of two types that are no unions, and not just any value."""
    match left, right:
        case Unknown(_, some), Unknown(_, full):
            return Unknown(null=False, full=some or full)
        case (Unknown(), known) | (known, Unknown()):
            return NEVER if kinds(known) == frozenset(("null",)) else known
        case Literal(), Scalar():
            return left if subtype(left, right) else NEVER
        case Scalar(), Literal():
            return right if subtype(right, left) else NEVER
        case Scalar(kind, some), Scalar(other, full):
            return Scalar(kind, some or full) if kind == other else NEVER
        case Array(), Array():
            length = max(len(left.prefix), len(right.prefix))
            both = [meet(*_pair(left, right, at)) for at in range(length)]
            if any(isinstance(each, Never) for each in both):
                return NEVER
            return Array(meet(left.item, right.item), tuple(both))
        case Object(), Object():
            return _meet_objects(left, right)
    return left if left == right else NEVER


def _pair(left: Array, right: Array, at: int) -> tuple[Type, Type]:
    return (
        left.prefix[at] if at < len(left.prefix) else left.item,
        right.prefix[at] if at < len(right.prefix) else right.item,
    )


def _meet_objects(left: Object, right: Object) -> Type:
    rest = None if left.rest is None or right.rest is None else meet(left.rest, right.rest)
    ours, theirs = dict(left.fields), dict(right.fields)
    fields: list[tuple[str, Field]] = []
    for name in sorted(ours.keys() | theirs.keys()):
        a, b = ours.get(name) or _other(left), theirs.get(name) or _other(right)
        both = Field(meet(a.type, b.type), a.required or b.required)
        if both.required and isinstance(both.type, Never):
            return NEVER
        fields.append((name, both))
    return Object(tuple(each for each in fields if each[1] != _ABSENT or rest is not None), rest)


def shallow(value_type: Type, depth: int = MAX_DEPTH) -> Type:
    """The type cut off where it nests deeper than `depth`; the same object when it does not."""
    match value_type:
        case Array(item, prefix):
            if not depth:
                return UNKNOWN
            inner = shallow(item, depth - 1)
            before = tuple(shallow(each, depth - 1) for each in prefix)
            same = inner is item and all(map(_same, before, prefix))
            return value_type if same else Array(inner, before)
        case Object(fields, rest):
            if not depth:
                return UNKNOWN
            return _shallow_object(value_type, fields, rest, depth - 1)
        case Union(members):
            parts = tuple(shallow(member, depth) for member in members)
            return value_type if all(map(_same, parts, members)) else union(parts)
        case _:
            return value_type


def _shallow_object(
    whole: Object, fields: tuple[tuple[str, Field], ...], rest: Type | None, depth: int
) -> Object:
    others = None if rest is None else shallow(rest, depth)
    cut = [shallow(field.type, depth) for _, field in fields]
    if others is rest and all(new is field.type for new, (_, field) in zip(cut, fields, strict=True)):
        return whole
    named = zip(fields, cut, strict=True)
    return Object(tuple((name, Field(new, field.required)) for (name, field), new in named), others)


def _same(left: object, right: object) -> bool:
    return left is right
