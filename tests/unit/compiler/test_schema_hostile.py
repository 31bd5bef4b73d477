"""Checks of JSON Schema under hostile text, sizes and values: text stays data, and time is bounded."""

from __future__ import annotations

import ast
import sys
import time
from typing import Any
from urllib.parse import quote

import pytest
from hostile import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from agentdc.codegen.schema import SchemaError, schemas_source, validator_source
from agentdc.codegen.schema_rules import rules
from agentdc.codegen.tidy import tidy
from agentdc_runtime.http.schema import violations


def check(schema: Any) -> Any:
    """The generated function."""
    names: dict[str, Any] = {}
    exec(compile(validator_source(schema, "check"), "generated", "exec"), names)
    return names["check"]


def refused(schema: Any) -> str | None:
    """Why no validator can be made, or None."""
    try:
        validator_source(schema, "check")
    except SchemaError as problem:
        return str(problem)
    return None


def both_ways(schema: Any, value: Any) -> bool:
    """Whether the value fits, when generated code and the walk agree."""
    fits = check(schema)(value) is None
    assert bool(violations(rules(schema), value)) is not fits
    return fits


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_stays_data(text: str) -> None:
    def schema(word: str) -> dict[str, Any]:
        return {
            "title": word,
            "properties": {word: {"$ref": "#/$defs/x"}, f"{word}2": {"enum": [word, {word: [word]}]}},
            "patternProperties": {"^q": {"const": word}},
            "dependentRequired": {word: [word]},
            "dependentSchemas": {word: {"required": [word], "properties": {"b": {"items": {"const": word}}}}},
            "required": [word],
            "additionalProperties": False,
            "$defs": {"x": {"properties": {word: {"$anchor": "a", "type": "string"}}}},
        }

    value = {text: {text: "s"}, f"{text}2": {text: [text]}, "q": text}
    validate = check(schema(text))
    assert validate(value) is None
    assert validate({**value, f"{text}2": text}) is None
    assert validate({**value, "q": f"{text}!"}) is not None
    assert validate({**value, text: {text: 1}}) is not None
    assert validate({"q": text}) is not None
    source = tidy(validator_source(schema(text), "check"))
    assert _shape(source) == _shape(tidy(validator_source(schema("plain"), "check")))


def _shape(source: str) -> list[str]:
    """The statements without names and constants."""
    return [
        type(each).__name__ for each in ast.walk(ast.parse(source)) if isinstance(each, ast.stmt | ast.Call)
    ]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_references(text: str) -> None:
    place = text.replace("~", "~0").replace("/", "~1")
    schema = {"$ref": f"#/$defs/{quote(place, safe='')}", "$defs": {text: {"const": text}}}
    assert both_ways(schema, text)
    assert not both_ways(schema, "other")
    refused({"$ref": text})  # whatever it says, it is no crash
    refused({"$ref": f"#/$defs/{place}", "$defs": {text: {"$id": text, "$anchor": text}}})


@given(st.text())
def test_patterns_never_crash(pattern: str) -> None:
    schema = {"pattern": pattern}
    if refused(schema) is None:
        check(schema)("text")


def test_names_do_not_meet() -> None:
    names = (
        "re",
        "wrong",
        "value",
        "seen",
        "fits_check",
        "known",
        "KNOWN",
        "check",
        "unique",
        "class",
        "Json",
    )
    schema = {
        "properties": {
            each: {
                "items": {"properties": {"a": {"uniqueItems": True}}},
                "pattern": "^x",
                "enum": [[], {}, "x"],
            }
            for each in names
        }
    }
    names_of: dict[str, Any] = {}
    exec(
        schemas_source({"check_re": schema, "check_fits": {"$ref": "#/$defs/re", "$defs": {"re": schema}}}),
        names_of,
    )
    for each in ("check_re", "check_fits"):
        assert names_of[each](dict.fromkeys(names, "x")) is None
        assert names_of[each]({"re": "y"}) is not None


def test_a_large_enumeration() -> None:
    values = [f"name {index}" for index in range(20_000)]
    source = validator_source({"enum": values}, "check")
    assert len(source.splitlines()) < 40
    validate = check({"enum": values})
    assert validate("name 19999") is None
    assert validate("name 20000") == "must be one of the 20000 values that are listed (enum)"


@pytest.mark.parametrize("word", ["allOf", "anyOf", "oneOf"])
def test_many_alternatives(word: str) -> None:
    schema = {word: [{"required": [f"k{index}"], "not": {"type": "null"}} for index in range(400)]}
    names: dict[str, Any] = {}
    exec(tidy(validator_source(schema, "check")), names)
    assert (names["check"]({"k7": 1}) is None) is (word != "allOf")
    assert names["check"](None) is not None


DOUBLING = {
    "type": ["object", "null"],
    "allOf": [{"properties": {"a": {"$ref": "#"}}}, {"properties": {"a": {"$ref": "#"}}}],
    "anyOf": [{"properties": {"a": {"$ref": "#"}}}, {"properties": {"a": {"$ref": "#"}}}],
    "unevaluatedProperties": {"$ref": "#"},
}


@pytest.mark.parametrize(("inner", "fits"), [(None, True), (5, False)])
def test_a_schema_that_asks_twice_at_each_level(inner: Any, fits: bool) -> None:
    value = inner
    for _ in range(120):
        value = {"a": value}
    begin = time.monotonic()
    assert (check(DOUBLING)(value) is None) is fits
    assert time.monotonic() - begin < 2


def test_a_value_that_is_deeper_than_the_stack() -> None:
    schema = {"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#"}}}
    value: list[Any] = []
    for _ in range(sys.getrecursionlimit()):
        value = [value]
    told = check(schema)(value)
    assert told == "the value does not fit, or is nested too deeply to be checked"


def test_large_values_take_no_longer_than_they_should() -> None:
    schema = {"uniqueItems": True, "items": {"type": ["integer", "array"], "items": {"type": "integer"}}}
    validate = check(schema)
    begin = time.monotonic()
    assert validate([*range(0, 2**62, 2**47)]) is None
    assert validate([[each, -each] for each in range(30_000)]) is None
    assert "items" in validate([*range(100_000), "x"]) or "too large" in validate([*range(100_000), "x"])
    assert time.monotonic() - begin < 5
