"""JSON Schemas that a workflow names: which, and what is wrong with them. Reading them is the driver's work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agentdc.check import errors
from agentdc.diagnostics import Diagnostic
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places
from agentdc.types import UNKNOWN, Never, Type

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema as the driver found it.

    `type`: of what it accepts. `unreadable`, `invalid`: why there is none, or empty. `inline`: the text stands in
    the workflow itself, which agentd does not read.
    """

    type: Type = UNKNOWN
    unreadable: str = ""
    invalid: str = ""
    inline: bool = False


Schemas = Mapping[str, Schema]
"""The schemas of one workflow, by what is written there; a word that names none (`inline`) is not among them."""


def uses(workflow: Workflow) -> Iterator[tuple[Place, str]]:
    """(place, schema as written) for every schema that a workflow names."""
    for index, node in enumerate(workflow.nodes):
        name = getattr(node, "output_schema", None)
        if name is not None:
            yield ("nodes", index, "output_schema"), name
    for index, route in enumerate(workflow.http_routes):
        if route.input_schema is not None:
            yield ("http_routes", index, "input_schema"), route.input_schema


def check(workflow: Workflow, schemas: Schemas, at: Places) -> Iterator[Diagnostic]:
    """Schemas that cannot be read, or are none."""
    for place, name in uses(workflow):
        schema = schemas.get(name)
        if schema is None:
            continue
        shown = "the text" if schema.inline else f'"{name}"'
        if schema.unreadable:
            yield errors.schema_unreadable(name, schema.unreadable, at.value(place))
        elif schema.invalid:
            yield errors.schema_invalid(shown, schema.invalid, at.value(place))
        elif isinstance(schema.type, Never):
            yield errors.schema_empty(shown, place[-1] == "output_schema", at.value(place))


def outputs(schemas: Schemas, *, agentd_dialect: bool) -> dict[str, Type]:
    """The types of answers that are held against a schema."""
    return {
        name: _useful(each.type) for name, each in schemas.items() if not (each.inline and agentd_dialect)
    }


def inputs(schemas: Schemas, *, agentd_dialect: bool) -> dict[str, Type]:
    """The types of request bodies that are held against a schema: agentd does not look at them."""
    return {} if agentd_dialect else {name: _useful(each.type) for name, each in schemas.items()}


def _useful(accepted: Type) -> Type:
    """The type; of a schema that accepts nothing, which is told apart, any: what follows from it helps nobody."""
    return UNKNOWN if isinstance(accepted, Never) else accepted
