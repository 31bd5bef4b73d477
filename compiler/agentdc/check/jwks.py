"""A JSON Web Key Set as text: which keys an app could use, and why not the others (spec 02 §2.7).

Says what the runtime library would say of the same text at its start, by arithmetic alone; a test holds the two
together. Nothing of a key is ever repeated.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_BITS = range(2048, 8193)
_DEEPEST = 127  # nested containers that the dialect's JSON allows (spec 01 §0)
_URL_SAFE = bytes.maketrans(b"-_+/=", b"+/!!!")
# Curve to the size of a coordinate, the prime of its field, and the b of y² = x³ - 3x + b (FIPS 186-4 §D.1.2).
_CURVES = {
    "P-256": (
        32,
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    ),
    "P-384": (
        48,
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    ),
}


@dataclass(frozen=True, slots=True)
class Found:
    """`problems`: why the set is refused. `skipped`: entries that are left out. `families`: RSA and curves that can
    check signatures. `private`: an entry holds a private key."""

    problems: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    families: frozenset[str] = frozenset()
    private: bool = False


class _Unusable(Exception):
    """A key that refuses the whole set."""


class _Skipped(Exception):
    """A key of a kind that is left out."""


def read(text: str) -> Found:
    """What a set holds."""
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Found(("it is not JSON",))
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        return Found(('it needs an array "keys" with at least one key',))
    if _deep(document):
        return Found((f"it has more than {_DEEPEST} nested containers",))
    problems, skipped, families, usable = [], [], set(), 0
    for number, entry in enumerate(entries, 1):
        try:
            family = _family(entry)
        except _Unusable as unusable:
            problems.append(f"key {number} {unusable}")
        except _Skipped as left_out:
            skipped.append(f"key {number} {left_out}")
        else:
            usable += 1
            if _signs(entry):
                families.add(family)
    if not problems and not usable:
        problems.append("it holds no usable key")
    private = any(isinstance(entry, dict) and "d" in entry for entry in entries)
    return Found(tuple(problems), tuple(skipped), frozenset(families), private)


def _family(entry: Any) -> str:
    if not isinstance(entry, dict):
        raise _Unusable("is not an object")
    if not all(isinstance(entry.get(name), str | None) for name in ("kid", "alg")):
        raise _Unusable("has a kid or an alg that is not a string")
    if "kid" in entry and entry["kid"] is None:
        raise _Unusable("has a kid or an alg that is not a string")
    kind, curve = entry.get("kty"), entry.get("crv")
    if kind == "oct":
        raise _Unusable("is symmetric (oct): whoever can read it could sign tokens")
    if kind == "RSA":
        _check_rsa(entry)
        return "RSA"
    if kind != "EC":
        raise _Skipped("is of an unsupported type")
    if not isinstance(curve, str) or curve not in _CURVES:
        raise _Skipped("is on an unsupported curve")
    _check_point(entry, curve)
    return curve


def _signs(entry: Mapping[str, Any]) -> bool:
    operations = entry.get("key_ops")
    allowed = operations is None or (isinstance(operations, list) and "verify" in operations)
    return entry.get("use", "sig") == "sig" and allowed


def _check_rsa(entry: Mapping[str, Any]) -> None:
    modulus = int.from_bytes(_bytes(entry, "n"))
    exponent = int.from_bytes(_bytes(entry, "e"))
    if modulus.bit_length() not in _BITS:
        raise _Unusable(f"is an RSA key of {modulus.bit_length()} bits; 2048 to 8192 are accepted")
    if not 3 <= exponent < modulus or exponent % 2 == 0:
        raise _Unusable("is not an RSA key")


def _check_point(entry: Mapping[str, Any], curve: str) -> None:
    size, prime, b = _CURVES[curve]
    coordinates = _bytes(entry, "x"), _bytes(entry, "y")
    if any(len(each) != size for each in coordinates):
        raise _Unusable(f"needs x and y of {size} bytes each")
    x, y = (int.from_bytes(each) for each in coordinates)
    if max(x, y) >= prime or (y * y - (x * x * x - 3 * x + b)) % prime:
        raise _Unusable(f"is not a point on {curve}")


def _bytes(entry: Mapping[str, Any], member: str) -> bytes:
    """What base64url without padding encodes."""
    text = entry.get(member)
    try:
        raw = text.encode().translate(_URL_SAFE) if isinstance(text, str) else b""
        data = binascii.a2b_base64(raw + b"==="[: -len(raw) % 4], strict_mode=True)
    except ValueError:  # binascii.Error, and half of a surrogate pair
        data = b""
    if not data:
        raise _Unusable(f'needs "{member}" as base64url without padding')
    return data


def _no_constant(_: str) -> Any:
    raise ValueError


def _deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        inside = (each.values() if isinstance(each, dict) else each for each in level)
        level = [item for items in inside for item in items if isinstance(item, dict | list)]
    return bool(level)
