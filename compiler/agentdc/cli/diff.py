"""`agentdc diff`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from agentdc.cli import show, streams

FORMATS = ("text", "json", "markdown")
LEVELS = ("none", "changed", "added", "widened")


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="a workflow, a built app, or git:REVISION:PATH")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="likewise")],
    format: Annotated[
        str, typer.Option("--format", metavar="|".join(FORMATS), help="markdown: for a comment on a change")
    ] = "text",
    fail_on: Annotated[
        str, typer.Option("--fail-on", metavar="|".join(LEVELS), help="exit status 5 for such a difference")
    ] = "none",
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="write the report to FILE, and show text here"),
    ] = None,
) -> None:
    """Tell what the new version may touch that the old one could not. Exit status 0, 5 by --fail-on, 2 for files."""
    from agentdc.diffing import render
    from agentdc.driver import diff as driver
    from agentdc.driver.files import FileProblem, write_file

    for value, known, option in ((format, FORMATS, "--format"), (fail_on, LEVELS, "--fail-on")):
        if value not in known:
            raise typer.BadParameter(f'"{value}" is none of {", ".join(known)}', param_hint=option)
    renderers = {"text": render.as_text, "json": render.as_json, "markdown": render.as_markdown}
    try:
        found = driver.diff(old, new).differences
        report = renderers[format](old, new, found)
        if output is not None:
            write_file(Path(output), report.encode("utf-8", "backslashreplace"), 0o644)
            report = render.as_text(old, new, found)
    except driver.Incomparable as problem:
        show.diagnostics(problem.diagnostics, sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    except FileProblem as problem:
        show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    streams.out(report)
    raise typer.Exit(show.FINDINGS if _fails(fail_on, {each.verdict.value for each in found}) else show.OK)


def _fails(level: str, verdicts: set[str]) -> bool:
    """`widened` means every kind of more, what is new included; `changed` means any difference."""
    if level == "changed":
        return bool(verdicts)
    return bool(verdicts & {"none": set(), "added": {"added"}, "widened": {"added", "widened"}}[level])
