"""Bindings that need no issuer: references, bearer, basic, hmac, client certificates (spec 02 §2)."""

from __future__ import annotations

import base64
import hashlib
import hmac as standard
import subprocess
from typing import Any

import pytest

from agentdc_runtime.auth import reference
from agentdc_runtime.auth.basic import Basic
from agentdc_runtime.auth.bearer import Bearer
from agentdc_runtime.auth.denial import Denial
from agentdc_runtime.auth.hmac import Hmac
from agentdc_runtime.auth.mtls import Mtls
from agentdc_runtime.errors import ConfigError
from agentdc_runtime.host.tls import Peer

NOW = 1_700_000_000.0


def verdict(
    binding: Any, headers: dict[str, str], *, body: bytes = b"", secret: str | None = None, peer: Any = None
) -> Any:
    """The principal, or the detail of the denial."""
    found = binding.check(headers, body, secret, peer, NOW)
    if isinstance(found, Denial):
        assert found.renew is None
        return found.detail
    return found


# --- references


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("none", None),
        (" NoNe ", None),
        ("bearer", ("bearer", "default")),
        ("bearer:", ("bearer", "default")),
        (" basic : desk ", ("basic", "desk")),
        ("hmac:a:b", ("hmac", "a:b")),
        ("oidc:Staff", ("oidc", "Staff")),
        ("mtls", ("mtls", "default")),
        ("mtls:", ("mtls", "default")),
        (" mtls : default ", ("mtls", "default")),
    ],
)
def test_references(text: str | None, expected: tuple[str, str] | None) -> None:
    assert reference.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [("Bearer", "Bearer"), ("token:x", "token"), ("none:x", "none"), (":x", ""), (" : ", "")],
)
def test_unknown_kinds_are_named(text: str, kind: str) -> None:
    with pytest.raises(ConfigError) as raised:
        reference.parse(text)
    assert f'unknown kind "{kind}"' in raised.value.reason
    for accepted in ("none", "basic", "bearer", "hmac", "mtls", "oidc"):
        assert accepted in raised.value.reason


def test_mtls_has_one_binding() -> None:
    with pytest.raises(ConfigError, match="mtls:desk"):
        reference.parse("mtls:desk")


# --- bearer

BEARER = {"kind": "bearer", "name": "desk"}


@pytest.mark.parametrize(
    ("header", "secret", "expected"),
    [
        ("Bearer t-1", None, BEARER),
        ("bearer t-1", None, BEARER),
        ("BEARER   t-1  ", None, BEARER),
        ("Bearer t-2", "t-2", BEARER),
        ("Bearer t-3", "\n t-2 \r\n\n\tt-3\r\n", BEARER),
        ("Bearer t-1", "t-2", BEARER),
        ("Bearer grün", "grün", BEARER),
        (None, None, "missing Authorization header"),
        ("Basic t-1", None, "Authorization is not a Bearer token"),
        ("Bearert-1", None, "Authorization is not a Bearer token"),
        ("t-1", None, "Authorization is not a Bearer token"),
        ("Bearer", None, "the Bearer token is empty"),
        ("Bearer   ", None, "the Bearer token is empty"),
        ("Bearer t-2", None, "the Bearer token is not accepted"),
        ("Bearer t-", None, "the Bearer token is not accepted"),
        ("Bearer t-11", None, "the Bearer token is not accepted"),
        ("Bearer T-1", None, "the Bearer token is not accepted"),
        ("Bearer t-2\nt-3", "t-2\nt-3", "the Bearer token is not accepted"),
    ],
)
def test_bearer(header: str | None, secret: str | None, expected: object) -> None:
    binding = Bearer("desk", {"tokens": ["t-1", "  "], "tokens_env": "TOKENS"})
    assert binding.secret == "TOKENS" and binding.challenge("w") == "Bearer"
    assert verdict(binding, {} if header is None else {"authorization": header}, secret=secret) == expected


@pytest.mark.parametrize(
    ("settings", "secret"), [({}, None), ({"tokens": ["", " "]}, None), ({"tokens_env": "T"}, " \n\n")]
)
def test_bearer_without_tokens(settings: dict[str, Any], secret: str | None) -> None:
    found = verdict(Bearer("desk", settings), {"authorization": "Bearer x"}, secret=secret)
    assert found == "no token is configured"


def test_literal_tokens_are_not_trimmed() -> None:
    binding = Bearer("desk", {"tokens": [" t-1 "]})
    assert verdict(binding, {"authorization": "Bearer  t-1 "}) == "the Bearer token is not accepted"


def test_a_secret_is_read_at_every_request() -> None:
    binding = Bearer("desk", {"tokens_env": "TOKENS"})
    asked = {"authorization": "Bearer t-1"}
    assert verdict(binding, asked, secret="t-1") == BEARER
    assert verdict(binding, asked, secret="t-2") == "the Bearer token is not accepted"
    assert verdict(binding, asked, secret=None) == "no token is configured"
    assert verdict(binding, asked, secret="t-2\nt-1") == BEARER


def test_principals_are_not_shared() -> None:
    binding = Bearer("desk", {"tokens": ["t-1"]})
    verdict(binding, {"authorization": "Bearer t-1"})["name"] = "changed by a workflow"
    assert verdict(binding, {"authorization": "Bearer t-1"}) == BEARER


# --- basic


def basic(credential: str | bytes) -> str:
    data = credential if isinstance(credential, bytes) else credential.encode()
    return f"Basic {base64.b64encode(data).decode()}"


NOT_BASE64 = "the Basic credential is not base64"
NOT_ACCEPTED = "the Basic credential is not accepted"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Basic Y2Fyb2w6cGE6c3M=", {"kind": "basic", "name": "carol"}),  # spec 02 §13
        (basic("carol:pa:ss").replace("Basic", "bASIC"), {"kind": "basic", "name": "carol"}),
        (basic("dörte:geheim"), {"kind": "basic", "name": "dörte"}),
        (basic("eve:x"), {"kind": "basic", "name": "eve"}),
        (None, "missing Authorization header"),
        ("Bearer Y2Fyb2w6cGE6c3M=", "Authorization is not Basic"),
        ("Basic", NOT_BASE64),
        ("Basic ", NOT_BASE64),
        ("Basic Y2Fyb2w6cGE6c3M", NOT_BASE64),
        ("Basic Y2Fyb2w6 cGE6c3M=", NOT_BASE64),
        ("Basic Y2Fyb2w6cGE6c3M= ", NOT_BASE64),
        ("Basic  Y2Fyb2w6cGE6c3M=", NOT_BASE64),
        ("Basic Y2Fyb2w6cGE6c3M==", NOT_BASE64),
        ("Basic Y2Fyb2w6cGE6c3-_", NOT_BASE64),
        ("Basic Y2Fyb2w6cGE6c3é=", NOT_BASE64),
        (basic(b"carol:\xff"), "the Basic credential is not UTF-8"),
        (basic("carol:pa"), NOT_ACCEPTED),
        (basic("carol:pa:ss "), NOT_ACCEPTED),
        (basic("carol"), NOT_ACCEPTED),
        (basic("Carol:pa:ss"), NOT_ACCEPTED),
    ],
)
def test_basic(header: str | None, expected: object) -> None:
    binding = Basic("desk", {"credentials": ["carol:pa:ss"], "credentials_env": "USERS"})
    assert binding.secret == "USERS"
    headers = {} if header is None else {"authorization": header}
    assert verdict(binding, headers, secret="\r\n dörte:geheim \r\neve:x\n") == expected


def test_basic_without_credentials() -> None:
    assert verdict(Basic("desk", {}), {"authorization": basic("a:b")}) == "no credential is configured"


@pytest.mark.parametrize(
    ("workflow", "realm"),
    [
        ("greeter", "greeter"),
        ('a"b\\c', 'a\\"b\\\\c'),
        ("a\r\nSet-Cookie: x", "a??Set-Cookie: x"),
        ("ü", "?"),
    ],
)
def test_basic_challenge(workflow: str, realm: str) -> None:
    assert Basic("desk", {}).challenge(workflow) == f'Basic realm="{realm}"'


# --- hmac

VECTOR = "32db719f172c48e89dbfa56ed20d9e19cdbfdbe9f652ccdf5fa03494d2444853"  # spec 02 §13
BODY = b'{"a":1}'
HMAC = {"kind": "hmac", "name": "desk"}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"sha256={VECTOR}", HMAC),
        (f"sha256={VECTOR.upper()}", HMAC),
        (f"sha256=  {VECTOR} ", HMAC),
        (None, "missing signature header"),
        (VECTOR, "the signature header lacks its prefix"),
        (f"SHA256={VECTOR}", "the signature header lacks its prefix"),
        (f"sha256={VECTOR[:-1]}", "the signature is not hexadecimal"),
        (f"sha256=x{VECTOR[1:]}", "the signature is not hexadecimal"),
        ("sha256=ü0", "the signature is not hexadecimal"),
        ("sha256=", "the signature does not match"),
        (f"sha256={VECTOR[:-2]}", "the signature does not match"),
        (f"sha256={VECTOR}00", "the signature does not match"),
        (f"sha256={'0' * 64}", "the signature does not match"),
    ],
)
def test_hmac(header: str | None, expected: object) -> None:
    binding = Hmac("desk", {"secret_env": "KEY"})
    assert binding.secret == "KEY" and binding.challenge("w") is None  # type: ignore[func-returns-value]
    headers = {} if header is None else {"x-agent-signature": header}
    assert verdict(binding, headers, body=BODY, secret="k3y") == expected


@pytest.mark.parametrize(
    ("literal", "secret", "key"),
    [("l", "s", "s"), ("l", None, "l"), ("l", "", "l"), (None, "s", "s"), (None, "", None), ("", None, None)],
)
def test_which_key_counts(literal: str | None, secret: str | None, key: str | None) -> None:
    binding = Hmac("desk", {} if literal is None else {"secret": literal})
    signature = standard.new((key or "").encode(), BODY, "sha256").hexdigest()
    found = verdict(binding, {"x-agent-signature": f"sha256={signature}"}, body=BODY, secret=secret)
    assert found == ("no secret is configured" if key is None else HMAC)


def test_hmac_of_an_empty_body_by_openssl() -> None:
    """Header and prefix of one's own, a key beyond ASCII, and a signature that another program made."""
    settings = {"header": "X-Parcel-Sig", "prefix": ""}
    command = [
        "openssl",
        "dgst",
        "-sha256",
        "-mac",
        "HMAC",
        "-macopt",
        f"hexkey:{'schlüssel'.encode().hex()}",
    ]
    done = subprocess.run(command, input=b"", capture_output=True, check=True)
    signature = done.stdout.decode().split("= ")[1].strip()
    found = verdict(Hmac("desk", settings), {"x-parcel-sig": signature}, secret="schlüssel")
    assert found == HMAC


def stamped(stamp: str, *, signed: str | None = None, encoding: str = "hex", **settings: Any) -> Any:
    binding = Hmac("desk", {"timestamp_header": "X-Time", "encoding": encoding, "prefix": "", **settings})
    text = f"{stamp if signed is None else signed}.".encode() + BODY
    digest = standard.new(b"k", text, hashlib.sha256).digest()
    written = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    return verdict(binding, {"x-agent-signature": written, "x-time": stamp}, body=BODY, secret="k")


@pytest.mark.parametrize(
    ("stamp", "settings", "expected"),
    [
        ("1700000000", {}, HMAC),
        ("1700000300", {}, HMAC),
        ("1699999700", {}, HMAC),
        ("1700000301", {}, "the timestamp is outside the tolerance"),
        ("1699999699", {}, "the timestamp is outside the tolerance"),
        ("1700000000", {"tolerance_secs": 0}, HMAC),
        ("1699999999", {"tolerance_secs": 0}, "the timestamp is outside the tolerance"),
        ("1699990000", {"tolerance_secs": 10_000}, HMAC),
        ("1700000000", {"encoding": "base64"}, HMAC),
        ("1700000000", {"signed": "1700000001"}, "the signature does not match"),
        # An old time is told to those with the key only.
        ("1", {"signed": "2"}, "the signature does not match"),
        ("", {}, "missing timestamp header"),
        ("1700000000.5", {}, "the timestamp is not a whole number of seconds"),
        ("-1700000000", {}, "the timestamp is not a whole number of seconds"),
        ("١٧٠٠٠٠٠٠٠٠", {}, "the timestamp is not a whole number of seconds"),
        ("9" * 5000, {}, "the timestamp is not a whole number of seconds"),
    ],
)
def test_timestamps(stamp: str, settings: dict[str, Any], expected: object) -> None:
    assert stamped(stamp, **settings) == expected


def test_a_missing_timestamp() -> None:
    binding = Hmac("desk", {"timestamp_header": "X-Time"})
    headers = {"x-agent-signature": f"sha256={VECTOR}"}
    assert verdict(binding, headers, body=BODY, secret="k3y") == "missing timestamp header"


def test_base64_is_strict() -> None:
    binding = Hmac("desk", {"encoding": "base64", "prefix": ""})
    right = base64.b64encode(bytes.fromhex(VECTOR)).decode()
    assert verdict(binding, {"x-agent-signature": right}, body=BODY, secret="k3y") == HMAC
    for wrong in (VECTOR, right[:-1], right.replace("=", ""), "ü", f"{right[:8]} {right[8:]}"):
        found = verdict(binding, {"x-agent-signature": wrong}, body=BODY, secret="k3y")
        assert found in {"the signature is not base64", "the signature does not match"}


# --- client certificates


def test_mtls() -> None:
    binding = Mtls("default", {})
    assert binding.secret is None and binding.challenge("w") is None  # type: ignore[func-returns-value]
    assert verdict(binding, {}) == "no client certificate was presented"
    peer = Peer("sha256:" + "0" * 64, "desk", [])
    assert verdict(binding, {}, peer=peer) == {"kind": "mtls", "name": "sha256:" + "0" * 64}


# --- what is never told


def test_denials_hold_no_credential() -> None:
    given, right = "hunter2hunter2", "correct-horse"
    bindings = [
        (Bearer("desk", {"tokens": [right]}), f"Bearer {given}"),
        (Basic("desk", {"credentials": [f"me:{right}"]}), basic(f"me:{given}")),
        (Basic("desk", {"credentials": [f"me:{right}"]}), f"Basic {given}"),
        (Hmac("desk", {"secret": right}), given),
    ]
    for binding, header in bindings:
        for name in ("authorization", "x-agent-signature"):
            detail = verdict(binding, {name: header}, secret=right)
            assert (
                isinstance(detail, str)
                and given not in detail
                and right not in detail
                and header not in detail
            )
