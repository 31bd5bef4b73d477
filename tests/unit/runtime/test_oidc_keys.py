"""Preparing an OIDC binding: its settings, its key set, and what is told of them (spec 02 §2.7)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from peers.tokens import ISSUER, NOW, jwk, key_set, packed, token

from agentdc_runtime.auth.binding import oidc
from agentdc_runtime.auth.jwks import parse_jwks, unpadded
from agentdc_runtime.errors import ConfigError
from agentdc_runtime.observe.log import WARN

DANA = {"kind": "oidc", "name": "dana"}


def refused(text: str | None = None, **settings: Any) -> str:
    given = {"issuer": ISSUER, "jwks_json": key_set(jwk("RSA")) if text is None else text, **settings}
    with pytest.raises(ConfigError) as raised:
        oidc("staff", {name: value for name, value in given.items() if value is not None})
    assert raised.value.reason.startswith("auth.oidc.staff: ")
    return raised.value.reason.removeprefix("auth.oidc.staff: ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the key set is not JSON"),
        ("{", "the key set is not JSON"),
        ("[]", 'needs an array "keys"'),
        ("{}", 'needs an array "keys"'),
        ('{"keys":[]}', "at least one key"),
        ('{"keys":{}}', 'needs an array "keys"'),
        ('{"keys":[1]}', "key 1 of the key set is not an object"),
        (key_set(jwk("RSA"), {"kty": "oct", "k": "c2VjcmV0"}), "key 2 of the key set is symmetric"),
        (key_set({"kty": "OKP", "crv": "Ed25519", "x": "AA"}), "no usable key"),
        (key_set(jwk("P-521")), "no usable key"),
        (key_set(jwk("P-256", crv=["P-256"])), "no usable key"),
        (key_set({}), "no usable key"),
        (key_set(jwk("RSA", kid=1)), "kid and alg must be strings"),
        (key_set(jwk("RSA", alg=1)), "kid and alg must be strings"),
        (key_set(jwk("RSA", n=None)), '"n" must be base64url'),
        (key_set(jwk("RSA", n="AQAB=")), '"n" must be base64url'),
        (key_set(jwk("RSA", n="AQ+B")), '"n" must be base64url'),
        (key_set(jwk("RSA", n="ü")), '"n" must be base64url'),
        (key_set(jwk("RSA", n="A")), '"n" must be base64url'),
        (key_set(jwk("RSA", n="")), '"n" must be base64url'),
        (key_set(jwk("RSA", e=65537)), '"e" must be base64url'),
        (key_set(jwk("RSA", e="AQ")), "is not an RSA key"),
        (key_set(jwk("RSA", e="Ag")), "is not an RSA key"),
        (key_set(jwk("RSA", n=packed(b"\x01" * 128))), "2048 to 8192 bits, and this has 1017"),
        (key_set(jwk("RSA", n=packed(b"\xff" * 1025))), "2048 to 8192 bits, and this has 8200"),
        (key_set(jwk("P-256", y=packed(b"\x01" * 32))), "is not a point on P-256"),
        (key_set(jwk("P-256", y=packed(b"\x01" * 31))), "32 bytes each"),
        (key_set(jwk("P-256", crv="P-384")), "48 bytes each"),
    ],
)
def test_key_sets_that_cannot_be_used(text: str, reason: str) -> None:
    assert reason in refused(text)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"jwks_json": None}, "there are 0"),
        ({"jwks_file": "f"}, "there are 2"),
        ({"jwks_url": "https://h/", "jwks_json": None, "jwks_file": "f"}, "there are 2"),
        ({"jwks_json": None, "jwks_file": "/nowhere/at all"}, "jwks_file /nowhere/at all: No such file"),
        ({"jwks_json": None, "jwks_file": "/"}, "jwks_file /: Is a directory"),
        ({"jwks_json": None, "jwks_file": "a\0b"}, "null byte"),
        ({"jwks_json": None, "jwks_url": "http://h/"}, "jwks_url needs https"),
        ({"jwks_json": None, "jwks_url": "http://127.0.0.1.example/"}, "jwks_url needs https"),
        ({"jwks_json": None, "jwks_url": "ftp://h/"}, "jwks_url: only absolute"),
        ({"jwks_json": None, "jwks_url": "https://me:hunter2@h/"}, "jwks_url: a user name"),
        ({"algorithms": ["none"]}, 'the algorithm "none" accepts unsigned tokens'),
        ({"algorithms": ["RS256", "hs256"]}, 'the algorithm "hs256" needs a shared secret'),
        ({"algorithms": ["EdDSA"]}, 'the algorithm "EdDSA" is not supported'),
        ({"algorithms": []}, "at least one"),
    ],
)
def test_settings_that_cannot_be_used(settings: dict[str, Any], reason: str) -> None:
    found = refused(**settings)
    assert reason in found and "hunter2" not in found


def test_keys_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    settings = {"issuer": ISSUER, "jwks_file": str(file)}
    file.write_text(key_set(jwk("RSA")))
    found = oidc("staff", settings).check({"authorization": f"Bearer {token()}"}, b"", None, None, NOW)
    assert found == DANA
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        oidc("staff", settings)
    file.write_bytes(b" " * 1_048_577)
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        oidc("staff", settings)


def test_entries_of_other_kinds_are_left_out_and_told() -> None:
    others = ({"kty": "OKP", "crv": "Ed25519", "x": "AA"}, jwk("P-521", kid="k2"))
    settings = {"issuer": ISSUER, "jwks_json": key_set(*others, jwk("RSA"))}
    events: list[tuple[int, str, dict[str, Any]]] = []
    binding: Any = oidc("staff", settings, lambda *event: events.append(event))
    assert binding.check({"authorization": f"Bearer {token(kid=None)}"}, b"", None, None, NOW) == DANA
    events.clear()
    asyncio.run(binding.start())
    asyncio.run(binding.stop())
    reasons = [
        "key 1 of the key set is of an unsupported type",
        "key 2 of the key set is on an unsupported curve",
    ]
    assert events == [
        (WARN, "oidc.key_skipped", {"binding": "staff", "reason": reason}) for reason in reasons
    ]


def test_events_may_go_nowhere() -> None:
    settings = {"issuer": ISSUER, "jwks_json": key_set(jwk("RSA"))}
    binding = oidc("staff", settings)
    assert binding.check({"authorization": f"Bearer {token()}"}, b"", None, None, NOW) == DANA
    assert binding.challenge("w") == "Bearer" and binding.secret is None


@pytest.mark.parametrize("text", [b"A", b"AA==", b"AA=", b"A+/A", b"A A", b"AA\n", b"AAAAA", b"\xc3"])
def test_base64url_is_strict(text: bytes) -> None:
    assert unpadded(text) is None


@pytest.mark.parametrize("size", range(9))
def test_base64url(size: int) -> None:
    data = bytes(range(250, 250 + size)) if size < 6 else b"\xfb\xff" * size
    assert unpadded(packed(data).encode()) == data


def test_key_sets_count_their_usable_keys() -> None:
    assert len(parse_jwks(key_set(jwk("RSA"), jwk("P-256", kid="k2"), {"kty": "OKP"}))) == 2
