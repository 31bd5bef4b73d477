"""The command line: every command by name."""

from __future__ import annotations

import typer

from agentdc.cli import (
    build,
    check,
    compat,
    diff,
    graph,
    infer,
    keys,
    learn,
    mcp,
    mock_llm,
    plan,
    run,
    show,
    streams,
    test,
)
from agentdc.version import VERSION

app = typer.Typer(
    name="agentdc",
    help="Compile declarative TOML agent workflows to standalone apps.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # it takes [policy] in a help text for markup, and its boxes need UTF-8
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        streams.out(f"{VERSION}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", "-V", callback=_version, is_eager=True, help="print the version"
    ),
) -> None:
    """Compile declarative TOML agent workflows to standalone apps."""


def main() -> int:
    """Run the command line; ends with SystemExit, or the exit status."""
    app(prog_name="agentdc")
    return show.OK


app.command()(check.check)
app.command()(build.build)
app.command()(compat.compat)
app.command(context_settings=run.CONTEXT)(run.run)
app.command()(diff.diff)
app.command()(graph.graph)
app.command()(infer.infer)
app.add_typer(mcp.app, name="mcp")
app.command("test")(test.command)
app.command("mock-llm")(mock_llm.mock_llm)
app.command()(plan.plan)
app.command()(learn.new)
app.command()(learn.explain)
app.command()(learn.schema)
app.command()(learn.inspect)
app.command()(keys.keygen)
app.command()(keys.sign)
app.command()(keys.verify)
