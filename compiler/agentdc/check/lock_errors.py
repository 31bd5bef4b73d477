"""The wording of findings about `agentdc.lock`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from agentdc.diagnostics import Diagnostic, Span, code, did_you_mean, error, warning

MANY = 4


class Wrong(Protocol):
    """One place where arguments do not fit."""

    @property
    def key(self) -> str:
        """The path to it; empty for the arguments as a whole."""

    @property
    def what(self) -> str:
        """What is wrong there."""


def unknown_tool(node: str, tool: str, server: str, known: Iterable[str], at: Span) -> Diagnostic:
    """A node calls a tool that its server did not have when it was locked."""
    message = f'node "{node}" calls the tool "{tool}", which the MCP server "{server}" does not have'
    names = sorted(known)
    fallback = "`agentdc mcp lock` asks the server again"
    helped = did_you_mean(tool, names) or fallback
    return error(code("unknown_mcp_tool"), message, at, "not in agentdc.lock", help=helped)


def unlocked_server(server: str, at: Span) -> Diagnostic:
    """There is a lock file, and a declared server is not in it."""
    message = f'agentdc.lock says nothing about the MCP server "{server}", so its tools are not checked'
    return warning(code("unlocked_mcp_server"), message, at, "not locked", help="run `agentdc mcp lock`")


def arguments_never_fit(node: str, tool: str, wrong: Sequence[Wrong], takes: str, at: Span) -> Diagnostic:
    """What a node sends is never what the tool takes."""
    message = f'node "{node}" sends the tool "{tool}" arguments that it never accepts: {_told(wrong)}'
    return error(code("tool_arguments_rejected"), message, at, "these arguments", help=_takes(takes))


def arguments_may_not_fit(node: str, tool: str, wrong: Sequence[Wrong], takes: str, at: Span) -> Diagnostic:
    """What a node sends may be something that the tool does not take."""
    message = f'node "{node}" sends the tool "{tool}" arguments that it may not accept: {_told(wrong)}'
    return warning(code("tool_arguments_doubtful"), message, at, "these arguments", help=_takes(takes))


def invalid_lock(file: str, reason: str, at: Span) -> Diagnostic:
    """A lock file that cannot be used."""
    message = f"{file} cannot be used: {reason}"
    helped = "run `agentdc mcp lock` to write it anew, or remove it"
    return error(code("mcp_lock_invalid"), message, at, "declared here", help=helped)


def _told(wrong: Sequence[Wrong]) -> str:
    shown = [f'"{each.key}" {each.what}' if each.key else f"the whole {each.what}" for each in wrong[:MANY]]
    more = len(wrong) - MANY
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")


def _takes(takes: str) -> str:
    return f"agentdc.lock says that it takes {takes if len(takes) <= 300 else takes[:299] + '…'}"
