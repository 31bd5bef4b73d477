"""HTTP/2 with curl, nghttp and h2load as callers, and with raw frames where those would not do it."""

from __future__ import annotations

import json
import re
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, Event, ResponseReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes
from peers.authority import Authority
from serving import ECHO, START, Server, serving, until
from test_serve_tls import TLS, place

ROUTE = """
[[http_routes]]
method = "POST"
path = "/show"
start_node = "go"
stream = true

[[http_routes]]
method = "GET"
path = "/show"
start_node = "go"
"""
HTTP2 = "\n[server]\nhttp2 = true\n"
TEXT = f"{ECHO}{ROUTE}{HTTP2}{TLS}"
JSON = ("-H", "Content-Type: application/json")
SLOW = f"""{START}
[[nodes]]
id = "show"
type = "shell_run"
command = "/bin/sleep"
args_from = "trigger.args"

[policy.shell]
commands = ["*"]
{ROUTE}{HTTP2}{TLS}"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("http2")
    place(folder, Authority(folder))
    with serving(TEXT, folder) as server:
        yield server


def curl(server: Server, *words: str, path: str = "/show") -> list[str]:
    """Lines of curl's standard output: the body, then version and status."""
    trust = ["--cacert", str(server.folder / "authority.pem")]
    url = f"https://localhost:{server.port}{path}"
    command = ["curl", "-sS", "--max-time", "20", *trust, "-w", "\n%{http_version} %{http_code}", *words, url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def test_chosen_in_the_handshake(shared: Server) -> None:
    body, status = curl(shared, *JSON, "-d", '{"a": 1}')
    assert status == "2 200"
    assert json.loads(body)["final_value"]["value"]["a"] == 1
    assert curl(shared, "--http1.1", "-d", "1")[-1] == "1.1 200"
    assert curl(shared, "--no-alpn", "-d", "1")[-1] == "1.1 200"


def test_requests(shared: Server) -> None:
    assert curl(shared, "-d", "1", path="/ghost")[-1] == "2 404"
    assert curl(shared, "-X", "PUT", "-d", "1")[-1] == "2 405"
    assert curl(shared, "-I", path="/healthz")[-1] == "2 200"
    assert curl(shared, path="/show?a=b")[-1] == "2 200"
    assert curl(shared, "-H", "Expect: 100-continue", "-d", "1")[-1] == "2 200"
    big = shared.folder / "big"
    big.write_text('"' + "x" * (1_048_576 - 2) + '"')
    body, status = curl(shared, *JSON, "--data-binary", f"@{big}")
    assert status == "2 200"
    assert len(json.loads(body)["final_value"]["value"]["input"]) == 1_048_574
    big.write_text('"' + "x" * 1_048_576 + '"')
    body, status = curl(shared, "-H", "Expect:", *JSON, "--data-binary", f"@{big}")
    assert (json.loads(body), status) == (
        {"error": "body exceeds server cap", "cap_bytes": 1_048_576},
        "2 413",
    )


def test_events(shared: Server) -> None:
    lines = curl(shared, "-N", "-H", "Accept: text/event-stream", "-d", "1")
    assert [line for line in lines if line.startswith("event")] == [
        "event: started",
        "event: node",
        "event: outcome",
    ]
    assert lines[-1] == "2 200"


def test_nghttp_and_h2load(shared: Server) -> None:
    where = f"https://localhost:{shared.port}/show"
    done = subprocess.run(
        ["nghttp", "-v", "-n", where], capture_output=True, text=True, timeout=30, check=True
    )
    assert ":status: 200" in done.stdout
    assert "connection:" not in done.stdout
    load = ["h2load", "-n", "3000", "-c", "5", "-m", "100", where]
    done = subprocess.run(load, capture_output=True, text=True, timeout=60, check=True)
    assert "3000 succeeded, 0 failed" in done.stdout


class Caller:
    """A client that does as it is told. `frames`: its half of HTTP/2, which judges what comes back."""

    def __init__(self, peer: ssl.SSLSocket) -> None:
        self.peer = peer
        self.frames = H2Connection(
            H2Configuration(
                header_encoding="utf-8",
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.events: list[Event] = []
        self.bodies: dict[int, bytes] = {}
        self.frames.initiate_connection()
        self.flush()
        self.acknowledges = True

    def flush(self) -> None:
        self.peer.sendall(self.frames.data_to_send())

    def ask(self, method: str = "GET", path: str = "/show", *more: tuple[str, str], ends: bool = True) -> int:
        number = self.frames.get_next_available_stream_id()
        pseudo = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path)]
        self.frames.send_headers(number, [*pseudo, *more], end_stream=ends)
        self.flush()
        return number

    def hear(self, done: Callable[[], bool]) -> None:
        """Take what comes until `done` or the end of the connection."""
        while not done():
            data = self.peer.recv(65_536)
            if not data:
                break
            for event in self.frames.receive_data(data):
                self.events.append(event)
                if isinstance(event, DataReceived):
                    assert event.stream_id is not None
                    self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + (event.data or b"")
                    if self.acknowledges:
                        self.frames.acknowledge_received_data(
                            event.flow_controlled_length or 0, event.stream_id
                        )
            self.flush()

    def of(self, kind: type[Event], number: int) -> Event | None:
        return next((e for e in self.events if isinstance(e, kind) and e.stream_id == number), None)  # type: ignore[attr-defined]

    def status(self, number: int) -> str:
        """Of the answer to a stream, when it has ended."""
        self.hear(
            lambda: self.of(StreamEnded, number) is not None or self.of(StreamReset, number) is not None
        )
        event = self.of(ResponseReceived, number)
        assert isinstance(event, ResponseReceived), self.events
        assert event.headers is not None
        return next(str(each[1]) for each in event.headers if str(each[0]) == ":status")

    def text(self, path: str) -> str:
        """The body of an answer."""
        number = self.ask("GET", path)
        assert self.status(number) == "200"
        return self.bodies[number].decode()

    def end(self) -> ConnectionTerminated:
        """Why the server ended the connection."""
        self.hear(lambda: False)
        return next(each for each in self.events if isinstance(each, ConnectionTerminated))


@contextmanager
def calling(server: Server) -> Iterator[Caller]:
    context = ssl.create_default_context(cafile=str(server.folder / "authority.pem"))
    context.set_alpn_protocols(["h2"])
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=15)
    with context.wrap_socket(plain, server_hostname="localhost") as peer:
        assert peer.selected_alpn_protocol() == "h2"
        yield Caller(peer)


def test_streams_side_by_side(shared: Server) -> None:
    with calling(shared) as caller:
        numbers = [caller.ask(path=f"/show?{each}") for each in range(100)]
        assert {caller.status(number) for number in numbers} == {"200"}


def test_odd_requests(shared: Server) -> None:
    with calling(shared) as caller:
        assert caller.status(caller.ask("GET", "/show", ("x", "y" * 16_400))) == "431"
        assert caller.status(caller.ask("GET", "/sh ow")) == "400"
        assert caller.status(caller.ask("G T")) == "400"
        assert caller.status(caller.ask("GET", "/show", ("x", "y\x01"))) == "400"
        assert caller.status(caller.ask("GET", "*")) == "404"
        assert caller.status(caller.ask("GET", "/show", ("cookie", "a=1"), ("cookie", "b=2"))) == "200"
        too_long = caller.ask("POST", "/show", ("content-length", "1048577"), ends=False)
        assert caller.status(too_long) == "413"
        caller.hear(lambda: caller.of(StreamReset, too_long) is not None)  # after a while
        assert caller.status(caller.ask("HEAD", "/healthz")) == "200"


@pytest.mark.parametrize(
    "header", [("connection", "close"), ("transfer-encoding", "chunked"), ("Upper", "x"), ("te", "gzip")]
)
def test_fields_that_are_not_for_http2(shared: Server, header: tuple[str, str]) -> None:
    with calling(shared) as caller:
        caller.ask("GET", "/show", header)
        assert caller.end().error_code == ErrorCodes.PROTOCOL_ERROR


def test_huge_headers(shared: Server) -> None:
    with calling(shared) as caller:
        caller.ask("GET", "/show", *[(f"x{each}", "y" * 4000) for each in range(30)])
        assert caller.end().error_code in {ErrorCodes.ENHANCE_YOUR_CALM, ErrorCodes.PROTOCOL_ERROR}


def test_frames_that_are_too_long(shared: Server) -> None:
    """Refused when they are announced, so that nobody makes the server collect them."""
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x00\x40\x01", bytes(9) + b"\xff\xff\xff"):
        with calling(shared) as caller:
            for each in data:
                caller.peer.sendall(bytes([each]))
            assert caller.end().error_code == ErrorCodes.FRAME_SIZE_ERROR
    assert curl(shared, path="/healthz")[-1] == "2 200"


def test_rapid_reset(tmp_path: Path) -> None:
    place(tmp_path, Authority(tmp_path))
    with serving(SLOW, tmp_path) as server, calling(server) as caller:
        for _ in range(201):
            number = caller.ask("POST", "/show", ends=False)
            caller.frames.reset_stream(number, ErrorCodes.CANCEL)
        caller.flush()
        assert caller.end().error_code == ErrorCodes.ENHANCE_YOUR_CALM
        with calling(server) as another:
            assert another.status(another.ask("GET", "/healthz")) == "200"


def test_requests_that_are_reset_at_once(shared: Server) -> None:
    """Asked and reset within one packet: the stream is over before it is looked at."""
    with calling(shared) as caller:
        for _ in range(20):
            number = caller.frames.get_next_available_stream_id()
            fields = [(":method", "GET"), (":scheme", "https"), (":authority", "x"), (":path", "/show")]
            caller.frames.send_headers(number, fields, end_stream=True)
            caller.frames.reset_stream(number, ErrorCodes.CANCEL)
        caller.flush()
        assert caller.status(caller.ask()) == "200"


def test_windows(shared: Server) -> None:
    """An answer larger than the window waits for it; other streams go on."""
    with calling(shared) as caller:
        caller.frames.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 100})
        caller.flush()
        caller.acknowledges = False
        body = json.dumps("x" * 20_000).encode()
        stalled = caller.ask("POST", "/show", ends=False)
        for at in range(0, len(body), 16_000):
            caller.frames.send_data(stalled, body[at : at + 16_000], end_stream=at + 16_000 >= len(body))
        caller.flush()
        caller.hear(lambda: len(caller.bodies.get(stalled, b"")) >= 100)
        assert len(caller.bodies[stalled]) == 100
        assert caller.status(caller.ask("HEAD", "/healthz")) == "200"
        assert len(caller.bodies[stalled]) == 100
        for _ in range(30):
            caller.frames.increment_flow_control_window(1000, stalled)
        caller.flush()
        assert caller.status(stalled) == "200"
        assert json.loads(caller.bodies[stalled])["final_value"]["value"]["input"] == "x" * 20_000


def test_drain(tmp_path: Path) -> None:
    """Idle connections are told and closed; a stream that is open gets its answer."""
    place(tmp_path, Authority(tmp_path))
    with serving(SLOW, tmp_path) as server:
        slow = ("curl", "-sS", "--cacert", str(tmp_path / "authority.pem"), *JSON, "-d", '{"args": ["1"]}')
        show = ("-w", "\n%{http_version} %{http_code}", f"https://localhost:{server.port}/show")
        with calling(server) as idle, subprocess.Popen([*slow, *show], stdout=subprocess.PIPE) as busy:
            assert idle.status(idle.ask("GET", "/healthz")) == "200"
            until(lambda: re.search(r"(?m)^agentd_workflow_starts_total\S* 1$", idle.text("/metrics")))
            server.process.send_signal(signal.SIGTERM)
            assert idle.end().error_code == ErrorCodes.NO_ERROR
            assert busy.communicate(timeout=15)[0].endswith(b"2 200")
        assert server.process.wait(10) == 0


def test_a_run_outlives_its_stream(tmp_path: Path) -> None:
    place(tmp_path, Authority(tmp_path))
    with serving(SLOW, tmp_path) as server:
        with calling(server) as caller:
            number = caller.ask("POST", "/show", ends=False)
            caller.frames.send_data(number, b'{"args": ["0.5"]}', end_stream=True)
            caller.frames.reset_stream(number, ErrorCodes.CANCEL)
            caller.flush()
            assert caller.status(caller.ask("GET", "/healthz")) == "200"
        counted = r"(?m)^agentd_workflow_completions_total\S* 1$"
        until(lambda: re.search(counted, "\n".join(curl(server, path="/metrics"))))
