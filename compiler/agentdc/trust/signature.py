"""The signature file: its text, its places, and making one.

>>> parse(b" q6c1m58c\\n c8M= \\n").hex()
'aba7359b9f1c73c3'
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from pathlib import PurePath

from agentdc.trust.keys import PrivateKey

SIZE = 64


class SignatureProblem(Exception):
    """A signature file that holds no signature; `reason` follows "it"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def sign(data: bytes, private: PrivateKey) -> str:
    """The text of the signature file for these exact bytes: one line of base64."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signature = Ed25519PrivateKey.from_private_bytes(private.seed).sign(data)
    return b64encode(signature).decode("ascii") + "\n"


def parse(sig_text: bytes) -> bytes:
    """The bytes that a signature file spells, of any length; SignatureProblem when it is not standard base64.

    White space is ignored everywhere and the padding may be missing (spec 02 §7.1).
    """
    text = b"".join(sig_text.split())
    digits = text.rstrip(b"=")
    missing = -len(digits) % 4
    if missing == 3 or len(text) - len(digits) not in {0, missing}:
        raise SignatureProblem("is not base64: its length does not fit")
    try:
        signature = b64decode(digits + b"=" * missing, validate=True)
    except ValueError:
        raise SignatureProblem("is not base64") from None
    if b64encode(signature).rstrip(b"=") != digits:
        raise SignatureProblem("is not base64: its last character has stray bits")
    return signature


def signature_paths(path: str) -> list[str]:
    """Where the signature of a workflow file may be; the first that exists counts, the first is written."""
    if PurePath(path).suffix:
        return [f"{path}.sig"]
    return [f"{path}.sig", f"{path}..sig"]
