"""Reading the JSON Schemas that a workflow names.

A name with `/` or ending in `.json` is a file, looked for from the working directory, then beside the workflow; a
text that begins with `{` is the schema itself; any other word names no schema (spec 01 §5.8).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agentdc.check.schemas import Schema, uses
from agentdc.driver.files import reason
from agentdc.model.workflow import Workflow


def read_all(workflow: Workflow, file: str) -> dict[str, Schema]:
    """Every schema that a workflow names, by name; `file`: where the workflow is."""
    found: dict[str, Schema] = {}
    for _, name in uses(workflow):
        if name not in found:
            schema, _ = read(name, file)
            if schema is not None:
                found[name] = schema
    return found


def read(name: str, file: str) -> tuple[Schema | None, Any]:
    """One schema and its document; (None, None) when the name means none. Never raises."""
    from agentdc.testing import schemas
    from agentdc.types.from_schema import from_schema

    inline = name.lstrip().startswith("{")
    try:
        data = name.encode() if inline else _file(name, file).read_bytes()
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


def _file(name: str, workflow: str) -> Path:
    return Path(name) if Path(name).is_file() else Path(workflow).parent / name
