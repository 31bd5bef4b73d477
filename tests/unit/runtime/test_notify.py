"""The protocols of systemd: real datagram sockets, and sockets handed over by a real `systemd-socket-activate`."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agentdc_runtime.errors import ConfigError
from agentdc_runtime.host.notify import listen_fds, notify

RUNTIME = Path(__file__).resolve().parents[3] / "runtime_lib"
ACTIVATE = shutil.which("systemd-socket-activate")

# Answers one connection with what it was given, and what a child of its own would see.
APP = f"""
import os, socket, subprocess, sys
sys.path.insert(0, {str(RUNTIME)!r})
from agentdc_runtime.host.notify import listen_fds
found = listen_fds(os.environ, os.getpid())
left = sorted(name for name in os.environ if name.startswith("LISTEN_"))
see = "import os; print([n for n in range(3, 6) if os.path.exists(f'/proc/self/fd/{{n}}')])"
child = subprocess.run([sys.executable, "-c", see], close_fds=False, capture_output=True, text=True)
open_here = socket.socket(fileno=found[0])
peer, _ = open_here.accept()
peer.sendall(repr((found, left, child.stdout.strip())).encode())
peer.close()
"""

# What `systemd-socket-activate` does, for machines without it: the sockets at 3 and on, then exec with our PID.
WRAPPER = """
import os, socket, sys
held = [socket.create_server(("127.0.0.1", int(port))) for port in sys.argv[1].split(",")]
held = [os.fdopen(os.dup2(s.fileno(), 20 + n), closefd=False) for n, s in enumerate(held)]
for number in range(len(held)):
    os.dup2(20 + number, 3 + number, inheritable=True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(held)), "LISTEN_FDNAMES": "a:b"}
os.execv(sys.argv[2], sys.argv[2:])
"""


# --- sockets handed over


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def activated(how: str, ports: list[int]) -> list[str]:
    app = [sys.executable, "-c", APP]
    if how == "systemd":
        assert ACTIVATE is not None
        return [ACTIVATE, *(f"--listen=127.0.0.1:{port}" for port in ports), "--fdname=web", *app]
    return [sys.executable, "-c", WRAPPER, ",".join(map(str, ports)), *app]


def answer(port: int) -> str:
    until = time.monotonic() + 10
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
                return b"".join(iter(lambda: peer.recv(1000), b"")).decode()
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.02)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("how", ["systemd", "wrapper"])
def test_sockets_are_handed_over(how: str, count: int) -> None:
    if how == "systemd" and ACTIVATE is None:
        pytest.skip("no systemd-socket-activate here; the wrapper speaks the same protocol")
    ports = free_ports(count)
    with subprocess.Popen(activated(how, ports), stderr=subprocess.PIPE) as process:
        try:
            text = answer(ports[0])
        finally:
            process.send_signal(signal.SIGTERM)
    expected = list(range(3, 3 + count))
    assert text == repr((expected, [], "[]"))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_PID": "77"},
        {"LISTEN_PID": "77", "LISTEN_FDS": ""},
        {"LISTEN_PID": "77", "LISTEN_FDS": "0", "LISTEN_FDNAMES": ""},
        {"LISTEN_PID": "78", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "http"},
        {"LISTEN_PID": "", "LISTEN_FDS": "x"},
        {"LISTEN_PID": "junk", "LISTEN_FDS": "99999999999999999999"},
        {"LISTEN_PID": "77", "LISTEN_PIDFDID": "1"},
    ],
)
def test_nothing_for_this_process(given: dict[str, str]) -> None:
    environ = {**given, "OTHER": "stays"}
    assert listen_fds(environ, 77) == []
    assert environ == {"OTHER": "stays"}


@pytest.mark.parametrize("count", ["x", "-1", "1.0", "٣", "1 ", "9" * 40])
def test_no_number_of_descriptors(count: str) -> None:
    environ = {"LISTEN_PID": "77", "LISTEN_FDS": count}
    with pytest.raises(ConfigError, match=r"^LISTEN_FDS is no number of descriptors: "):
        listen_fds(environ, 77)
    assert environ == {}


def test_descriptors_that_are_not_open() -> None:
    # In a process of its own: descriptors of this one are pytest's, and must stay as they are.
    program = f"""
import sys
sys.path.insert(0, {str(RUNTIME)!r})
from agentdc_runtime.errors import ConfigError
from agentdc_runtime.host.notify import listen_fds
try:
    listen_fds({{"LISTEN_PID": "1", "LISTEN_FDS": "999999999"}}, 1)
except ConfigError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "LISTEN_FDS is 999999999, but descriptor 3: Bad file descriptor\n"


# --- telling


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.settimeout(5)
        yield door


@pytest.mark.parametrize(
    "state", ["READY=1", "STOPPING=1", "STATUS=3 in flight, grüße", "READY=1\nSTATUS=up"]
)
def test_states(manager: socket.socket, tmp_path: Path, state: str) -> None:
    manager.bind(str(tmp_path / "notify"))
    notify({"NOTIFY_SOCKET": str(tmp_path / "notify")}, state)
    assert manager.recv(4096).decode() == state


@pytest.mark.skipif(sys.platform != "linux", reason="abstract addresses are Linux's")
def test_an_abstract_address(manager: socket.socket) -> None:
    name = f"agentdc-notify-{os.getpid()}"
    manager.bind(f"\0{name}")
    notify({"NOTIFY_SOCKET": f"@{name}"}, "READY=1")
    assert manager.recv(4096) == b"READY=1"


@pytest.mark.parametrize("state", ["RELOADING=1", "RELOADING=1\nSTATUS=again", "STATUS=again\nRELOADING=1"])
def test_a_reload_has_a_time(manager: socket.socket, tmp_path: Path, state: str) -> None:
    manager.bind(str(tmp_path / "notify"))
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notify({"NOTIFY_SOCKET": str(tmp_path / "notify")}, state)
    *lines, last = manager.recv(4096).decode().split("\n")
    assert "\n".join(lines) == state
    name, _, value = last.partition("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(value) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_the_variable_stays_for_the_next_state(manager: socket.socket, tmp_path: Path) -> None:
    manager.bind(str(tmp_path / "notify"))
    environ = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    for state in ("READY=1", "STOPPING=1"):
        notify(environ, state)
        assert manager.recv(4096).decode() == state


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "relative",
        "vsock:2:1234",
        "/nowhere/at/all",
        "@nobody-listens-here",
        "/" + "x" * 200,
        "@",
        "/dev/null",
    ],
)
def test_nobody_listens(address: str) -> None:
    before = open_files()
    notify({"NOTIFY_SOCKET": address}, "READY=1")
    notify({}, "READY=1")
    assert open_files() == before


def test_a_manager_that_does_not_read_holds_nobody_up_for_long(
    manager: socket.socket, tmp_path: Path
) -> None:
    path = str(tmp_path / "notify")
    manager.bind(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
        filler.setblocking(False)
        filler.connect(path)
        with suppress(BlockingIOError):
            while filler.send(b"STATUS=more"):
                pass
    begun = time.monotonic()
    notify({"NOTIFY_SOCKET": path}, "READY=1")
    assert time.monotonic() - begun < 3
