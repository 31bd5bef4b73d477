"""`agentdc graph`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from agentdc.cli import show
from agentdc.cli.options import Workflow

FORMATS = ("mermaid", "dot", "svg")


def graph(
    workflow: Workflow,
    format: Annotated[
        str | None, typer.Option("--format", metavar="mermaid|dot|svg", help="default: by PATH, else mermaid")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="PATH", help="write to PATH instead of standard output"),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RECORD.json", help="show the path that a recorded run took"),
    ] = None,
) -> None:
    """Draw a workflow's graph: Mermaid, DOT, or an SVG that needs no other program."""
    from agentdc.driver import files
    from agentdc.driver import graph as driver

    form = format or ({".svg": "svg", ".dot": "dot", ".gv": "dot"}.get(Path(output or "").suffix, "mermaid"))
    if form not in FORMATS:
        raise typer.BadParameter(f'"{form}" is none of {", ".join(FORMATS)}', param_hint="--format")
    try:
        drawn = driver.draw(workflow, form, run)
        if drawn.text is not None and output is not None:
            files.write_file(Path(output), drawn.text.encode(), 0o644)
    except files.FileProblem as problem:
        show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    if drawn.text is None:
        show.diagnostics(drawn.diagnostics, sys.stderr)
        raise typer.Exit(show.FINDINGS)
    if output is None:
        sys.stdout.write(drawn.text)
