"""Bearer tokens (spec 02 §2.4). Links `accepted`."""

from __future__ import annotations

from agentdc_runtime.auth.accepted import Accepted, among
from agentdc_runtime.auth.denial import Denial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Bearer:
    """One `[auth.bearer.NAME]`. `secret`: the name of the secret with a token per line, or None."""

    __slots__ = ("_accepted", "_name", "secret")

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self.secret: str | None = settings.get("tokens_env")
        self._name = name
        self._accepted = Accepted(settings.get("tokens", ()))

    def challenge(self, _workflow: str) -> str:
        """The value of WWW-Authenticate."""
        return "Bearer"

    def check(
        self, headers: Mapping[str, str], _body: bytes, secret: str | None, _peer: Any, _now: float
    ) -> dict[str, Any] | Denial:
        """The principal, or why not. `secret`: None when it could not be resolved."""
        header = headers.get("authorization")
        if header is None:
            return Denial("missing Authorization header")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            return Denial("Authorization is not a Bearer token")
        token = token.strip()
        if not token:
            return Denial("the Bearer token is empty")
        accepted = self._accepted.having(secret)
        if not accepted:
            return Denial("no token is configured")
        if not among(token.encode("utf-8", "surrogateescape"), accepted):
            return Denial("the Bearer token is not accepted")
        return {"kind": "bearer", "name": self._name}
