"""Public keys in PEM as a built app reads them."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519

from agentdc_runtime.signing import spki

RAW = bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")
BODY = "MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
PEM = f"-----BEGIN PUBLIC KEY-----\n{BODY}\n-----END PUBLIC KEY-----\n"


@pytest.mark.parametrize(
    "text",
    [
        PEM,
        PEM.replace("\n", "\r\n"),
        PEM.rstrip(),
        f"\n  \n{PEM}\n\n",
        f"owner: ops\n{PEM}end of file",
        PEM.replace(BODY, f"{BODY[:20]}\n  {BODY[20:]}"),
    ],
    ids=["plain", "crlf", "no last newline", "blank lines", "text around", "broken lines"],
)
def test_one_key(text: str) -> None:
    assert spki.public_key_from_pem(text) == RAW


def test_fingerprint() -> None:
    assert spki.fingerprint(RAW) == "56475aa75463474c"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no PEM block"),
        ("garbage", "has no PEM block"),
        (BODY, "has no PEM block"),
        ("ssh-ed25519 AAAA me", "has no PEM block"),
        (PEM + PEM, "has more than one PEM block"),
        (PEM.replace("PUBLIC", "PRIVATE"), "is a private key; the public half belongs here"),
        (PEM.replace("PUBLIC", "ENCRYPTED PRIVATE"), "is a private key; the public half belongs here"),
        (PEM.replace("PUBLIC KEY", "CERTIFICATE"), "is not a PEM public key (BEGIN PUBLIC KEY)"),
        (PEM.replace("PUBLIC", "RSA PUBLIC"), "is not a PEM public key (BEGIN PUBLIC KEY)"),
        ("-----BEGIN PUBLIC KEY", "ends before its END PUBLIC KEY line"),
        (PEM[:60], "ends before its END PUBLIC KEY line"),
        (PEM.replace("END PUBLIC", "END PRIVATE"), "ends before its END PUBLIC KEY line"),
        (PEM.replace(BODY, "*" + BODY[1:]), "is not base64 between its BEGIN and END lines"),
        (PEM.replace(BODY, "é" + BODY[1:]), "is not base64 between its BEGIN and END lines"),
        (PEM.replace(BODY, BODY[:-1]), "is not base64 between its BEGIN and END lines"),
        (PEM.replace(BODY, BODY + "===="), "is not base64 between its BEGIN and END lines"),
        (PEM.replace(BODY, ""), "is not an Ed25519 key"),
        (PEM.replace(BODY, BODY[:-4]), "is not an Ed25519 key"),
        (PEM.replace("K2VwAyEA", "K2VwAyEB"), "is not an Ed25519 key"),
        (PEM.replace("MCow", "MCsw"), "is not an Ed25519 key"),
    ],
)
def test_anything_else(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        spki.public_key_from_pem(text)
    assert str(caught.value) == reason


def test_keys_of_other_kinds() -> None:
    for key in (
        rsa.generate_private_key(65537, 2048).public_key(),
        ec.generate_private_key(ec.SECP256R1()).public_key(),
        ed448.Ed448PrivateKey.generate().public_key(),
        x25519.X25519PrivateKey.generate().public_key(),
    ):
        pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(ValueError, match=r"^is not an Ed25519 key$"):
            spki.public_key_from_pem(pem.decode())


def test_unused_bits_in_the_encoding_are_refused() -> None:
    vectors = pytest.importorskip("cryptography_vectors")
    with vectors.open_vector_file("asymmetric/Ed25519/ed25519-pub.pem", "r") as file:
        assert len(spki.public_key_from_pem(file.read())) == 32
    with vectors.open_vector_file("asymmetric/Ed25519/ed25519-pub-non-zero-unused-bits.der", "rb") as file:
        text = f"-----BEGIN PUBLIC KEY-----\n{b64encode(file.read()).decode()}\n-----END PUBLIC KEY-----\n"
    with pytest.raises(ValueError, match=r"^is not an Ed25519 key$"):
        spki.public_key_from_pem(text)
