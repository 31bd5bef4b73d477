"""Handshakes with real peers: who is let in, who they are, who is refused and why."""

from __future__ import annotations

import hashlib
import json
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from peers.certificates import AUTHORITY, CLIENT, SERVER, Pair, altered, issue, openssl
from peers.tls_server import (
    LOOPS,
    V13,
    VERSIONS,
    World,
    client,
    identity,
    make_world,
    refused,
    serving,
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


def fingerprint(pair: Pair) -> str:
    text = openssl("x509", "-in", pair.certificate, "-noout", "-fingerprint", "-sha256").decode()
    return "sha256:" + text.strip().partition("=")[2].replace(":", "").lower()


# --- who is let in


@LOOPS
@VERSIONS
@pytest.mark.parametrize("mode", [None, "none"])
def test_without_client_auth(world: World, loop: str, version: ssl.TLSVersion, mode: str | None) -> None:
    with serving(world.context(mode), loop) as server:
        assert identity(server, client(world, version)) is None
        assert identity(server, client(world, version, world.client)) is None  # it is not asked for one


@LOOPS
@VERSIONS
@pytest.mark.parametrize("mode", ["required", "optional"])
def test_a_good_client(world: World, loop: str, version: ssl.TLSVersion, mode: str) -> None:
    with serving(world.context(mode), loop) as server:
        found = identity(server, client(world, version, world.client))
    assert found == {"fingerprint": fingerprint(world.client), "cn": "client", "sans": []}
    assert found["fingerprint"] == f"sha256:{hashlib.sha256(world.client.der).hexdigest()}"


@LOOPS
@VERSIONS
def test_no_certificate(world: World, loop: str, version: ssl.TLSVersion) -> None:
    with serving(world.context("optional"), loop) as server:
        assert identity(server, client(world, version)) is None
    with serving(world.context("required"), loop) as server:
        assert refused(server, client(world, version)) == "the peer presented no client certificate"


BAD = {
    "another authority": "unable to get local issuer certificate",
    "self-signed": "self-signed certificate",
    "expired": "certificate has expired",
    "of tomorrow": "certificate is not yet valid",
    "of a server": "unsuitable certificate purpose",
    "by a leaf": "unable to get local issuer certificate",
    "without its intermediate": "unable to get local issuer certificate",
    "same name of authority": "unable to get local issuer certificate",
}


def bad_client(world: World, folder: Path, case: str) -> Pair:
    match case:
        case "another authority":
            return issue(folder, "bad", by=issue(folder, "foreign", extensions=AUTHORITY))
        case "self-signed":
            return issue(folder, "bad")
        case "expired":
            return issue(folder, "bad", by=world.root, dates=("20200101000000Z", "20200102000000Z"))
        case "of tomorrow":
            return issue(folder, "bad", by=world.root, dates=("20980101000000Z", "20990102000000Z"))
        case "of a server":
            return issue(folder, "bad", by=world.root, extensions=SERVER)
        case "by a leaf":
            return issue(folder, "bad", by=world.client)
        case "without its intermediate":
            middle = issue(folder, "middle", by=world.root, extensions=AUTHORITY)
            return issue(folder, "bad", by=middle)
        case _:
            same = issue(folder, "twin", subject="/CN=root", extensions=AUTHORITY.replace("hash", "none"))
            return issue(folder, "bad", by=same)


@VERSIONS
@pytest.mark.parametrize("mode", ["required", "optional"])
@pytest.mark.parametrize("case", BAD)
def test_a_bad_client(world: World, tmp_path: Path, version: ssl.TLSVersion, mode: str, case: str) -> None:
    with serving(world.context(mode)) as server:
        pair = bad_client(world, tmp_path, case)
        assert refused(server, client(world, version, pair)) == f"client certificate: {BAD[case]}"


def test_a_leaf_is_no_authority(world: World, tmp_path: Path) -> None:
    pair = issue(tmp_path, "bad", by=world.client).chained(world.client)
    with serving(world.context("required")) as server:
        assert refused(server, client(world, V13, pair)).startswith(
            "client certificate: invalid CA certificate"
        )


@VERSIONS
def test_intermediate_authorities(world: World, tmp_path: Path, version: ssl.TLSVersion) -> None:
    upper = issue(tmp_path, "upper", by=world.root, extensions=AUTHORITY)
    lower = issue(tmp_path, "lower", by=upper, extensions=AUTHORITY)
    leaf = issue(tmp_path, "leaf", by=lower)
    with serving(world.context("required")) as server:
        assert identity(server, client(world, version, leaf.chained(lower, upper)))["cn"] == "leaf"
    with serving(world.context("required")) as server:
        assert refused(server, client(world, version, leaf.chained(lower))).startswith("client certificate: ")
    # An intermediate authority in the bundle counts by itself, and its root counts for nothing.
    with serving(world.context("required", by=lower.certificate)) as server:
        assert identity(server, client(world, version, leaf))["cn"] == "leaf"
    with serving(world.context("required", by=lower.certificate)) as server:
        assert refused(server, client(world, version, world.client)).startswith("client certificate: ")


def test_a_bundle_of_authorities(world: World, tmp_path: Path) -> None:
    second = issue(tmp_path, "second", extensions=AUTHORITY)
    other = issue(tmp_path, "other", by=second)
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("# ours\n" + world.root.certificate.read_text() + "\n" + second.certificate.read_text())
    with serving(world.context("required", by=bundle)) as server:
        assert identity(server, client(world, V13, world.client))["cn"] == "client"
        assert identity(server, client(world, V13, other))["cn"] == "other"


# --- who they are


@pytest.mark.parametrize(
    ("subject", "names", "cn", "sans"),
    [
        ("/CN=one/CN=two", None, "one", []),
        ("/O=x/CN=inner", None, "inner", []),
        ("/O=x", None, None, []),
        ("/CN=Zoë Ünal", None, "Zoë Ünal", []),
        (
            "/O=x",
            "DNS:B.Example,DNS:a.example,DNS:*.C.example",
            None,
            ["b.example", "a.example", "*.c.example"],
        ),
        ("/CN=x", "IP:10.0.0.1,email:A@b.c,URI:spiffe://d/E,DNS:Only.Me", "x", ["only.me"]),
        ("/CN=x", "DNS:same,DNS:SAME", "x", ["same", "same"]),
        ("/CN=x", "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:me@b.c,RID:1.2.3,dirName:who", "x", []),
    ],
)
def test_identities(
    world: World, tmp_path: Path, subject: str, names: str | None, cn: str | None, sans: list[str]
) -> None:
    extensions = CLIENT + (f"subjectAltName = {names}\n[who]\nCN = deep\n" if names else "")
    pair = issue(tmp_path, "who", by=world.root, subject=subject, extensions=extensions)
    with serving(world.context("required")) as server:
        found = identity(server, client(world, V13, pair))
    assert found == {"fingerprint": fingerprint(pair), "cn": cn, "sans": sans}


ODD = {
    "name of bits": (b"\x0c\x04QQQQ", b"\x03\x04\x00QQQ"),
    "dns name that is no text": (b"\x82\x04WWWW", b"\x82\x04\xff\xfe\xff\xfe"),
}


@LOOPS
@VERSIONS
@pytest.mark.parametrize("case", ODD)
def test_names_that_cannot_be_told(
    world: World, tmp_path: Path, loop: str, version: ssl.TLSVersion, case: str
) -> None:
    """Event loops read the certificate within the handshake; it must not break there (spec 02 §4)."""
    extensions = f"{CLIENT}subjectAltName = DNS:WWWW\n"
    pair = altered(issue(tmp_path, "QQQQ", by=world.root, extensions=extensions), world.root, *ODD[case])
    with serving(world.context("required"), loop) as server:
        found = identity(server, client(world, version, pair))
    assert found == {"fingerprint": fingerprint(pair), "cn": None, "sans": []}


def test_curl(world: World) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    command = ["curl", "-sS", "--cacert", str(world.root.certificate), "--max-time", "10"]
    own = ["--cert", str(world.client.certificate), "--key", str(world.client.key)]
    with serving(world.context("required")) as server:
        url = f"https://localhost:{server.port}/"
        good = subprocess.run([*command, *own, url], capture_output=True, text=True, check=True)
        assert json.loads(good.stdout)["peer"]["cn"] == "client"
        bad = subprocess.run([*command, url], capture_output=True, text=True, check=False)
        assert bad.returncode != 0
        assert bad.stdout == ""
        assert server.reason() == "the peer presented no client certificate"
        assert len(server.peers) == 1
