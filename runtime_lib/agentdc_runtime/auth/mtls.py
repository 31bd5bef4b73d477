"""Client certificates (spec 02 §4). Links nothing: the handshake has verified the chain."""

from __future__ import annotations

from agentdc_runtime.auth.denial import Denial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Mtls:
    """Any certificate that the client authority signed."""

    __slots__ = ("secret",)

    def __init__(self, _name: str, _settings: Mapping[str, Any]) -> None:
        self.secret: str | None = None

    def challenge(self, _workflow: str) -> None:
        """There is no scheme for it."""

    def check(
        self, _headers: Mapping[str, str], _body: bytes, _secret: str | None, peer: Any, _now: float
    ) -> dict[str, Any] | Denial:
        """The principal, or why not. `peer`: the identity of the connection's certificate, or None."""
        if peer is None:
            return Denial("no client certificate was presented")
        return {"kind": "mtls", "name": peer.fingerprint}
