"""`agentdc check`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Annotated

import typer

from agentdc.cli import show, streams
from agentdc.cli.options import Allow, Dialect, KeyFile, Required, Strict, Workflow, options_of
from agentdc.diagnostics.render import json, text
from agentdc.driver import statement
from agentdc.driver.check import Report, Signing, check_source, failed
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
    explain_unknown: Annotated[
        bool,
        typer.Option("--explain-unknown", help="tell what could not be decided, and what would decide it"),
    ] = False,
    effects: Annotated[
        bool, typer.Option("--effects", help="list everything it can touch, and what the policy says of it")
    ] = False,
    ceilings: Annotated[bool, typer.Option("--ceilings", help="list what a run can use up at most")] = False,
    suggest_policy: Annotated[
        bool, typer.Option("--suggest-policy", help="print the least policy that lets it work, as TOML")
    ] = False,
) -> None:
    """Check a workflow: every problem, with its line. Exit status 0 without errors, 5 with, 2 if unreadable."""
    if format not in {"text", "json"}:
        raise typer.BadParameter(f'"{format}" is neither text nor json', param_hint="--format")
    options = replace(options_of(allow, dialect, strict=strict), explain_unknown=explain_unknown)
    try:
        report = check_source(read_source(workflow), options, Signing(signing_required, signing_key_file))
    except FileProblem as problem:
        if format == "json":
            streams.out(json.render(None, [problem.diagnostic]))
        else:
            show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    found = report.diagnostics
    if suggest_policy:
        _suggest(report, workflow)
    if format == "json":
        streams.out(json.render(report.name, found))
    elif found:
        show.diagnostics(found, sys.stdout)
    if format == "text" and not failed(found):
        unbuilt = "; this version cannot build it yet" if report.unsupported else ""
        streams.out(f"{text.visible(report.name or workflow)}: no errors{unbuilt}\n")
    for asked, tell in ((effects, statement.effects), (ceilings, statement.ceilings)):
        if asked and format == "text":
            streams.out(tell(report))
    raise typer.Exit(show.FINDINGS if failed(found) else show.OK)


def _suggest(report: Report, workflow: str) -> None:
    """Print the least policy and end; the findings go to stderr, since stdout is for a file."""
    policy = statement.least_policy(report)
    show.diagnostics(report.diagnostics, sys.stderr)
    if policy is None:
        streams.err(f"{text.visible(workflow)}: no policy can be told before these errors are gone\n")
        raise typer.Exit(show.FINDINGS)
    streams.out(policy)
    raise typer.Exit(show.OK)
