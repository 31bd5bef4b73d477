"""Signature files: their text, their places, and signatures that others verify."""

from __future__ import annotations

from base64 import b64encode

import pytest

from agentdc.trust import signature
from agentdc.trust.keys import PrivateKey
from agentdc_runtime.signing import ed25519

VECTOR = "q6c1m58cc8OSMxq9+atwjJJbWraLbuuswqkALm9tJEvenZyHthyUZ/Lt7pM3H4oMNGdAmW7qqf/PgXTUCsFfCw==\n"
RAW = bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")


def test_vector_of_the_specification() -> None:
    text = signature.sign(b'name = "sig-vec"\n', PrivateKey(bytes(range(32))))
    assert text == VECTOR
    assert ed25519.verify(RAW, b'name = "sig-vec"\n', signature.parse(text.encode()))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 63, 64, 65, 66])
def test_padding_and_white_space_do_not_matter(size: int) -> None:
    data = bytes(range(100, 100 + size))
    text = b64encode(data)
    for written in (
        text,
        text + b"\n",
        b"\t " + text + b"\r\n\n",
        text.rstrip(b"="),
        b" ".join(text[at : at + 1] for at in range(len(text))),
        text[:20] + b"\r\n" + text[20:],
        text[:5] + b"\x0b\x0c" + text[5:],
    ):
        assert signature.parse(written) == data


LENGTH = "is not base64: its length does not fit"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"AAAAA", LENGTH),
        (b"=", LENGTH),
        (b"AA=", LENGTH),
        (b"AA===", LENGTH),
        (b"AAA==", LENGTH),
        (b"AAAA=", LENGTH),
        (b"A===", LENGTH),
        (b"AA-_", "is not base64"),
        (b"AA=A", "is not base64"),
        (b"!!!!", "is not base64"),
        (b"\xef\xbb\xbfAAAAA", "is not base64"),
        (b"\xff\xfeA\0A\0", "is not base64"),
        (b"AB==", "is not base64: its last character has stray bits"),
        (b"AAB", "is not base64: its last character has stray bits"),
    ],
)
def test_what_is_not_base64(text: bytes, reason: str) -> None:
    with pytest.raises(signature.SignatureProblem) as caught:
        signature.parse(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("flow.toml", ["flow.toml.sig"]),
        ("a/b.c/flow.toml", ["a/b.c/flow.toml.sig"]),
        ("./flow.tar.gz", ["./flow.tar.gz.sig"]),
        ("flow", ["flow.sig", "flow..sig"]),
        ("a.d/flow", ["a.d/flow.sig", "a.d/flow..sig"]),
        (".flow", [".flow.sig", ".flow..sig"]),
    ],
)
def test_places(path: str, expected: list[str]) -> None:
    assert signature.signature_paths(path) == expected
