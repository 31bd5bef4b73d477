"""What can become of a request, apart from an answer. Imports nothing but the error classes."""

from __future__ import annotations

from agentdc_runtime.errors import McpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Json: TypeAlias = Any


class Lost(McpError):
    """The session is gone, with this request in flight or before it was sent."""


class Refused(McpError):
    """The server answered with an error of the protocol; `code`: which."""

    def __init__(self, reason: str, code: Json) -> None:
        super().__init__(reason)
        self.code = code


class Silent(McpError):
    """The server did not answer in time."""


class Down(McpError):
    """The server will not come back by itself, so trying again is of no use."""

    transient = False
