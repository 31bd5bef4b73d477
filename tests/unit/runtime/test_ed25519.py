"""The verifier against published vectors and against `cryptography`, on honest and on hostile input."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from base64 import b64decode
from hashlib import sha512
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agentdc_runtime.signing import ed25519

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
SEED = bytes(range(32))
ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
SMALL_ORDER = [
    *((y | sign << 255).to_bytes(32, "little") for y in (0, ORDER_8, P - ORDER_8) for sign in (0, 1)),
    (1).to_bytes(32, "little"),
    (P - 1).to_bytes(32, "little"),
]

# RFC 8032 §7.1 (TEST 1, 2, 3, SHA(abc)) and spec 02 §13: public key, message, signature.
PUBLISHED = {
    "rfc 1": (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        b"",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0"
            "595bbe24655141438e7a100b"
        ),
    ),
    "rfc 2": (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        b"\x72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eae"
            "b4302aeeb00d291612bb0c00"
        ),
    ),
    "rfc 3": (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        b"\xaf\x82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9"
            "716ed28dc027beceea1ec40a"
        ),
    ),
    "rfc sha(abc)": (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        sha512(b"abc").digest(),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c"
            "138ac17ad9bef1177331a704"
        ),
    ),
    "spec 02 §13": (
        "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
        b'name = "sig-vec"\n',
        b64decode(
            "q6c1m58cc8OSMxq9+atwjJJbWraLbuuswqkALm9tJEvenZyHthyUZ/Lt7pM3H4oMNGdAmW7qqf/PgXTUCsFfCw=="
        ).hex(),
    ),
}


def peer(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def flipped(data: bytes, bit: int) -> bytes:
    return bytes(byte ^ ((bit // 8 == index) << bit % 8) for index, byte in enumerate(data))


@pytest.fixture(scope="module")
def signed() -> tuple[bytes, bytes, bytes]:
    key, message = Ed25519PrivateKey.from_private_bytes(SEED), b'name = "w"\n'
    return key.public_key().public_bytes_raw(), message, key.sign(message)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_vectors(name: str) -> None:
    key, message, signature = PUBLISHED[name]
    assert ed25519.verify(bytes.fromhex(key), message, bytes.fromhex(signature))
    assert not ed25519.verify(bytes.fromhex(key), message + b"\0", bytes.fromhex(signature))
    assert ed25519.key_fault(bytes.fromhex(key)) is None


def test_vectors_of_the_authors() -> None:
    vectors = pytest.importorskip("cryptography_vectors")
    with vectors.open_vector_file("asymmetric/Ed25519/sign.input", "r") as file:
        lines = file.read().splitlines()
    assert len(lines) == 1024
    for line in [*lines[::6], lines[-1]]:  # messages of 0 to 1023 bytes
        _, key, message, signature = (bytes.fromhex(part) for part in line.split(":")[:4])
        assert ed25519.verify(key, message, signature[:64])


def test_agrees_on_random_keys_and_messages() -> None:
    chance = random.Random(20)
    for _ in range(250):
        private = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        key, message = private.public_key().public_bytes_raw(), chance.randbytes(chance.randrange(300))
        signature = private.sign(message)
        assert ed25519.verify(key, message, signature)
        other = chance.randbytes(64)
        assert not ed25519.verify(key, message, other) and not peer(key, message, other)


@pytest.mark.parametrize("part", [0, 1, 2], ids=["key", "message", "signature"])
def test_every_flipped_bit_refuses(signed: tuple[bytes, bytes, bytes], part: int) -> None:
    for bit in range(len(signed[part]) * 8):
        parts = list(signed)
        parts[part] = flipped(signed[part], bit)
        assert not ed25519.verify(*parts), bit
        assert not peer(*parts), bit


def test_lengths(signed: tuple[bytes, bytes, bytes]) -> None:
    key, message, signature = signed
    for length in (0, 1, 31, 33, 64):
        assert not ed25519.verify((key * 2)[:length], message, signature)
        assert ed25519.key_fault((key * 2)[:length]) == f"has {length} bytes instead of 32"
    for length in (0, 1, 32, 63, 65, 128):
        assert not ed25519.verify(key, message, (signature * 2)[:length])


def test_a_second_signature_cannot_be_derived(signed: tuple[bytes, bytes, bytes]) -> None:
    key, message, signature = signed
    s = int.from_bytes(signature[32:], "little")
    for multiple in range(1, 15):
        other = signature[:32] + (s + multiple * L).to_bytes(32, "little")
        assert not ed25519.verify(key, message, other)
        assert not peer(key, message, other)


@pytest.mark.parametrize("key", SMALL_ORDER, ids=[each.hex()[:8] + each.hex()[-2:] for each in SMALL_ORDER])
def test_keys_of_small_order_are_refused_where_the_peer_takes_them(key: bytes) -> None:
    assert ed25519.key_fault(key) == "is a point of small order, which protects nothing"
    taken = 0
    for number in range(40):  # S·B - k·A = R with k·A neutral for every eighth message at least
        s = 3 + number
        r = ed25519._encode(ed25519._two_products(s, ed25519._BASE, 0, ed25519._BASE))
        signature = r + s.to_bytes(32, "little")
        taken += peer(key, b"any message %d" % number, signature)
        assert not ed25519.verify(key, b"any message %d" % number, signature)
    assert taken > 0, "the forgery is real"


def _secret_scalar() -> int:
    low = bytearray(sha512(SEED).digest()[:32])
    low[0] &= 248
    low[31] = low[31] & 127 | 64
    return int.from_bytes(low, "little")


def _with_r(key: bytes, message: bytes, r: bytes) -> bytes:
    """What the owner of SEED can make when R is the neutral point in some encoding."""
    k = int.from_bytes(sha512(r + key + message).digest(), "little")
    return r + (k * _secret_scalar() % L).to_bytes(32, "little")


def test_neutral_r_is_refused(signed: tuple[bytes, bytes, bytes]) -> None:
    key, message, _ = signed
    signature = _with_r(key, message, (1).to_bytes(32, "little"))
    assert peer(key, message, signature)
    assert not ed25519.verify(key, message, signature)


@pytest.mark.parametrize("r", [P + 1, 1 | 1 << 255, P + 1 | 1 << 255], ids=["y+p", "sign of zero", "both"])
def test_non_canonical_r_is_refused(signed: tuple[bytes, bytes, bytes], r: int) -> None:
    key, message, _ = signed
    signature = _with_r(key, message, r.to_bytes(32, "little"))
    assert not peer(key, message, signature)
    assert not ed25519.verify(key, message, signature)


@pytest.mark.parametrize("excess", range(19))
def test_non_canonical_keys_are_refused(excess: int) -> None:
    for sign in (0, 1):
        key = (P + excess | sign << 255).to_bytes(32, "little")
        assert ed25519.key_fault(key) == "is not a point of the curve"
        assert not ed25519.verify(key, b"", ed25519._encode(ed25519._BASE) + (1).to_bytes(32, "little"))


def test_zero_has_no_sign() -> None:
    for y in (1, P - 1):
        assert ed25519._decode((y | 1 << 255).to_bytes(32, "little")) is None


def test_keys_with_a_part_of_small_order_count_as_the_peer_counts_them(
    signed: tuple[bytes, bytes, bytes],
) -> None:
    """The equation without a cofactor: k·A' equals k·A for some messages only."""
    honest, seen = ed25519._decode(signed[0]), set()
    torsion = ed25519._decode(SMALL_ORDER[2])
    assert honest and torsion
    key = ed25519._encode(ed25519._add(honest, ed25519._table_entry(torsion)))
    r = ed25519._encode(ed25519._two_products(5, ed25519._BASE, 0, ed25519._BASE))
    for number in range(64):
        message = b"%d" % number
        k = int.from_bytes(sha512(r + key + message).digest(), "little") % L
        signature = r + ((5 + k * _secret_scalar()) % L).to_bytes(32, "little")
        assert ed25519.verify(key, message, signature) is peer(key, message, signature)
        seen.add(ed25519.verify(key, message, signature))
    assert seen == {True, False}


def test_recoding_keeps_the_scalar() -> None:
    chance = random.Random(8)
    for scalar in [0, 1, 15, 16, 17, 31, L - 1, 2**252, *(chance.randrange(L) for _ in range(200))]:
        digits = ed25519._digits(scalar)
        assert sum(digit << position for position, digit in digits.items()) == scalar
        assert all(digit % 2 == 1 and -16 < digit < 16 for digit in digits.values())
        assert max(digits, default=0) <= scalar.bit_length()


def test_is_not_slow_by_a_magnitude(signed: tuple[bytes, bytes, bytes]) -> None:
    times = []
    for _ in range(7):
        begin = time.perf_counter()
        ed25519.verify(*signed)
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.1  # about 1.5 ms; a start can afford ten


_WITHOUT = """
import sys
for name in {absent!r}: sys.modules[name] = None
sys.path.insert(0, {root!r})
from agentdc_runtime.signing import ed25519, digests, spki
vector = {vector!r}
assert ed25519.verify(bytes.fromhex(vector[0]), vector[1], bytes.fromhex(vector[2]))
assert spki.fingerprint(bytes.fromhex(vector[0])) == "56475aa75463474c"
print(sorted({watched!r} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("absent", "watched"),
    [
        (
            [],
            {"hashlib", "_hashlib", "re", "random", "base64"},
        ),  # the usual case: nothing but the digests is loaded
        (["_hashlib"], {"hashlib"}),  # an interpreter without OpenSSL
        (["_sha2", "_sha512", "_sha256"], set()),  # one without its own digests
    ],
    ids=["built-in", "no OpenSSL", "OpenSSL only"],
)
def test_digests_of_any_interpreter(absent: list[str], watched: set[str]) -> None:
    root = str(Path(ed25519.__file__).parents[2])
    program = _WITHOUT.format(absent=absent, watched=watched, root=root, vector=PUBLISHED["spec 02 §13"])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
