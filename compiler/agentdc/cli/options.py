"""Options that several commands share, and what they mean to the checker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from agentdc.check.validate import Options
from agentdc.diagnostics.named import UnknownCode, slugs
from agentdc.diagnostics.render.text import visible

Workflow = Annotated[str, typer.Argument(metavar="WORKFLOW", help="the workflow, a TOML file")]
Allow = Annotated[
    list[str],
    typer.Option("--allow", metavar="CODE", help="make a finding beyond agentd's validator a warning"),
]
Deny = Annotated[
    list[str],
    typer.Option("--deny", metavar="CODE", help="make a finding an error, whatever allows it"),
]
Dialect = Annotated[
    str, typer.Option("--dialect", metavar="agentdc|agentd", help="agentd: nothing but its dialect")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="unhandled error branches, and what cannot be decided, are errors")
]
Required = Annotated[bool, typer.Option("--signing-required", help="refuse a workflow that is not signed")]
KeyFile = Annotated[
    str | None,
    typer.Option("--signing-key-file", metavar="FILE", help="public key to verify the signature with"),
]


def options_of(
    allow: list[str], dialect: str, *, strict: bool, require_policy: bool = False, deny: Sequence[str] = ()
) -> Options:
    """Checker options of the command line; ends the process on words that mean nothing."""
    if dialect not in {"agentdc", "agentd"}:
        raise typer.BadParameter(f'"{dialect}" is neither agentdc nor agentd', param_hint="--dialect")
    return Options(
        _slugs(allow, "--allow"), dialect == "agentd", strict, require_policy, deny=_slugs(deny, "--deny")
    )


def _slugs(named: Sequence[str], option: str) -> frozenset[str]:
    try:
        return slugs(named)
    except UnknownCode as problem:
        raise typer.BadParameter(visible(str(problem)), param_hint=option) from problem
