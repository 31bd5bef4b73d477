"""Which 32 bytes are a sound Ed25519 public key.

`cryptography` takes any 32 bytes as a key, and lets keys of small order verify. The verifier in a built app refuses
both, so they are refused here too: what a build accepts must start.
"""

from __future__ import annotations

_P = 2**255 - 19
_D = 37095705934669439343138083508754565189542113879843219016388785533085940283555
_Y_OF_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_Y_OF_SMALL_ORDER = frozenset((1, _P - 1, 0, _Y_OF_ORDER_8, _P - _Y_OF_ORDER_8))


def fault(raw: bytes) -> str | None:
    """Why no signature can hold under this raw key, in words that follow "it"; None for a sound key."""
    if has_small_order(raw):
        return "is a point of small order, which protects nothing"
    return None if _is_on_curve(_y(raw)) else "is not a point of the curve"


def has_small_order(encoded: bytes) -> bool:
    """True for the canonical encodings of the points whose order divides 8."""
    return _y(encoded) in _Y_OF_SMALL_ORDER


def _y(encoded: bytes) -> int:
    return int.from_bytes(encoded, "little") & (1 << 255) - 1


def _is_on_curve(y: int) -> bool:
    """RFC 8032 §5.1.3: y is canonical, and (y²-1)/(dy²+1) has a square root, which is Euler's criterion."""
    if y >= _P:
        return False
    u, v = y * y - 1, _D * y * y + 1
    return pow(u * v, (_P - 1) // 2, _P) <= 1
