"""Reading the JSON Schemas that a workflow names.

A name with `/` or ending in `.json` is a file, looked for from the working directory, then beside the workflow; a
text that begins with `{` is the schema itself; any other word names no schema (spec 01 §5.8). What a schema says of
values is a fact for the checker; the document of one that a route enforces is compiled into the app.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from agentdc.check import errors
from agentdc.check.schemas import Schema, uses
from agentdc.diagnostics import Diagnostic
from agentdc.driver.files import reason
from agentdc.driver.sources import DISK, Files, find
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places


def read_all(workflow: Workflow, file: str, files: Files = DISK) -> dict[str, Schema]:
    """Every schema that a workflow names, by name; `file`: where the workflow is."""
    found: dict[str, Schema] = {}
    for _, name in uses(workflow):
        if name not in found:
            schema, _ = read(name, file, files)
            if schema is not None:
                found[name] = schema
    return found


def load(
    workflow: Workflow, known: Mapping[str, Schema], file: str, at: Places, files: Files = DISK
) -> tuple[dict[str, Any], list[str], list[Diagnostic]]:
    """What the routes of an app enforce: documents by name, every path that was looked at, and what is wrong.

    `known`: what `read_all` gave; what it found wrong already is not told again.
    """
    documents: dict[str, Any] = {}
    tried: list[str] = []
    found: list[Diagnostic] = []
    for index, route in enumerate(workflow.http_routes):
        name = route.input_schema
        if name is None or name in documents:
            continue
        where = at.value(("http_routes", index, "input_schema"))
        if not _is_inline(name):
            tried += [each for each in (name, find(files, name, file)) if each not in tried]
        schema = known.get(name)
        if schema is None:
            found.append(errors.schema_ignored(name, where))
        elif not schema.unreadable and not schema.invalid:
            document = read(name, file, files)[1]
            problem = uncompilable(document)
            if problem is None:
                documents[name] = document
            else:
                shown = "the text" if schema.inline else f'"{name}"'
                found.append(errors.schema_invalid(shown, problem, where))
    return documents, tried, found


def load_answers(
    workflow: Workflow, enforced: Collection[str], file: str, at: Places, files: Files = DISK
) -> tuple[dict[str, Any], list[Diagnostic]]:
    """What models are to answer: documents by name, and what is wrong with one that cannot be compiled.

    `enforced`: the names that mean a schema.
    """
    documents: dict[str, Any] = {}
    found: list[Diagnostic] = []
    for index, node in enumerate(workflow.nodes):
        name = getattr(node, "output_schema", None)
        if name is None or name not in enforced or name in documents:
            continue
        schema, document = read(name, file, files)
        if schema is None or schema.unreadable or schema.invalid:
            continue  # told by the checker
        problem = uncompilable(document)
        if problem is None:
            documents[name] = document
        else:
            shown = "the text" if schema.inline else f'"{name}"'
            found.append(errors.schema_invalid(shown, problem, at.value(("nodes", index, "output_schema"))))
    return documents, found


def read(name: str, file: str, files: Files = DISK) -> tuple[Schema | None, Any]:
    """One schema and its document; (None, None) when the name means none. Never raises."""
    from agentdc.testing import schemas
    from agentdc.types.from_schema import from_schema

    inline = _is_inline(name)
    try:
        data = name.encode() if inline else files.read(find(files, name, file))
    except (OSError, ValueError) as problem:
        path_like = "/" in name or name.endswith(".json")
        return (Schema(unreadable=reason(problem)), None) if path_like else (None, None)
    try:
        document = json.loads(data)
        unsound = schemas.unsound(document)
    except (ValueError, RecursionError):
        return Schema(invalid="it is not JSON", inline=inline), None
    if unsound is not None:
        return Schema(invalid=unsound, inline=inline), None
    return Schema(from_schema(document), inline=inline), document


def uncompilable(document: Any) -> str | None:
    """Why no function can be made of a schema; None when one can."""
    from agentdc.codegen.schema import SchemaError, validator_source  # only workflows with schemas pay for it

    try:
        validator_source(document, "check")
    except SchemaError as problem:
        return str(problem)
    return None


def _is_inline(name: str) -> bool:
    return name.lstrip().startswith("{")
