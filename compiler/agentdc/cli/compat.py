"""`agentdc compat`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from agentdc.cli import show, streams

FORMATS = ("text", "json")
LEVELS = ("cannot", "warning", "none")


def compat(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD", help="what runs were begun with: a workflow, a built app, or git:REVISION:PATH"
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="what is to go on with them, likewise")],
    state_dir: Annotated[
        str | None,
        typer.Option("--state-dir", metavar="DIR", help="judge the runs that are kept in DIR as well"),
    ] = None,
    format: Annotated[str, typer.Option("--format", metavar="|".join(FORMATS))] = "text",
    fail_on: Annotated[
        str, typer.Option("--fail-on", metavar="|".join(LEVELS), help="exit status 5 for such a verdict")
    ] = "cannot",
) -> None:
    """Tell whether runs of OLD that paused or were interrupted go on in NEW.

    Exit status 0, 5 by --fail-on, 2 for files. With --state-dir the runs that are there decide; else all that can be.
    """
    from agentdc.compat import render
    from agentdc.driver.compat import compat as judged
    from agentdc.driver.diff import Incomparable

    for value, known, option in ((format, FORMATS, "--format"), (fail_on, LEVELS, "--fail-on")):
        if value not in known:
            raise typer.BadParameter(f'"{value}" is none of {", ".join(known)}', param_hint=option)
    try:
        report = judged(old, new, state_dir)
    except Incomparable as problem:
        show.diagnostics(problem.diagnostics, sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    streams.out(render.as_text(report) if format == "text" else render.as_json(report))
    verdicts = {each.verdict for each in report.judged}
    bad = {"cannot": {"cannot"}, "warning": {"cannot", "warning"}, "none": set[str]()}[fail_on]
    raise typer.Exit(show.FINDINGS if verdicts & bad else show.OK)
