"""`agentdc mcp lock` and `agentdc mcp diff`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from agentdc.cli import show, streams
from agentdc.cli.options import Workflow, options_of

if TYPE_CHECKING:
    from agentdc.driver import mcp

app = typer.Typer(help="Ask the MCP servers of a workflow what they offer.", no_args_is_help=True)


@app.command()
def lock(workflow: Workflow) -> None:
    """Write agentdc.lock: the tools, schemas and resources of every declared server, for check and for the app."""
    from agentdc.driver import mcp
    from agentdc.driver.files import FileProblem

    asked = _asked(workflow)
    try:
        place, changes = mcp.write(workflow, asked)
    except FileProblem as problem:
        show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    for line in changes:
        streams.out(f"{line}\n")
    servers = "1 server" if len(asked.said) == 1 else f"{len(asked.said)} servers"
    streams.out(f"{place}: {servers}, {'nothing changed' if not changes else 'written'}\n")


@app.command()
def diff(workflow: Workflow) -> None:
    """Say what servers offer now and agentdc.lock does not have, or has otherwise. Exit status 5 if anything."""
    from agentdc.driver import mcp
    from agentdc.driver.files import FileProblem

    asked = _asked(workflow)
    try:
        changes = mcp.differences(workflow, asked)
    except FileProblem as problem:
        show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    for line in changes:
        streams.out(f"{line}\n")
    raise typer.Exit(show.FINDINGS if changes else show.OK)


def _asked(workflow: str) -> mcp.Asked:
    """What the servers say; ends the process when the workflow or a server does not let itself be asked."""
    from agentdc.driver import mcp
    from agentdc.driver.files import FileProblem

    try:
        asked = mcp.ask(workflow, options_of([], "agentdc", strict=False))
    except FileProblem as problem:
        show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    if asked.report.workflow is None:
        show.diagnostics(asked.report.diagnostics, sys.stderr)
        raise typer.Exit(show.FINDINGS)
    if not asked.report.workflow.mcp_servers:
        streams.err(f"{workflow} declares no [[mcp_servers]]\n")
        raise typer.Exit(show.USAGE)
    if asked.problems:
        show.diagnostics(asked.problems, sys.stderr)
        raise typer.Exit(show.FINDINGS)
    return asked
