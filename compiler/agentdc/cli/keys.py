"""`agentdc keygen`, `sign` and `verify`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from agentdc.cli import show, streams
from agentdc.cli.options import Workflow
from agentdc.diagnostics.render import text

Key = Annotated[str, typer.Option("--key", metavar="FILE", help="the private key, PEM")]


def keygen(
    output: Annotated[
        str,
        typer.Option("-o", "--output", metavar="FILE", help="the private key; FILE.pub is the public one"),
    ],
    force: Annotated[bool, typer.Option("--force", help="replace existing keys")] = False,
) -> None:
    """Make an Ed25519 key pair for signing workflows."""
    from agentdc.driver import keys
    from agentdc.driver.files import FileProblem

    try:
        private, public, fingerprint = keys.generate(output, force=force)
    except FileProblem as problem:
        show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    streams.out(f"private key: {private}\npublic key:  {public}\nfingerprint: {fingerprint}\n")


def sign(workflow: Workflow, key: Key) -> None:
    """Sign a workflow: writes the signature beside it."""
    from agentdc.driver import keys
    from agentdc.driver.files import FileProblem

    try:
        path, fingerprint = keys.sign(workflow, key)
    except FileProblem as problem:
        show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    streams.out(f"signature:   {path}\nfingerprint: {fingerprint}\n")


def verify(
    workflow: Workflow,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="FILE", help="the public key; default: what the workflow names"),
    ] = None,
) -> None:
    """Verify a workflow's signature. Exit status 0 when it fits, 5 when it does not, 2 if unreadable."""
    from agentdc.driver import keys
    from agentdc.driver.files import FileProblem

    try:
        verdict, found = keys.check(workflow, key)
    except FileProblem as problem:
        show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    show.diagnostics(found, sys.stderr)
    if not keys.accepted(verdict):
        raise typer.Exit(show.FINDINGS)
    streams.out(f"{text.visible(workflow)}: the signature fits; key {verdict.key_fingerprint}\n")
