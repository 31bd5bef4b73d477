"""Violations in words: where, what is asked, and by which keyword; and the questions that generated checks ask."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdc_runtime.http.schema import MOST, equal, multiple, unique, violations, wrong


@pytest.mark.parametrize(
    ("rule", "value", "told"),
    [
        ({"type": ["object"]}, 5, ["must be an object (type)"]),
        ({"type": ["string", "null"]}, 5, ["must be a string or null (type)"]),
        ({"type": ["integer"]}, 1.5, ["must be an integer (type)"]),
        ({"const": "x"}, "y", ['must be "x" (const)']),
        ({"enum": ["a", 1, None]}, 5, ['must be one of "a", 1, null (enum)']),
        ({"enum": list(range(30))}, "x", ["must be one of the 30 values that are listed (enum)"]),
        ({"enum": ["x" * 200]}, 5, [f'must be "{"x" * 99}… (enum)']),
        ({"minimum": 1, "maximum": 0}, 0.5, ["must be at least 1 (minimum)", "must be at most 0 (maximum)"]),
        ({"exclusiveMinimum": 1.5}, 1.5, ["must be more than 1.5 (exclusiveMinimum)"]),
        ({"exclusiveMaximum": 2}, 2, ["must be less than 2 (exclusiveMaximum)"]),
        ({"multipleOf": 0.01}, 0.001, ["must be a multiple of 0.01 (multipleOf)"]),
        ({"minLength": 1}, "", ["must have at least 1 character (minLength)"]),
        ({"maxLength": 2}, "abc", ["must have at most 2 characters (maxLength)"]),
        ({"pattern": "a"}, "b", ["is not of the form that is asked for (pattern)"]),
        ({"minItems": 2}, [1], ["must have at least 2 items (minItems)"]),
        ({"maxProperties": 1}, {"a": 1, "b": 2}, ["must have at most 1 property (maxProperties)"]),
        ({"minProperties": 2}, {}, ["must have at least 2 properties (minProperties)"]),
        ({"uniqueItems": True}, [1, 1.0], ["must not have the same item twice (uniqueItems)"]),
        (
            {"contains": {"const": 1}},
            [],
            ["must have at least 1 item of the kind that is asked for (contains)"],
        ),
        (
            {"contains": {"const": 1}, "minContains": 2, "maxContains": 3},
            [1, 1, 1, 1],
            ["must have at most 3 items of the kind that is asked for (maxContains)"],
        ),
        (
            {"items": {"properties": {"qty": {"minimum": 1}}}},
            [{"qty": 0}, {"qty": 1}, {"qty": -1}],
            ["/0/qty: must be at least 1 (minimum)", "/2/qty: must be at least 1 (minimum)"],
        ),
        (
            {"prefixItems": [{"type": ["null"]}], "items": False},
            [1, 2],
            ["/0: must be null (type)", "/1: is not allowed (items)"],
        ),
        ({"required": ["a", "b"]}, {"b": 1}, ['must have "a" (required)']),
        ({"properties": {"a": False}}, {"a": 1}, ["/a: is not allowed (properties)"]),
        (
            {"properties": {"a": {}}, "additionalProperties": False},
            {"a": 1, "b/c~d": 2},
            ["/b~1c~0d: is not allowed (additionalProperties)"],
        ),
        ({"patternProperties": {"^x": {"type": ["null"]}}}, {"x1": 1, "y": 1}, ["/x1: must be null (type)"]),
        (
            {"propertyNames": {"maxLength": 1}},
            {"ab": 1},
            ["/ab: has a name that is not allowed (propertyNames)"],
        ),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, ['must have "b" beside "a" (dependentRequired)']),
        ({"dependentSchemas": {"a": {"required": ["c"]}}}, {"a": 1}, ['must have "c" (required)']),
        (
            {"anyOf": [{"const": 1}, {"const": 2}]},
            3,
            ["must fit at least one of 2 alternatives, and fits none (anyOf)"],
        ),
        ({"oneOf": [{}, {}, False]}, 3, ["must fit exactly one of 3 alternatives, and fits 2 (oneOf)"]),
        ({"oneOf": [False]}, 3, ["must fit exactly one of 1 alternatives, and fits none (oneOf)"]),
        ({"not": {}}, 3, ["is of a form that is excluded (not)"]),
        (
            {"if": {"minimum": 5}, "then": {"maximum": 6}, "else": {"minimum": 2}},
            1,
            ["must be at least 2 (minimum)"],
        ),
        ({"if": {"minimum": 5}, "then": False}, 5, ["is not allowed (then)"]),
        (
            {"properties": {"a": {}}, "unevaluatedProperties": False},
            {"b": 1},
            ["/b: is not allowed (unevaluatedProperties)"],
        ),
        ({"prefixItems": [{}], "unevaluatedItems": False}, [1, 2], ["/1: is not allowed (unevaluatedItems)"]),
        ({"allOf": [{"minimum": 1}, {"minimum": 1}]}, 0, ["must be at least 1 (minimum)"]),
        (True, 1, []),
        (False, 1, ["is not allowed"]),
    ],
)
def test_words(rule: Any, value: Any, told: list[str]) -> None:
    assert violations({"#": rule}, value) == told


def test_references_are_followed() -> None:
    rules = {"#": {"properties": {"a": {"$ref": "#/x"}}}, "#/x": {"items": {"$ref": "#"}, "maxItems": 1}}
    value = {"a": [{"a": [1, 2]}]}
    assert violations(rules, value) == ["/a/0/a: must have at most 1 item (maxItems)"]


def test_values_are_never_told() -> None:
    rule = {"properties": {"token": {"enum": ["x"], "pattern": "^y", "maxLength": 3, "not": {}}}}
    told = wrong({"#": rule}, {"token": "hunter2-secret"})
    assert "hunter2" not in told
    assert told.count("/token: ") == 4


def test_no_more_than_is_readable() -> None:
    told = violations({"#": {"items": False}}, list(range(1000)))
    assert told[: MOST + 1] == [*(f"/{index}: is not allowed (items)" for index in range(MOST)), "and more"]
    assert len(told) == MOST + 1


def test_long_names_are_cut() -> None:
    told = wrong({"#": {"additionalProperties": False}}, {"n" * 1000: 1})
    assert told == f"/{'n' * 60}…: is not allowed (additionalProperties)"


def test_a_huge_value_is_given_up() -> None:
    rules = {"#": {"items": {"properties": {"a": {"type": ["integer"]}}}}}
    value: list[Any] = [{"a": index} for index in range(100_000)]
    begin = time.monotonic()
    assert wrong(rules, [*value, {"a": "x"}]) == "the value does not fit, and is too large to tell where"
    assert wrong(rules, [{"a": "x"}, *value]) == "/0/a: must be an integer (type); and more"
    assert time.monotonic() - begin < 2


def test_deeper_than_the_stack() -> None:
    value: list[Any] = []
    for _ in range(2000):
        value = [value]
    assert wrong({"#": {"items": {"$ref": "#"}}}, value).endswith("nested too deeply to be checked")


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1.0, True),
        (0, -0.0, True),
        (1, True, False),
        (0, False, False),
        (True, True, True),
        (None, None, True),
        (None, 0, False),
        (None, False, False),
        ("1", 1, False),
        ("a", "a", True),
        ([1, [2]], [1.0, [2.0]], True),
        ([1], [True], False),
        ([1], [1, 1], False),
        ({"a": 1, "b": None}, {"b": None, "a": 1.0}, True),
        ({"a": None}, {"b": None}, False),
        ({}, [], False),
        ([], "", False),
        (2**53 + 1, float(2**53), False),
    ],
)
def test_equality(left: Any, right: Any, same: bool) -> None:
    assert equal(left, right) is same
    assert equal(right, left) is same
    assert unique([left, right]) is not same


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from([0.0, -0.0, 1.0, 1.5, 1e300])
    | st.text("a1", max_size=1),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=2),
    max_leaves=4,
)


@given(st.lists(values, max_size=6))
def test_unique_is_no_two_equal(items: list[Any]) -> None:
    pairs = [(one, other) for index, one in enumerate(items) for other in items[:index]]
    assert unique(items) is not any(equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(
    ("value", "step", "is_one"),
    [
        (19.99, 0.01, True),
        (0.3, 0.1, True),
        (0.0075, 0.0001, True),
        (0.00751, 0.0001, False),
        (1e308, 0.123456789, False),
        (1e308, 0.5, True),
        (1e-320, 1e-320, True),
        (0, 0.7, True),
        (-0.0, 0.7, True),
        (-4.5, 1.5, True),
        (2**64 - 1, 2**60, False),
        (1e22, 3, False),
        (3e22, 3, True),
    ],
)
def test_multiples_are_decimal(value: float, step: float, is_one: bool) -> None:
    assert multiple(value, step) is is_one
