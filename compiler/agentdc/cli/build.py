"""`agentdc build`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from agentdc.cli import show, streams
from agentdc.cli.options import Allow, Deny, Dialect, KeyFile, Required, Strict, Workflow, options_of
from agentdc.diagnostics.render import text


def build(
    workflow: Workflow,
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="PATH", help="agent: a binary; agent/: a project; agent.pyz: a zipapp"
        ),
    ],
    format: Annotated[
        str | None, typer.Option("--format", metavar="binary|dir|pyz", help="instead of what PATH says")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="replace PATH whatever it is")] = False,
    require_policy: Annotated[
        bool, typer.Option("--require-policy", help="side effects need a [policy]")
    ] = False,
    allow: Allow = [],  # noqa: B006 - typer reads the default and never changes it
    deny: Deny = [],  # noqa: B006 - as above
    dialect: Dialect = "agentdc",
    strict: Strict = False,
    signing_required: Required = False,
    signing_key_file: KeyFile = None,
) -> None:
    """Check a workflow and build its app. Exit status 0, 5 when it cannot be built, 2 for files and usage."""
    from agentdc.driver.build import BuildRequest, Format
    from agentdc.driver.build import build as run_build
    from agentdc.driver.check import Signing
    from agentdc.driver.files import FileProblem

    forms = {each.value: each for each in Format}
    if format is not None and format not in forms:
        raise typer.BadParameter(f'"{format}" is none of {", ".join(forms)}', param_hint="--format")
    request = BuildRequest(
        workflow,
        output,
        None if format is None else forms[format],
        options_of(allow, dialect, strict=strict, require_policy=require_policy, deny=deny),
        Signing(signing_required, signing_key_file),
        force,
    )
    progress = show.Progress(sys.stderr)
    try:
        built = run_build(request, progress)
    except FileProblem as problem:
        progress.clear()
        show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    progress.clear()
    show.diagnostics(built.diagnostics, sys.stderr)
    for step in built.steps:
        streams.err(f"{step.name:<8} {step.seconds:6.2f} s\n")
    if not built.ok:
        raise typer.Exit(show.FINDINGS)
    note = f"; {built.runs_on}" if built.runs_on else ""
    streams.out(f"{text.visible(output)}: {show.megabytes(built.size)}{note}\n")
