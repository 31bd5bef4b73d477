"""What the server speaks under TLS, and what it says of peers that speak something else."""

from __future__ import annotations

import socket
import ssl
import struct

import pytest
from peers.tls_server import (
    LOOPS,
    PATIENCE,
    VERSIONS,
    World,
    client,
    connected,
    identity,
    make_world,
    s_client,
    serving,
)

from agentdc_runtime.host.tls import handshake_reason


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


# --- what is spoken


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            ("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"),
            "no TLS version in common; TLS 1.2 and 1.3 are spoken",
        ),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"), "no cipher suite in common"),
        (("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"), "no cipher suite in common"),
        (("-tls1_2", "-cipher", "AES128-GCM-SHA256"), "no cipher suite in common"),
    ],
)
def test_old_and_weak(world: World, options: tuple[str, ...], expected: str) -> None:
    with serving(world.context()) as server:
        shown = s_client(world, server, *options)
        assert "Cipher is (NONE)" in shown
        assert server.reason() == expected
        assert not server.peers


@pytest.mark.parametrize(
    "name", ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"]
)
def test_suites_of_13(world: World, name: str) -> None:
    with serving(world.context()) as server:
        assert f"Cipher is {name}" in s_client(world, server, "-tls1_3", "-ciphersuites", name)


@pytest.mark.parametrize("name", ["AES256-GCM-SHA384", "AES128-GCM-SHA256", "CHACHA20-POLY1305"])
def test_suites_of_12(world: World, name: str) -> None:
    with serving(world.context()) as server:
        shown = s_client(world, server, "-tls1_2", "-cipher", f"ECDHE-ECDSA-{name}", "-comp")
        assert f"Cipher is ECDHE-ECDSA-{name}" in shown
        assert "Compression: NONE" in shown


def test_no_renegotiation(world: World) -> None:
    """`R` at the begin of a line asks for it."""
    with serving(world.context()) as server:
        shown = s_client(world, server, "-tls1_2", lines=(b"hello\n", b"R\n", b"close\n"), commands=True)
        assert "RENEGOTIATING" in shown
        assert "no renegotiation" in shown


@pytest.mark.parametrize(
    ("offered", "asked", "expected"),
    [
        ((), ["h2", "http/1.1"], None),
        (("h2", "http/1.1"), ["http/1.1", "h2"], "h2"),
        (("h2", "http/1.1"), ["http/1.1"], "http/1.1"),
        (("h2", "http/1.1"), ["spdy/3"], None),
        (("h2", "http/1.1"), [], None),
    ],
)
def test_alpn(world: World, offered: tuple[str, ...], asked: list[str], expected: str | None) -> None:
    context = client(world)
    if asked:
        context.set_alpn_protocols(asked)
    with serving(world.context(alpn=offered)) as server, connected(server, context) as secure:
        assert secure.selected_alpn_protocol() == expected


# --- why a handshake failed


@LOOPS
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "plain HTTP was spoken to the TLS port"),
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", "plain HTTP was spoken to the TLS port"),
        (b"CONNECT x:443 HTTP/1.1\r\n\r\n", "plain HTTP was spoken to the TLS port"),
        (b"OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n", "the peer does not speak TLS"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the peer does not speak TLS"),
        (b"\0" * 64, "the peer does not speak TLS"),
        (b"\x16\x03\x01", "timed out"),
        (b"", "timed out"),
    ],
)
def test_other_than_tls(world: World, loop: str, sent: bytes, expected: str) -> None:
    patience = 0.3 if expected == "timed out" else PATIENCE
    with serving(world.context("required"), loop, patience) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
            raw.sendall(sent)
            assert server.reason() == expected
        assert not server.peers


@LOOPS
@pytest.mark.parametrize("how", ["end", "reset", "half"])
def test_a_peer_that_goes_away(world: World, loop: str, how: str) -> None:
    with serving(world.context(), loop) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
            raw.sendall(b"\x16\x03\x01\x02" if how == "half" else b"")
            if how == "reset":
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert server.reason() == "the peer closed the connection"


@VERSIONS
def test_a_peer_that_does_not_trust_us(world: World, version: ssl.TLSVersion) -> None:
    context = client(world, version)
    stranger = ssl.create_default_context()
    stranger.maximum_version = context.maximum_version
    with serving(world.context()) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            identity(server, stranger)
        assert server.reason() == "the peer refused the handshake: unknown ca"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ssl.SSLCertVerificationError("made by hand"), "client certificate: not valid"),
        (ssl.SSLError(), "tls error"),
        (ssl.SSLError(1, "[SSL: ODD]"), "tls error"),
        (TimeoutError(), "timed out"),
        (ConnectionAbortedError("SSL handshake is taking longer than 30 seconds"), "timed out"),
        (ConnectionResetError(), "the peer closed the connection"),
        (BrokenPipeError(), "the peer closed the connection"),
        (OSError(113, "No route to host"), "connection failed: No route to host"),
        (OSError(), "connection failed: OSError"),
        (ValueError("secret"), "connection failed: ValueError"),
    ],
)
def test_reasons(error: BaseException, expected: str) -> None:
    assert handshake_reason(error) == expected
