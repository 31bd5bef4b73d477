"""Runs over a WebSocket, with the `websockets` client, and with raw frames where a client would not do it."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import ECHO, START, Answer, Server, received, serving, until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

ROUTE = """
[[http_routes]]
method = "GET"
path = "/talk"
start_node = "go"
websocket = true
"""
SCHEMA = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
TEXT = f"""{ECHO}{ROUTE}
[[http_routes]]
method = "GET"
path = "/strict"
start_node = "go"
websocket = true
input_schema = "name.json"

[[http_routes]]
method = "GET"
path = "/pages"
start_node = "go"
websocket = true
cors = {{ allow_origins = ["https://a.example"] }}

[[http_routes]]
method = "GET"
path = "/known"
start_node = "go"
websocket = true
auth = "bearer"

[[http_routes]]
method = "GET"
path = "/limited"
start_node = "go"
websocket = true
rate_limit = {{ capacity = 2, per_second = 0.001 }}

[auth.bearer.default]
tokens = ["s3cret"]
"""
SLOW = f"""{START}
[[nodes]]
id = "show"
type = "shell_run"
command = "/bin/sleep"
args_from = "trigger.args"

[policy.shell]
commands = ["*"]
{ROUTE}"""
SLEEP = '{"args": ["1"]}'
KEY = base64.b64encode(bytes(16)).decode()
HANDSHAKE = {
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("talk")
    (folder / "name.json").write_text(json.dumps(SCHEMA))
    before = Path.cwd()
    os.chdir(folder)
    try:
        with serving(TEXT, folder) as server:
            yield server
    finally:
        os.chdir(before)


def talk(server: Server, path: str = "/talk", **options: Any) -> ClientConnection:
    peer: ClientConnection = connect(f"ws://127.0.0.1:{server.port}{path}", compression=None, **options)
    return peer


def run(peer: ClientConnection, message: str) -> list[dict[str, Any]]:
    """The events of one run, up to its outcome or to an error."""
    peer.send(message)
    events = [json.loads(peer.recv(timeout=10))]
    while events[-1]["event"] not in {"outcome", "error"}:
        events.append(json.loads(peer.recv(timeout=10)))
    return events


def value(event: dict[str, Any]) -> Any:
    return json.loads(event["body"])["final_value"]["value"]


def test_a_run_per_message(shared: Server) -> None:
    with talk(shared) as peer:
        first, node, outcome = run(peer, '{"a": 1}')
        assert first["event"] == "started"
        assert (node["event"], node["node_id"], node["kind"]) == ("node", "show", "json_select")
        assert outcome["status_code"] == 200
        assert value(outcome)["a"] == 1
        again = run(peer, "[2]")
        assert again[0]["run_id"] != first["run_id"]
        assert value(again[-1])["input"] == [2]
        for each in range(16):  # in order, though they were not waited for
            peer.send(json.dumps({"n": each}))
        events = [json.loads(peer.recv(timeout=10)) for _ in range(48)]
        assert [value(each)["n"] for each in events if each["event"] == "outcome"] == list(range(16))


def test_what_is_no_payload(shared: Server) -> None:
    with talk(shared, "/strict") as peer:
        (refused,) = run(peer, "{")
        assert refused["event"] == "error"
        assert refused["error"].startswith("invalid JSON: ")
        assert run(peer, '{"name": 1}')[0]["error"].startswith("schema validation failed: ")
        assert value(run(peer, '{"name": "x"}')[-1])["name"] == "x"


def test_principal(shared: Server) -> None:
    with pytest.raises(InvalidStatus) as refused, talk(shared, "/known"):
        pass
    assert refused.value.response.status_code == 401
    with talk(shared, "/known", additional_headers={"Authorization": "Bearer s3cret"}) as peer:
        outcome = run(peer, '{"principal": "forged"}')[-1]
        assert value(outcome)["principal"]["kind"] == "bearer"


def test_each_message_counts_for_the_rate_limit(shared: Server) -> None:
    with talk(shared, "/limited") as peer:
        kinds = [run(peer, "1")[-1]["event"] for _ in range(3)]
        assert kinds == ["outcome", "outcome", "error"]


def test_without_an_upgrade_it_is_a_plain_route(shared: Server) -> None:
    assert shared.ask("GET", "/talk").status == 200


def handshake(server: Server, path: str = "/talk", **changed: str | None) -> Answer:
    """What a refused handshake gets; `Sec_X` stands for `Sec-X`, None leaves a header out."""
    words = {**HANDSHAKE, **{name.replace("_", "-"): each for name, each in changed.items()}}
    return server.ask("GET", path, headers={name: each for name, each in words.items() if each is not None})


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Connection": "keep-alive"}, 400),
        ({"Sec_WebSocket_Key": None}, 400),
        ({"Sec_WebSocket_Key": "c2hvcnQ="}, 400),
        ({"Sec_WebSocket_Key": "*" * 24}, 400),
        ({"Sec_WebSocket_Key": f"{KEY}é".encode().decode("latin-1")}, 400),
        ({"Sec_WebSocket_Version": None}, 426),
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_refused_handshakes(shared: Server, changed: dict[str, str | None], status: int) -> None:
    answer = handshake(shared, "/talk", **changed)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
    assert answer.json["error"]
    assert (answer.headers.get("sec-websocket-version") == "13") == (status == 426)


def test_pages(shared: Server) -> None:
    """Only pages from the app's own host, or those that `cors` names."""
    own = f"http://127.0.0.1:{shared.port}"
    for path, origin in (("/talk", own), ("/pages", own), ("/pages", "https://a.example")):
        with talk(shared, path, origin=origin) as peer:
            assert run(peer, "1")[-1]["event"] == "outcome"
    for path, origin in (("/talk", "https://a.example"), ("/pages", "https://b.example")):
        assert handshake(shared, path, Origin=origin).status == 403


def close_code(peer: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        _drop_all(lambda: peer.recv(timeout=15))
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def _drop_all(once: Callable[[], object]) -> None:
    """Again and again until it raises."""
    while True:
        once()


def test_what_ends_a_connection(shared: Server) -> None:
    with talk(shared) as peer:
        peer.send(b"\x00")
        assert close_code(peer) == 1003
    with talk(shared) as peer:
        peer.send('"' + "x" * 1_048_576 + '"')
        assert close_code(peer) == 1009
    with talk(shared) as peer:
        peer.send(["x" * 1000] * 1100)  # one message in many frames
        assert close_code(peer) == 1009
    with talk(shared, max_size=None) as peer:
        text = "x" * (1_048_576 - 2)
        assert value(run(peer, f'"{text}"')[-1])["input"] == text


def raw(server: Server, path: str = "/talk") -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", server.port), timeout=15)
    lines = "".join(f"{name}: {each}\r\n" for name, each in HANDSHAKE.items())
    peer.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += peer.recv(1)
    assert head.startswith(b"HTTP/1.1 101 "), head
    assert b"Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n" in head
    return peer


def frame(first: int, data: bytes = b"") -> bytes:
    """Masked with zeros. `first`: FIN, reserved bits and opcode."""
    size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2)
    return bytes([first]) + size + bytes(4) + data


@pytest.mark.parametrize(
    ("bytes_", "code"),
    [
        (b"\x81\x01a", 1002),  # not masked
        (frame(0xC1, b"a"), 1002),  # a reserved bit
        (frame(0x83, b"a"), 1002),  # an unknown opcode
        (frame(0x80, b"a"), 1002),  # a continuation of nothing
        (frame(0x81, b"\xff"), 1007),  # no UTF-8
        (frame(0x89, b"a" * 126), 1002),  # a ping that is too long
        (frame(0x88, b"\x03"), 1002),  # half a close code
    ],
)
def test_broken_frames(shared: Server, bytes_: bytes, code: int) -> None:
    with raw(shared) as peer:
        peer.sendall(bytes_)
        said = received_frame(peer)
        assert said[0] == 0x88
        assert int.from_bytes(said[2:4]) == code


def received_frame(peer: socket.socket) -> bytes:
    data = b""
    while len(data) < 2 or len(data) < 2 + data[1]:
        some = peer.recv(4096)
        assert some, data
        data += some
    return data


def test_control_frames(shared: Server) -> None:
    with raw(shared) as peer:
        peer.sendall(frame(0x01, b"[1") + frame(0x89, b"hey") + frame(0x80, b"]"))  # a ping within a message
        assert received_frame(peer).startswith(b"\x8a\x03hey")
        peer.sendall(frame(0x88, b"\x03\xe8"))
        rest = received(peer)
        assert rest.endswith(b"\x88\x02\x03\xe8")
    with raw(shared) as peer:
        peer.sendall(b"".join(frame(0x81, b"%d" % each)[:3] for each in range(3)))
    assert shared.ask("GET", "/healthz").status == 200


def test_bytes_behind_the_handshake(shared: Server) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=15) as peer:
        lines = "".join(f"{name}: {each}\r\n" for name, each in HANDSHAKE.items())
        before = shared.metric("agentd_workflow_completions_total")
        peer.sendall(f"GET /talk HTTP/1.1\r\n{lines}\r\n".encode() + frame(0x81, b"7") + frame(0x88))
        assert received(peer).endswith(b"\r\n\r\n\x88\x00")
        until(
            lambda: shared.metric("agentd_workflow_completions_total") == before + 1
        )  # sent in full, so it is run


def test_too_many_messages_and_drain(tmp_path: Path) -> None:
    with serving(SLOW, tmp_path, "--drain-timeout-secs", "10") as server:
        with talk(server) as peer:
            for _ in range(20):
                peer.send(SLEEP)
            assert close_code(peer) == 1008
        with talk(server) as idle, talk(server) as busy:
            busy.send(SLEEP)
            busy.send(SLEEP)
            assert json.loads(busy.recv(timeout=10))["event"] == "started"
            server.process.send_signal(signal.SIGTERM)
            assert close_code(idle) == 1001
            events = [json.loads(busy.recv(timeout=10))["event"] for _ in range(2)]
            assert events == ["node", "outcome"]
            assert close_code(busy) == 1001
        assert server.process.wait(10) == 0


def test_a_run_outlives_its_caller(tmp_path: Path) -> None:
    with serving(SLOW, tmp_path) as server:
        with raw(server) as peer:
            peer.sendall(frame(0x81, SLEEP.encode()))
            assert b"started" in received_frame(peer)
        until(lambda: server.metric("agentd_workflow_completions_total") == 1)


def test_a_peer_that_does_not_read(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path) as server, raw(server) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.settimeout(1)
        big = json.dumps("x" * 60_000).encode()
        with pytest.raises(TimeoutError):
            _drop_all(lambda: _slowly(peer, frame(0x81, big)))
        memory = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
        assert int(memory) * 4096 < 150_000_000
        assert server.ask("GET", "/healthz").status == 200


def _slowly(peer: socket.socket, data: bytes) -> None:
    peer.sendall(data)
    time.sleep(0.02)  # so that each can be run before the next is there: no more than 16 may wait
