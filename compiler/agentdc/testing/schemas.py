"""JSON Schemas of model answers (spec 01 §5.8): whether one is sound, and what a value breaks."""

from __future__ import annotations

from typing import Any


def unsound(schema: Any) -> str | None:
    """Why `schema` is not a JSON Schema, or None."""
    import jsonschema  # type: ignore[import-untyped]  # ships no types

    if not isinstance(schema, dict | bool):
        return "it is neither an object nor a boolean"
    try:
        _draft(schema).check_schema(schema)
    except jsonschema.SchemaError as problem:
        return str(problem.message)
    return None


def violation(schema: Any, value: Any) -> str | None:
    """The first thing that `value` breaks, by place, or None."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        problems = list(_draft(schema)(schema, registry=Registry()).iter_errors(value))
    except Unresolvable as problem:
        return f"the schema refers to {problem.ref}, which is not in it"
    told = sorted(f"{'.'.join(map(str, each.absolute_path)) or '$'}: {each.message}" for each in problems)
    return told[0] if told else None


def _draft(schema: Any) -> Any:
    """Draft 7 unless `$schema` says otherwise."""
    import jsonschema

    found = jsonschema.validators.validator_for(schema, default=jsonschema.Draft7Validator)
    known = found.VALIDATORS.get("additionalItems")
    if known is None:
        return found

    def additional_items(validator: Any, keyword: Any, instance: Any, schema: Any) -> Any:
        """The library takes the length of `items`, also where that is no array; the keyword means nothing there."""
        return known(validator, keyword, instance, schema) if isinstance(schema.get("items"), list) else ()

    return jsonschema.validators.extend(found, {"additionalItems": additional_items})
