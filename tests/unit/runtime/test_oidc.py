"""JSON Web Tokens: every code of spec 02 §2.7 in its order; tokens made by PyJWT and by the openssl program."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from peers.tokens import CLAIMS, ISSUER, NOW, claims, jwk, key_set, packed, private, signed, token

from agentdc_runtime.auth import oidc as module
from agentdc_runtime.auth.binding import oidc
from agentdc_runtime.auth.denial import Denial
from agentdc_runtime.auth.jwks import FAMILIES, unpadded
from agentdc_runtime.observe.log import INFO, WARN

ALL = list(FAMILIES)
DANA = {"kind": "oidc", "name": "dana"}


class Binding:
    """A binding with a recorder of its events."""

    def __init__(self, *entries: dict[str, Any], **settings: Any) -> None:
        self.events: list[tuple[int, str, dict[str, Any]]] = []
        text = key_set(*(entries or (jwk("RSA"),)))
        self.binding = oidc("staff", {"issuer": ISSUER, "jwks_json": text, **settings}, self._emit)

    def _emit(self, level: int, event: str, fields: dict[str, Any]) -> None:
        self.events.append((level, event, fields))

    def check(self, header: str | None, now: float = NOW) -> Any:
        """The principal, or the code of the denial."""
        headers = {} if header is None else {"authorization": header}
        found = self.binding.check(headers, b"", None, None, now)
        if isinstance(found, Denial):
            assert found.renew is None
            return found.detail
        return found

    def verdict(self, text: str, now: float = NOW) -> Any:
        return self.check(f"Bearer {text}", now)


# --- who is let in


@pytest.mark.parametrize("algorithm", ALL)
def test_every_algorithm(algorithm: str) -> None:
    family = FAMILIES[algorithm]
    binding = Binding(jwk(family), algorithms=[algorithm.lower()])
    assert binding.verdict(token(algorithm)) == DANA
    assert binding.verdict(token(algorithm, key=private(family, 2))) == "oidc.bad-signature"
    assert binding.events == [
        (INFO, "oidc.verified", {"issuer": ISSUER, "subject": "dana"}),
        (WARN, "oidc.denied", {"reason": "bad-signature"}),
    ]


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "ES256", "ES384"])
def test_tokens_by_openssl(algorithm: str, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    curve = {"ES256": "P-256", "ES384": "P-384"}.get(algorithm)
    kind = (
        ["-algorithm", "RSA"]
        if curve is None
        else ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}"]
    )
    subprocess.run(["openssl", "genpkey", *kind, "-out", key], check=True, capture_output=True)
    public: Any = jwt.algorithms.ECAlgorithm if curve else jwt.algorithms.RSAAlgorithm
    pem = subprocess.run(["openssl", "pkey", "-in", key, "-pubout"], check=True, capture_output=True).stdout
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    entry: dict[str, Any] = public.to_jwk(load_pem_public_key(pem), as_dict=True)
    entry.pop("key_ops", None)
    text = f"{packed({'alg': algorithm})}.{packed(CLAIMS)}"
    command = ["openssl", "dgst", f"-sha{algorithm[2:]}", "-sign", str(key)]
    if algorithm[0] == "P":
        command += ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
    made = subprocess.run(command, input=text.encode(), check=True, capture_output=True).stdout
    if curve is not None:
        size = int(algorithm[2:]) // 8
        made = b"".join(half.to_bytes(size) for half in decode_dss_signature(made))
    binding = Binding(entry, algorithms=[algorithm])
    assert binding.verdict(f"{text}.{packed(made)}") == DANA
    assert binding.verdict(f"{text}.{packed(bytes(len(made)))}") == "oidc.bad-signature"
    assert binding.verdict(f"{text}.{packed(made[:-1])}") == "oidc.bad-signature"


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}  "])
def test_the_scheme_in_any_case(header: str) -> None:
    assert Binding().check(header.format(token())) == DANA


@pytest.mark.parametrize("sub", [None, ""])
def test_without_a_subject_the_issuer_is_the_name(sub: str | None) -> None:
    found = Binding().verdict(token(claims=claims(sub=sub)))
    assert found == {"kind": "oidc", "name": ISSUER}


@pytest.mark.parametrize("kid", ["k1", None])
def test_a_single_key_needs_no_id(kid: str | None) -> None:
    assert Binding(jwk("RSA", kid="k1")).verdict(token(kid=kid)) == DANA


def test_a_key_without_an_id_is_the_default() -> None:
    binding = Binding(jwk("RSA", kid=None), jwk("RSA", 2, kid="other"))
    assert binding.verdict(token(kid="default")) == DANA


def test_of_two_keys_with_one_id_the_last_counts() -> None:
    assert Binding(jwk("RSA", 2), jwk("RSA")).verdict(token(kid=None)) == DANA
    assert Binding(jwk("RSA"), jwk("RSA", 2)).verdict(token()) == "oidc.bad-signature"


# --- every denial, in order


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "bearer    ", "Basic abc", "Bearerabc", "abc"]
)
def test_missing(header: str | None) -> None:
    binding = Binding()
    assert binding.check(header) == "oidc.missing-bearer"
    assert binding.events == []


GOOD = {"alg": "RS256", "kid": "k1"}


@pytest.mark.parametrize(
    "text",
    [
        "x",
        ".",
        "..",
        "a.b.c",
        "é.é.é",
        f"{packed(GOOD)}.{packed(CLAIMS)}",
        f"{packed(GOOD)}.{packed(CLAIMS)}.c.d",
        f"{packed(GOOD)}.{packed(CLAIMS)}.c.d.e",
        f"{packed(GOOD)}=.{packed(CLAIMS)}.c",
        signed([GOOD], CLAIMS),
        signed(b"\xff", CLAIMS),
        signed(b'{"alg":"RS256"', CLAIMS),
        signed({}, CLAIMS),
        signed({"alg": None}, CLAIMS),
        signed({"alg": ["RS256"]}, CLAIMS),
        signed({"alg": "none"}, CLAIMS),
        signed({"alg": "None"}, CLAIMS),
        signed({"alg": "rs256"}, CLAIMS),
        signed({"alg": "ES512"}, CLAIMS),
        signed({"alg": "RS256", "kid": 1}, CLAIMS),
        signed(b'{"alg":"RS256","x":' + b"[" * 500 + b"]" * 500 + b"}", CLAIMS),
        jwt.encode(CLAIMS, "", algorithm="none"),
    ],
)
def test_malformed(text: str) -> None:
    binding = Binding()
    assert binding.verdict(text) == "oidc.malformed"
    assert binding.events == [(WARN, "oidc.denied", {"reason": "malformed"})]


@pytest.mark.parametrize("algorithm", ["RS384", "PS256", "ES256", "HS256", "HS384", "HS512", "EdDSA"])
def test_algorithms_that_are_not_listed(algorithm: str) -> None:
    assert Binding().verdict(signed({"alg": algorithm}, CLAIMS)) == "oidc.algorithm-not-allowed"


def test_a_public_key_is_no_shared_secret() -> None:
    """The confusion of algorithms: an HMAC made with the text of the public key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = private("RSA").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    text = f"{packed({'alg': 'HS256', 'kid': 'k1'})}.{packed(CLAIMS)}"
    forged = f"{text}.{packed(algorithm.sign(text.encode(), pem))}"
    assert Binding(algorithms=ALL).verdict(forged) == "oidc.algorithm-not-allowed"


def test_unknown_keys() -> None:
    assert Binding().verdict(token(kid="k2")) == "oidc.unknown-kid"
    assert Binding(jwk("RSA"), jwk("RSA", 2, kid="k2")).verdict(token(kid=None)) == "oidc.unknown-kid"


@pytest.mark.parametrize(
    ("entry", "algorithm"),
    [
        (jwk("RSA"), "ES256"),
        (jwk("P-256"), "RS256"),
        (jwk("P-256"), "ES384"),
        (jwk("P-384"), "ES256"),
        (jwk("RSA", use="enc"), "RS256"),
        (jwk("RSA", use=["sig"]), "RS256"),
        (jwk("RSA", alg="RS512"), "RS256"),
        (jwk("RSA", alg="RSA-OAEP"), "RS256"),
        (jwk("RSA", alg="PS256"), "RS256"),
        (jwk("RSA", key_ops=["encrypt"]), "RS256"),
    ],
)
def test_keys_that_do_not_fit(entry: dict[str, Any], algorithm: str) -> None:
    binding = Binding(entry, algorithms=ALL)
    assert binding.verdict(token(algorithm)) == "oidc.bad-algorithm"


def test_keys_that_say_what_they_are_for() -> None:
    entry = jwk("RSA", use="sig", alg="RS256", key_ops=["verify"])
    assert Binding(entry).verdict(token()) == DANA


def test_signatures() -> None:
    binding, good = Binding(), token()
    head, body, signature = good.split(".")
    other = token(claims=claims(sub="eve")).split(".")[1]
    tampered = [f"{head}.{other}.{signature}", f"{head}.{body}.", f"{head}.{body}.{signature}A"]
    tampered += [f"{head}.{body}.{signature[:-1]}", f"{head}.{body}.+/{signature[2:]}", f"{head}.{body}.é"]
    tampered += [f"{packed({**GOOD, 'typ': 'at+jwt'})}.{body}.{signature}"]
    for text in tampered:
        assert binding.verdict(text) == "oidc.bad-signature", text
    assert binding.verdict(good) == DANA


ANY_TYPE: tuple[Any, ...] = ("1900000000", True, False, [1], [], {})


@pytest.mark.parametrize(
    "text",
    [
        *(signed(GOOD, claims(**{name: None})) for name in ("exp", "iss")),
        *(signed(GOOD, claims(exp=value)) for value in ANY_TYPE),
        *(signed(GOOD, claims(nbf=value)) for value in ANY_TYPE),
        signed(GOOD, claims(iat="now")),
        *(signed(GOOD, claims(sub=value)) for value in (1, ["dana"])),
        signed(GOOD, {**CLAIMS, "sub": None}),
        *(signed(GOOD, claims(iss=value)) for value in (1, [ISSUER, 1], {"a": ISSUER})),
        *(signed(GOOD, claims(aud=value)) for value in (1, ["a", None])),
        signed(GOOD, [CLAIMS]),
        signed(GOOD, b"not json"),
        signed(GOOD, b"\xff"),
        signed(GOOD, b'{"exp":NaN,"iss":"https://login.example"}'),
        signed({**GOOD, "crit": ["exp"]}, CLAIMS),
        signed({**GOOD, "crit": []}, CLAIMS),
        signed({**GOOD, "crit": None}, CLAIMS),
    ],
)
def test_invalid(text: str) -> None:
    assert Binding().verdict(text) == "oidc.invalid"


@pytest.mark.parametrize(
    ("now", "changed", "expected"),
    [
        (NOW + 120, {}, DANA),
        (NOW + 120.5, {}, "oidc.expired"),
        (NOW, {"exp": NOW - 60}, DANA),
        (NOW, {"exp": NOW - 61}, "oidc.expired"),
        (NOW, {"exp": 0}, "oidc.expired"),
        (NOW, {"exp": -1.5}, "oidc.expired"),
        (NOW, {"exp": 10**30}, DANA),
        (NOW, {"exp": NOW + 0.5}, DANA),
        (NOW, {"nbf": NOW + 60}, DANA),
        (NOW, {"nbf": NOW + 61}, "oidc.not-yet-valid"),
        (NOW, {"nbf": NOW + 61, "exp": 0}, "oidc.expired"),
        (NOW, {"exp": 0, "iss": "other"}, "oidc.expired"),
        (NOW, {"iss": "other", "nbf": NOW + 61}, "oidc.not-yet-valid"),
    ],
)
def test_times(now: float, changed: dict[str, Any], expected: object) -> None:
    assert Binding().verdict(signed(GOOD, claims(**changed)), now) == expected


def test_no_skew() -> None:
    binding = Binding(clock_skew_secs=0)
    assert binding.verdict(token(claims=claims(exp=NOW))) == DANA
    assert binding.verdict(token(claims=claims(exp=NOW - 1))) == "oidc.expired"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"iss": [ISSUER]}, DANA),
        ({"iss": ["other", ISSUER]}, DANA),
        ({"iss": "other"}, "oidc.bad-issuer"),
        ({"iss": f"{ISSUER}/"}, "oidc.bad-issuer"),
        ({"iss": ""}, "oidc.bad-issuer"),
        ({"iss": []}, "oidc.bad-issuer"),
        ({"aud": "a"}, DANA),
        ({"aud": ["x", "b"]}, DANA),
        ({"aud": "ab"}, "oidc.bad-audience"),
        ({"aud": []}, "oidc.bad-audience"),
        ({"aud": None}, "oidc.bad-audience"),
        ({"aud": "x", "iss": "other"}, "oidc.bad-issuer"),
        ({"sub": "eve"}, "oidc.subject-not-allowed"),
        ({"sub": "Dana"}, "oidc.subject-not-allowed"),
        ({"sub": None}, "oidc.subject-not-allowed"),
        ({"sub": "eve", "aud": "x"}, "oidc.bad-audience"),
    ],
)
def test_issuer_audience_and_subject(changed: dict[str, Any], expected: object) -> None:
    binding = Binding(audience=["a", "b"], subject_allowlist=["dana"])
    assert binding.verdict(signed(GOOD, claims(**{"aud": "a", **changed}))) == expected


def test_an_absent_subject_counts_as_empty() -> None:
    binding = Binding(subject_allowlist=[""])
    assert binding.verdict(signed(GOOD, claims(sub=None))) == {"kind": "oidc", "name": ISSUER}


def test_without_an_audience_any_will_do() -> None:
    assert Binding().verdict(token(claims=claims(aud="x"))) == DANA


# --- tokens that are remembered


def test_a_remembered_token_expires_all_the_same() -> None:
    binding = Binding()
    text = token(claims=claims(nbf=NOW))
    for now, expected in [
        (NOW, DANA),
        (NOW + 1, DANA),
        (NOW + 121, "oidc.expired"),
        (NOW - 61, "oidc.not-yet-valid"),
        (NOW, DANA),
    ]:
        assert binding.verdict(text, now) == expected
    assert [event for _, event, _ in binding.events].count("oidc.verified") == 3


def test_only_good_tokens_are_remembered_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    binding = Binding()
    tokens = [token(claims=claims(sub=f"s{number}")) for number in range(5)]
    for text in (*tokens[:3], tokens[0], *tokens[3:]):  # the first is used again, so the second goes
        binding.verdict(text)
    binding.verdict(token(kid="k2"))
    kept = [subject for _, _, subject in binding.binding._known.values()]
    assert kept == ["s0", "s3", "s4"]


def test_a_remembered_token_is_cheap() -> None:
    """The signature is checked once: a key that fails afterwards is not asked."""
    binding, text = Binding(), token()
    assert binding.verdict(text) == DANA
    keys = binding.binding.source.keys
    assert keys is not None
    key = keys.find("k1")
    assert key is not None
    key._public = None
    assert binding.verdict(text) == DANA


def test_fuzzed_tokens_are_denied() -> None:
    """One changed character anywhere: never let in, never an error."""
    binding, text = Binding(), token()
    for at in range(len(text)):
        changed = text[:at] + ("B" if text[at] == "A" else "A") + text[at + 1 :]
        header, payload, signature = (unpadded(part.encode()) for part in (*changed.split("."), "", "")[:3])
        same = (header, payload, signature) == tuple(unpadded(part.encode()) for part in text.split("."))
        assert isinstance(binding.verdict(changed), str) or same
