"""Ed25519 keys: making them, reading them from PEM, naming them.

A public key has one shape (SubjectPublicKeyInfo, RFC 8410), so it is read without a DER parser, exactly as a
built app reads it. What a wrong key is instead is told in words; no key material ever appears in them.
"""

from __future__ import annotations

from binascii import a2b_base64
from dataclasses import dataclass, field
from hashlib import sha256

from agentdc.trust import points

_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
_BEGIN = "-----BEGIN "


class KeyProblem(Exception):
    """A key that cannot be used; `reason` follows "it"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The raw 32 bytes of a public key."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """The raw 32 bytes of a private key, kept out of its repr."""

    seed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A fresh key: PKCS #8 without a password, and SubjectPublicKeyInfo; both PEM."""

    private_pem: bytes = field(repr=False)
    public_pem: bytes


def generate() -> KeyPair:
    """A new random key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public_pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return KeyPair(private_pem, public_pem)


def load_public(pem: bytes) -> PublicKey:
    """The one Ed25519 public key in a PEM text; KeyProblem for anything else."""
    label, rest = _only_block(pem)
    if "PRIVATE KEY" in label:
        raise KeyProblem("is a private key; give the public half, and keep this one out of reach")
    if label != "PUBLIC KEY":
        raise KeyProblem(_instead(label, "PUBLIC KEY"))
    der = _der(rest)
    if not der.startswith(_SPKI_PREFIX) or len(der) != len(_SPKI_PREFIX) + 32:
        raise KeyProblem(_other_algorithm(pem))
    raw = der[len(_SPKI_PREFIX) :]
    fault = points.fault(raw)
    if fault is not None:
        raise KeyProblem(fault)
    return PublicKey(raw)


def load_private(pem: bytes) -> PrivateKey:
    """The one Ed25519 private key in a PEM text (PKCS #8, no password); KeyProblem for anything else."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    label, _ = _only_block(pem)
    if label == "PUBLIC KEY":
        raise KeyProblem("is a public key; signing needs the private one")
    if label == "ENCRYPTED PRIVATE KEY":
        raise KeyProblem(
            "is protected by a password; decrypt it first with `openssl pkey -in KEY -out PLAIN`"
        )
    if "PRIVATE KEY" not in label or label.startswith("OPENSSH"):
        raise KeyProblem(_instead(label, "PRIVATE KEY"))
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:  # a password inside the older PEM forms
        raise KeyProblem("is protected by a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyProblem("is damaged: it cannot be decoded") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyProblem(f"is {_kind(key)}, not an Ed25519 key")
    return PrivateKey(key.private_bytes_raw())


def public_half(private: PrivateKey) -> PublicKey:
    """The public key that verifies what `private` signs."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return PublicKey(Ed25519PrivateKey.from_private_bytes(private.seed).public_key().public_bytes_raw())


def fingerprint(public: PublicKey) -> str:
    """16 lower-case hexadecimal characters that name a key (spec 02 §7.1)."""
    return sha256(public.raw).hexdigest()[:16]


def _only_block(pem: bytes) -> tuple[str, str]:
    """The label of the one PEM block, and what follows its BEGIN line; text around it is ignored (RFC 7468 §2)."""
    text = pem.decode("utf-8", "replace")
    count = text.count(_BEGIN)
    if count > 1:
        raise KeyProblem(f"has {count} PEM blocks instead of one")
    if count:
        label, _, rest = text.partition(_BEGIN)[2].partition("-----")
        return label, rest
    if not text.strip():
        raise KeyProblem("is empty")
    if pem.startswith(b"\x30"):
        raise KeyProblem("is DER; convert it to PEM with `openssl pkey -inform DER`")
    if text.startswith("ssh-"):
        raise KeyProblem("is an OpenSSH key; a PEM key is needed")
    raise KeyProblem("has no PEM block")


def _instead(label: str, wanted: str) -> str:
    if label.startswith("OPENSSH"):
        return "is an OpenSSH key; a PEM key is needed"
    if "CERTIFICATE" in label:
        return "is a certificate; a bare key is needed"
    return f'is not a PEM block that begins with "BEGIN {wanted}"'


def _der(rest: str) -> bytes:
    body, end, _ = rest.partition("-----END PUBLIC KEY-----")
    if not end:
        raise KeyProblem("is cut off before its END PUBLIC KEY line")
    try:
        return a2b_base64("".join(body.split()), strict_mode=True)
    except ValueError:
        raise KeyProblem("is not base64 between its BEGIN and END lines") from None


def _other_algorithm(pem: bytes) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        return f"is {_kind(load_pem_public_key(pem))}, not an Ed25519 key"
    except (ValueError, UnsupportedAlgorithm):
        return "is not an Ed25519 key"


def _kind(key: object) -> str:
    """`an RSA key`, from the class of a `cryptography` key."""
    name = type(key).__name__.lstrip("_").removesuffix("PublicKey").removesuffix("PrivateKey")
    return f"{'an' if name[:1] in 'AEFHILMNORSX' else 'a'} {name} key"
