"""What is left of a type once something about a value in it is known.

>>> narrow(record({"found": BOOLEAN}), ("found",), TRUTHY)
record({"found": TRUE})

A test says something about the value at a path. Where the path leads nowhere the value counts as null, so a test that
null passes is passed there too. What is left contains every value that passes the test; it may contain more.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal as OneOf
from typing import assert_never

from agentdc.types.paths import is_index
from agentdc.types.shape import (
    FALSE,
    FLOAT,
    FULL,
    NEVER,
    NULL,
    SOME,
    STRING,
    TRUE,
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
    union,
)

MAX_FIELDS = 400  # more of them, and what is learnt about an open object is dropped
_INTEGERS = range(-(2**63), 2**64)
_EMPTY_ARRAY = Array(NEVER)
_EMPTY_OBJECT = Object()
_EMPTY = Literal("string", "")


@dataclass(frozen=True, slots=True)
class Test:
    """Something known about a value: that it counts as true or false, gives a switch this label, is there or is not,
    is a string, an array, or an array of strings."""

    says: OneOf["truthy", "falsy", "label", "present", "absent", "string", "array", "strings"]
    label: str = ""

    @property
    def missing(self) -> bool:
        """Whether a path that leads nowhere passes."""
        return self.says in {"falsy", "absent"} or (self.says == "label" and self.label == "null")


TRUTHY, FALSY = Test("truthy"), Test("falsy")
PRESENT, ABSENT = Test("present"), Test("absent")


def narrow(start: Type, segments: tuple[str, ...], test: Test) -> Type:
    """The values of `start` in which the value at `segments` passes the test; the same object when all do."""
    if not segments:
        return _passing(start, test)
    match start:
        case Unknown():
            if test.missing or is_index(segments[0]):
                return start if test.missing else FULL  # an array or object that holds something
            return narrow(Object(rest=UNKNOWN), segments, test)
        case Union(members):
            parts = [narrow(member, segments, test) for member in members]
            same = all(new is old for new, old in zip(parts, members, strict=True))
            return start if same else union(parts)
        case Object():
            return _in_object(start, segments, test)
        case Array() if is_index(segments[0]):
            return start  # nothing is kept about single items
        case _:
            return start if test.missing else NEVER


def _in_object(start: Object, segments: tuple[str, ...], test: Test) -> Type:
    name = segments[0]
    field = start.field(name)
    if field is None:
        if start.rest is None:
            return start if test.missing else NEVER
        if len(start.fields) >= MAX_FIELDS:
            return start
        field = Field(start.rest, required=False)
    inner = narrow(field.type, segments[1:], test)
    required = field.required or not test.missing
    if inner is field.type and required == field.required:
        return start
    if required and isinstance(inner, Never):
        return NEVER
    return start.with_field(name, Field(inner, required))


def _passing(value: Type, test: Test) -> Type:
    if isinstance(value, Union):
        parts = [_passing(member, test) for member in value.members]
        same = all(new is old for new, old in zip(parts, value.members, strict=True))
        return value if same else union(parts)
    match test.says:
        case "present":
            return value
        case "absent":
            return NEVER
        case "truthy":
            return _truthy(value)
        case "falsy":
            return _falsy(value)
        case "label":
            return _labelled(value, test.label)
        case "string":
            return _of_kind(value, STRING)
        case "array":
            return _of_kind(value, Array(UNKNOWN))
        case "strings":
            return _strings(value)
    assert_never(test.says)


def _truthy(value: Type) -> Type:
    match value:
        case Unknown():
            return FULL
        case Scalar("null"):
            return NEVER
        case Scalar("boolean"):
            return TRUE
        case Scalar(kind):
            return Scalar(kind, full=True)
        case Literal(_, exact):
            return value if exact else NEVER
        case Array(Never(), ()):
            return NEVER
        case Array(item, ()):
            return Array(item, (item,))
        case Object((), None):
            return NEVER
    return value


def _falsy(value: Type) -> Type:
    match value:
        case Unknown(_, True) | Scalar(_, True):
            return NEVER
        case Unknown(null):
            found = (FALSE, Literal("integer", 0), Literal("float", 0.0), _EMPTY, _EMPTY_ARRAY, _EMPTY_OBJECT)
            return union((NULL, *found) if null else found)
        case Scalar("null"):
            return value
        case Scalar("boolean"):
            return FALSE
        case Scalar("integer"):
            return Literal("integer", 0)
        case Scalar("float"):
            return Literal("float", 0.0)
        case Scalar("string"):
            return _EMPTY
        case Literal(_, exact):
            return NEVER if exact else value
        case Array(_, prefix):
            return NEVER if prefix else _EMPTY_ARRAY
        case Object(fields):
            return NEVER if any(field.required for _, field in fields) else _EMPTY_OBJECT
    return NEVER


def label_of(value: Literal) -> str:
    """The label that `switch` gives for a scalar (spec 01 §5.19)."""
    return value.value if isinstance(value.value, str) else json.dumps(value.value)


def _labelled(value: Type, label: str) -> Type:
    match value:
        case Unknown(_, True):
            return _passing(_labelled(SOME, label), TRUTHY)
        case Unknown(null):
            named: dict[str, Type] = {"true": TRUE, "false": FALSE, "array": Array(UNKNOWN)}
            named |= {"object": Object(rest=UNKNOWN), "null": NULL if null else NEVER}
            return union((Literal("string", label), named.get(label, NEVER), *_numbers(label)))
        case Scalar("string", full):
            return Literal("string", label) if label or not full else NEVER
        case Scalar("null"):
            return value if label == "null" else NEVER
        case Scalar("boolean"):
            return {"true": TRUE, "false": FALSE}.get(label, NEVER)
        case Scalar(kind):
            return union(each for each in _numbers(label) if each.kind == kind)
        case Literal(
            "float", exact
        ):  # the text of a float is not ours to predict: any that reads as it will do
            return (
                value
                if any(each.kind == "float" for each in _numbers(label)) and float(label) == exact
                else NEVER
            )
        case Literal():
            return value if label_of(value) == label else NEVER
        case Array():
            return value if label == "array" else NEVER
        case Object():
            return value if label == "object" else NEVER
    return NEVER


def _numbers(label: str) -> tuple[Scalar | Literal, ...]:
    """The numbers whose JSON text may be this; digits too many for an integer are a float."""
    if not label.lstrip("-")[:1].isdigit() or not label.isascii() or len(label) > 400:  # no number is longer
        return ()
    if re.match(r"(0|-?[1-9][0-9]*)\Z", label) and len(label) < 32 and int(label) in _INTEGERS:
        return (Literal("integer", int(label)),)
    return (FLOAT,) if re.match(r"-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?\Z", label) else ()


def labels_of(value: Type) -> frozenset[str] | None:
    """Every label that `switch` can give for a value of the type; None when they cannot be listed."""
    match value:
        case Scalar("null"):
            return frozenset(("null",))
        case Scalar("boolean"):
            return frozenset(("true", "false"))
        case Literal():
            return frozenset((label_of(value),))
        case Array():
            return frozenset(("array",))
        case Object():
            return frozenset(("object",))
        case Never():
            return frozenset()
        case Union(members):
            found: set[str] = set()
            for member in members:
                labels = labels_of(member)
                if labels is None:
                    return None
                found |= labels
            return frozenset(found)
    return None


def _of_kind(value: Type, whole: Scalar | Array) -> Type:
    match value, whole:
        case Unknown(_, full), Scalar("string"):
            return Scalar("string", full)
        case Unknown(_, full), _:
            return Array(UNKNOWN, (UNKNOWN,) * full)
        case ((Scalar("string") | Literal("string")), Scalar("string")):
            return value
        case Array(), Array():
            return value
    return NEVER


def _strings(value: Type) -> Type:
    match value:
        case Unknown(_, full):
            return Array(STRING, (STRING,) * full)
        case Array(item, prefix):
            before = tuple(_passing(each, Test("string")) for each in prefix)
            if any(isinstance(each, Never) for each in before):
                return NEVER
            return Array(_passing(item, Test("string")), before)
    return NEVER
