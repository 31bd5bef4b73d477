"""Types compared, joined and narrowed: each against what it means for values."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentdc.testing.fits import misfit
from agentdc.types import (
    BOOLEAN,
    FALSE,
    FLOAT,
    INTEGER,
    NEVER,
    NULL,
    SOME,
    STRING,
    TRUE,
    UNKNOWN,
    Array,
    Field,
    Literal,
    Object,
    Type,
    Union,
    open_record,
    record,
    union,
)
from agentdc.types.narrow import ABSENT, FALSY, PRESENT, TRUTHY, Test, labels_of, narrow
from agentdc.types.relate import MAX_DEPTH, join, meet, shallow, subtype
from agentdc.types.shape import FULL, Scalar
from agentdc_runtime.values import MISSING, label, truthy, walk

Test.__test__ = False  # type: ignore[attr-defined]  # not one of pytest's
NAMES = st.sampled_from(["a", "b", "0"])
scalars: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-1, 2)
    | st.sampled_from([0.0, -0.0, 1.5, "", "a", "null", "1", "true"])
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


def _objects(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    fields = st.dictionaries(NAMES, st.builds(Field, inner, st.booleans()), max_size=3)
    return st.builds(
        lambda named, rest: Object(tuple(sorted(named.items(), key=lambda each: each[0])), rest),
        fields,
        st.none() | st.just(UNKNOWN) | inner,
    )


def _grown(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    arrays = st.builds(Array, inner, st.lists(inner, max_size=2).map(tuple))
    return arrays | _objects(inner) | st.lists(inner, max_size=3).map(union)


LEAVES = (
    *(
        UNKNOWN,
        SOME,
        FULL,
        NEVER,
        NULL,
        BOOLEAN,
        TRUE,
        FALSE,
        INTEGER,
        FLOAT,
        STRING,
        Scalar("string", full=True),
    ),
    *(Scalar("integer", full=True), Literal("string", "a"), Literal("string", ""), Literal("integer", 1)),
    *(Literal("float", 0.0), Literal("string", "null")),
)
types: st.SearchStrategy[Type] = st.recursive(st.sampled_from(LEAVES), _grown, max_leaves=6)
tests = st.sampled_from(
    (
        *(TRUTHY, FALSY, PRESENT, ABSENT, Test("string"), Test("array"), Test("strings")),
        *(Test("label", each) for each in ("", "a", "1", "0.0", "-0.0", "null", "true", "array", "object")),
    )
)
paths = st.lists(NAMES, max_size=3).map(tuple)


def _has(value_type: Type, value: Any) -> bool:
    return misfit(value, value_type) is None


@settings(max_examples=500)
@given(st.lists(types, max_size=4), st.lists(values, max_size=6))
def test_a_join_has_all_values(some: list[Type], held: list[Any]) -> None:
    whole, joined = union(some), join(some)
    for value in held:
        if any(_has(each, value) for each in some):
            assert _has(whole, value)
            assert _has(joined, value)
        elif _has(whole, value):
            raise AssertionError(f"a union has {value!r}, and no member has")


@settings(max_examples=500)
@given(types, types, st.lists(values, max_size=6))
def test_subtypes_and_meets(left: Type, right: Type, held: list[Any]) -> None:
    both = meet(left, right)
    proven = subtype(left, right)
    for value in held:
        if _has(left, value):
            assert _has(right, value) or not proven
            assert _has(both, value) or not _has(right, value)
            assert _has(shallow(left, 1), value)
    assert subtype(left, left)
    assert subtype(left, UNKNOWN)


def _passes(value: Any, test: Test) -> bool:
    match test.says:
        case "present":
            return value is not MISSING
        case "absent":
            return value is MISSING
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
        case "strings":
            return isinstance(value, list) and all(isinstance(each, str) for each in value)
    given_value = None if value is MISSING else value
    if test.says == "label":
        return label(given_value) == test.label
    return truthy(given_value) == (test.says == "truthy")


@settings(max_examples=1000)
@given(types, paths, tests, st.lists(values, min_size=1, max_size=8))
def test_narrowing_keeps_what_passes(start: Type, path: tuple[str, ...], test: Test, held: list[Any]) -> None:
    left = narrow(start, path, test)
    for value in held:
        if _has(start, value) and _passes(walk(value, path), test):
            assert _has(left, value)
        if "full=True" not in str(start):  # that an object has a key at all cannot be said
            assert _has(start, value) or not _has(left, value)


@given(types, values)
def test_labels(value_type: Type, value: Any) -> None:
    labels = labels_of(value_type)
    if labels is not None and _has(value_type, value):
        assert label(value) in labels or label(value) == "-0.0"


def test_what_is_asked_twice() -> None:
    asked = narrow(open_record({}), ("a",), TRUTHY)
    assert asked == open_record({"a": FULL})
    assert narrow(asked, ("a",), FALSY) == NEVER
    assert narrow(asked, ("a",), TRUTHY) is asked
    other = narrow(open_record({}), ("a",), FALSY)
    assert join((asked, other)) == open_record({})


def test_a_join_loses_nothing_when_one_field_differs() -> None:
    found, absent = record({"found": TRUE, "value": STRING}), record({"found": FALSE, "value": NULL})
    assert join((found, absent)) == Union((found, absent))
    assert join((record({"a": STRING, "b": NULL}), record({"a": NULL, "b": NULL}))) == record(
        {"a": union((STRING, NULL)), "b": NULL}
    )
    many = [record({"a": Literal("integer", n), "b": Literal("integer", n)}) for n in range(40)]
    assert isinstance(join(many), Union)
    assert len(getattr(join(many), "members")) < 10  # noqa: B009 - a union


def test_depth_is_bounded() -> None:
    deep: Type = STRING
    for _ in range(3 * MAX_DEPTH):
        deep = shallow(record({"value": deep}))
    assert str(deep).count("Object") <= MAX_DEPTH + 1
    flat = record({"value": STRING})
    assert shallow(flat) is flat
