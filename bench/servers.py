"""Servers under load, each a process of its own, on one core and a free port; all answer `POST /orders` alike."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep

from bench.processes import environment
from bench.workflows import HOOK_SECRET

READY_SECONDS = 20.0
ROOT = Path(__file__).parents[1]
SECRETS = {"BENCH_KEY": HOOK_SECRET}  # for the app that checks signatures
UVICORN = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")


@dataclass(frozen=True, slots=True)
class Contender:
    """A server. `words`: its command, with `PORT` where the port goes; `needs`: modules that must be installed."""

    name: str
    words: tuple[str | Path, ...]
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """What is not installed."""
        return [each for each in self.needs if importlib.util.find_spec(each) is None]

    def command(self, port: int) -> list[str]:
        """The words with the port in."""
        return [str(each).replace("PORT", str(port)) for each in self.words]


def app(name: str, built: Path) -> Contender:
    """A built app: a folder, run by this Python without the user's folders, or a binary."""
    program: tuple[str | Path, ...] = (sys.executable, "-I", built) if built.is_dir() else (built,)
    return Contender(name, (*program, "--bind", "127.0.0.1:PORT"))


def others() -> list[Contender]:
    """The servers that people would write by hand."""
    python = sys.executable
    uvicorn = (python, "-m", "uvicorn", "--port", "PORT", *UVICORN)
    native = ("uvicorn", "uvloop", "httptools")
    return [
        Contender("uvicorn, minimal ASGI app", (*uvicorn, "bench.baselines.serving_asgi:app"), native),
        Contender(
            "uvicorn, FastAPI", (*uvicorn, "bench.baselines.serving_fastapi:app"), (*native, "fastapi")
        ),
        Contender(
            "aiohttp", (python, "-m", "bench.baselines.serving_aiohttp", "PORT"), ("aiohttp", "uvloop")
        ),
    ]


def cores() -> tuple[str, list[str]]:
    """The core for servers and those for clients, which are the same where there is only one."""
    first, *rest = sorted(os.sched_getaffinity(0))
    return str(first), [str(each) for each in rest or [first]]


def pinned(core: str, words: Sequence[str]) -> list[str]:
    """The command, held to one core or to several with commas between."""
    return ["taskset", "-c", core, *words]


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(contender: Contender) -> Iterator[tuple[int, int, float]]:
    """Its port, its process id, and the seconds from its start to its first answer of 200. Ended with the block."""
    port = free_port()
    words = pinned(cores()[0], contender.command(port))
    began = perf_counter()
    process = subprocess.Popen(
        words, cwd=ROOT, env={**environment(), **SECRETS}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _until_ready(process, port)
        yield port, process.pid, perf_counter() - began
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait for the first answer: a connection that is refused costs nothing, so this asks again at once."""
    deadline = perf_counter() + READY_SECONDS
    while perf_counter() < deadline:
        if process.poll() is not None:
            assert process.stderr is not None
            said = process.stderr.read().decode(errors="replace").strip()
            raise RuntimeError(f"a server ended with status {process.returncode}: {said}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
                peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                if peer.recv(65_536).startswith(b"HTTP/1.1 "):
                    return  # only ours have this path; the others answer 404 or what they answer to everything
        except OSError:
            sleep(0.0005)
    raise RuntimeError("a server did not answer in time")
