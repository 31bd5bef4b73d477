"""`agentdc run` of a workflow that serves: one process that stays, and the app as generations of processes under it.

The parent holds the listening socket and its process id for life. On SIGHUP it compiles the file again; when that
gives an app, a new process is started on the same socket, and once it is ready the old one drains, so that no
connection is refused. When it gives errors, they are told and the old one goes on. Socket and readiness go the way of
systemd, which every app speaks (sd_listen_fds(3), sd_notify(3)).
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

READY_SECONDS = 30.0
_SECOND_SIGNAL = 0.5
_BACKLOG = 1024
_LISTEN_FD = 3


class Generations:
    """`command`: how an app directory is started. `compile_again`: the app as the file is now, None with errors told.

    `listening`: bound already; None when the app opens no port.
    """

    def __init__(
        self,
        command: Callable[[Path], Sequence[str]],
        compile_again: Callable[[], Path | None],
        listening: socket.socket | None,
    ) -> None:
        self._command = command
        self._compile = compile_again
        self._listening = listening
        self._process = 0
        self._old: set[int] = set()
        self._first = 0.0
        self._again = False
        folder = mkdtemp(prefix="agentdc-run-")
        self._door_path = str(Path(folder) / "ready")
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._door.bind(self._door_path)
        self._door.settimeout(0.05)

    def run(self, app: Path) -> int:
        """Run until a signal or the end of the app; its exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        signal.signal(signal.SIGHUP, self._reload)
        try:
            self._process = self._start(app)
            return self._watch()
        finally:
            self._door.close()
            with suppress(OSError):
                Path(self._door_path).unlink()
                Path(self._door_path).parent.rmdir()

    def _watch(self) -> int:
        while True:
            if self._again and not self._first:
                self._again = False
                self._replace()
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                time.sleep(0.02)
            elif process in self._old:
                self._old.discard(process)
            elif process == self._process:
                self._wait_for_old()
                return _status(status)

    def _replace(self) -> None:
        app = self._compile()
        if app is None:
            print("agentdc run: the workflow has errors; the app goes on as it was", file=sys.stderr)
            return
        process = self._start(app)
        if not self._is_ready(process):
            print("agentdc run: the new app did not start; the old one goes on", file=sys.stderr)
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
            self._old.add(process)
            return
        self._old.add(self._process)
        with suppress(ProcessLookupError):
            os.kill(self._process, signal.SIGTERM)
        self._process = process

    def _is_ready(self, process: int) -> bool:
        """Wait until the process says that it listens; False when it ends before."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                said = self._door.recv(4096)
            except TimeoutError:
                said = b""
            if said.startswith(b"READY=1"):
                return True
            ended, _ = os.waitpid(process, os.WNOHANG)
            if ended:
                return False
        return False

    def _start(self, app: Path) -> int:
        with suppress(TimeoutError):
            while self._door.recv(4096):  # what a former one has said
                pass
        command = list(self._command(app))
        process = os.fork()
        if process:
            return process
        try:
            environ = {**os.environ, "NOTIFY_SOCKET": self._door_path}
            if self._listening is not None:
                os.dup2(self._listening.fileno(), _LISTEN_FD)
                os.set_inheritable(_LISTEN_FD, True)  # dup2 leaves a descriptor alone that is there already
                environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
            os.execve(command[0], command, environ)  # noqa: S606 - our own app
        finally:
            os._exit(70)

    def _wait_for_old(self) -> None:
        while self._old:
            try:
                process, _ = os.waitpid(-1, 0)
            except ChildProcessError:
                return
            self._old.discard(process)

    def _end(self, number: int, *_: object) -> None:
        now = time.monotonic()
        if self._first and now - self._first <= _SECOND_SIGNAL:
            return
        self._first = self._first or now
        for process in (self._process, *self._old):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def _reload(self, *_: object) -> None:
        self._again = True


def _status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def listening(text: str) -> socket.socket | None:
    """A socket that listens on a numeric address; None for what the app itself must refuse."""
    host, _, port = text.strip().rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        socket.inet_pton(family, host.strip("[]"))
        made.bind((host.strip("[]"), int(port)))
        made.listen(_BACKLOG)
    except (OSError, ValueError, OverflowError):
        made.close()
        return None
    return made
