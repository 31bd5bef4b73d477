"""Tokens and key sets as an issuer makes them: keys of every kind, and tokens that no library would make."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from agentdc_runtime.auth.jwks import FAMILIES

NOW = 1_700_000_000
ISSUER = "https://login.example"
CLAIMS: dict[str, Any] = {"iss": ISSUER, "sub": "dana", "exp": NOW + 60}


def private(kind: str, number: int = 1) -> Any:
    """A private key of its own for each number."""
    return _private(kind, number)


@cache
def _private(kind: str, _number: int) -> Any:
    if kind == "RSA":
        return rsa.generate_private_key(65537, 2048)
    curves: dict[str, Any] = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
    return ec.generate_private_key(curves[kind]())


def jwk(kind: str, number: int = 1, **members: Any) -> dict[str, Any]:
    """The public half as an entry of a key set; a member that is None is left out."""
    maker: Any = jwt.algorithms.RSAAlgorithm if kind == "RSA" else jwt.algorithms.ECAlgorithm
    entry = {**maker.to_jwk(private(kind, number).public_key(), as_dict=True), "kid": "k1", **members}
    entry.pop("key_ops", None) if "key_ops" not in members else None
    return {name: value for name, value in entry.items() if value is not None}


def key_set(*entries: dict[str, Any]) -> str:
    return json.dumps({"keys": entries})


def token(
    algorithm: str = "RS256",
    claims: dict[str, Any] | None = None,
    *,
    key: Any = None,
    kid: str | None = "k1",
    **header: Any,
) -> str:
    """A token by PyJWT."""
    if kid is not None:
        header["kid"] = kid
    signer = private(FAMILIES[algorithm]) if key is None else key
    return jwt.encode(CLAIMS if claims is None else claims, signer, algorithm=algorithm, headers=header)


def claims(**changed: Any) -> dict[str, Any]:
    """The usual claims, changed; one that is None is left out."""
    return {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}


def packed(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed(header: Any, payload: Any) -> str:
    """Any header over any payload with a good RS256 signature, which no library would make."""
    text = f"{packed(header)}.{packed(payload)}"
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        text.encode(), private("RSA")
    )
    return f"{text}.{packed(signature)}"
