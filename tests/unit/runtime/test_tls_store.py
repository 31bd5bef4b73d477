"""Whom outgoing TLS trusts: the environment's choice, the system's places, and peers that are not to be trusted."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from peers.authority import Authority, self_signed
from peers.http import OK, Connection, Peer, saying, serving
from peers.workflow import QUICK, finish, make_run

from agentdc_runtime.errors import ToolError
from agentdc_runtime.net import tls
from agentdc_runtime.net.http_client import Client
from agentdc_runtime.nodes import http_request

HERE = "DNS:localhost,IP:127.0.0.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def get(peer: Peer, host: str = "127.0.0.1", times: int = 1) -> Any:
    run = make_run(client=Client(secure=QUICK))

    async def main() -> Any:
        for _ in range(times):
            url = peer.url(host=host)
            output, _ = await http_request.run(run, method="GET", url=url, body=None, headers=())
        return output

    return finish(run, main())


def failing(peer: Peer, host: str = "127.0.0.1") -> str:
    with pytest.raises(ToolError) as raised:
        get(peer, host)
    return raised.value.reason.replace(f"{host}:{peer.port}", "PEER")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_private_authority(authority: Authority, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with serving(saying(OK), authority.server("good", HERE)) as peer:
        assert get(peer, host, times=3)["body"] == "ok"
        assert peer.connections == 1
        head = b"GET / HTTP/1.1\r\nHost: %s:%d\r\nContent-Length: 0\r\n\r\n" % (host.encode(), peer.port)
        assert peer.requests == [head] * 3


def test_a_folder_of_authorities(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(authority.file, tmp_path / "own.pem")
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path / 'missing'}:{tmp_path}")
    with serving(saying(OK), authority.server("good", HERE)) as peer:
        assert get(peer)["body"] == "ok"


def test_the_environment_replaces_the_system(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    (only,) = tls.client_context().get_ca_certs()
    assert only["subject"] == ((("commonName", "Test authority"),),)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        (
            "SSL_CERT_FILE",
            "/nonexistent/ca.pem",
            "SSL_CERT_FILE cannot be read: /nonexistent/ca.pem: No such file",
        ),
        ("SSL_CERT_FILE", __file__, "SSL_CERT_FILE holds no certificate: "),
        ("SSL_CERT_FILE", "/dev/null", "SSL_CERT_FILE holds no certificate: /dev/null"),
        ("SSL_CERT_FILE", "/", "SSL_CERT_FILE "),
        ("SSL_CERT_DIR", "/nonexistent", "SSL_CERT_DIR names no folder: /nonexistent"),
    ],
)
def test_an_environment_that_leads_nowhere(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str, authority: Authority
) -> None:
    monkeypatch.setenv(name, value)
    with serving(saying(OK), authority.server("good", HERE)) as peer:
        assert failing(peer).startswith(reason)
        assert peer.connections == 0
    with serving(saying(OK)) as peer:  # plain HTTP trusts nobody and asks nobody
        assert get(peer)["body"] == "ok"


def test_empty_variables_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "")
    monkeypatch.setenv("SSL_CERT_DIR", "")
    assert tls.client_context().verify_mode is ssl.CERT_REQUIRED


def test_verification_is_on() -> None:
    context = tls.client_context()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_the_usual_places(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An OpenSSL that looks in folders which are not there, as one in a frozen app may."""
    empty = tmp_path / "empty"
    empty.mkdir()
    usual = (str(tmp_path / "missing.pem"), str(authority.file))
    places = ssl.get_default_verify_paths()
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: None)
    for folder in (None, str(empty)):
        monkeypatch.setattr(
            ssl, "get_default_verify_paths", lambda folder=folder: places._replace(capath=folder)
        )
        assert len(tls.client_context(usual).get_ca_certs()) == 1
        assert tls.client_context(usual[:1]).get_ca_certs() == []


def test_the_systems_own_places_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0a1b2c3d.0").touch()
    places = ssl.get_default_verify_paths()
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: None)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: places._replace(capath=str(tmp_path)))
    assert tls.client_context(("/nonexistent", __file__)).get_ca_certs() == []


NOT_ACCEPTED = "the certificate of PEER is not accepted: "


@pytest.mark.parametrize(
    ("names", "expired", "host", "reason"),
    [
        (HERE, True, "127.0.0.1", "certificate has expired"),
        (
            "DNS:other.example",
            False,
            "localhost",
            "Hostname mismatch, certificate is not valid for 'localhost'.",
        ),
        (
            "DNS:localhost",
            False,
            "127.0.0.1",
            "IP address mismatch, certificate is not valid for '127.0.0.1'.",
        ),
        ("IP:127.0.0.1", False, "localhost", "Hostname mismatch, certificate is not valid for 'localhost'."),
        ("DNS:*", False, "localhost", "Hostname mismatch, certificate is not valid for 'localhost'."),
    ],
)
def test_certificates_that_do_not_fit(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, names: str, expired: bool, host: str, reason: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with serving(saying(OK), authority.server("bad", names, expired=expired)) as peer:
        assert failing(peer, host) == NOT_ACCEPTED + reason
        assert peer.requests == []


def test_certificates_that_nobody_vouches_for(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with serving(saying(OK), self_signed(tmp_path, HERE)) as peer:
        assert failing(peer) == NOT_ACCEPTED + "self-signed certificate"
        assert peer.requests == []
    stranger = Authority(tmp_path, "stranger")
    with serving(saying(OK), stranger.server("foreign", HERE)) as peer:
        assert failing(peer) == NOT_ACCEPTED + "unable to get local issuer certificate"
        assert peer.requests == []


def test_the_system_does_not_know_a_private_authority(authority: Authority) -> None:
    with serving(saying(OK), authority.server("good", HERE)) as peer:
        assert failing(peer).startswith(NOT_ACCEPTED)
        assert peer.requests == []


def plain_talk(connection: Connection) -> None:
    connection._more()
    connection.send(OK)


def silent(connection: Connection) -> None:
    connection.wait()


def closing(connection: Connection) -> None:
    connection._more()


def resetting(connection: Connection) -> None:
    connection._more()
    connection.reset()


def dripping(connection: Connection) -> None:
    connection.send(b"\x16\x03\x03\x3f\xff")  # the beginning of a long TLS record
    while not connection.wait(0.05):
        connection.send(b"\x00")


@pytest.mark.parametrize(
    ("behaviour", "reasons"),
    [
        (plain_talk, ("no TLS connection to PEER: wrong version number",)),
        (silent, ("no connection to PEER within 2 s", "the exchange with PEER took longer than 1.2 s")),
        (dripping, ("no TLS connection to PEER: ", "the exchange with PEER took longer than 1.2 s")),
        (closing, ("no connection to PEER: it was closed during the TLS handshake",)),
        (
            resetting,
            ("no connection to PEER: Connection reset by peer", "no connection to PEER: it was closed"),
        ),
    ],
)
def test_peers_that_do_not_speak_tls(behaviour: Any, reasons: tuple[str, ...]) -> None:
    with serving(behaviour) as peer:
        run = make_run(client=Client(secure=QUICK))
        url = f"https://127.0.0.1:{peer.port}/"
        with pytest.raises(ToolError) as raised:
            finish(run, http_request.run(run, method="GET", url=url, body=None, headers=()))
        assert raised.value.reason.replace(f"127.0.0.1:{peer.port}", "PEER").startswith(reasons)


def test_plain_http_on_a_tls_port(authority: Authority) -> None:
    with serving(saying(OK), authority.server("good", HERE)) as peer:
        run = make_run(client=Client(plain=QUICK))
        url = f"http://127.0.0.1:{peer.port}/"
        with pytest.raises(ToolError, match=r"closed the connection without an answer|is not HTTP|broke"):
            finish(run, http_request.run(run, method="GET", url=url, body=None, headers=()))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", "to the end"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
            "closed the connection in the middle of its answer",
        ),
        (b"", "closed the connection without an answer"),
    ],
)
def test_answers_cut_inside_tls(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, answer: bytes, outcome: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with serving(saying(answer, close=True), authority.server("good", HERE)) as peer:
        if answer.endswith(b"end"):
            assert get(peer)["body"] == outcome
        else:
            assert outcome in failing(peer)


def test_old_versions_are_refused(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    context = authority.server("old", HERE)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSVersion.TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving(saying(OK), context) as peer:
        assert failing(peer).startswith("no TLS connection to PEER: ")


def test_real_openssl(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same against `openssl s_server`, which shares no code with the client's peer above."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    authority.server("peer", HERE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = authority.file.parent
    command = ["openssl", "s_server", "-accept", str(port), "-www", "-quiet"]
    command += ["-cert", str(folder / "peer.pem"), "-key", str(folder / "peer.key")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            run = make_run(client=Client(secure=QUICK))
            output, label = finish(run, _patiently(run, f"https://localhost:{port}/"))
            assert (output["status"], label) == (200, None)
            assert "Ciphers" in output["body"]
        finally:
            server.terminate()


async def _patiently(run: Any, url: str) -> Any:
    """Retry until the server listens."""
    from asyncio import sleep

    for _ in range(100):
        try:
            return await http_request.run(run, method="GET", url=url, body=None, headers=())
        except ToolError as error:
            if "refused" not in error.reason:
                raise
            await sleep(0.05)
    raise AssertionError("the server did not start")


ALONE = """
import sys

from importlib.machinery import PathFinder

class WithoutThem:
    def find_spec(name, path=None, target=None):
        absent = name.partition(".")[0] in sys.argv[1].split()
        return None if absent else PathFinder.find_spec(name, path, target)

sys.meta_path = [*sys.meta_path[:2], WithoutThem]  # built in, frozen, from files
from peers.http import OK, saying, serving
from peers.workflow import finish, make_run
from agentdc_runtime.nodes import http_request

with serving(saying(OK)) as peer:
    run = make_run()
    print(finish(run, http_request.run(run, method="GET", url=peer.url(), body=None, headers=()))[0]["body"])
"""


def test_nothing_else_needs_to_be_linked() -> None:
    """Of what httpx can import, an app needs httpcore, h11, anyio, idna, and typing_extensions before Python 3.13."""
    absent = "brotli certifi click h2 pygments rich sniffio socksio trio zstandard"
    paths = [str(Path(__file__).parents[2]), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, absent],
        check=False,
        capture_output=True,
        env={"PYTHONPATH": ":".join(paths)},
        timeout=60,
    )
    assert (done.stdout, done.stderr) == (b"ok\n", b"")
