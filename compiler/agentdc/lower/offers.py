"""The start nodes of an app as tools: names, schemas, what they give, as far as the checker knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentdc.check.ends import results
from agentdc.check.facts import Facts
from agentdc.check.offers import offered
from agentdc.ir.service import Offer
from agentdc.model.workflow import Workflow
from agentdc.types import Never, Object, Type, Unknown
from agentdc.types.shape import members_of
from agentdc.types.to_schema import to_schema

_DRAFT = "http://json-schema.org/draft-07/schema#"  # what `to_schema` writes; without it clients assume another one


def offers(workflow: Workflow, facts: Facts, schemas: Mapping[str, Any]) -> tuple[Offer, ...]:
    """The tools in the order of the start nodes. `schemas`: documents of the schemas that routes enforce."""
    given = results(facts.flow)
    return tuple(
        _offer(workflow, start, None if name is None else schemas.get(name), given.get(start))
        for start, name in offered(workflow).items()
        if start in facts.entries
    )


def _offer(workflow: Workflow, start: str, schema: Any, gives: Type | None) -> Offer:
    said = workflow.description or f"The workflow {workflow.name}."
    several = len(workflow.start_nodes) > 1
    output, wrapped = _output(gives)
    return Offer(
        start=start,
        description=f"{said} Begins at the start node {start}." if several else said,
        schema=_input(schema),
        checked=isinstance(schema, dict),
        output=output,
        wrapped=wrapped,
    )


def _input(schema: Any) -> dict[str, Any]:
    """The schema of a request body; arguments are an object whether it says so or not."""
    return {**schema, "type": "object"} if isinstance(schema, dict) else {"type": "object"}


def _output(gives: Type | None) -> tuple[dict[str, Any] | None, bool]:
    """The schema of the structured answer, and whether the value stands in it as `result`."""
    if gives is None or isinstance(gives, Unknown | Never):
        return None, False
    members = members_of(gives)
    if all(isinstance(each, Object) for each in members):
        document: Any = to_schema(gives, closed=False)
        return {"$schema": _DRAFT, "type": "object", **document}, False
    if any(isinstance(each, Object | Unknown) for each in members):
        return None, False  # now an object, now something else: told as it comes
    whole = {
        "type": "object",
        "properties": {"result": to_schema(gives, closed=False)},
        "required": ["result"],
    }
    return {"$schema": _DRAFT, **whole}, True
