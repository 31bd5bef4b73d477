"""JSON Web Key Sets (RFC 7517) and signatures by their keys (RFC 7518 §3; spec 02 §2.7). Links `cryptography`.

Knows RSA keys of 2048 to 8192 bits and EC keys on P-256 and P-384: what the eight accepted algorithms need. A
symmetric key refuses the whole set, since whoever reads the set could sign with it; an entry of any other kind is
left out and told, as long as a usable key remains; a broken entry of a known kind refuses the set.
"""

from __future__ import annotations

import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from agentdc_runtime.errors import ConfigError
from agentdc_runtime.jsontext import JsonError, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# Algorithm to the family of its keys.
FAMILIES = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    "ES256": "P-256",
    "ES384": "P-384",
}
MAX_BYTES = 1_048_576  # of a key set

_HASHES = {"256": SHA256(), "384": SHA384(), "512": SHA512()}
_CURVES = {"P-256": (ec.SECP256R1(), 32), "P-384": (ec.SECP384R1(), 48)}
_BITS = range(2048, 8193)
# The alphabet of RFC 7515 §2; what base64 has and base64url has not becomes a character that no decoder takes.
_URL_SAFE = bytes.maketrans(b"-_+/=", b"+/!!!")


class Key:
    """One public key. `family`: `RSA` or the curve. `alg`: the only algorithm it is for, or None."""

    __slots__ = ("_public", "_signs", "alg", "family", "kid")

    def __init__(self, kid: str, family: str, public: Any, alg: str | None, *, signs: bool) -> None:
        self.kid = kid
        self.family = family
        self.alg = alg
        self._public = public
        self._signs = signs

    def fits(self, algorithm: str) -> bool:
        """Whether the key may check signatures of this algorithm."""
        return self._signs and self.family == FAMILIES[algorithm] and self.alg in {None, algorithm}

    def verify(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Whether `signature` is one over `signed`; the algorithm is one that the key fits."""
        digest = _HASHES[algorithm[2:]]
        try:
            if algorithm[0] == "E":
                size = _CURVES[self.family][1]
                if len(signature) != 2 * size:
                    return False
                halves = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
                self._public.verify(encode_dss_signature(*halves), signed, ec.ECDSA(digest))
            elif algorithm[0] == "P":
                salted = padding.PSS(padding.MGF1(digest), digest.digest_size)
                self._public.verify(signature, signed, salted, digest)
            else:
                self._public.verify(signature, signed, padding.PKCS1v15(), digest)
        except InvalidSignature:
            return False
        return True


class Keys:
    """The keys of an issuer. `skipped`: what was left out, in words."""

    __slots__ = ("_keys", "skipped")

    def __init__(self, keys: Mapping[str, Key], skipped: tuple[str, ...]) -> None:
        self._keys = keys
        self.skipped = skipped

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, kid: str | None) -> Key | None:
        """The key of that id; without an id the only key there is."""
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)


class FixedKeys:
    """Keys that stay until the next reload, with the interface of keys that are fetched."""

    __slots__ = ("keys",)

    def __init__(self, keys: Keys) -> None:
        self.keys: Keys | None = keys

    def renewal(self) -> None:
        """There are no newer ones to wait for."""


def parse_jwks(text: str) -> Keys:
    """The keys of a set; ConfigError says which entry is wrong and how."""
    try:
        document = loads(text)
    except JsonError as error:
        raise ConfigError(f"the key set is not JSON: {error.reason}") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise ConfigError('the key set needs an array "keys" with at least one key')
    found: dict[str, Key] = {}
    skipped: list[str] = []
    for number, entry in enumerate(entries, 1):
        key = _key(entry, f"key {number} of the key set")
        if isinstance(key, Key):
            found[key.kid] = key
        else:
            skipped.append(key)
    if not found:
        raise ConfigError(f"the key set holds no usable key: {'; '.join(skipped)}")
    return Keys(found, tuple(skipped))


def unpadded(text: bytes) -> bytes | None:
    """What base64url without padding encodes (RFC 7515 §2); None when it is something else."""
    try:
        return binascii.a2b_base64(text.translate(_URL_SAFE) + b"==="[: -len(text) % 4], strict_mode=True)
    except binascii.Error:
        return None


def _key(entry: Any, where: str) -> Key | str:
    """The key, or why it is left out."""
    if not isinstance(entry, dict):
        raise ConfigError(f"{where} is not an object")
    kid, kind, alg = entry.get("kid", "default"), entry.get("kty"), entry.get("alg")
    if not isinstance(kid, str) or not isinstance(alg, str | None):
        raise ConfigError(f"{where}: kid and alg must be strings")
    if kind == "oct":
        raise ConfigError(f"{where} is symmetric (oct): whoever can read it could sign tokens")
    if kind == "RSA":
        return Key(kid, "RSA", _rsa(entry, where), alg, signs=_signs(entry))
    if kind != "EC":
        return f"{where} is of an unsupported type"
    curve = entry.get("crv")
    if not isinstance(curve, str) or curve not in _CURVES:
        return f"{where} is on an unsupported curve"
    return Key(kid, curve, _ec(entry, curve, where), alg, signs=_signs(entry))


def _signs(entry: Mapping[str, Any]) -> bool:
    """Whether the key is meant for signatures (RFC 7517 §4.2, §4.3)."""
    operations = entry.get("key_ops")
    allowed = operations is None or (isinstance(operations, list) and "verify" in operations)
    return entry.get("use", "sig") == "sig" and allowed


def _rsa(entry: Mapping[str, Any], where: str) -> rsa.RSAPublicKey:
    modulus = int.from_bytes(_bytes(entry, "n", where))
    exponent = int.from_bytes(_bytes(entry, "e", where))
    if modulus.bit_length() not in _BITS:
        raise ConfigError(f"{where}: an RSA key needs 2048 to 8192 bits, and this has {modulus.bit_length()}")
    try:
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        raise ConfigError(f"{where} is not an RSA key") from None


def _ec(entry: Mapping[str, Any], curve: str, where: str) -> ec.EllipticCurvePublicKey:
    form, size = _CURVES[curve]
    x, y = _bytes(entry, "x", where), _bytes(entry, "y", where)
    if len(x) != size or len(y) != size:
        raise ConfigError(f"{where}: x and y must have {size} bytes each")
    try:
        return ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), form).public_key()
    except ValueError:
        raise ConfigError(f"{where} is not a point on {curve}") from None


def _bytes(entry: Mapping[str, Any], member: str, where: str) -> bytes:
    text = entry.get(member)
    data = unpadded(text.encode()) if isinstance(text, str) else None
    if not data:
        raise ConfigError(f'{where}: "{member}" must be base64url without padding')
    return data
