"""Commands to begin and to look things up: `new`, `explain`, `schema`, `inspect`."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Annotated

import typer

from agentdc.cli import show, streams


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="folder to make, and name of the workflow")],
) -> None:
    """Make a folder with a working workflow, an input, and a test."""
    from agentdc.diagnostics.render import text
    from agentdc.driver import starter
    from agentdc.driver.files import FileProblem

    try:
        made = starter.make(name)
    except FileProblem as problem:
        show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    paths = "".join(f"{text.visible(str(path))}\n" for path in made)
    enter = text.visible(shlex.quote(name))
    streams.out(f"{paths}\nnext: cd {enter} && agentdc run workflow.toml --input input.json\n")


def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="such as ADC0308 or dangling_edge")],
) -> None:
    """Say what a diagnostic means, with a wrong and a right example."""
    from agentdc.diagnostics.codes import CODES, find
    from agentdc.diagnostics.codes import code as coded
    from agentdc.diagnostics.diagnostic import error
    from agentdc.diagnostics.explanation import explanation
    from agentdc.diagnostics.suggest import did_you_mean

    found = find(code)
    if found is None:
        near = did_you_mean(code, [*CODES, *(each.number for each in CODES.values())])
        helped = near or "a code stands in brackets at the beginning of a report: ADC0308 dangling_edge"
        message = f'no diagnostic has the code "{code}"'
        show.diagnostics([error(coded("unknown_code"), message, help=helped)], sys.stderr)
        raise typer.Exit(show.USAGE)
    streams.out(f"{found.number} {found.slug}: {found.title}\n\n{explanation(found)}")


def schema() -> None:
    """Print the JSON Schema of workflow files, for editors."""
    from agentdc.model.schema import json_schema
    from agentdc.nodes.registry import MODELS

    streams.out(json.dumps(json_schema(MODELS), indent=2, ensure_ascii=False) + "\n")


def inspect(
    record: Annotated[str, typer.Argument(metavar="RUN.json", help="a record written with --record")],
) -> None:
    """Show the record of a run."""
    from agentdc.driver.inspect import inspect as show_record

    status, shown = show_record(record)
    streams.out(shown)
    raise typer.Exit(status)
