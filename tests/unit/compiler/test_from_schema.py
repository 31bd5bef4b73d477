"""JSON Schemas as types: what a schema accepts is always a value of its type (the validator is the judge)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentdc.testing.fits import misfit
from agentdc.testing.schemas import unsound, violation
from agentdc.types.from_schema import from_schema
from agentdc.types.from_value import summed
from agentdc.types.text import text
from agentdc.types.to_schema import to_schema

NODE = {"type": "object", "properties": {"next": {"$ref": "#/definitions/node"}, "of": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        (True, "any"),
        (False, "never"),
        ({}, "any"),
        ("nonsense", "any"),
        ({"type": "string"}, "string"),
        ({"type": "string", "minLength": 1}, "non-empty string"),
        ({"type": "integer"}, "number"),
        ({"type": ["string", "null"]}, "string | null"),
        ({"type": "nothing known"}, "any"),
        ({"enum": ["a", 1, None]}, '"a" | 1 | 1.0 | null'),
        ({"enum": [2**64]}, "float"),
        ({"const": {"a": [True]}}, "{a: [true]}"),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "const": 1}, "any"),
        ({"$schema": "http://example.com/own", "type": "string"}, "any"),
        ({"type": "string", "enum": ["a", 1]}, '"a"'),
        ({"type": "object"}, "{…}"),
        ({"type": "object", "additionalProperties": False}, "{}"),
        (
            {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a", "b"]},
            "{a: null, b: any, …}",
        ),
        (
            {"type": "object", "patternProperties": {"^x": {"type": "null"}}, "additionalProperties": False},
            "{…: null}",
        ),
        ({"type": "object", "required": ["a"], "additionalProperties": False}, "never"),
        ({"type": "array", "items": {"type": "string"}}, "[string…]"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, "[2 or more: string]"),
        ({"type": "array", "items": [{"const": 1.5}], "minItems": 1}, "[1.5, any…]"),
        (
            {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "array",
             "prefixItems": [{"type": "null"}], "items": False, "minItems": 1},
            "[null]",
        ),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"oneOf": [{"type": "string"}, {"type": "string"}]}, "string"),
        (
            {"allOf": [{"type": "object", "required": ["a"]}, {"type": "object", "required": ["b"]}]},
            "{a: any, b: any, …}",
        ),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, "never"),
        ({"not": {"type": "string"}}, "any"),
        ({"$ref": "#/definitions/a", "definitions": {"a": {"type": "string"}}}, "string"),
        ({"$ref": "#/definitions/a~1b%20c", "definitions": {"a/b c": {"type": "null"}}}, "null"),
        ({"$ref": "other.json"}, "any"),
        ({"$ref": "#/nowhere"}, "any"),
        ({"$ref": "#"}, "any"),
        (
            {"definitions": {"node": NODE}, "$ref": "#/definitions/node"},
            "{next?: any, of?: string, …}",
        ),
        ({"properties": {"a": {"$id": "http://x/", "$ref": "#/definitions/b"}},
          "definitions": {"b": {"type": "null"}}, "type": "object"}, "{a?: any, …}"),
        ({"type": "string", "$ref": "#/definitions/a", "definitions": {"a": {"type": "null"}}}, "null"),
        (
            {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "string",
             "$ref": "#/$defs/a", "$defs": {"a": {"type": ["null", "string"]}}},
            "string",
        ),
    ],
)  # fmt: skip
def test_schema(schema: Any, shown: str) -> None:
    assert text(from_schema(schema)) == shown


def test_a_schema_without_end_is_a_type() -> None:
    deep: Any = {"type": "string"}
    for _ in range(500):
        deep = {"type": "array", "items": deep}
    assert text(from_schema(deep)).startswith("[[[")
    wide = {"anyOf": [{"type": "object", "properties": {f"k{n}": {"const": n}}} for n in range(500)]}
    assert text(from_schema(wide))
    assert text(from_schema({"enum": list(range(5000))})) == "number"


NAMES = st.sampled_from(["a", "b", "0"])
scalars: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([0.0, 1.0, 1.5, "", "a", "b"])
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")


def _keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), min_size=1, unique=True),
            "enum": st.lists(values, min_size=1, max_size=3),
            "const": values,
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "additionalProperties": inner,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "0"]), inner, max_size=1),
            "items": inner | some,
            "prefixItems": some,
            "additionalItems": inner,
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 2),
            "minLength": st.integers(0, 1),
            "allOf": some,
            "anyOf": some,
            "oneOf": some,
            "not": inner,
            "if": inner,
            "then": inner,
            "$ref": st.sampled_from(["#/definitions/x", "#/definitions/y", "#", "#/properties/a"]),
        },
    )


schemas: st.SearchStrategy[Any] = st.recursive(st.booleans() | st.just({}), _keywords, max_leaves=8)
DRAFTS = (
    None, "http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(schemas, schemas, schemas, st.sampled_from(DRAFTS), st.lists(values, min_size=1, max_size=12))
def test_what_a_schema_accepts_is_of_its_type(
    schema: Any, x: Any, y: Any, draft: str | None, some: list[Any]
) -> None:
    if isinstance(schema, dict):
        schema = {**schema, "definitions": {"x": x, "y": y}} | ({} if draft is None else {"$schema": draft})
    if unsound(schema) is not None:
        return
    found = from_schema(schema)
    for value in some:
        try:
            accepted = violation(schema, value) is None
        except RecursionError:
            return  # a schema that means nothing but itself
        if accepted:
            assert misfit(value, found) is None, (json.dumps(schema), value, text(found))


@given(st.lists(values, min_size=1, max_size=4))
def test_samples_are_of_the_type_that_sums_them_up(some: list[Any]) -> None:
    found = summed(some)
    schema = to_schema(found)
    for value in some:
        assert misfit(value, found) is None
        assert violation(schema, value) is None
        assert misfit(value, from_schema(schema)) is None


def test_additional_items_count_after_an_array_alone() -> None:
    """A boolean `items` beside them is nothing to stumble over."""
    assert violation({"items": False, "additionalItems": {}}, []) is None
    assert violation({"items": False, "additionalItems": {}}, [1]) is not None
    assert violation({"items": [{}], "additionalItems": False}, [1, 2]) is not None
