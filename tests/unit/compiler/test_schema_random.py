"""Random schemas and values: generated code, the walk of the runtime library and `jsonschema` say the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema.validators import validator_for  # type: ignore[import-untyped]

from agentdc.codegen.schema import SchemaError, validator_source
from agentdc.codegen.schema_document import DRAFTS
from agentdc.codegen.schema_rules import rules
from agentdc_runtime.http.schema import MOST, violations

ALL = tuple(DRAFTS)


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


names = st.sampled_from(["a", "b", "ab"])
numbers = st.integers(-2, 3) | st.sampled_from([0.5, 1.0, -0.0, 2.5])
values = st.recursive(
    st.none() | st.booleans() | numbers | st.sampled_from(["", "a", "ab", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
counts = st.integers(0, 3)


def schemas(draft: str) -> st.SearchStrategy[Any]:
    """Random schemas of one draft, with references to their definitions."""
    number = ALL.index(draft)
    types = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])
    simple: dict[str, st.SearchStrategy[Any]] = {
        "type": types | st.lists(types, min_size=1, max_size=3, unique=True),
        "enum": st.lists(values, min_size=1, max_size=3),
        "maximum": numbers,
        "minimum": numbers,
        "multipleOf": st.sampled_from([1, 2, 0.5]),
        "maxLength": counts,
        "pattern": st.sampled_from(["a", "^b", "[ab]{2}"]),
        "minItems": counts,
        "uniqueItems": st.booleans(),
        "maxProperties": counts,
        "required": st.lists(names, min_size=1, max_size=2, unique=True),
        "$ref": st.sampled_from(["#/definitions/a", "#/definitions/b"]),
        **(
            {"const": values, "exclusiveMinimum": numbers}
            if number >= 1
            else {"exclusiveMaximum": st.booleans()}
        ),
        **({"minContains": counts, "maxContains": counts} if number >= 3 else {}),
        **(
            {"dependentRequired": st.dictionaries(names, st.lists(names, max_size=2, unique=True))}
            if number >= 3
            else {}
        ),
    }

    def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        some, named = st.lists(inner, min_size=1, max_size=3), st.dictionaries(names, inner, max_size=2)
        words: dict[str, st.SearchStrategy[Any]] = {
            **simple,
            "properties": named,
            "patternProperties": named,
            "additionalProperties": inner,
            "items": inner if number == 4 else inner | some,
            "allOf": some,
            "anyOf": some,
            "oneOf": some,
            "not": inner,
            **({"contains": inner, "propertyNames": inner} if number >= 1 else {}),
            **({"if": inner, "then": inner, "else": inner} if number >= 2 else {}),
            **(
                {"dependentSchemas": named}
                if number >= 3
                else {"dependencies": named, "additionalItems": inner}
            ),
            **({"unevaluatedProperties": inner} if number >= 3 else {}),
            **(
                {"prefixItems": some, "unevaluatedItems": inner} if number == 4 else {}
            ),  # in 2019 `jsonschema` counts `contains`
        }
        return st.fixed_dictionaries({}, optional=words) | _few(words)

    schema = st.recursive(_few(simple), deeper, max_leaves=6)
    definitions = st.fixed_dictionaries(
        {"a": schema, "b": _few({k: v for k, v in simple.items() if k != "$ref"})}
    )
    return st.builds(
        lambda root, below: {**root, "definitions": below, "$schema": draft}, schema, definitions
    )


def _few(words: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Schemas with one to three of the words."""
    chosen = st.lists(st.sampled_from(sorted(words)), min_size=1, max_size=3, unique=True)
    return chosen.flatmap(lambda each: st.fixed_dictionaries({word: words[word] for word in each}))


@pytest.mark.parametrize("draft", ALL)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_peers_agree_on_random_schemas(draft: str, data: st.DataObject) -> None:
    schema = data.draw(schemas(draft))
    told = refused(schema)
    if told is not None:
        assert "without end" in told
        return
    table = rules(schema)
    validate, peer = check(schema), validator_for(schema)(schema)
    for value in data.draw(st.lists(values, min_size=3, max_size=6)):
        expected = peer.is_valid(value)
        assert (validate(value) is None) is expected, json.dumps([schema, value])
        assert (not violations(table, value)) is expected, json.dumps([schema, value])
        assert len(violations(table, value)) <= MOST + 1
