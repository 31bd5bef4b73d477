"""Cross-origin calls (extension): which pages of other origins may call a route. Links nothing.

The rules are those of the Fetch standard, "CORS protocol". Credentials are never allowed: no answer of this listener
depends on a cookie, and a page that needs one gets none.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.http.wire import Request


class Cors:
    """The permission of one route. `origins`: exact ones, or `*`; `headers`: lower case; `max_age`: seconds."""

    __slots__ = ("_headers", "_max_age", "_origins")

    def __init__(self, *, origins: tuple[str, ...], headers: tuple[str, ...], max_age: int) -> None:
        self._origins = frozenset(origins)
        self._headers = ", ".join(headers)
        self._max_age = str(max_age)

    def headers(self, request: Request) -> tuple[tuple[str, str], ...]:
        """What an answer to a page carries; nothing when its origin is not permitted."""
        if "*" in self._origins:
            return (("Access-Control-Allow-Origin", "*"),)
        origin = request.headers.get("origin", "")
        if origin not in self._origins:
            return (("Vary", "Origin"),)
        return (("Access-Control-Allow-Origin", origin), ("Vary", "Origin"))

    def preflight(self, request: Request, method: str) -> tuple[tuple[str, str], ...]:
        """What a browser is told before it sends the call itself."""
        found = self.headers(request)
        if found[0][0] != "Access-Control-Allow-Origin":
            return found
        allowed = (
            ("Access-Control-Allow-Methods", method),
            ("Access-Control-Allow-Headers", self._headers),
            ("Access-Control-Max-Age", self._max_age),
        )
        return (*found, *allowed)
