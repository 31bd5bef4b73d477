"""What a swap of the context means for sessions and connections, and what failures leave behind."""

from __future__ import annotations

import socket
import ssl
import time
import weakref
from pathlib import Path

import pytest
from peers.certificates import AUTHORITY, SERVER, issue
from peers.tls_server import (
    LOOPS,
    V12,
    V13,
    VERSIONS,
    Server,
    World,
    ask,
    client,
    connected,
    identity,
    make_world,
    s_client,
    serving,
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


KINDS_OF_SESSION = pytest.mark.parametrize(
    "options",
    [("-tls1_2",), ("-tls1_2", "-no_ticket"), ("-tls1_3",)],
    ids=["1.2 ticket", "1.2 session id", "1.3 ticket"],
)


@KINDS_OF_SESSION
@pytest.mark.parametrize("mode", [None, "required"])
def test_no_session_outlives_its_context(
    world: World, tmp_path: Path, options: tuple[str, ...], mode: str | None
) -> None:
    session = tmp_path / "session"
    own = ("-cert", world.client.certificate, "-key", world.client.key) if mode else ()
    with serving(world.context(mode)) as server:
        first = s_client(world, server, *options, *own, "-sess_out", session)
        assert "\nNew, TLSv1." in first
        again = s_client(world, server, *options, *own, "-sess_in", session)
        assert "\nReused, TLSv1." in again  # so that the next line means something
        server.context = world.context(mode)  # of the very same files
        after = s_client(world, server, *options, *own, "-sess_in", session)
        assert "\nNew, TLSv1." in after
        assert not server.reasons
        names = [None if peer is None else peer.cn for peer in server.peers]
        assert names == ["client" if mode else None] * 3  # a resumed session knows its peer


@KINDS_OF_SESSION
def test_a_swap_of_authorities_ends_sessions_too(
    world: World, tmp_path: Path, options: tuple[str, ...]
) -> None:
    session = tmp_path / "session"
    own = ("-cert", world.client.certificate, "-key", world.client.key)
    other = issue(tmp_path, "other", extensions=AUTHORITY)
    with serving(world.context("required")) as server:
        s_client(world, server, *options, *own, "-sess_out", session)
        server.context = world.context("required", by=other.certificate)
        s_client(world, server, *options, *own, "-sess_in", session)
        assert server.reason().startswith("client certificate: ")
        # A session is no way around the certificate either.
        s_client(world, server, *options, "-sess_in", session)
        assert server.reason() == "the peer presented no client certificate"
        assert len(server.peers) == 1


@LOOPS
@VERSIONS
def test_old_connections_live_on(world: World, tmp_path: Path, loop: str, version: ssl.TLSVersion) -> None:
    extensions = f"{SERVER}subjectAltName = DNS:localhost\n"
    fresh = issue(tmp_path, "fresh", by=world.root, extensions=extensions)
    other = issue(tmp_path, "authority", extensions=AUTHORITY)
    after = World(world.folder, world.root, fresh, issue(tmp_path, "other", by=other))
    old_client = client(world, version, world.client)
    with serving(world.context("required"), loop) as server, connected(server, old_client) as old:
        before = ask(old)
        server.context = after.context("required", by=other.certificate)
        server.name = "second"
        with connected(server, client(world, version, after.client)) as new:
            assert new.getpeercert(binary_form=True) == fresh.der
            assert ask(new)["peer"]["cn"] == "other"
            assert ask(old) == {**before, "name": "second"}
            assert old.getpeercert(binary_form=True) == world.server.der
        with pytest.raises(OSError), connected(server, old_client) as late:
            ask(late)
        assert ask(old)["peer"]["cn"] == "client"


# --- what is left behind


@LOOPS
def test_failures_leave_nothing_open(world: World, loop: str) -> None:
    """200 handshakes that fail in every way, on a server that goes on."""
    good = client(world, V13, world.client)
    bare = [client(world, version) for version in (V12, V13)]

    def fail(server: Server, number: int) -> None:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
            if number % 4 == 0:
                raw.sendall(b"GET / HTTP/1.1\r\n\r\n")
            elif number % 4 == 1:
                raw.sendall(b"\x16\x03\x01\x02\x00\x01")
            else:
                with (
                    pytest.raises(OSError),
                    bare[number % 2].wrap_socket(raw, server_hostname="localhost") as secure,
                ):
                    ask(secure)
        server.reason()

    with serving(world.context("required"), loop) as server:
        for number in range(8):
            fail(server, number)
        assert identity(server, good)["cn"] == "client"
        before = open_files()
        for number in range(200):
            fail(server, number)
        assert identity(server, good)["cn"] == "client"
        assert settled(before)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def settled(before: int) -> bool:
    """Whether as many are open as before, soon: a server closes its side a moment later."""
    until = time.monotonic() + 5
    while open_files() > before:
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def test_a_context_is_freed_with_its_last_connection(world: World) -> None:
    """Its keys with it; nothing waits for the garbage collector, from which a serving app spares what is old."""
    context = world.context("required")
    gone = weakref.ref(context)
    inner = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    del context
    assert gone() is not None
    del inner
    assert gone() is None
