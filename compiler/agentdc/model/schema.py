"""The JSON Schema of a workflow file, for editors: derived from the records, nothing is said twice.

A file is bare or wrapped (spec 01 §1), and a node's keys depend on its `type`; both become if/then, because editors
then complain about the keys of the kind that is meant instead of about every kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from agentdc.model.node import NodeModel
from agentdc.model.workflow import SAFEGUARDS, Workflow

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/"
_KIND = "node:"


def json_schema(kinds: Mapping[str, type[NodeModel]]) -> dict[str, Any]:
    """One document for both forms; `kinds` maps the name of each node kind to its record."""
    records: list[type[Any]] = [Workflow, *(kinds[kind] for kind in sorted(kinds))]
    references, generated = models_json_schema(
        [(record, "validation") for record in records], schema_generator=_TomlSchema, by_alias=True
    )
    definitions: dict[str, Any] = generated["$defs"]
    names = {record: references[record, "validation"]["$ref"].removeprefix(_REF) for record in records}
    definitions["Workflow"] = definitions.pop(names[Workflow])
    for kind in sorted(kinds):
        definitions[_KIND + kind] = _node(kind, definitions[names[kinds[kind]]])
    for kind in kinds:
        definitions.pop(names[kinds[kind]], None)
    definitions["Node"] = _any_node(sorted(kinds))
    definitions["Workflow"]["properties"]["nodes"]["items"] = {"$ref": _REF + "Node"}
    document: dict[str, Any] = {
        "$schema": _DIALECT,
        "title": "Agent workflow",
        "description": "A workflow file: its keys at the root, or in one [[workflows]] entry.",
        "type": "object",
        "if": {"required": ["workflows"]},
        "then": _wrapped(),
        "else": {"$ref": _REF + "Workflow"},
        "$defs": _used(definitions),
    }
    return {key: _in_order(document[key]) for key in sorted(document)}


class _TomlSchema(GenerateJsonSchema):
    """TOML has no null: a key that may be left out has the schema of its value, and no default of null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def _node(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    properties = {**schema["properties"], "type": {"const": kind}}
    return {**schema, "title": kind, "properties": properties}


def _any_node(kinds: list[str]) -> dict[str, Any]:
    return {
        "title": "Node",
        "description": "One step of the workflow; its keys depend on `type`.",
        "type": "object",
        "required": ["id", "type"],
        "properties": {"type": {"enum": kinds, "description": "The node kind."}},
        "allOf": [
            {
                "if": {"required": ["type"], "properties": {"type": {"const": kind}}},
                "then": {"$ref": f"{_REF}{_KIND}{kind}"},
            }
            for kind in kinds
        ],
    }


def _wrapped() -> dict[str, Any]:
    """Other root keys are ignored, and those that are safeguards may not be there to be ignored."""
    workflows = {
        "description": "Exactly one workflow.",
        "type": "array",
        "items": {"$ref": _REF + "Workflow"},
        "minItems": 1,
        "maxItems": 1,
    }
    return {"properties": {"workflows": workflows, **dict.fromkeys(SAFEGUARDS, False)}}


def _used(definitions: dict[str, Any]) -> dict[str, Any]:
    """The definitions that the workflow leads to."""
    used: dict[str, Any] = {}
    waiting = ["Workflow"]
    while waiting:
        name = waiting.pop()
        if name not in used:
            used[name] = definitions[name]
            waiting.extend(_references(used[name]))
    return used


def _references(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"].removeprefix(_REF)] if isinstance(schema.get("$ref"), str) else []
        return own + [name for each in schema.values() for name in _references(each)]
    return [name for each in schema for name in _references(each)] if isinstance(schema, list) else []


def _in_order(schema: Any) -> Any:
    """The same with sorted keys at every depth; the order of arrays means something and stays."""
    if isinstance(schema, dict):
        return {key: _in_order(schema[key]) for key in sorted(schema)}
    return [_in_order(each) for each in schema] if isinstance(schema, list) else schema
