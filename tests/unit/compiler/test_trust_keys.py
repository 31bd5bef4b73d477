"""Keys: made, read, refused with a reason, named; and the same ones refused as in a built app."""

from __future__ import annotations

import random
import subprocess
import sys
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives import serialization as shapes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agentdc.trust import keys, points
from agentdc_runtime.signing import ed25519, spki

RAW = bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")
SEED = bytes(range(32))
BODY = b"MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
PEM = b"-----BEGIN PUBLIC KEY-----\n" + BODY + b"\n-----END PUBLIC KEY-----\n"
PKCS8 = shapes.PrivateFormat.PKCS8
OPEN = shapes.NoEncryption()


def spki_pem(raw: bytes) -> bytes:
    der = bytes.fromhex("302a300506032b6570032100") + raw
    return b"-----BEGIN PUBLIC KEY-----\n" + b64encode(der) + b"\n-----END PUBLIC KEY-----\n"


def private_pem(seed: bytes = SEED) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).private_bytes(shapes.Encoding.PEM, PKCS8, OPEN)


def test_a_fresh_pair_belongs_together() -> None:
    pair = keys.generate()
    private, public = keys.load_private(pair.private_pem), keys.load_public(pair.public_pem)
    assert keys.public_half(private) == public
    assert pair.private_pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert pair.public_pem.startswith(b"-----BEGIN PUBLIC KEY-----\n")
    assert pair != keys.generate()


def test_key_of_the_specification() -> None:
    assert keys.load_public(PEM) == keys.PublicKey(RAW)
    assert keys.load_private(private_pem()) == keys.PrivateKey(SEED)
    assert keys.public_half(keys.PrivateKey(SEED)) == keys.PublicKey(RAW)
    assert keys.fingerprint(keys.PublicKey(RAW)) == "56475aa75463474c" == spki.fingerprint(RAW)


def test_private_keys_stay_out_of_reprs() -> None:
    assert repr(keys.load_private(private_pem())) == "PrivateKey()"
    pair = keys.generate()
    assert "PRIVATE" not in repr(pair)


def other_public(key: rsa.RSAPrivateKey | dsa.DSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(shapes.Encoding.PEM, shapes.PublicFormat.SubjectPublicKeyInfo)


RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
OPENSSH = Ed25519PrivateKey.from_private_bytes(SEED).private_bytes(
    shapes.Encoding.PEM, shapes.PrivateFormat.OpenSSH, OPEN
)

NOT_PUBLIC: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "blank": (b" \n", "is empty"),
    "garbage": (b"hello", "has no PEM block"),
    "bytes": (b"\xff\x00\xfe", "has no PEM block"),
    "der": (
        bytes.fromhex("302a300506032b6570032100") + RAW,
        "is DER; convert it to PEM with `openssl pkey -inform DER`",
    ),
    "ssh line": (b"ssh-ed25519 AAAA", "is an OpenSSH key; a PEM key is needed"),
    "openssh": (OPENSSH, "is a private key; give the public half, and keep this one out of reach"),
    "private": (private_pem(), "is a private key; give the public half, and keep this one out of reach"),
    "two": (PEM + PEM, "has 2 PEM blocks instead of one"),
    "pair": (PEM + private_pem(), "has 2 PEM blocks instead of one"),
    "certificate": (PEM.replace(b"PUBLIC KEY", b"CERTIFICATE"), "is a certificate; a bare key is needed"),
    "other label": (
        PEM.replace(b"PUBLIC KEY", b"RSA PUBLIC KEY"),
        'is not a PEM block that begins with "BEGIN PUBLIC KEY"',
    ),
    "cut": (PEM[:50], "is cut off before its END PUBLIC KEY line"),
    "not base64": (PEM.replace(b"MCow", b"MC*w"), "is not base64 between its BEGIN and END lines"),
    "no padding": (PEM.replace(b"bg=", b"bg"), "is not base64 between its BEGIN and END lines"),
    "short": (PEM.replace(b"Mbg=", b""), "is not an Ed25519 key"),
    "rsa": (other_public(RSA), "is an RSA key, not an Ed25519 key"),
    "ec": (other_public(EC), "is an EC key, not an Ed25519 key"),
    "dsa": (other_public(dsa.generate_private_key(1024)), "is a DSA key, not an Ed25519 key"),
    "off the curve": (spki_pem(b"\x02" + bytes(31)), "is not a point of the curve"),
    "not canonical": (spki_pem((2**255 - 15).to_bytes(32, "little")), "is not a point of the curve"),
    "small order": (spki_pem(b"\x01" + bytes(31)), "is a point of small order, which protects nothing"),
}


@pytest.mark.parametrize("name", NOT_PUBLIC)
def test_what_is_no_public_key(name: str) -> None:
    pem, reason = NOT_PUBLIC[name]
    with pytest.raises(keys.KeyProblem) as caught:
        keys.load_public(pem)
    assert caught.value.reason == str(caught.value) == reason


NOT_PRIVATE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "garbage": (b"hello", "has no PEM block"),
    "public": (PEM, "is a public key; signing needs the private one"),
    "two": (private_pem() * 2, "has 2 PEM blocks instead of one"),
    "openssh": (OPENSSH, "is an OpenSSH key; a PEM key is needed"),
    "certificate": (PEM.replace(b"PUBLIC KEY", b"CERTIFICATE"), "is a certificate; a bare key is needed"),
    "damaged": (private_pem().replace(b"MC4C", b"MC4D"), "is damaged: it cannot be decoded"),
    "cut": (private_pem()[:60], "is damaged: it cannot be decoded"),
    "password": (
        Ed25519PrivateKey.generate().private_bytes(
            shapes.Encoding.PEM, PKCS8, shapes.BestAvailableEncryption(b"pw")
        ),
        "is protected by a password; decrypt it first with `openssl pkey -in KEY -out PLAIN`",
    ),
    "old password": (
        RSA.private_bytes(
            shapes.Encoding.PEM,
            shapes.PrivateFormat.TraditionalOpenSSL,
            shapes.BestAvailableEncryption(b"pw"),
        ),
        "is protected by a password",
    ),
    "rsa": (RSA.private_bytes(shapes.Encoding.PEM, PKCS8, OPEN), "is an RSA key, not an Ed25519 key"),
    "ec": (EC.private_bytes(shapes.Encoding.PEM, PKCS8, OPEN), "is an EC key, not an Ed25519 key"),
    "ed448": (
        ed448.Ed448PrivateKey.generate().private_bytes(shapes.Encoding.PEM, PKCS8, OPEN),
        "is an Ed448 key, not an Ed25519 key",
    ),
    "x25519": (
        x25519.X25519PrivateKey.generate().private_bytes(shapes.Encoding.PEM, PKCS8, OPEN),
        "is an X25519 key, not an Ed25519 key",
    ),
}


@pytest.mark.parametrize("name", NOT_PRIVATE)
def test_what_is_no_private_key(name: str) -> None:
    pem, reason = NOT_PRIVATE[name]
    with pytest.raises(keys.KeyProblem) as caught:
        keys.load_private(pem)
    assert caught.value.reason == reason


def runtime_key(pem: bytes) -> bytes | None:
    try:
        raw = spki.public_key_from_pem(pem.decode("utf-8", "replace"))
    except ValueError:
        return None
    return raw if ed25519.key_fault(raw) is None else None


def compiler_key(pem: bytes) -> bytes | None:
    try:
        return keys.load_public(pem).raw
    except keys.KeyProblem:
        return None


def test_a_built_app_takes_the_same_keys() -> None:
    chance = random.Random(1)
    texts = [pem for pem, _ in NOT_PUBLIC.values()]
    texts += [PEM, PEM.replace(b"\n", b"\r\n"), b"note\n" + PEM + b"note", PEM.replace(b"YDK2", b"YDK\x1c2")]
    texts += [spki_pem(chance.randbytes(32)) for _ in range(100)]
    for _ in range(400):
        at = chance.randrange(len(PEM))
        texts.append(PEM[:at] + chance.choice([b"", b"\n", b"-", b"A", b"=", b"\x80"]) + PEM[at + 1 :])
    for text in texts:
        assert compiler_key(text) == runtime_key(text), text
    assert 60 < sum(compiler_key(text) is not None for text in texts) < 400


def test_points_are_judged_as_in_a_built_app() -> None:
    chance = random.Random(2)
    p = 2**255 - 19
    numbers = [*range(64), *range(p - 32, 2**255), *(chance.getrandbits(255) for _ in range(200))]
    torsion = set()
    for y in range(2, 40):  # the order of the base times any point leaves its part of small order
        point = ed25519._decode(y.to_bytes(32, "little"))
        if point:
            part = ed25519._two_products(ed25519._L, point, 0, ed25519._BASE)
            torsion.add(int.from_bytes(ed25519._encode(part), "little"))
    assert len(torsion) >= 5
    for number in {*numbers, *torsion}:
        raw = number.to_bytes(32, "little")
        assert points.fault(raw) == ed25519.key_fault(raw), number


def test_an_unsigned_workflow_does_not_pay_for_cryptography() -> None:
    program = (
        "import sys; from agentdc.diagnostics.span import SourceFile;"
        "from agentdc.trust import declared, facts, verify;"
        "verify.verify(facts.TrustRequest(SourceFile('w', b''), declared.declared_signing({})));"
        "print('cryptography' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
