"""A value against a JSON Schema, with every violation told. Linking costs nothing; a call loads `jsonschema`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Json: TypeAlias = Any


def violations(schema: Json, value: Json) -> list[str]:
    """What the value breaks, by place; draft 7 unless `$schema` names another, and no reference leaves the schema."""
    import jsonschema  # type: ignore[import-untyped]  # ships no types
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    draft = jsonschema.validators.validator_for(schema, default=jsonschema.Draft7Validator)
    try:
        found = [_told(each) for each in draft(schema, registry=Registry()).iter_errors(value)]
    except Unresolvable as problem:
        return [f"the schema refers to {problem.ref}, which is not in it"]
    return sorted(found)


def _told(problem: Any) -> str:
    place = ".".join(map(str, problem.absolute_path))
    return f"{place}: {problem.message}" if place else str(problem.message)
