"""A route that speaks MCP (streamable HTTP, without sessions): each request one message, its answer plain JSON.

Links `mcp.offers`. Who may call, how often and over what is the route's and the listener's business, as for any other
route. A page of another origin is refused, since a browser would send it for anybody who visits that page.
"""

from __future__ import annotations

from agentdc_runtime.http.service import span
from agentdc_runtime.http.trigger import with_principal
from agentdc_runtime.jsontext import JsonError, compact, loads
from agentdc_runtime.mcp.offers import Offers, parse_error
from agentdc_runtime.mcp.protocol import VERSIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from agentdc_runtime.core.run import Ending, Json, Run
    from agentdc_runtime.http.route import Endpoint
    from agentdc_runtime.http.service import Caller, Service
    from agentdc_runtime.http.wire import Request
    from agentdc_runtime.mcp.offers import Offer, Watch

JSON = "application/json"


class McpRoute:
    """What answers at a route. `offers`: the tools; `said`: what the app is for; `version`: of the compiler."""

    def __init__(self, offers: tuple[Offer, ...], *, said: str, version: str) -> None:
        self._offers = offers
        self._said = said
        self._version = version

    async def serve(
        self,
        service: Service,
        request: Request,
        caller: Caller,
        endpoint: Endpoint,
        principal: dict[str, Any],
    ) -> bytes:
        """The answer to one request."""
        refusal = _refusal(request)
        if refusal is not None:
            return service.refuse(request, caller, endpoint, *refusal)
        try:
            message = loads(request.body.decode())
        except (JsonError, UnicodeDecodeError):
            return service.plain(request, caller, endpoint, 400, JSON, compact(parse_error()).encode())

        async def walked(start: str, given: Json, watch: Watch) -> tuple[Ending, Run] | None:
            payload = with_principal(given, principal)
            return await service.runs.called(start, "mcp", payload, watch, lambda: span(request, None))

        offers = Offers(
            self._offers,
            name=service.program.name,
            version=self._version,
            said=self._said,
            dry_run=service.runs.dry_run,
            opaque=service.opaque,
        )
        answer = await offers.answer(message, walked)
        if answer is None:
            return service.plain(request, caller, endpoint, 202, JSON, b"")
        status = 400 if answer.get("id") is None else 200
        return service.plain(request, caller, endpoint, status, JSON, compact(answer).encode())


def _refusal(request: Request) -> tuple[int, dict[str, Json]] | None:
    """Status and document for a request that no message is read of."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        return 403, {"error": "a page of another origin may not call this"}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        return 415, {"error": f"a message is {JSON}"}
    version = request.headers.get("mcp-protocol-version")
    if version is not None and version not in VERSIONS:
        return 400, {"error": "unsupported MCP-Protocol-Version", "supported": list(VERSIONS)}
    return None
