"""A built app that serves, as a process of its own on a port of its own: what the tests of serve mode share."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from command import environment, make

# What every workflow of these tests begins with: one start node, and nodes that show what arrived.
START = """\
name = "shop"

[[start_nodes]]
name = "go"
source = "http"
entry_node = "show"
"""
ECHO = f"""\
{START}
[[nodes]]
id = "show"
type = "json_select"
input_from = "trigger"
path = ""
"""
LISTENING = re.compile(r"listening on (https?)://(\S+):(\d+)/")
READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One response; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class Server:
    """A running app. `errors`: the file with its standard error; `host`: where it listens."""

    process: subprocess.Popen[bytes]
    errors: Path
    host: str = "127.0.0.1"
    port: int = 0
    scheme: str = "http"
    folder: Path = field(default_factory=Path)

    @property
    def url(self) -> str:
        """Without the slash at the end."""
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def said(self) -> str:
        """Everything on standard error so far."""
        return self.errors.read_text(errors="replace")

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def raw(self, data: bytes, *, half_close: bool = False, seconds: float = 10) -> bytes:
        """Everything that comes back for these bytes, until the server closes."""
        with socket.create_connection((self.host, self.port), timeout=seconds) as peer:
            peer.sendall(data)
            if half_close:
                peer.shutdown(socket.SHUT_WR)
            return received(peer)

    def metric(self, name: str) -> float:
        """The sum of all series of this name."""
        text = self.ask("GET", "/metrics").body.decode()
        found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
        return sum(float(each) for each in found)

    def end(self, number: int = signal.SIGTERM, *, seconds: float = 15) -> int:
        """Send a signal and wait; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


def received(peer: socket.socket) -> bytes:
    """Bytes until the other side closes."""
    data = b""
    while True:
        try:
            some = peer.recv(65_536)
        except ConnectionResetError:
            return data
        if not some:
            return data
        data += some


def until(true: Any, seconds: float = 10.0) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.02)


@contextmanager
def serving(
    text: str, folder: Path, *flags: str, app: Path | None = None, **variables: str
) -> Iterator[Server]:
    """The app of a text, listening on a free port; ended with the block if it has not ended by itself.

    `app`: one that is built already. `variables`: of its environment.
    """
    built = make(text, folder / "built") if app is None else app
    server = start(built, folder, *flags, **variables)
    try:
        until(lambda: LISTENING.search(server.said) or server.process.poll() is not None, READY_SECONDS)
        found = LISTENING.search(server.said)
        assert found is not None, server.said
        server.scheme, server.port = found[1], int(found[3])
        yield server
        assert "Traceback" not in server.said, server.said
        assert "internal error" not in server.said, server.said
    finally:
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGTERM)
            try:
                server.process.wait(3)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()


def start(
    built: Path, folder: Path, *flags: str, bind: str | None = "127.0.0.1:0", **variables: str
) -> Server:
    """Start a built app without waiting for it. `bind`: None for an app that opens no port by itself."""
    folder.mkdir(parents=True, exist_ok=True)
    errors = folder / "stderr.txt"
    # Installed packages are wanted here: an app that serves takes uvloop where it is.
    command = [sys.executable, "-I", str(built)] if built.is_dir() or built.suffix == ".pyz" else [str(built)]
    with errors.open("wb") as file:
        process = subprocess.Popen(
            [*command, *(() if bind is None else ("--bind", bind)), *flags],
            cwd=folder,
            env={**environment(folder), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
        )
    return Server(process, errors, folder=folder)


def open_files(process: int) -> int:
    """How many descriptors a process has open."""
    return len(list(Path(f"/proc/{process}/fd").iterdir()))
