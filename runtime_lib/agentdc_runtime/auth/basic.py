"""User names and passwords (spec 02 §2.5). Links `accepted` and `binascii`."""

from __future__ import annotations

import binascii

from agentdc_runtime.auth.accepted import Accepted, among
from agentdc_runtime.auth.denial import Denial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Basic:
    """One `[auth.basic.NAME]`. `secret`: the name of the secret with `user:pass` per line, or None."""

    __slots__ = ("_accepted", "secret")

    def __init__(self, _name: str, settings: Mapping[str, Any]) -> None:
        self.secret: str | None = settings.get("credentials_env")
        self._accepted = Accepted(settings.get("credentials", ()))

    def challenge(self, workflow: str) -> str:
        """The value of WWW-Authenticate: ASCII without control characters, whatever the workflow is called."""
        safe = "".join(each if " " <= each <= "~" else "?" for each in workflow)
        quoted = safe.replace("\\", "\\\\").replace('"', '\\"')
        return f'Basic realm="{quoted}"'

    def check(
        self, headers: Mapping[str, str], _body: bytes, secret: str | None, _peer: Any, _now: float
    ) -> dict[str, Any] | Denial:
        """The principal, or why not. `secret`: None when it could not be resolved."""
        header = headers.get("authorization")
        if header is None:
            return Denial("missing Authorization header")
        scheme, _, encoded = header.partition(" ")
        if scheme.lower() != "basic":
            return Denial("Authorization is not Basic")
        given = _decoded(encoded)
        if given is None:
            return Denial("the Basic credential is not base64")
        try:
            user = given.decode().partition(":")[0]
        except UnicodeDecodeError:
            return Denial("the Basic credential is not UTF-8")
        accepted = self._accepted.having(secret)
        if not accepted:
            return Denial("no credential is configured")
        if not among(given, accepted):
            return Denial("the Basic credential is not accepted")
        return {"kind": "basic", "name": user}


def _decoded(text: str) -> bytes | None:
    """Base64 of the standard alphabet with its padding, and nothing else; None for that, and for nothing at all."""
    try:
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    return data or None
