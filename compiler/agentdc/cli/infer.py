"""`agentdc infer`."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from agentdc.cli import show, streams
from agentdc.cli.options import Allow, Dialect, Workflow, options_of


def infer(
    workflow: Workflow,
    tests: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TESTS]...", help="fixtures and scenarios; by default those beside WORKFLOW"),
    ] = None,
    allow: Allow = [],  # noqa: B006 - typer reads the default and never changes it
    dialect: Dialect = "agentdc",
    format: Annotated[
        str, typer.Option("--format", metavar="text|json", help="json: as JSON Schemas")
    ] = "text",
) -> None:
    """Suggest types for the trigger and the outputs, from the inputs and mocks of tests."""
    from agentdc.driver.files import FileProblem
    from agentdc.driver.infer import infer as inferred

    if format not in {"text", "json"}:
        raise typer.BadParameter(f'"{format}" is neither text nor json', param_hint="--format")
    try:
        found = inferred(workflow, tests or [], options_of(allow, dialect, strict=False))
    except FileProblem as problem:
        show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    errors = [each for each in found.report.diagnostics if each.is_error]
    if errors:
        show.diagnostics(errors, sys.stderr)
        raise typer.Exit(show.FINDINGS)
    if format == "json":
        streams.out(json.dumps(found.document(), indent=2, ensure_ascii=False) + "\n")
    else:
        streams.out(found.text())
