"""Ed25519 verification (RFC 8032 §5.1.7) in Python integers; linking costs nothing, a call about 2 ms.

Verification handles public data only, so nothing here runs in constant time, and nothing here can sign.

Theory of operation. A signature is R ‖ S over a message M under the public key A. It holds when
S·B - k·A = R with k = SHA-512(R ‖ A ‖ M) mod L. Both products are computed in one pass over the bits
(Straus): one chain of doublings serves both, and each scalar, recoded so that at most every fifth digit is
not zero, adds odd multiples from a table of eight. The result is encoded and compared with the bytes of R.

Strictness. Where implementations differ this one refuses, but nothing that an honest signer can make:

- S is below the group order L, so nobody can turn a signature into a second one;
- A is the one canonical encoding of a point; R is so because it is compared with a canonical encoding;
- A and R do not have small order. A key of small order signs anything without a secret. Honest A and R are
  multiples of B; the only one among those of small order is the neutral point, with a chance of 2⁻²⁵²;
- the equation has no cofactor, as in OpenSSL.

Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, x·y = T/Z (RFC 8032 §5.1.4). Table entries are
(Y-X, Y+X, 2d·T, 2Z).
"""

from __future__ import annotations

from agentdc_runtime.signing.digests import sha512

TYPE_CHECKING = False
if TYPE_CHECKING:
    Point = tuple[int, int, int, int]

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = 37095705934669439343138083508754565189542113879843219016388785533085940283555
_ROOT_OF_MINUS_ONE = 19681161376707505956807079304988542015446066515923890162744021073123829784752
_BASE = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
    1,
    46827403850823179245072216630277197565144205554125654976674165829533817101731,
)
_WIDTH = 5
_SIGN_BIT = 1 << 255


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """True when `signature` (64 bytes) fits `message` and `public_key` (32 bytes); no bytes make it raise."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    a = _decode(public_key)
    if s >= _L or a is None or _has_small_order(a):
        return False
    k = int.from_bytes(sha512((signature[:32], public_key, message)), "little") % _L
    x, y, z, t = a
    r = _two_products(s, _BASE, k, (_P - x, y, z, _P - t))
    return not _has_small_order(r) and _encode(r) == bytes(signature[:32])


def key_fault(public_key: bytes) -> str | None:
    """Why no signature can hold under this raw key, in words that follow "it"; None for a sound key."""
    if len(public_key) != 32:
        return f"has {len(public_key)} bytes instead of 32"
    point = _decode(public_key)
    if point is None:
        return "is not a point of the curve"
    return "is a point of small order, which protects nothing" if _has_small_order(point) else None


def _decode(encoded: bytes) -> Point | None:
    """The point of 32 bytes, or None; RFC 8032 §5.1.3."""
    number = int.from_bytes(encoded, "little")
    y, sign = number & (_SIGN_BIT - 1), number >> 255
    if y >= _P:
        return None
    u = (y * y - 1) % _P
    v = (_D * y * y + 1) % _P
    x = u * v**3 * pow(u * v**7 % _P, (_P - 5) // 8, _P) % _P
    if v * x * x % _P == _P - u:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if v * x * x % _P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _encode(point: Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    return (y * inverse % _P | (x * inverse % _P & 1) << 255).to_bytes(32, "little")


def _has_small_order(point: Point) -> bool:
    """True when eight times the point is the neutral point (0, 1)."""
    x, y, z, _ = _double(_double(_double(point)))
    return x == 0 and y == z


def _two_products(s: int, p: Point, k: int, q: Point) -> Point:
    """The point s·p + k·q."""
    terms = ((_digits(s), _odd_multiples(p)), (_digits(k), _odd_multiples(q)))
    total = (0, 1, 1, 0)
    for position in range(max(s.bit_length(), k.bit_length()), -1, -1):
        total = _double(total)
        for digits, multiples in terms:
            digit = digits.get(position)
            if digit is not None:
                total = _add(total, multiples[digit])
    return total


def _digits(scalar: int) -> dict[int, int]:
    """The scalar as a sum of digit·2^position, digits odd and between -15 and 15, few of them."""
    digits = {}
    position = 0
    while scalar:
        zeros = (scalar & -scalar).bit_length() - 1
        scalar >>= zeros
        position += zeros
        digit = scalar & (1 << _WIDTH) - 1
        if digit >> (_WIDTH - 1):
            digit -= 1 << _WIDTH
        digits[position] = digit
        scalar -= digit
    return digits


def _odd_multiples(point: Point) -> dict[int, Point]:
    """Table entries of ±1, ±3 … ±15 times the point."""
    twice = _table_entry(_double(point))
    multiples = {}
    for odd in range(1, 1 << (_WIDTH - 1), 2):
        entry = _table_entry(point)
        minus, plus, product, z = entry
        multiples[odd], multiples[-odd] = entry, (plus, minus, _P - product, z)
        point = _add(point, twice)
    return multiples


def _table_entry(point: Point) -> Point:
    x, y, z, t = point
    return y - x, y + x, 2 * _D * t % _P, 2 * z


def _add(point: Point, entry: Point) -> Point:
    """The sum of a point and a table entry; complete, so no case is special."""
    x, y, z, t = point
    minus, plus, product, z2 = entry
    a = (y - x) * minus % _P
    b = (y + x) * plus % _P
    c = t * product % _P
    d = z * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _double(point: Point) -> Point:
    x, y, z, _ = point
    a, b = x * x % _P, y * y % _P
    h = a + b
    e = h - (x + y) ** 2 % _P
    g = a - b
    f = 2 * z * z % _P + g
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P
