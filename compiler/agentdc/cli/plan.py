"""`agentdc plan`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from agentdc.cli import show, streams
from agentdc.cli.options import Allow, Dialect, options_of


def plan(
    task: Annotated[
        str, typer.Argument(metavar="TASK", help="what the workflow is to do; @FILE reads it from a file")
    ],
    config: Annotated[
        str,
        typer.Option(
            "--config",
            "-c",
            metavar="BASE.toml",
            help="policy, models, servers, secrets, budget: what a plan gets",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="PATH", help="write the workflow to PATH, not to standard output"
        ),
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option("--backend", metavar="NAME", help="who plans; by default the base's first model"),
    ] = None,
    intel_unix: Annotated[
        str | None,
        typer.Option("--intel-unix", metavar="PATH", help="plan with the model on this Unix socket"),
    ] = None,
    intel_http: Annotated[
        str | None, typer.Option("--intel-http", metavar="URL", help="plan with the model at this URL")
    ] = None,
    max_replans: Annotated[
        int,
        typer.Option(
            "--max-replans", min=0, metavar="N", help="further attempts after an answer that cannot be used"
        ),
    ] = 2,
    timeout_secs: Annotated[
        int, typer.Option("--timeout-secs", min=1, metavar="N", help="limit of one answer")
    ] = 120,
    allow: Allow = [],  # noqa: B006 - typer reads the default and never changes it
    dialect: Dialect = "agentdc",
) -> None:
    """Draft a workflow from a task in words: TOML on standard output, a review on standard error; runs nothing."""
    from agentdc.driver import files
    from agentdc.driver.plan import PlanRequest
    from agentdc.driver.plan import plan as drafted

    progress = show.Progress(sys.stderr)
    flags = ("--intel-unix", intel_unix) if intel_unix else ("--intel-http", intel_http) if intel_http else ()
    try:
        words = files.read(task[1:], "the task").decode("utf-8", "replace") if task.startswith("@") else task
        if not words.strip():
            raise typer.BadParameter("it is blank", param_hint="TASK")
        request = PlanRequest(
            words, config, output or "plan.toml", backend, tuple(map(str, flags)), max_replans, timeout_secs
        )
        found = drafted(request, options_of(allow, dialect, strict=False), progress)
        progress.clear()
        if found.text is not None and output is not None:
            files.write_file(Path(output), found.text.encode(), 0o644)
    except files.FileProblem as problem:
        progress.clear()
        show.diagnostics([problem.diagnostic], sys.stderr)
        failed = problem.diagnostic.code.slug == "plan_failed"
        raise typer.Exit(show.FINDINGS if failed else show.USAGE) from problem
    if found.text is None:
        show.diagnostics(found.diagnostics, sys.stderr)
        raise typer.Exit(show.FINDINGS)
    streams.err(found.review)
    if found.dropped:
        streams.err(f"Left out of the answer, since a plan may not bring it in: {', '.join(found.dropped)}\n")
    if output is None:
        streams.out(found.text)
