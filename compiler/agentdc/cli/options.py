"""Options that several commands share, and what they mean to the checker."""

from __future__ import annotations

from typing import Annotated

import typer

from agentdc.check.validate import Options
from agentdc.diagnostics.codes import find

Workflow = Annotated[str, typer.Argument(metavar="WORKFLOW", help="the workflow, a TOML file")]
Allow = Annotated[
    list[str],
    typer.Option("--allow", metavar="CODE", help="make a finding beyond agentd's validator a warning"),
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


def options_of(allow: list[str], dialect: str, *, strict: bool, require_policy: bool = False) -> Options:
    """Checker options of the command line; ends the process on words that mean nothing."""
    if dialect not in {"agentdc", "agentd"}:
        raise typer.BadParameter(f'"{dialect}" is neither agentdc nor agentd', param_hint="--dialect")
    slugs = set()
    for each in allow:
        code = find(each)
        if code is None:
            raise typer.BadParameter(f'no diagnostic has the code "{each}"', param_hint="--allow")
        slugs.add(code.slug)
    return Options(frozenset(slugs), dialect == "agentd", strict, require_policy)
