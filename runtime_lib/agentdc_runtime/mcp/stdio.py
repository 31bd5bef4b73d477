"""MCP over the pipes of a child: one message a line (spec 03 §5.2). Links `child`."""

from __future__ import annotations

import asyncio
import os

from agentdc_runtime.errors import McpError
from agentdc_runtime.mcp.errors import Lost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from agentdc_runtime.mcp.child import Child


class Pipe:
    """The link of a session to its child. `label`: the command, for errors."""

    __slots__ = ("_child", "label", "version")

    def __init__(self, child: Child, label: str) -> None:
        self._child = child
        self.label = label
        self.version: str | None = None

    async def send(self, text: bytes, number: int | None, answer: asyncio.Future[Any] | None) -> None:  # noqa: ARG002
        """One line; returns when the system has taken it, or when the answer is there already."""
        try:
            written = self._child.write(text + b"\n")
            if answer is None:
                await asyncio.shield(written)
            else:
                await asyncio.wait([written, answer], return_when=asyncio.FIRST_COMPLETED)
                if written.done() and not answer.done():
                    written.result()
        except OSError as error:
            reason = f"write request on {self.label}: {os.strerror(error.errno) if error.errno else 'it is closed'}"
            tail = self._child.tail()
            raise Lost(reason + (f"; its last words: {tail}" if tail else "")) from None

    def tail(self) -> str:
        """The end of the child's standard error."""
        return self._child.tail()


def unstartable(label: str, error: OSError | ValueError) -> McpError:
    """The error about a command that cannot be started."""
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return McpError(f"spawn {label}: {reason}")
