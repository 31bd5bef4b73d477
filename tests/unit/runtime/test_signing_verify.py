"""Every row of the decision table (spec 02 §7.2) as a built app applies it: event, level, fields."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agentdc_runtime.signing import verify

WORKFLOW = b'name = "sig-vec"\n'
SIGNATURE = b64decode(
    "q6c1m58cc8OSMxq9+atwjJJbWraLbuuswqkALm9tJEvenZyHthyUZ/Lt7pM3H4oMNGdAmW7qqf/PgXTUCsFfCw=="
)
FINGERPRINT = "56475aa75463474c"


def pem(body: str) -> str:
    return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"


PEM = pem("MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=")
OTHER = pem("MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")  # RFC 8032 §7.1 TEST 1
SMALL_ORDER = pem("MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
FILES: dict[str, bytes] = {"key.pub": PEM.encode(), "binary": b"\xff\xfe0\x00"}


def read_file(path: str) -> bytes:
    if path in FILES:
        return FILES[path]
    if "\0" in path:
        raise ValueError("embedded null byte")
    raise FileNotFoundError(2, "No such file or directory", path)


def block(**changes: Any) -> dict[str, Any]:
    given = {"required": False, "public_key_pem": None, "public_key_file": None, "algorithm": "ed25519"}
    return given | changes


def outcome(**changes: Any) -> tuple[bool, str | None, str, dict[str, Any]]:
    facts: dict[str, Any] = {
        "signing": None,
        "forced": False,
        "workflow": WORKFLOW,
        "signature": SIGNATURE,
        "key_override": None,
        "read_file": read_file,
    }
    result = verify.check(**(facts | changes))
    assert result.reason == result.fields.get("reason", "")
    assert result.display == f"workflow signature verification failed: {result.reason}"
    return result.ok, result.event, result.level, result.fields


def refused(
    event: str, reason: str, required: bool = False, **more: str
) -> tuple[bool, str, str, dict[str, Any]]:
    return False, event, "ERROR", {"required": required, "reason": reason, **more}


VERIFIED = (True, "signing.verified", "INFO", {"key_fingerprint": FINGERPRINT})
NO_SIGNATURE = "the app embeds no signature"
BAD_KEY = "signing.pubkey_malformed"

ROWS: dict[str, tuple[dict[str, Any], tuple[bool, str | None, str, dict[str, Any]]]] = {
    "1 no block": ({}, (True, None, "INFO", {})),
    "1 no block, no signature": ({"signature": None}, (True, None, "INFO", {})),
    "2 no block, forced": (
        {"forced": True},
        refused(
            "signing.required_override",
            "a signature is required, and the workflow has no [signing] block",
            required=True,
        ),
    ),
    "3 algorithm": (
        {"signing": block(algorithm="rsa"), "signature": None},
        refused("signing.unsupported", "the algorithm 'rsa' is not ed25519"),
    ),
    "3 algorithm, required": (
        {"signing": block(algorithm="ed25519ph", required=True)},
        refused("signing.unsupported", "the algorithm 'ed25519ph' is not ed25519", required=True),
    ),
    "3 algorithm, with a key given": (
        {"signing": block(algorithm=" ed25519"), "key_override": PEM.encode()},
        refused("signing.unsupported", "the algorithm ' ed25519' is not ed25519"),
    ),
    "4 missing, required": (
        {"signing": block(required=True, public_key_pem=PEM), "signature": None},
        refused("signing.sig_missing", NO_SIGNATURE, required=True),
    ),
    "4 empty, required": (
        {"signing": block(required=True, public_key_pem=PEM), "signature": b""},
        refused("signing.sig_missing", NO_SIGNATURE, required=True),
    ),
    "4 missing, forced": (
        {"signing": block(public_key_pem=PEM), "forced": True, "signature": None},
        refused("signing.sig_missing", NO_SIGNATURE, required=True),
    ),
    "4 missing, forced, a key given and no block": (
        {"forced": True, "signature": None, "key_override": PEM.encode()},
        refused("signing.sig_missing", NO_SIGNATURE, required=True),
    ),
    "5 missing": (
        {"signing": block(public_key_pem=PEM), "signature": None},
        (True, "signing.bypassed", "WARN", {"reason": NO_SIGNATURE}),
    ),
    "5 missing, and a key that would be refused": (
        {"signing": block(public_key_pem="garbage"), "signature": b""},
        (True, "signing.bypassed", "WARN", {"reason": NO_SIGNATURE}),
    ),
    "5 missing, a key given and no block": (
        {"signature": None, "key_override": PEM.encode()},
        (True, "signing.bypassed", "WARN", {"reason": NO_SIGNATURE}),
    ),
    "7 no key": ({"signing": block()}, refused(BAD_KEY, "no public key is configured")),
    "7 two keys": (
        {"signing": block(public_key_pem=PEM, public_key_file="key.pub")},
        refused(BAD_KEY, "public_key_pem and public_key_file are both set"),
    ),
    "7 unreadable": (
        {"signing": block(public_key_file="gone.pub", required=True)},
        refused(
            BAD_KEY,
            "the public key file 'gone.pub' cannot be read: No such file or directory",
            required=True,
        ),
    ),
    "7 a path of no system": (
        {"signing": block(public_key_file="a\0b")},
        refused(BAD_KEY, "the public key file 'a\\x00b' cannot be read: ValueError"),
    ),
    "7 not text": (
        {"signing": block(public_key_file="binary")},
        refused(BAD_KEY, "the public key file 'binary' cannot be used: it has no PEM block"),
    ),
    "7 unparsable": (
        {"signing": block(public_key_pem="")},
        refused(BAD_KEY, "public_key_pem cannot be used: it has no PEM block"),
    ),
    "7 small order": (
        {"signing": block(public_key_pem=SMALL_ORDER)},
        refused(
            BAD_KEY,
            "public_key_pem cannot be used: it is a point of small order, which protects nothing",
        ),
    ),
    "7 given key": (
        {"signing": block(public_key_pem=PEM), "key_override": b"\xff"},
        refused(BAD_KEY, "the key of --signing-key-file cannot be used: it has no PEM block"),
    ),
    "8 short": (
        {"signing": block(public_key_pem=PEM), "signature": SIGNATURE[:63]},
        refused(
            "signing.sig_malformed",
            "the signature has 63 bytes instead of 64",
            key_fingerprint=FINGERPRINT,
        ),
    ),
    "8 long": (
        {"signing": block(public_key_pem=PEM, required=True), "signature": SIGNATURE + b"\n"},
        refused(
            "signing.sig_malformed",
            "the signature has 65 bytes instead of 64",
            required=True,
            key_fingerprint=FINGERPRINT,
        ),
    ),
    "9 another text": (
        {"signing": block(public_key_pem=PEM), "workflow": WORKFLOW + b"\n"},
        refused(
            "signing.verification_failed",
            "the signature does not fit the workflow and the key",
            key_fingerprint=FINGERPRINT,
        ),
    ),
    "9 another key given": (
        {"signing": block(public_key_pem=PEM), "key_override": OTHER.encode(), "forced": True},
        refused(
            "signing.verification_failed",
            "the signature does not fit the workflow and the key",
            required=True,
            key_fingerprint="21fe31dfa154a261",
        ),
    ),
    "10 key in the block": ({"signing": block(public_key_pem=PEM)}, VERIFIED),
    "10 key in a file": ({"signing": block(public_key_file="key.pub", required=True)}, VERIFIED),
    "10 upper case": ({"signing": block(public_key_pem=PEM, algorithm="ED25519")}, VERIFIED),
    "10 forced": ({"signing": block(public_key_pem=PEM), "forced": True}, VERIFIED),
    "10 given key, no block": ({"forced": True, "key_override": PEM.encode()}, VERIFIED),
    "10 given key in place of two": (
        {"signing": block(public_key_pem=OTHER, public_key_file="gone.pub"), "key_override": PEM.encode()},
        VERIFIED,
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str) -> None:
    given, expected = ROWS[row]
    assert outcome(**given) == expected


def test_a_given_key_is_all_that_is_read() -> None:
    def refuse(path: str) -> bytes:
        raise AssertionError(path)

    given = {"signing": block(public_key_file="key.pub"), "key_override": PEM.encode()}
    assert outcome(**given, read_file=refuse) == VERIFIED


def test_a_fresh_key_and_a_large_workflow() -> None:
    private = Ed25519PrivateKey.generate()
    workflow = b"# filler\n" * 100_000
    from cryptography.hazmat.primitives import serialization as shapes

    public = private.public_key().public_bytes(shapes.Encoding.PEM, shapes.PublicFormat.SubjectPublicKeyInfo)
    ok, event, _, _ = outcome(
        signing=block(public_key_pem=public.decode()), workflow=workflow, signature=private.sign(workflow)
    )
    assert (ok, event) == (True, "signing.verified")
