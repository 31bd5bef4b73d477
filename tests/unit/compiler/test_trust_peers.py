"""The compiler, a built app and the openssl command: what one signs, the others verify."""

from __future__ import annotations

import random
import shutil
import subprocess
from base64 import b64encode
from hashlib import sha512
from pathlib import Path
from typing import Any

import pytest

from agentdc.diagnostics.span import SourceFile
from agentdc.trust import keys, signature
from agentdc.trust.facts import SigningBlock, Status, TrustRequest
from agentdc.trust.verify import fits, verify
from agentdc_runtime.signing import ed25519
from agentdc_runtime.signing import verify as app

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="the openssl command is not installed")
L = 2**252 + 27742317777372353535851937790883648493

TEXTS = {
    "usual": b'name = "w"\n',
    "one byte": b"\n",
    "crlf, zero and not UTF-8": b"a = 1\r\n\x00\xff",
    "large": b"# line\n" * 50_000,
}


def openssl(*arguments: str | Path) -> bytes:
    assert OPENSSL is not None
    done = subprocess.run([OPENSSL, *map(str, arguments)], capture_output=True, check=True)
    return done.stdout


def nothing_to_read(path: str) -> bytes:
    raise AssertionError(path)


def both(data: bytes, sig_text: bytes, pem: bytes) -> tuple[bool, bool]:
    """Whether the compiler verifies the signature file, and whether a built app then starts."""
    verdict = verify(TrustRequest(SourceFile("w.toml", data), None, True, sig_text, key=pem))
    started = app.check(
        signing={"required": True, "public_key_pem": pem.decode()},
        forced=True,
        workflow=data,
        signature=signature.parse(sig_text),
        key_override=None,
        read_file=nothing_to_read,
    )
    return verdict.status is Status.VERIFIED, started.ok


@needs_openssl
@pytest.mark.parametrize("text", TEXTS)
def test_openssl_signs_and_we_verify(tmp_path: Path, text: str) -> None:
    key, data, raw = tmp_path / "k.pem", tmp_path / "w.toml", tmp_path / "raw"
    data.write_bytes(TEXTS[text])
    openssl("genpkey", "-algorithm", "ed25519", "-out", key)
    pem = openssl("pkey", "-in", key, "-pubout")
    openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", data, "-out", raw)
    for sig_text in (
        openssl("base64", "-in", raw),
        openssl("base64", "-A", "-in", raw),
    ):  # 64 columns, one line
        assert both(TEXTS[text], sig_text, pem) == (True, True)
        assert both(TEXTS[text] + b" ", sig_text, pem) == (False, False)
    loaded = keys.load_private(key.read_bytes())
    assert keys.public_half(loaded) == keys.load_public(pem)
    assert (
        signature.parse(signature.sign(TEXTS[text], loaded).encode()) == raw.read_bytes()
    )  # Ed25519 has one answer


@needs_openssl
@pytest.mark.parametrize("text", TEXTS)
def test_we_sign_and_openssl_verifies(tmp_path: Path, text: str) -> None:
    pair = keys.generate()
    public, data, raw = tmp_path / "k.pub", tmp_path / "w.toml", tmp_path / "raw"
    public.write_bytes(pair.public_pem)
    data.write_bytes(TEXTS[text])
    sig_text = signature.sign(TEXTS[text], keys.load_private(pair.private_pem)).encode()
    (tmp_path / "w.toml.sig").write_bytes(sig_text)
    openssl("base64", "-d", "-A", "-in", tmp_path / "w.toml.sig", "-out", raw)
    printed = openssl(
        "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", public, "-in", data, "-sigfile", raw
    )
    assert b"Signature Verified Successfully" in printed
    assert both(TEXTS[text], sig_text, pair.public_pem) == (True, True)


@needs_openssl
def test_openssl_keys_of_other_kinds_are_named(tmp_path: Path) -> None:
    for algorithm, name in (("RSA", "an RSA key"), ("x448", "an X448 key"), ("ed448", "an Ed448 key")):
        key = tmp_path / algorithm
        openssl("genpkey", "-algorithm", algorithm, "-out", key)
        with pytest.raises(keys.KeyProblem, match=f"^is {name}, not an Ed25519 key$"):
            keys.load_public(openssl("pkey", "-in", key, "-pubout"))


def test_the_compiler_is_as_strict_as_the_app() -> None:
    """Signatures on the edge: the two must give one answer, else a build is accepted that does not start."""
    chance, seed, message = random.Random(3), bytes(range(32)), b"w"
    private = keys.PrivateKey(seed)
    public = keys.public_half(private)
    good = signature.parse(signature.sign(message, private).encode())
    secret = bytearray(sha512(seed).digest()[:32])
    secret[0] &= 248
    secret[31] = secret[31] & 127 | 64
    neutral = (1).to_bytes(32, "little")
    k = int.from_bytes(sha512(neutral + public.raw + message).digest(), "little")
    own = neutral + (k * int.from_bytes(secret, "little") % L).to_bytes(32, "little")
    s = int.from_bytes(good[32:], "little")
    base = ed25519._encode(ed25519._BASE)
    cases = [
        (public, good, True),
        (public, own, False),
        (public, good[:32] + (s + L).to_bytes(32, "little"), False),
        (keys.PublicKey(neutral), base + (1).to_bytes(32, "little"), False),
        (keys.PublicKey(b"\x02" + bytes(31)), good, False),
    ]
    for _ in range(100):
        at = chance.randrange(64)
        cases.append(
            (public, good[:at] + bytes([good[at] ^ 1 << chance.randrange(8)]) + good[at + 1 :], False)
        )
    for key, signed, expected in cases:
        assert fits(message, signed, key) is expected
        assert ed25519.verify(key.raw, message, signed) is expected


EVENTS: list[tuple[dict[str, Any], bytes | None, bool]] = [
    ({}, None, False),
    ({}, None, True),
    ({"algorithm": "rsa"}, None, False),
    ({"required": True}, None, False),
    ({}, b"", True),
    ({}, bytes(64), False),
    ({"public_key_pem": "x"}, bytes(64), False),
    ({"public_key_pem": "PEM", "public_key_file": "x"}, bytes(64), True),
    ({"public_key_pem": "PEM"}, bytes(63), True),
    ({"public_key_pem": "PEM"}, bytes(64), False),
    ({"public_key_pem": "PEM"}, b"SIGNED", True),
]


@pytest.mark.parametrize("declared", [True, False], ids=["block", "no block"])
@pytest.mark.parametrize("case", range(len(EVENTS)))
def test_the_tables_agree(case: int, declared: bool) -> None:
    """One set of facts gives one event, in the compiler and in the app."""
    block, signed, forced = EVENTS[case]
    pair = keys.generate()
    facts: dict[str, Any] = {
        name: pair.public_pem.decode() if value == "PEM" else value for name, value in block.items()
    }
    data = b"w"
    if signed == b"SIGNED":
        signed = signature.parse(signature.sign(data, keys.load_private(pair.private_pem)).encode())
    signing = SigningBlock(**facts) if declared else None
    sig_text = b64encode(signed) if signed else None
    verdict = verify(TrustRequest(SourceFile("w.toml", data), signing, forced, sig_text))
    result = app.check(
        signing=facts if declared else None,
        forced=forced,
        workflow=data,
        signature=signed,
        key_override=None,
        read_file=nothing_to_read,
    )
    assert (result.ok, result.event) == (verdict.status is not Status.REFUSED, verdict.event)
    assert result.fields.get("key_fingerprint") == verdict.key_fingerprint
