"""JSON Web Tokens of one issuer (spec 02 §2.7). Links `jwks`, and so `cryptography`.

The checks stand in the order of the specification, and each has its code; nothing of the token is told beyond the
subject, and that only once it is accepted. Where the keys come from is not known here (`binding`).

A token that was accepted is remembered by its digest, so that its signature is checked once: afterwards only time
can turn the verdict, and time is asked at every use. New keys forget all tokens.
"""

from __future__ import annotations

from hashlib import sha256

from agentdc_runtime.auth.denial import Denial
from agentdc_runtime.auth.jwks import FAMILIES, unpadded
from agentdc_runtime.jsontext import JsonError, loads
from agentdc_runtime.observe.log import INFO, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any, Protocol, TypeAlias

    from agentdc_runtime.auth.jwks import Key, Keys

    Emit: TypeAlias = Callable[[int, str, dict[str, Any]], None]
    Renewal: TypeAlias = Callable[[], Awaitable[None]]
    Known: TypeAlias = tuple[float, float | None, str]  # exp, nbf, sub

    class Source(Protocol):
        """Where keys come from."""

        @property
        def keys(self) -> Keys | None:
            """The keys in force, None when there are none to rely on."""
            ...

        def renewal(self) -> Renewal | None:
            """What brings newer keys when awaited; None when it is too early to ask for some."""
            ...


REMEMBERED = 1024  # accepted tokens
# Algorithms that a header may name without being malformed; only those of FAMILIES can ever be accepted.
_KNOWN = frozenset((*FAMILIES, "HS256", "HS384", "HS512", "EdDSA"))


class _No(Exception):
    """A denial on its way out; `code` without its prefix."""

    def __init__(self, code: str, renew: Renewal | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.renew = renew


class Oidc:
    """One `[auth.oidc.NAME]`. `emit`: takes audit events."""

    __slots__ = (
        "_algorithms",
        "_audience",
        "_issuer",
        "_known",
        "_known_by",
        "_skew",
        "_subjects",
        "emit",
        "secret",
        "source",
    )

    def __init__(self, settings: Mapping[str, Any], source: Source, emit: Emit) -> None:
        self.secret: str | None = None
        self.source = source
        self.emit = emit
        self._issuer: str = settings["issuer"]
        self._audience = frozenset(settings.get("audience", ()))
        self._subjects = frozenset(settings.get("subject_allowlist", ()))
        self._skew: int = settings.get("clock_skew_secs", 60)
        self._algorithms = frozenset(each.upper() for each in settings.get("algorithms", ("RS256",)))
        self._known: dict[bytes, Known] = {}
        self._known_by: Keys | None = None

    def challenge(self, _workflow: str) -> str:
        """The value of WWW-Authenticate."""
        return "Bearer"

    def check(
        self, headers: Mapping[str, str], _body: bytes, _secret: str | None, _peer: Any, now: float
    ) -> dict[str, Any] | Denial:
        """The principal, or why not; a denial that newer keys might turn can be renewed."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return Denial("oidc.missing-bearer")
        try:
            subject = self._subject(token.encode("utf-8", "surrogateescape"), now)
        except _No as no:
            if no.renew is None:  # else this is not the last word
                self.emit(WARN, "oidc.denied", {"reason": no.code})
            return Denial(f"oidc.{no.code}", no.renew)
        self.emit(INFO, "oidc.verified", {"issuer": self._issuer, "subject": subject})
        return {"kind": "oidc", "name": subject or self._issuer}

    def _subject(self, token: bytes, now: float) -> str:
        keys = self.source.keys
        if keys is not self._known_by:
            self._known.clear()
            self._known_by = keys
        digest = sha256(token).digest()
        known = self._known.pop(digest, None) if keys is not None else None
        if known is None:
            claims = self._signed(token, keys)
            known = _times_and_subject(claims)
            self._in_time(known, now)
            self._meant_for_us(claims, known[2])
            if len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]  # the one that was used longest ago
        else:
            self._in_time(known, now)
        self._known[digest] = known
        return known[2]

    def _signed(self, token: bytes, keys: Keys | None) -> dict[str, Any]:
        """The claims of a token with a good signature."""
        parts = token.split(b".", 3)
        header = _object(parts[0])
        if len(parts) != 3 or header is None:
            raise _No("malformed")
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in _KNOWN or not isinstance(kid, str | None):
            raise _No("malformed")
        if algorithm not in self._algorithms:
            raise _No("algorithm-not-allowed")
        key = self._key(keys, kid)
        if not key.fits(algorithm):
            raise _No("bad-algorithm")
        signature = unpadded(parts[2])
        if not signature or not key.verify(algorithm, token[: token.rindex(b".")], signature):
            raise _No("bad-signature")
        claims = _object(parts[1])
        if claims is None or "crit" in header:  # we understand no extension (RFC 7515 §4.1.11)
            raise _No("invalid")
        return claims

    def _key(self, keys: Keys | None, kid: str | None) -> Key:
        if keys is None:
            raise _No("keys-unavailable", self.source.renewal())
        key = keys.find(kid)
        if key is None:
            raise _No("unknown-kid", None if kid is None else self.source.renewal())
        return key

    def _in_time(self, known: Known, now: float) -> None:
        expires, begins, _ = known
        if expires + self._skew < now:
            raise _No("expired")
        if begins is not None and begins - self._skew > now:
            raise _No("not-yet-valid")

    def _meant_for_us(self, claims: Mapping[str, Any], subject: str) -> None:
        if self._issuer not in _texts(claims["iss"]):
            raise _No("bad-issuer")
        if self._audience and self._audience.isdisjoint(_texts(claims.get("aud", []))):
            raise _No("bad-audience")
        if self._subjects and subject not in self._subjects:
            raise _No("subject-not-allowed")


def _object(part: bytes) -> dict[str, Any] | None:
    """The JSON object that a part of a token encodes."""
    data = unpadded(part)
    if not data:
        return None
    try:
        value = loads(data.decode())
    except (UnicodeDecodeError, JsonError):
        return None
    return value if isinstance(value, dict) else None


def _times_and_subject(claims: Mapping[str, Any]) -> Known:
    """The claims that are used, when all are of their types (RFC 7519 §4.1)."""
    expires, begins, issued = claims.get("exp"), claims.get("nbf"), claims.get("iat")
    subject = claims.get("sub", "")
    typed = (
        _is_time(expires)
        and (_is_time(begins) or "nbf" not in claims)
        and (_is_time(issued) or "iat" not in claims)
        and isinstance(subject, str)
        and _is_text_or_texts(claims.get("iss"))
        and (_is_text_or_texts(claims.get("aud")) or "aud" not in claims)
    )
    if not typed:
        raise _No("invalid")
    return expires, begins, subject  # type: ignore[return-value]  # as was just found


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text_or_texts(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    )


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value
