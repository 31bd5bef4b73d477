"""What the checker finds in `[auth]` and says of key sets; the app must say the same of both (spec 02 §2)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from agentdc.check import auth, jwks
from agentdc.check.validate import Options
from agentdc.diagnostics import Diagnostic, SourceFile
from agentdc.diagnostics.render import text
from agentdc.driver.check import check_source
from agentdc.nodes.registry import SPECS
from agentdc.parse.decode import decode
from agentdc.parse.positions import Places
from agentdc_runtime.auth import reference
from agentdc_runtime.auth.jwks import parse_jwks
from agentdc_runtime.errors import ConfigError

START = 'name = "x"\n[[start_nodes]]\nname = "go"\nsource = "http"\n'
NODE = '[[nodes]]\nid = "say"\ntype = "template_render"\ntemplate = "hello"\n'
BINDINGS = '[auth.bearer.desk]\ntokens_env = "T"\n[auth.hmac.default]\nsecret_env = "K"\n'


def route(reference: str | None) -> str:
    line = "" if reference is None else f"auth = {json.dumps(reference)}\n"
    return f'[[http_routes]]\nmethod = "GET"\npath = "/a"\nstart_node = "go"\n{line}'


def found(source: str) -> list[Diagnostic]:
    file = SourceFile("w.toml", (START + NODE + source).encode())
    decoded = decode(file, {kind: spec.model for kind, spec in SPECS.items()})
    assert decoded.workflow is not None, text.render(decoded.diagnostics)
    return list(auth.check(decoded.workflow, Places(file)))


def slugs(source: str) -> list[str]:
    return [each.code.slug for each in found(source)]


# --- references


@pytest.mark.parametrize(
    "text",
    [None, "", " ", "none", "NONE", "bearer:desk", " bearer : desk ", "hmac", "hmac:", " hmac:default"],
)
def test_good_references(text: str | None) -> None:
    assert slugs(route(text) + BINDINGS) == []
    reference.parse(text)


@pytest.mark.parametrize("text", ["Bearer:desk", "none:x", ":", "token", "mtls:x"])
def test_bad_references(text: str) -> None:
    assert slugs(route(text) + BINDINGS) == ["bad_auth_reference"]
    with pytest.raises(ConfigError):
        reference.parse(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("bearer", "bearer:default"),
        ("bearer:Desk", "bearer:Desk"),
        ("basic:desk", "basic:desk"),
        ("oidc:a:b", "oidc:a:b"),
    ],
)
def test_undeclared_bindings(text: str, named: str) -> None:
    (diagnostic,) = found(route(text) + BINDINGS)
    section = named.replace(":", ".", 1)
    assert diagnostic.code.slug == "unknown_auth_binding" and diagnostic.is_error
    assert named in diagnostic.message and f"[auth.{section}]" in diagnostic.message


TLS = '[server.tls]\ncert_file = "c"\nkey_file = "k"\n'
CLIENTS = '[server.tls.client_auth]\nca_file = "a"\nmode = '


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("", ["mtls_without_client_auth"]),
        ("[server]\n", ["mtls_without_client_auth"]),
        (TLS, ["mtls_without_client_auth"]),
        (TLS + CLIENTS + '"none"', ["mtls_without_client_auth"]),
        (TLS + CLIENTS + '"optional"', []),
        (TLS + CLIENTS + '"required"', []),
    ],
)
@pytest.mark.parametrize("text", ["mtls", " mtls: "])
def test_mtls(text: str, server: str, expected: list[str]) -> None:
    assert slugs(route(text) + server) == expected


@pytest.mark.parametrize(("text", "error"), [("token:x", True), ("bearer:x", True), ("mtls", False)])
def test_agentd_refuses_what_it_refuses(text: str, error: bool) -> None:
    """Under its dialect, only what agentd itself would refuse at its start stays an error."""
    source = SourceFile("w.toml", (START + NODE + route(text)).encode())
    diagnostics = check_source(source, Options(agentd_dialect=True)).diagnostics
    assert [each.is_error for each in diagnostics if "auth" in each.code.slug] == [error], text


# --- credentials


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('[auth.bearer.a]\ntokens = ["", " "]', ["binding_accepts_nobody"]),
        ('[auth.bearer.a]\ntokens = ["t"]', ["literal_secret"]),
        ('[auth.bearer.a]\ntokens = ["t"]\ntokens_env = "T"', ["literal_secret"]),
        ('[auth.basic.a]\ncredentials = ["u:p", "x", " "]', ["literal_secret", "bad_credential"]),
        ("[auth.hmac.a]", ["binding_accepts_nobody"]),
        ('[auth.hmac.a]\nsecret = ""', ["binding_accepts_nobody"]),
        ('[auth.hmac.a]\nsecret = " "', ["literal_secret"]),
        ('[auth.hmac.a]\nsecret = "k"\nsecret_env = "K"', ["literal_secret"]),
    ],
)
def test_credentials(source: str, expected: list[str]) -> None:
    diagnostics = found(source)
    assert [each.code.slug for each in diagnostics] == expected
    assert not any(each.is_error for each in diagnostics)


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("https://login.example/keys", True),
        ("https://login.example:8443/keys?a=b", True),
        ("http://127.0.0.1:9/keys", True),
        ("http://localhost/keys", True),
        ("http://[::1]/keys", True),
        ("http://127.0.0.1.example/keys", False),
        ("http://login.example/", False),
        ("https://", False),
        ("https://h:99999/", False),
        ("https://[/", False),
        ("file:///keys", False),
        ("login.example", False),
        ("https://me:hunter2@login.example/", False),
    ],
)
def test_addresses_of_keys(address: str, fine: bool) -> None:
    diagnostics = found(f'[auth.oidc.a]\nissuer = "i"\njwks_url = "{address}"\n')
    assert [each.code.slug for each in diagnostics] == ([] if fine else ["constraint"])
    assert all("hunter2" not in each.message for each in diagnostics)


# --- key sets: the checker and the app agree


def _packed(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


RSA_NUMBERS = rsa.generate_private_key(65537, 2048).public_key().public_numbers()
RSA = {"kty": "RSA", "kid": "r", "n": _packed(RSA_NUMBERS.n), "e": _packed(RSA_NUMBERS.e)}


def _on(curve: ec.EllipticCurve, name: str, size: int) -> dict[str, Any]:
    while True:
        numbers = ec.generate_private_key(curve).public_key().public_numbers()
        if min(numbers.x, numbers.y).bit_length() > 8 * size - 8:
            return {"kty": "EC", "crv": name, "x": _packed(numbers.x), "y": _packed(numbers.y)}


P256, P384 = _on(ec.SECP256R1(), "P-256", 32), _on(ec.SECP384R1(), "P-384", 48)
VALUES: tuple[Any, ...] = (
    *(
        None,
        1,
        True,
        [],
        {},
        ["P-256"],
        "",
        " ",
        "A",
        "AQ",
        "Ag",
        "AQAB",
        "AQAB=",
        "A+/B",
        "ü",
        "AQ AB",
        "AQAB\n",
    ),
    *("RSA", "EC", "oct", "OKP", "P-256", "P-384", "P-521", "secp256k1", "sig", "enc", "RS256", "k1"),
    *(
        P256["x"],
        P256["y"],
        P384["x"],
        RSA["n"],
        _packed(2**2047 + 1),
        _packed(2**8191 + 1),
        _packed(2**8192 + 1),
    ),
    _packed(2**1024 + 1),
)


def _variants(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield entry
    for member in ("kty", "kid", "n", "e", "crv", "x", "y", "alg", "use", "key_ops"):
        yield {name: value for name, value in entry.items() if name != member}
        for value in VALUES:
            yield {**entry, member: value}


def _agree(text: str) -> bool:
    """Whether both take the set; they must say the same."""
    said = jwks.read(text)
    if said.problems:
        with pytest.raises(ConfigError):
            parse_jwks(text)
        return False
    assert len(parse_jwks(text).skipped) == len(said.skipped)
    return True


@pytest.mark.parametrize("entry", [RSA, P256, P384], ids=["RSA", "P-256", "P-384"])
def test_checker_and_app_agree_on_keys(entry: dict[str, Any]) -> None:
    outcomes = {_agree(json.dumps({"keys": [each]})) for each in _variants(entry)}
    beside = {_agree(json.dumps({"keys": [each, {**RSA, "kid": "z"}]})) for each in _variants(entry)}
    assert outcomes == beside == {True, False}


@pytest.mark.parametrize(
    "document",
    [
        *(
            "",
            "{",
            "[]",
            "{}",
            "null",
            '{"keys":[]}',
            '{"keys":{}}',
            '{"keys":[1]}',
            '{"keys":[null]}',
            "\ufeff{}",
        ),
        '{"keys":[NaN]}',
        json.dumps({"keys": [RSA], "more": float("inf")}),
        json.dumps({"keys": [RSA]}) + " x",
        " \n" + json.dumps({"keys": [RSA], "more": 1}) + "\n",
        '{"x":' + "[" * 130 + "]" * 130 + f',"keys":[{json.dumps(RSA)}]}}',
        '{"x":' + "[" * 126 + "]" * 126 + f',"keys":[{json.dumps(RSA)}]}}',
        "[" * 100_000,
    ],
)
def test_checker_and_app_agree_on_documents(document: str) -> None:
    _agree(document)


@pytest.mark.parametrize(
    ("entry", "families"),
    [
        (RSA, {"RSA"}),
        (P256, {"P-256"}),
        (P384, {"P-384"}),
        ({**RSA, "use": "sig", "key_ops": ["verify"]}, {"RSA"}),
        ({**RSA, "use": "enc"}, set()),
        ({**RSA, "key_ops": ["encrypt"]}, set()),
    ],
)
def test_families(entry: dict[str, Any], families: set[str]) -> None:
    assert jwks.read(json.dumps({"keys": [entry]})).families == families


@pytest.mark.parametrize(
    ("entry", "algorithms", "expected"),
    [
        (RSA, '["RS256"]', []),
        (RSA, '["es256", "ps512"]', []),
        (P256, '["ES256"]', []),
        (P256, '["ES384"]', ["binding_accepts_nobody"]),
        (RSA, '["ES256"]', ["binding_accepts_nobody"]),
        ({**RSA, "use": "enc"}, '["RS256"]', ["binding_accepts_nobody"]),
        ({**RSA, "d": "AQ"}, '["RS256"]', ["literal_secret"]),
        ({"kty": "oct", "k": "aHVudGVy"}, '["ES256"]', ["bad_jwks"]),
    ],
)
def test_keys_of_a_binding(entry: dict[str, Any], algorithms: str, expected: list[str]) -> None:
    keys = json.dumps({"keys": [entry]})
    source = f"[auth.oidc.a]\nissuer = \"i\"\nalgorithms = {algorithms}\njwks_json = '{keys}'\n"
    diagnostics = found(source)
    assert [each.code.slug for each in diagnostics] == expected
    assert "aHVudGVy" not in text.render(diagnostics)
