"""Signals and the end of a serving app (spec 02 §1.8): nothing that was accepted is lost."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest
from command import make
from serving import ECHO, START, Server, received, serving, start, until

ROUTE = """
[[http_routes]]
method = "POST"
path = "/show"
start_node = "go"
"""
SLOW = f"""\
{START}{ROUTE}
[[nodes]]
id = "show"
type = "shell_run"
command = "/bin/sleep"
args_from = "trigger.args"
[policy.shell]
commands = ["*"]
"""


def test_idle_app_ends_at_once(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path) as server:
        began = time.monotonic()
        assert server.end() == 0
        assert time.monotonic() - began < 1
        assert "draining" in server.said


def test_interrupt_drains_too(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path) as server:
        assert server.end(signal.SIGINT) == 0


def test_idle_connections_are_closed(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path) as server:
        idle = [socket.create_connection((server.host, server.port)) for _ in range(5)]
        idle[0].sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert idle[0].recv(4096).startswith(b"HTTP/1.1 200")
        assert server.end() == 0
        assert [peer.recv(1) for peer in idle] == [b""] * 5


def test_request_in_flight_is_answered_and_its_connection_closed(tmp_path: Path) -> None:
    with serving(SLOW, tmp_path) as server:
        answers: list[bytes] = []
        body = b'{"args": ["0.8"]}'
        sent = b"POST /show HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        asking = threading.Thread(target=lambda: answers.append(server.raw(sent)))
        asking.start()
        until(lambda: server.metric("agentdc_inflight_runs") == 1)
        server.process.send_signal(signal.SIGTERM)
        asking.join()
        assert server.process.wait(5) == 0
        assert answers[0].startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nConnection: close\r\n" in answers[0]


def test_half_a_request_may_be_finished(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path) as server:
        with socket.create_connection((server.host, server.port), timeout=10) as peer:
            peer.sendall(b"POST /show HTTP/1.1\r\nContent-Length: 2\r\n\r\n1")
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            until(lambda: "draining" in server.said)
            peer.sendall(b"2")
            answer = received(peer)
        assert b'"input":12' in answer
        assert b"\r\nConnection: close\r\n" in answer
        assert server.process.wait(5) == 0


def test_deadline_of_the_drain(tmp_path: Path) -> None:
    with serving(SLOW, tmp_path, "--drain-timeout-secs", "1") as server:
        with socket.create_connection((server.host, server.port), timeout=10) as peer:
            body = b'{"args": ["20"]}'
            peer.sendall(b"POST /show HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            until(lambda: server.metric("agentdc_inflight_runs") == 1)
            assert server.end() == 5
        assert 'event="http.drain_deadline_exceeded"' in server.said
        assert "in_flight=1" in server.said


def test_second_signal_forces_the_end(tmp_path: Path) -> None:
    with serving(SLOW, tmp_path) as server, socket.create_connection((server.host, server.port)) as peer:
        body = b'{"args": ["20"]}'
        peer.sendall(b"POST /show HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        until(lambda: server.metric("agentdc_inflight_runs") == 1)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.8)
        began = time.monotonic()
        assert server.end() == 5
        assert time.monotonic() - began < 2


def test_signal_during_the_start_drains(tmp_path: Path) -> None:
    built = make(f"{ECHO}{ROUTE}", tmp_path / "built")
    outcomes = set()
    delay = 0.02
    while 0 not in outcomes and delay < 20:  # later each time: how long a start takes depends on the machine
        server = start(built, tmp_path / f"run{delay}")
        time.sleep(delay)
        server.process.send_signal(signal.SIGTERM)
        outcomes.add(server.process.wait(10))
        delay *= 1.3
    # Before the interpreter has come to our first line, the signal has its default effect.
    assert outcomes <= {0, -signal.SIGTERM}
    assert 0 in outcomes


@pytest.mark.parametrize("workflow", ["pure", "waiting"])
def test_no_request_fails_while_the_app_is_replaced_under_load(tmp_path: Path, workflow: str) -> None:
    """Callers without retry, on kept and on new connections: every request that was accepted is answered."""
    text = f"{ECHO}{ROUTE}" if workflow == "pure" else SLOW
    body = json.dumps({"args": ["0.01"]})
    failures: list[str] = []
    answered = [0]

    with serving(text, tmp_path) as server:
        stop = threading.Event()

        def call(pause: float) -> None:
            connection: http.client.HTTPConnection | None = None
            while not stop.is_set():
                if pause:
                    time.sleep(pause)
                fresh = connection is None
                if connection is not None and select.select([connection.sock], [], [], 0)[0]:
                    connection.close()  # closed while it was idle, as every pool of connections checks
                    connection = None
                    continue
                if connection is None:
                    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
                    try:
                        connection.connect()
                    except ConnectionRefusedError:
                        return  # nobody listens any more: nothing was accepted
                try:
                    connection.request("POST", "/show", body)
                    response = connection.getresponse()
                    response.read()
                except (http.client.HTTPException, OSError) as error:
                    failures.append(f"{error!r} fresh={fresh} pause={pause}")
                    return
                if response.status != 200:
                    failures.append(f"status {response.status}")
                answered[0] += 1
                if response.getheader("connection") == "close":
                    connection.close()
                    connection = None

        callers = [
            threading.Thread(target=call, args=(pause,)) for pause in (0, 0, 0, 0, 0.03, 0.07, 0.3, 0.5)
        ]
        for each in callers:
            each.start()
        time.sleep(1.0)
        status = server.end()
        for each in callers:
            each.join()
        stop.set()
    assert status == 0
    assert answered[0] > 100
    assert failures == []


def test_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = start(make(f"{ECHO}{ROUTE}", tmp_path / "built"), tmp_path, "--bind", f"127.0.0.1:{port}")
        assert server.process.wait(10) == 5
        assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in server.said


@pytest.mark.parametrize("address", ["localhost:80", "127.0.0.1", "127.0.0.1:99999", "[::1:80", "::1:x", ""])
def test_bad_address(tmp_path: Path, address: str) -> None:
    server = start(make(f"{ECHO}{ROUTE}", tmp_path / "built"), tmp_path, "--bind", address)
    assert server.process.wait(10) == 2
    assert "bind" in server.said


def test_ipv6(tmp_path: Path) -> None:
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    built = make(f"{ECHO}{ROUTE}", tmp_path / "built")
    server = start(built, tmp_path, "--bind", "[::1]:0")
    try:
        until(lambda: "listening on http://[::1]:" in server.said)
    finally:
        assert server.end() == 0


def test_listening_socket_of_the_service_manager(tmp_path: Path) -> None:
    """As systemd hands it over: descriptor 3, LISTEN_FDS and LISTEN_PID; and readiness is told."""
    built = make(f"{ECHO}{ROUTE}", tmp_path / "built")
    errors = tmp_path / "stderr.txt"
    listening = socket.create_server(("127.0.0.1", 0))
    door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    door.bind(str(tmp_path / "notify"))
    door.settimeout(10)
    child = os.fork()
    if child == 0:
        try:
            out = os.open(errors, os.O_WRONLY | os.O_CREAT, 0o644)
            os.dup2(out, 2)
            os.dup2(listening.fileno(), 3)
            os.set_inheritable(3, True)
            environ = {
                "LISTEN_FDS": "1",
                "LISTEN_PID": str(os.getpid()),
                "NOTIFY_SOCKET": str(tmp_path / "notify"),
            }
            os.execve(sys.executable, [sys.executable, "-I", str(built)], {**os.environ, **environ})
        finally:
            os._exit(9)
    port = listening.getsockname()[1]
    listening.close()
    assert door.recv(100) == b"READY=1"
    server = Server(None, errors, port=port)  # type: ignore[arg-type]
    assert server.ask("GET", "/healthz").status == 200
    os.kill(child, signal.SIGTERM)
    assert door.recv(100) == b"STOPPING=1"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    door.close()
