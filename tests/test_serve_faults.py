"""Hostile and unlucky callers (spec 02 §1.1, design "serve mode"): bounded, and never in the way of real traffic."""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from command import make
from serving import ECHO, LISTENING, START, Server, open_files, received, serving, start, until

from agentdc_runtime.host import connection

ROUTE = """
[[http_routes]]
method = "POST"
path = "/show"
start_node = "go"
"""
REQUEST = b"POST /show HTTP/1.1\r\nContent-Length: 2\r\n\r\n42"


def memory(process: int) -> int:
    """Resident KiB."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


def test_slow_callers_do_not_stop_others(tmp_path: Path) -> None:
    """A thousand connections that send a header now and then, while real requests go on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1200:
        pytest.skip(f"this process may open {hard} files only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    with serving(f"{ECHO}{ROUTE}", tmp_path) as server:
        slow = [socket.create_connection((server.host, server.port)) for _ in range(1000)]
        for each in slow:
            each.sendall(b"POST /show HTTP/1.1\r\nX: y\r\n")
        waits = []
        for number in range(200):
            slow[number].sendall(b"X: z\r\n")
            began = time.monotonic()
            assert server.ask("POST", "/show", b"1").status == 200
            waits.append(time.monotonic() - began)
        assert sorted(waits)[100] < 0.1
        assert server.metric("agentdc_open_connections") > 1000
        for each in slow:
            each.close()
        until(lambda: server.metric("agentdc_open_connections") < 10)


def test_more_connections_than_are_allowed(tmp_path: Path) -> None:
    """The oldest idle one gives way; where all are busy, callers wait for their turn."""
    text = f"{ECHO}{ROUTE}\n[server]\nmax_connections = 4\n"
    with serving(text, tmp_path) as server:
        kept = [socket.create_connection((server.host, server.port), timeout=10) for _ in range(4)]
        for each in kept:
            each.sendall(REQUEST)
            assert each.recv(4096).startswith(b"HTTP/1.1 200")
        assert server.ask("POST", "/show", b"1").status == 200
        assert kept[0].recv(1) == b""
        for each in kept[1:]:  # half a request each: nobody is idle
            each.sendall(b"POST /show HTTP/1.1\r\nContent-Length: 9\r\n\r\n1")
        kept[0] = socket.create_connection((server.host, server.port), timeout=10)
        kept[0].sendall(b"POST /show HTTP/1.1\r\nContent-Length: 9\r\n\r\n1")
        time.sleep(0.3)
        waiting = socket.create_connection((server.host, server.port), timeout=10)
        waiting.sendall(REQUEST)
        waiting.settimeout(0.5)
        with pytest.raises(TimeoutError):
            waiting.recv(1)
        kept[0].close()
        waiting.settimeout(10)
        assert waiting.recv(4096).startswith(b"HTTP/1.1 200")


def test_caller_that_never_reads(tmp_path: Path) -> None:
    """Its answers wait in the kernel and then in a bounded buffer; the process does not grow without end."""
    with serving(f"{ECHO}{ROUTE}", tmp_path) as server:
        body = b'"' + b"x" * 500_000 + b'"'
        sent = b"POST /show HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        before = memory(server.process.pid)
        with socket.create_connection((server.host, server.port)) as peer:
            peer.settimeout(2)
            with pytest.raises(TimeoutError):
                peer.sendall(sent * 200)
            assert server.ask("POST", "/show", b"1").status == 200
            assert memory(server.process.pid) - before < 100_000


def test_no_descriptors_left(tmp_path: Path) -> None:
    """The bound on connections follows the limit of the process; other requests go on."""
    with serving(f"{ECHO}{ROUTE}", tmp_path) as server:
        now = open_files(server.process.pid)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (now + 3, now + 3))
        many = [socket.create_connection((server.host, server.port)) for _ in range(20)]
        time.sleep(0.5)
        used = time.process_time()
        for each in many:
            each.close()
        assert server.ask("POST", "/show", b"1").status == 200
        assert time.process_time() - used < 5


def test_accepting_does_not_spin_without_descriptors(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path) as server:
        now = open_files(server.process.pid)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (now, now))
        with socket.create_connection((server.host, server.port)):
            time.sleep(0.3)
            ticks = _cpu(server.process.pid)
            time.sleep(1)
            assert _cpu(server.process.pid) - ticks < 30  # hundredths of a second


def _cpu(process: int) -> int:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_hundred_thousand_requests_leave_nothing_behind(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path) as server:
        _many(server, 10_000)
        before, files = memory(server.process.pid), open_files(server.process.pid)
        _many(server, 90_000)
        until(lambda: open_files(server.process.pid) <= files + 2)
        assert memory(server.process.pid) - before < 4_000
        assert server.metric("agentd_workflow_completions_total") == 100_000


def _many(server: Server, count: int) -> None:
    """Requests in pipelines of a hundred, which is what a connection may carry."""
    pipeline = REQUEST * 100

    def call(connections: int) -> None:
        for _ in range(connections):
            with socket.create_connection((server.host, server.port), timeout=30) as peer:
                peer.sendall(pipeline)
                assert received(peer).count(b"HTTP/1.1 200 OK\r\n") == 100

    callers = [threading.Thread(target=call, args=(count // 400,)) for _ in range(4)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()


def test_peer_that_goes_away_in_the_middle(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path) as server:
        for number in range(100):
            peer = socket.create_connection((server.host, server.port))
            peer.sendall(REQUEST * 3 + REQUEST[: number % len(REQUEST)])
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close with a reset
            peer.close()
        assert server.ask("POST", "/show", b"1").status == 200
        until(lambda: server.metric("agentdc_open_connections") <= 2)


def test_half_closed_caller_gets_its_answer(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path) as server:
        answer = server.raw(REQUEST, half_close=True)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b'"input":42' in answer


def test_garbage_behind_a_request(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path) as server:
        answers = server.raw(REQUEST + b"\x16\x03\x01\x02\x00\x01garbage\xff\r\n\r\n")
        assert answers.count(b"HTTP/1.1 ") == 2
        assert b"HTTP/1.1 400 Bad Request\r\n" in answers


SLEEPY = f"""\
{START}{ROUTE}
[[nodes]]
id = "show"
type = "shell_run"
command = "/bin/sleep"
args_from = "trigger.args"
[policy.shell]
commands = ["*"]
[server]
max_runs = 2
"""


def test_runs_in_flight_are_bounded_and_wait_in_order(tmp_path: Path) -> None:
    with serving(SLEEPY, tmp_path) as server:
        done: list[float] = []

        def call() -> None:
            assert server.ask("POST", "/show", '{"args": ["0.5"]}').status == 200
            done.append(time.monotonic())

        began = time.monotonic()
        callers = [threading.Thread(target=call) for _ in range(4)]
        for each in callers:
            each.start()
        until(lambda: server.metric("agentdc_inflight_runs") == 2)
        assert server.ask("GET", "/healthz").status == 200
        for each in callers:
            each.join()
        assert sorted(done)[-1] - began >= 1.0


def test_no_turn_within_the_time_of_a_run(tmp_path: Path) -> None:
    with serving(SLEEPY, tmp_path, "--timeout-secs", "1") as server:
        statuses: list[int] = []

        def call(seconds: str) -> None:
            statuses.append(server.ask("POST", "/show", f'{{"args": ["{seconds}"]}}').status)

        callers = [threading.Thread(target=call, args=("2.5",)) for _ in range(2)]
        for each in callers:
            each.start()
        until(lambda: server.metric("agentdc_inflight_runs") == 2)
        call("0")
        for each in callers:
            each.join()
        assert statuses[0] == 503


def test_caller_that_leaves_does_not_end_its_run(tmp_path: Path) -> None:
    with serving(SLEEPY, tmp_path) as server:
        body = b'{"args": ["0.5"]}'
        with socket.create_connection((server.host, server.port)) as peer:
            peer.sendall(b"POST /show HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            until(lambda: server.metric("agentdc_inflight_runs") == 1)
        until(lambda: server.metric("agentd_workflow_completions_total") == 1)


def test_a_process_that_was_suspended_goes_on(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path, "--log-level", "info") as server:
        assert server.ask("POST", "/show", b"1").status == 200
        os.kill(server.process.pid, signal.SIGSTOP)  # as long as a suspended machine
        time.sleep(1.2)
        os.kill(server.process.pid, signal.SIGCONT)
        assert server.ask("POST", "/show", b"1").status == 200


def test_deadlines_of_every_part(tmp_path: Path) -> None:
    """With the seconds of the built app cut down: what is said depends on what was being read (spec 02 §1.2)."""
    built = make(f"{ECHO}{ROUTE}", tmp_path / "built")
    module = built / "agentdc_runtime" / "host" / "connection.py"
    text = module.read_text()
    line = "IDLE, HEAD, BODY, WRITE = 30.0, 30.0, 60.0, 30.0"
    assert line in text
    module.write_text(text.replace(line, "IDLE, HEAD, BODY, WRITE = 1.0, 2.0, 3.0, 1.0"))
    with serving("", tmp_path, app=built) as server:
        began = time.monotonic()
        assert server.raw(b"") == b""  # idle
        assert time.monotonic() - began < 3
        assert server.raw(b"POST /sho") == b""  # in the request line
        assert b'{"error":"header read failed"}' in server.raw(b"POST /show HTTP/1.1\r\nX: y\r\n")
        body = server.raw(b"POST /show HTTP/1.1\r\nContent-Length: 5\r\n\r\n1")
        assert b'{"error":"truncated body"}' in body
        assert server.raw(REQUEST).startswith(b"HTTP/1.1 200 OK")  # and then idle
        # The whole head and the whole body count, not each byte: no caller can go on for ever.
        assert b'{"error":"header read failed"}' in _dripped(server, b"POST /show HTTP/1.1\r\n", b"X: y\r\n")
        head = b"POST /show HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"
        assert b'{"error":"truncated body"}' in _dripped(server, head, b"1")
        chunked = b"POST /show HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert b'{"error":"truncated body"}' in _dripped(server, chunked, b"1\r\n1\r\n")


def test_deadlines_as_they_are_built() -> None:
    """The seconds of spec 02 §1.1, which the test above cuts down."""
    assert (connection.IDLE, connection.HEAD, connection.BODY, connection.WRITE) == (30.0, 30.0, 60.0, 30.0)


def _dripped(server: Server, head: bytes, piece: bytes) -> bytes:
    """What a caller gets that sends a piece now and then for as long as it is let."""
    with socket.create_connection((server.host, server.port), timeout=10) as peer:
        peer.sendall(head)
        while not select.select([peer], [], [], 0.1)[0]:
            peer.sendall(piece)
        return received(peer)


def test_mistake_of_ours_is_answered(tmp_path: Path) -> None:
    built = make(f"{ECHO}{ROUTE}", tmp_path / "built")
    module = built / "agentdc_runtime" / "http" / "trigger.py"
    text = module.read_text()
    first = "    if payload is None:"
    assert first in text
    burst = '    if payload == 7:\n        raise RuntimeError("private")\n'
    module.write_text(text.replace(first, burst + first))
    server = start(built, tmp_path)
    try:
        until(lambda: LISTENING.search(server.said) is not None)
        found = LISTENING.search(server.said)
        assert found is not None
        server.port = int(found[3])
        answer = server.ask("POST", "/show", "7")
        assert (answer.status, answer.json) == (500, {"error": "internal error"})
        assert answer.headers["connection"] == "close"
        assert "http.internal_error" in server.said
        assert server.ask("POST", "/show", "8").status == 200
    finally:
        assert server.end() == 0
