"""Ed25519 public keys in PEM (RFC 8410), and their fingerprints; linking costs nothing.

Knows one shape of key only, so a fixed prefix stands in for a DER parser. Text around the PEM block is
ignored (RFC 7468 §2); a second block is refused, since it would be a guess which of the two is meant.
"""

from __future__ import annotations

from agentdc_runtime.signing.digests import sha256

_PREFIX = bytes.fromhex("302a300506032b6570032100")
_BEGIN, _DASHES = "-----BEGIN ", "-----"


def public_key_from_pem(text: str) -> bytes:
    """The raw 32-byte key of one `BEGIN PUBLIC KEY` block; ValueError with a reason that follows "it"."""
    if text.count(_BEGIN) != 1:
        raise ValueError("has no PEM block" if _BEGIN not in text else "has more than one PEM block")
    name, _, rest = text.partition(_BEGIN)[2].partition(_DASHES)
    if "PRIVATE KEY" in name:
        raise ValueError("is a private key; the public half belongs here")
    if name != "PUBLIC KEY":
        raise ValueError("is not a PEM public key (BEGIN PUBLIC KEY)")
    body, end, _ = rest.partition("-----END PUBLIC KEY-----")
    if not end:
        raise ValueError("ends before its END PUBLIC KEY line")
    der = _from_base64(body)
    if not der.startswith(_PREFIX) or len(der) != len(_PREFIX) + 32:
        raise ValueError("is not an Ed25519 key")
    return der[len(_PREFIX) :]


def fingerprint(public_key: bytes) -> str:
    """16 lower-case hexadecimal characters that name a raw key (spec 02 §7.1)."""
    return sha256(public_key)[:8].hex()


def _from_base64(body: str) -> bytes:
    from binascii import a2b_base64

    try:
        return a2b_base64("".join(body.split()), strict_mode=True)
    except ValueError:  # binascii.Error, and letters outside ASCII
        raise ValueError("is not base64 between its BEGIN and END lines") from None
