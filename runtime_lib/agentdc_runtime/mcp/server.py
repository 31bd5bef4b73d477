"""One MCP server for as long as the app runs, whatever carries its messages (spec 04 §2). Links `mcp.session`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol, TypeAlias

    Json: TypeAlias = Any

    class Server(Protocol):
        """What a router asks of a server. `name`: as declared."""

        name: str

        async def start(self) -> None:
            """Make it answer; Refusal when it does not."""
            ...

        async def stop(self) -> None:
            """End it; safe to call twice."""
            ...

        async def ask(self, method: str, params: Json, deadline: float) -> dict[str, Json]:
            """The result of one request; McpError. `deadline`: on the monotonic clock, in seconds."""
            ...

        async def tools(self, deadline: float) -> list[dict[str, Json]]:
            """Its tools as it describes them, remembered until it says that they changed; McpError."""
            ...
