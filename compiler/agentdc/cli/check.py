"""`agentdc check`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from agentdc.cli import show, streams
from agentdc.cli.options import Allow, Dialect, KeyFile, Required, Strict, Workflow, options_of
from agentdc.diagnostics.render import json, text
from agentdc.driver.check import Signing, check_source, failed
from agentdc.driver.files import FileProblem, read_source


def check(
    workflow: Workflow,
    allow: Allow = [],  # noqa: B006 - typer reads the default and never changes it
    dialect: Dialect = "agentdc",
    strict: Strict = False,
    signing_required: Required = False,
    signing_key_file: KeyFile = None,
    format: Annotated[
        str, typer.Option("--format", metavar="text|json", help="for people or for machines")
    ] = "text",
) -> None:
    """Check a workflow: every problem, with its line. Exit status 0 without errors, 5 with, 2 if unreadable."""
    if format not in {"text", "json"}:
        raise typer.BadParameter(f'"{format}" is neither text nor json', param_hint="--format")
    options = options_of(allow, dialect, strict=strict)
    try:
        report = check_source(read_source(workflow), options, Signing(signing_required, signing_key_file))
    except FileProblem as problem:
        if format == "json":
            streams.out(json.render(None, [problem.diagnostic]))
        else:
            show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    found = report.diagnostics
    if format == "json":
        streams.out(json.render(report.name, found))
    elif found:
        show.diagnostics(found, sys.stdout)
    if format == "text" and not failed(found):
        unbuilt = "; this version cannot build it yet" if report.unsupported else ""
        streams.out(f"{text.visible(report.name or workflow)}: no errors{unbuilt}\n")
    raise typer.Exit(show.FINDINGS if failed(found) else show.OK)
