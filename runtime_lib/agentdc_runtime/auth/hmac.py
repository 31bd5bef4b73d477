"""A signature of the request body (spec 02 §2.6). Links `_hashlib` through `hmac`, which is where the speed is."""

from __future__ import annotations

import binascii
from hmac import compare_digest, digest

from agentdc_runtime.auth.denial import Denial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

DEFAULT_TOLERANCE = 300


class Hmac:
    """One `[auth.hmac.NAME]`: HMAC-SHA256 over the raw body, or over `TIMESTAMP.BODY` with a timestamp header.

    `secret`: the name of the secret with the key, or None.
    """

    __slots__ = ("_base64", "_header", "_key", "_name", "_prefix", "_timestamp", "_tolerance", "secret")

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self.secret: str | None = settings.get("secret_env")
        self._name = name
        self._key: str | None = settings.get("secret")
        self._header = settings.get("header", "X-Agent-Signature").lower()
        self._prefix: str = settings.get("prefix", "sha256=")
        self._base64 = settings.get("encoding", "hex") == "base64"
        timestamp = settings.get("timestamp_header")
        self._timestamp: str | None = None if timestamp is None else timestamp.lower()
        tolerance = settings.get("tolerance_secs")
        self._tolerance: int = DEFAULT_TOLERANCE if tolerance is None else tolerance

    def challenge(self, _workflow: str) -> None:
        """There is no scheme for it."""

    def check(
        self, headers: Mapping[str, str], body: bytes, secret: str | None, _peer: Any, now: float
    ) -> dict[str, Any] | Denial:
        """The principal, or why not. `secret`: None when it could not be resolved; then the literal counts."""
        key = secret or self._key
        if not key:
            return Denial("no secret is configured")
        given = headers.get(self._header)
        if given is None:
            return Denial("missing signature header")
        if not given.startswith(self._prefix):
            return Denial("the signature header lacks its prefix")
        signature = self._decoded(given[len(self._prefix) :].strip())
        if signature is None:
            return Denial(f"the signature is not {'base64' if self._base64 else 'hexadecimal'}")
        stamp = None if self._timestamp is None else headers.get(self._timestamp, "")
        if stamp is not None:
            if not stamp:
                return Denial("missing timestamp header")
            if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
                return Denial("the timestamp is not a whole number of seconds")
            body = stamp.encode() + b"." + body
        expected = digest(key.encode(), body, "sha256")
        if not compare_digest(expected, signature):
            return Denial("the signature does not match")
        # Judged once the signature has shown that it is theirs.
        if stamp is not None and abs(now - int(stamp)) > self._tolerance:
            return Denial("the timestamp is outside the tolerance")
        return {"kind": "hmac", "name": self._name}

    def _decoded(self, text: str) -> bytes | None:
        try:
            if self._base64:
                return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
            return binascii.unhexlify(text.encode("ascii"))
        except (UnicodeEncodeError, binascii.Error):
            return None
