"""The type language: building, following paths, and that a value of a type behaves as the type says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdc.types import (
    BOOLEAN,
    FLOAT,
    INTEGER,
    NEVER,
    NULL,
    STRING,
    UNKNOWN,
    Array,
    Field,
    Followed,
    Literal,
    Object,
    Scalar,
    Type,
    Union,
    follow,
    is_index,
    kinds,
    open_record,
    record,
    union,
)
from agentdc_runtime.values import MISSING, walk

POINT = record({"x": INTEGER, "y": INTEGER})
NAMED = record({"name": STRING}, optional={"nick": STRING})


@pytest.mark.parametrize(
    ("members", "whole"),
    [
        ([], NEVER),
        ([NEVER], NEVER),
        ([STRING], STRING),
        ([STRING, STRING, NEVER], STRING),
        ([STRING, NULL], Union((STRING, NULL))),
        ([STRING, Union((NULL, STRING)), INTEGER], Union((STRING, NULL, INTEGER))),
        ([STRING, UNKNOWN], UNKNOWN),
        ([Union((STRING, NULL)), UNKNOWN], UNKNOWN),
        ([Literal("string", "a"), STRING], STRING),
        (
            [Literal("string", "a"), Literal("string", "b")],
            Union((Literal("string", "a"), Literal("string", "b"))),
        ),
        ([Literal("integer", 1), FLOAT], Union((Literal("integer", 1), FLOAT))),
        ([POINT, POINT], POINT),
    ],
)
def test_union(members: list[Type], whole: Type) -> None:
    assert union(members) == whole


def test_literals_that_are_equal_in_python_are_different() -> None:
    different = [Literal("integer", 1), Literal("float", 1.0), Literal("boolean", value=True)]
    assert union(different) == Union(tuple(different))


def test_records_are_sorted() -> None:
    assert record({"b": STRING, "a": NULL}, {"aa": STRING}) == Object(
        (("a", Field(NULL)), ("aa", Field(STRING, required=False)), ("b", Field(STRING)))
    )
    assert open_record({"a": STRING}) == Object((("a", Field(STRING)),), UNKNOWN)
    assert POINT.field("x") == Field(INTEGER)
    assert POINT.field("z") is None


@pytest.mark.parametrize(
    ("start", "path", "followed"),
    [
        (POINT, "", Followed(POINT, 0, possible=True)),
        (POINT, "x", Followed(INTEGER, 1, possible=True)),
        (POINT, "z", Followed(NEVER, 0, possible=False)),
        (POINT, "x/y", Followed(NEVER, 1, possible=False)),
        (NAMED, "nick", Followed(STRING, 0, possible=True)),
        (record({"a": NAMED}), "a/nick", Followed(STRING, 1, possible=True)),
        (record({"a": record({}, {"b": POINT})}), "a/b/x", Followed(INTEGER, 1, possible=True)),
        (open_record({"a": STRING}), "a", Followed(STRING, 1, possible=True)),
        (open_record({"a": STRING}), "b/c", Followed(UNKNOWN, 0, possible=True)),
        (Object(rest=STRING), "b", Followed(STRING, 0, possible=True)),
        (Object(rest=STRING), "b/c", Followed(NEVER, 0, possible=False)),
        (UNKNOWN, "a/b", Followed(UNKNOWN, 0, possible=True)),
        (STRING, "a", Followed(NEVER, 0, possible=False)),
        (NULL, "a", Followed(NEVER, 0, possible=False)),
        (NEVER, "a", Followed(NEVER, 0, possible=False)),
        (Array(POINT), "0/x", Followed(INTEGER, 0, possible=True)),
        (Array(POINT), "+07/x", Followed(INTEGER, 0, possible=True)),
        (Array(POINT), "x", Followed(NEVER, 0, possible=False)),
        (Array(POINT), "-1", Followed(NEVER, 0, possible=False)),
        (union((POINT, NULL)), "x", Followed(INTEGER, 0, possible=True)),
        (union((POINT, record({"x": STRING}))), "x", Followed(union((INTEGER, STRING)), 1, possible=True)),
        (union((POINT, NAMED)), "nick", Followed(STRING, 0, possible=True)),
        (union((STRING, NULL)), "a", Followed(NEVER, 0, possible=False)),
    ],
)
def test_follow(start: Type, path: str, followed: Followed) -> None:
    assert follow(start, tuple(path.split("/")) if path else ()) == followed


@pytest.mark.parametrize(
    ("value_type", "found"),
    [
        (UNKNOWN, None),
        (NEVER, set()),
        (STRING, {"string"}),
        (Literal("boolean", value=True), {"boolean"}),
        (Array(UNKNOWN), {"array"}),
        (POINT, {"object"}),
        (union((STRING, NULL, Array(STRING))), {"string", "null", "array"}),
        (Union((STRING, UNKNOWN)), None),
    ],
)
def test_kinds(value_type: Type, found: set[str] | None) -> None:
    assert kinds(value_type) == found


@pytest.mark.parametrize(
    ("segment", "index"),
    [("0", True), ("007", True), ("+1", True), ("", False), ("+", False), ("-1", False), ("++1", False),
     ("1.0", False), ("a", False), (" 1", False), ("\u0663", False), ("\u00b2", False), ("9" * 99, True)],
)  # fmt: skip
def test_is_index(segment: str, index: bool) -> None:
    assert is_index(segment) == index


scalars: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "a", "0"])
)
KEYS = st.sampled_from(["a", "b", "0", ""])
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
segments = st.lists(KEYS | st.just("+1"), max_size=3).map(tuple)


def _type_of(value: Any) -> Type:
    """The narrowest type that the language has for one value."""
    match value:
        case None:
            return NULL
        case bool():
            return BOOLEAN
        case int():
            return INTEGER
        case float():
            return FLOAT
        case str():
            return Literal("string", value)
        case list():
            return Array(union(_type_of(item) for item in value))
    return record({key: _type_of(item) for key, item in value.items()})


def _has(value: Any, value_type: Type) -> bool:
    """Whether the value is one of the type."""
    match value_type:
        case Union(members):
            return any(_has(value, member) for member in members)
        case Scalar() | Literal():
            return union((_type_of(value), value_type)) in {value_type, _type_of(value)}
        case Array(item):
            return isinstance(value, list) and all(_has(each, item) for each in value)
        case Object(fields, rest):
            known = dict(fields)
            return (
                isinstance(value, dict)
                and all(name in value or not field.required for name, field in fields)
                and all(
                    _has(each, known[name].type) if name in known else rest is not None and _has(each, rest)
                    for name, each in value.items()
                )
            )
    return value_type == UNKNOWN


@given(st.lists(values, min_size=1, max_size=3), segments)
def test_following_is_what_walking_does(some: list[Any], path: tuple[str, ...]) -> None:
    """A path that is certain resolves in every value of a type, an impossible one in none, and the type is right."""
    whole = union(_type_of(value) for value in some)
    followed = follow(whole, path)
    for value in some:
        assert _has(value, whole)
        found = walk(value, path)
        assert followed.possible or found is MISSING
        assert found is MISSING or _has(found, followed.type)
        for length in range(followed.certain + 1):
            assert walk(value, path[:length]) is not MISSING
