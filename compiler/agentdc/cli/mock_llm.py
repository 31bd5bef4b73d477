"""`agentdc mock-llm`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from agentdc.cli import show, streams


def mock_llm(
    script: Annotated[str, typer.Argument(metavar="SCRIPT.toml", help="the rules: what is answered to what")],
    bind: Annotated[
        str, typer.Option("--bind", metavar="IP:PORT", help="where to listen; port 0 takes a free one")
    ] = "127.0.0.1:8089",
    unix: Annotated[
        str | None,
        typer.Option("--unix", metavar="PATH", help="listen on a Unix socket too, for --intel-unix"),
    ] = None,
    requests: Annotated[
        str | None,
        typer.Option("--requests", metavar="FILE", help="write each request as a JSON line, without keys"),
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="listen on an address that other machines reach")
    ] = False,
) -> None:
    """Serve a scripted model in the wire formats of the providers, until it is stopped."""
    from agentdc.driver import mock_llm as driver
    from agentdc.driver.files import FileProblem

    host, _, port = bind.rpartition(":")
    if not port.isascii() or not port.isdecimal() or int(port) > 65_535 or not host:
        raise typer.BadParameter(f'"{bind}" is no IP:PORT', param_hint="--bind")
    host = host.strip("[]")
    if not allow_remote and not driver.is_loopback(host):
        raise typer.BadParameter(
            "other machines reach this address; --allow-remote permits it", param_hint="--bind"
        )
    request = driver.MockRequest(script, host, int(port), unix, requests)
    try:
        rules, found = driver.load(script)
        show.diagnostics(found, sys.stderr)
        if rules is None:
            raise typer.Exit(show.FINDINGS)
        driver.serve(rules, request, lambda place: streams.err(f"listening on {place}\n"))
    except FileProblem as problem:
        show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
