"""The JSON Schema files that a workflow names: read at build, from the working directory or beside the workflow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentdc.check import errors
from agentdc.diagnostics import Diagnostic, Span
from agentdc.driver.files import contents, reason
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places


class _Unusable(Exception):
    """A file that is no JSON Schema that can be checked; the message says why."""


def named(workflow: Workflow, at: Places) -> Iterator[tuple[str, Span]]:
    """Each schema that a route names, and where."""
    for index, route in enumerate(workflow.http_routes):
        if route.input_schema is not None:
            yield route.input_schema, at.value(("http_routes", index, "input_schema"))


def load(workflow: Workflow, source: str, at: Places) -> tuple[dict[str, Any], list[str], list[Diagnostic]]:
    """Documents by name as written, every path that was looked at, and what is wrong with the others."""
    documents: dict[str, Any] = {}
    tried: list[str] = []
    found: list[Diagnostic] = []
    for name, where in named(workflow, at):
        if name in documents:
            continue
        path = _find(name, source)
        tried += [each for each in (name, path) if each not in tried]
        try:
            documents[name] = _document(contents(path))
        except _Unusable as problem:
            found.append(errors.schema_invalid(name, str(problem), where))
        except (OSError, ValueError) as problem:
            if is_path(name):
                found.append(errors.schema_unreadable(name, reason(problem), where))
            else:
                found.append(errors.schema_ignored(name, where))
    return documents, tried, found


def is_path(name: str) -> bool:
    """Whether a schema's name looks like that of a file (design §7)."""
    return "/" in name or name.endswith(".json")


def _document(data: bytes) -> Any:
    try:
        document = json.loads(data.decode())
    except ValueError as problem:
        raise _Unusable(f"it is not JSON: {problem}") from problem
    except RecursionError as problem:
        raise _Unusable("it is nested too deeply") from problem
    from agentdc.codegen.schema import SchemaError, validator_source  # only workflows with schemas pay for it

    try:
        validator_source(document, "check")
    except SchemaError as problem:
        raise _Unusable(str(problem)) from problem
    return document


def _find(name: str, source: str) -> str:
    beside = str(Path(source).parent / name)
    # Not Path.exists, which raises for a name that no file system takes.
    return beside if os.path.exists(beside) and not os.path.exists(name) else name  # noqa: PTH110
