"""Generated checks of JSON Schema: every keyword in every draft, and what no validator can be made of.

The rows were chosen among the interesting cases of each keyword. Each one is asked of the generated code and of the
runtime library's walk over the same rules; `jsonschema` is the third opinion.
"""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema.validators import validator_for  # type: ignore[import-untyped]

from agentdc.codegen.schema import SchemaError, validator_source
from agentdc.codegen.schema_document import DRAFTS
from agentdc.codegen.schema_rules import rules
from agentdc_runtime.http.schema import violations

D4, D6, D7, D2019, D2020 = DRAFTS


def check(schema: Any) -> Any:
    """The generated function."""
    names: dict[str, Any] = {}
    exec(compile(validator_source(schema, "check"), "generated", "exec"), names)
    return names["check"]


def both_ways(schema: Any, value: Any) -> bool:
    """Whether the value fits, when generated code and the walk agree."""
    fits = check(schema)(value) is None
    assert bool(violations(rules(schema), value)) is not fits
    return fits


def node(**more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/node"}, "n": {"type": "integer"}},
        **more,
    }


# Schema, values that fit, values that do not. In the newest draft, unless the schema says otherwise.
Row = tuple[Any, list[Any], list[Any]]
ROWS: dict[str, Row] = {
    "true": (True, [1, None, {}], []),
    "false": (False, [], [1, None, {}]),
    "empty": ({}, [1, "a", []], []),
    "type": ({"type": "integer"}, [1, 1.0, -(2**63)], [1.5, True, "1", None]),
    "types": ({"type": ["null", "string"]}, [None, ""], [0, False, [], {}]),
    "number is no boolean": ({"type": "number"}, [1, 1.5], [True, "1"]),
    "number with integer": ({"type": ["integer", "number"]}, [1, 1.5], [True]),
    "boolean": ({"type": "boolean"}, [True, False], [0, 1]),
    "containers": ({"type": ["object", "array"]}, [{}, []], ["", None]),
    "const counts numbers": ({"const": 1}, [1, 1.0], [True, "1", 2]),
    "const true": ({"const": True}, [True], [1, 1.0, False]),
    "const zero": ({"const": 0}, [0, 0.0, -0.0], [False, None, ""]),
    "const null": ({"const": None}, [None], [0, False, ""]),
    "const deep": (
        {"const": {"a": [1, {"b": None}]}},
        [{"a": [1.0, {"b": None}]}],
        [{"a": [True, {"b": None}]}],
    ),
    "enum": (
        {"enum": ["a", 2, None, [1], {"x": True}]},
        ["a", 2.0, None, [1], {"x": True}],
        ["b", [True], {"x": 1}],
    ),
    "enum of false": ({"enum": [False]}, [False], [0, 0.0, []]),
    "enum of nothing": ({"enum": []}, [], [0, None]),
    "const in 4 is nothing": ({"$schema": D4, "const": 1}, [2], []),
    "bounds": ({"minimum": 1, "maximum": 2}, [1, 2, 1.5, "x", None, True], [0, 2.1, 0.999]),
    "exclusive": ({"exclusiveMinimum": 1, "exclusiveMaximum": 2}, [1.5, []], [1, 2]),
    "exclusive in 4": (
        {"$schema": D4, "minimum": 1, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": False},
        [9, 1.1],
        [1, 9.1],
    ),
    "integer in 4": ({"$schema": D4, "type": "integer"}, [1], [1.0]),
    "large integers": ({"maximum": 2**64 - 1, "minimum": -(2**63)}, [2**64 - 1], [2**65, -(2**64)]),
    "multipleOf": ({"multipleOf": 3}, [9, 9.0, 0, -3, "x"], [10, 9.5]),
    "multipleOf a decimal": ({"multipleOf": 0.01}, [19.99, 0.07, 4, 1e20], [0.001, 19.995]),
    "multipleOf half": ({"multipleOf": 0.5}, [1e308, 2.5], [2.4]),
    "multipleOf something huge": ({"multipleOf": 2**60}, [2**61, 0], [2**60 + 1]),
    "length": ({"minLength": 1, "maxLength": 2}, ["a", "\U0001f600\U0001f600", [], 5], ["", "abc"]),
    "pattern is searched": ({"pattern": "b+"}, ["abba", 5], ["ac", ""]),
    "pattern to the end": ({"pattern": "^a$"}, ["a"], ["a\n", "ba"]),
    "pattern digits": ({"pattern": "^\\d+$"}, ["09"], ["\u0663", "a"]),
    "pattern words": ({"pattern": "^\\w$"}, ["_"], ["é", "-"]),
    "pattern spaces": ({"pattern": "^\\s$"}, ["\ufeff", "\u2003", " "], ["\x1f", "a"]),
    "pattern everything": ({"pattern": "^[\\s\\S][^]$"}, ["\n\n", "ab", "\x85\0"], ["a"]),
    "pattern dot": ({"pattern": "^.$"}, ["a", "\U0001f600", "\x85"], ["\n", "\u2028", "\r"]),
    "items": ({"items": {"type": "string"}}, [[], ["a"], {"0": 1}], [["a", 1]]),
    "no items": ({"items": False}, [[], {}], [[1]]),
    "prefixItems": ({"prefixItems": [{"const": 1}, {"const": 2}]}, [[], [1], [1, 2, 3]], [[2], [1, 1]]),
    "prefix and rest": ({"prefixItems": [{}], "items": {"const": 0}}, [["x"], ["x", 0]], [["x", 1]]),
    "prefix and no rest": ({"prefixItems": [{}], "items": False}, [["x"]], [["x", 1]]),
    "items of 7": (
        {"$schema": D7, "items": [{"const": 1}], "additionalItems": {"const": 2}},
        [[1, 2, 2], []],
        [[1, 1], [2]],
    ),
    "additionalItems alone": ({"$schema": D7, "items": {}, "additionalItems": False}, [[1, 2]], []),
    "prefixItems in 2019": ({"$schema": D2019, "prefixItems": [{"const": 1}]}, [[2]], []),
    "sizes of arrays": ({"minItems": 1, "maxItems": 2.0}, [[1], [1, 1], "abc"], [[], [1, 1, 1]]),
    "uniqueItems": (
        {"uniqueItems": True},
        [[1, True, "1"], [[1], [True]], [{"a": 1}, {"a": 2}], [0, False], [None, 0]],
        [[1, 1.0], [{"a": 1, "b": 2}, {"b": 2.0, "a": 1}], [[0], [-0.0]], ["a", "a"], [None, None]],
    ),
    "uniqueItems false": ({"uniqueItems": False}, [[1, 1]], []),
    "contains": ({"contains": {"const": 1}}, [[0, 1], {}], [[], [0]]),
    "contains some": (
        {"contains": {"const": 1}, "minContains": 2, "maxContains": 3},
        [[1, 1], [1, 0, 1, 1]],
        [[1], [1] * 4],
    ),
    "contains none": ({"contains": {"const": 1}, "minContains": 0}, [[], [0]], []),
    "contains at most": ({"contains": True, "minContains": 0, "maxContains": 1}, [[], [0]], [[0, 0]]),
    "minContains in 7": ({"$schema": D7, "contains": {"const": 1}, "minContains": 2}, [[1]], [[0]]),
    "minContains alone": ({"minContains": 2}, [[]], []),
    "required": ({"required": ["a", "b"]}, [{"a": 1, "b": None}, []], [{"a": 1}, {}]),
    "properties": (
        {"properties": {"a": {"type": "string"}, "b": False, "c": True}},
        [{}, {"a": "x"}, {"c": 1}, {"d": 1}, "text"],
        [{"a": 1}, {"b": 1}],
    ),
    "required and described": (
        {"properties": {"a": {"minimum": 2}, "b": {}}, "required": ["a", "b"]},
        [{"a": "x", "b": 1}, {"a": 2, "b": None}, 7],
        [{"a": 1, "b": 1}, {"b": 1}, {"a": 5}],
    ),
    "required and forbidden": ({"properties": {"a": False}, "required": ["a"]}, [1], [{}, {"a": 1}]),
    "additionalProperties": (
        {
            "properties": {"a": {}},
            "patternProperties": {"^x": {"type": "integer"}},
            "additionalProperties": False,
        },
        [{"a": None, "x1": 1}],
        [{"b": 1}, {"x1": "1"}],
    ),
    "other properties": (
        {"properties": {"a": {}}, "additionalProperties": {"type": "string"}},
        [{"a": 1, "b": "x"}],
        [{"b": 1}],
    ),
    "only named": ({"properties": {"a": {}}, "additionalProperties": False}, [{}, {"a": 1}], [{"b": 1}]),
    "none at all": ({"additionalProperties": False}, [{}, 5], [{"a": 1}]),
    "patterns overlap": (
        {"patternProperties": {"a": {"minimum": 1}, "b": {"maximum": 1}}},
        [{"ab": 1}, {"a": 2}],
        [{"ab": 2}, {"ab": 0}],
    ),
    "propertyNames": ({"propertyNames": {"maxLength": 1}}, [{"a": 1}, [1]], [{"ab": 1}]),
    "no names": ({"propertyNames": False}, [{}], [{"a": 1}]),
    "sizes of objects": ({"minProperties": 1, "maxProperties": 1}, [{"a": 1}], [{}, {"a": 1, "b": 2}]),
    "dependentRequired": (
        {"dependentRequired": {"a": ["b"]}},
        [{}, {"b": 1}, {"a": 1, "b": 1}, []],
        [{"a": 1}],
    ),
    "dependentSchemas": (
        {"dependentSchemas": {"a": {"required": ["b"]}, "c": False}},
        [{}, {"a": 1, "b": 1}],
        [{"a": 1}, {"c": 1}],
    ),
    "dependencies": (
        {"$schema": D7, "dependencies": {"a": ["b"], "c": {"maxProperties": 1}}},
        [{"c": 1}, {"a": 1, "b": 1}],
        [{"a": 1}, {"c": 1, "d": 1}],
    ),
    "dependencies go on": ({"$schema": D2020, "dependencies": {"a": ["b"]}}, [{}], [{"a": 1}]),
    "allOf": ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, [1, 2, "x"], [0, 3]),
    "anyOf": ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, [{"a": 1}, {"b": 1}, 5], [{}]),
    "oneOf": ({"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}, [2, 3], [6, 5, "x"]),
    "oneOf of objects": (
        {"oneOf": [{"required": ["a"]}, {"properties": {"b": {"const": 1}}, "required": ["b"]}]},
        [{"a": 1}, {"b": 1}],
        [{"a": 1, "b": 1}, {}, 5],
    ),
    "not": ({"not": {"type": "string", "minLength": 2}}, [5, "a"], ["ab"]),
    "not anything": ({"not": {}}, [], [1, None]),
    "not not": ({"not": {"not": {"type": "null"}}}, [None], [0]),
    "if": (
        {
            "if": {"properties": {"k": {"const": 1}}, "required": ["k"]},
            "then": {"required": ["a"]},
            "else": False,
        },
        [{"k": 1, "a": 1}, 5],
        [{"k": 1}, {"k": 2}],
    ),
    "if in 6 is nothing": ({"$schema": D6, "if": True, "then": False}, [1], []),
    "then without if": ({"then": False, "else": False}, [1], []),
    "format describes": ({"format": "email", "contentEncoding": "base64"}, ["no", 5], []),
    "unknown words": ({"x-more": {"$ref": "nowhere"}, "$comment": "x", "const": 1}, [1], [2]),
    "$ref": ({"$ref": "#/$defs/a~1b%25", "$defs": {"a/b%": {"const": 1}}}, [1], [2]),
    "beside $ref": ({"$ref": "#/$defs/a", "maximum": 5, "$defs": {"a": {"minimum": 1}}}, [3], [0, 6]),
    "beside $ref in 7": (
        {"$schema": D7, "$ref": "#/definitions/a", "maximum": 5, "definitions": {"a": {"minimum": 1}}},
        [6],
        [0],
    ),
    "$ref into the unknown": ({"$ref": "#/x/0", "x": [{"const": 1}]}, [1], [2]),
    "a property called $ref": (
        {"properties": {"$ref": {"type": "string"}}},
        [{"$ref": "#/x"}],
        [{"$ref": 1}],
    ),
    "a constant like a $ref": ({"const": {"$ref": "#/nowhere"}}, [{"$ref": "#/nowhere"}], [{}]),
    "$anchor": ({"$ref": "#here", "$defs": {"x": {"$anchor": "here", "const": 1}}}, [1], [2]),
    "anchor of 7": (
        {"$schema": D7, "$ref": "#here", "definitions": {"x": {"$id": "#here", "const": 1}}},
        [1],
        [2],
    ),
    "$id": (
        {
            "$id": "https://own.example/root",
            "items": {"$ref": "part#/$defs/n"},
            "$defs": {"p": {"$id": "part", "$defs": {"n": {"const": 1}, "unused": {"$ref": "#/$defs/n"}}}},
        },
        [[1]],
        [[2]],
    ),
    "urn": ({"$id": "urn:x:y", "$ref": "urn:x:y#/$defs/a", "$defs": {"a": {"const": 1}}}, [1], [2]),
    "recursive": (
        {"$ref": "#/$defs/node", "$defs": {"node": node(additionalProperties=False)}},
        [{"next": {"next": {"n": 1}}}],
        [{"next": {"next": {"n": "x"}}}, {"next": {"other": 1}}],
    ),
    "unevaluatedProperties": (
        {
            "allOf": [{"properties": {"a": {}}}],
            "anyOf": [
                {"properties": {"b": {"const": 1}}, "required": ["b"]},
                {"patternProperties": {"^c": {}}},
            ],
            "unevaluatedProperties": False,
        },
        [{"a": 1}, {"a": 1, "b": 1}, {"c": 1}, {"b": 1, "c1": 1}],
        [{"d": 1}, {"b": 2}],
    ),
    "unevaluated and if": (
        {
            "if": {"properties": {"k": {"const": 1}}, "required": ["k"]},
            "then": {"properties": {"a": {}}},
            "else": {"properties": {"b": {}}},
            "unevaluatedProperties": {"type": "null"},
        },
        [{"k": 1, "a": 1}, {"b": 1}, {"z": None}],
        [{"k": 1, "b": 1}, {"a": 1}],
    ),
    "unevaluated through $ref": (
        {"$ref": "#/$defs/a", "unevaluatedProperties": False, "$defs": {"a": {"properties": {"x": {}}}}},
        [{"x": 1}],
        [{"y": 1}],
    ),
    "unevaluated and dependent": (
        {
            "properties": {"a": {}},
            "dependentSchemas": {"a": {"properties": {"b": {}}}},
            "unevaluatedProperties": False,
        },
        [{"a": 1, "b": 1}],
        [{"b": 1}],
    ),
    "unevaluated under not": (
        {"not": {"not": {"properties": {"a": {}}}}, "unevaluatedProperties": False},
        [{}],
        [{"a": 1}],
    ),
    "unevaluatedItems": (
        {"prefixItems": [{}], "contains": {"type": "string"}, "unevaluatedItems": False},
        [[1, "a"], ["a", "b"]],
        [[1, "a", 2], [1]],
    ),
    "unevaluatedItems in 2019": (
        {"$schema": D2019, "items": [{}], "contains": {"type": "string"}, "unevaluatedItems": False},
        [["a"]],
        [["a", "b"]],
    ),
    "both unevaluated": (
        {"unevaluatedItems": {"type": "null"}, "unevaluatedProperties": {"type": "null"}},
        [[None], {"a": None}, 5],
        [[1], {"a": 1}],
    ),
    "$dynamicRef": (
        {
            "$id": "https://own.example/strict",
            "$ref": "tree",
            "$dynamicAnchor": "node",
            "unevaluatedProperties": False,
            "$defs": {
                "tree": {
                    "$id": "tree",
                    "$dynamicAnchor": "node",
                    "properties": {"data": True, "below": {"items": {"$dynamicRef": "#node"}}},
                }
            },
        },
        [{"below": [{"data": 1}]}],
        [{"below": [{"daat": 1}]}],
    ),
    "$recursiveRef": (
        {
            "$schema": D2019,
            "$id": "https://own.example/strict",
            "$ref": "tree",
            "$recursiveAnchor": True,
            "unevaluatedProperties": False,
            "$defs": {
                "tree": {
                    "$id": "tree",
                    "$recursiveAnchor": True,
                    "properties": {"below": {"items": {"$recursiveRef": "#"}}},
                }
            },
        },
        [{"below": [{}]}],
        [{"below": [{"x": 1}]}],
    ),
}
# What `jsonschema` has another opinion on, and why ours stands.
OWN_VIEW = {
    "multipleOf a decimal",  # it divides floats: 19.99 / 0.01 is not whole
    "dependencies go on",  # an older word that newer drafts still reserve for this meaning
    "unevaluatedItems in 2019",  # it counts `contains`, which only 2020-12 does (§11.2)
    "pattern to the end",  # it hands patterns to `re` as they are
    "pattern digits",
    "pattern words",
    "pattern spaces",
    "pattern everything",
    "pattern dot",
}


@pytest.mark.parametrize("name", ROWS)
def test_rows(name: str) -> None:
    schema, fitting, others = ROWS[name]
    for value, expected in [*((each, True) for each in fitting), *((each, False) for each in others)]:
        assert both_ways(schema, value) is expected, value
        if name not in OWN_VIEW:
            peer = validator_for(schema, default=validator_for({"$schema": D2020}))
            assert peer(schema).is_valid(value) is expected, value


@pytest.mark.parametrize(
    ("schema", "pointer", "told"),
    [
        (5, "", "a schema must be an object or a boolean"),
        ({"properties": {"a": 5}}, "#/properties/a", "must be an object or a boolean"),
        ({"properties": []}, "#/properties", "must be an object"),
        ({"type": "text"}, "#/type", "must be one or more of array, boolean"),
        ({"type": []}, "#/type", "must be one or more"),
        ({"type": [["string"]]}, "#/type", "must be one or more"),
        ({"minimum": "1"}, "#/minimum", "must be a number"),
        ({"minimum": True}, "#/minimum", "must be a number"),
        ({"maximum": 10**400}, "#/maximum", "too large"),
        ({"const": [float("nan")]}, "#/const", "too large"),
        ({"multipleOf": 0}, "#/multipleOf", "more than 0"),
        ({"minLength": -1}, "#/minLength", "whole number"),
        ({"maxItems": 1.5}, "#/maxItems", "whole number"),
        ({"uniqueItems": 1}, "#/uniqueItems", "true or false"),
        ({"enum": "a"}, "#/enum", "must be an array"),
        ({"required": "a"}, "#/required", "array of names"),
        ({"dependentRequired": {"a": [1]}}, "#/dependentRequired/a", "array of names"),
        ({"anyOf": []}, "#/anyOf", "must not be empty"),
        ({"allOf": {}}, "#/allOf", "array of schemas"),
        ({"exclusiveMinimum": True}, "#/exclusiveMinimum", "must be a number"),
        ({"$schema": D4, "minimum": 1, "exclusiveMinimum": 2}, "#/exclusiveMinimum", "true or false"),
        ({"items": [{}]}, "#/items", "use `prefixItems`"),
        ({"additionalItems": False}, "#/additionalItems", "older drafts"),
        ({"$schema": "https://own.example/dialect"}, "#/$schema", "names no draft"),
        ({"$schema": 7}, "#/$schema", "names no draft"),
        ({"$ref": "https://own.example/other.json"}, "#/$ref", "not in this document"),
        ({"$ref": "other.json#/a"}, "#/$ref", "not in this document"),
        ({"$ref": "#/nowhere"}, "#/$ref", "there is nothing"),
        ({"$ref": "#/x/1", "x": [{}]}, "#/$ref", "there is nothing"),
        ({"$ref": "#name"}, "#/$ref", "no such anchor"),
        ({"$ref": 5}, "#/$ref", "must be a string"),
        ({"$ref": "http://[x"}, "#/$ref", "is no address"),
        ({"$ref": "#/x", "x": 5}, "#/x", "must be an object or a boolean"),
        ({"$defs": {"a": {"$anchor": "x"}, "b": {"$anchor": "x"}}}, "#/$defs/b/$anchor", "is there twice"),
        ({"$defs": {"a": {"$id": "x"}, "b": {"$id": "x"}}}, "#/$defs/b/$id", "the name of two schemas"),
        ({"$ref": "#"}, "", "refers to itself without end"),
        ({"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#"}}}}, "", "without end"),
        ({"pattern": "("}, "#/pattern", "regular expression"),
        ({"pattern": 5}, "#/pattern", "must be a string"),
        ({"pattern": "\\p{L}"}, "#/pattern", "\\p{…} is not supported"),
        ({"patternProperties": {"(?i)a": {}}}, "#/patternProperties/(?i)a", "an unknown kind of group"),
        ({"const": "\ud800"}, "", "surrogate"),
        ({"properties": {"a/b~c": {"type": 1}}}, "#/properties/a~1b~0c/type", "must be one or more"),
    ],
)
def test_refusals(schema: Any, pointer: str, told: str) -> None:
    with pytest.raises(SchemaError) as caught:
        validator_source(schema, "check")
    assert told in str(caught.value)
    assert str(caught.value).startswith(pointer)
    assert not pointer or caught.value.pointer


@pytest.mark.parametrize("word", ["not", "items", "const"])
def test_depth_of_schemas_is_bounded(word: str) -> None:
    schema: Any = {}
    for _ in range(400):
        schema = {word: schema}
    with pytest.raises(SchemaError, match="inside each other"):
        validator_source(schema, "check")


def test_deep_schemas_within_the_bound() -> None:
    schema: Any = {"type": "null"}
    for word in ["not", "items", "anyOf", "if"] * 20:
        schema = {word: [schema] if word == "anyOf" else schema, "then": {"maximum": 3}}
    assert both_ways(schema, 1)
