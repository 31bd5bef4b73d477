"""A server process and its three pipes, on an event loop. Links `host.command`, and so asyncio and `subprocess`.

The child leads a session of its own, so its group can be ended whole. It is started without an event loop, so that
a command that cannot be started ends the start of the app; from `attach` on its pipes are served. Standard error is
read all the time and its end is kept. Nothing here knows what the lines mean.

Its end is told once: when the process is gone, or when it closes its standard output, which is as good as gone. What
it had written before is read first.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess

from agentdc_runtime.host.command import End, keep_statuses, kill_group
from agentdc_runtime.mcp.lines import Lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import IO

    from agentdc_runtime.mcp.lines import TooLong

MAX_LINE = 16 * 1024 * 1024
KEPT_ERRORS = 65_536
_CHUNK = 65_536
_ENDLESS = 16 * MAX_LINE  # of one line; a server that writes so much without an end is ended itself
_GRACE = 0.5  # seconds for what is left in the pipes of a process that has ended
_QUIET = 2.0  # seconds between closing its input and SIGTERM
_TAIL = 300  # characters of standard error that an error repeats


class Child:
    """One process. OSError or ValueError when it cannot be started."""

    __slots__ = (
        "_alone",
        "_attached",
        "_end",
        "_errors",
        "_lines",
        "_loop",
        "_on_end",
        "_on_line",
        "_out",
        "_over",
        "_stopping",
        "_unwritten",
        "_written",
        "process",
    )

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        keep_statuses()
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(  # noqa: S603 - declared by the workflow; no shell
            argv, bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe, env=env, start_new_session=True
        )
        self._errors = bytearray()
        self._lines = Lines(MAX_LINE)
        self._unwritten = bytearray()
        self._written: asyncio.Future[None] | None = None
        self._attached = self._over = self._stopping = self._alone = False
        self._end: End | None = None
        self._out: asyncio.Future[None] | None = None

    def attach(self, on_line: Callable[[bytes | TooLong], None], on_end: Callable[[str], None]) -> None:
        """Serve the pipes on the running loop. `on_end`: told why the process is gone, unless it was stopped."""
        self._loop = asyncio.get_running_loop()
        self._on_line, self._on_end = on_line, on_end
        self._attached = True
        self._out = self._loop.create_future()
        for file in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert file is not None
            os.set_blocking(file.fileno(), False)
        self._loop.add_reader(self._file(1).fileno(), self._read_out)
        self._loop.add_reader(self._file(2).fileno(), self._read_errors)
        self._end = End(self._loop, self.process)
        self._end.noticed.add_done_callback(self._ended)

    def write(self, data: bytes) -> asyncio.Future[None]:
        """Hand the process some bytes; done when the system has them all. OSError when it takes no more."""
        if self._file(0).closed:
            raise BrokenPipeError
        self._unwritten += data
        if self._written is None:
            self._written = self._loop.create_future()
            self._written.add_done_callback(_seen)  # whoever waited may be gone
            self._loop.add_writer(self._file(0).fileno(), self._push)
        written = self._written
        self._push()
        return written

    def tail(self) -> str:
        """The last words on standard error, as an error may repeat them; empty when there are none."""
        words = self._errors.decode("utf-8", "replace").split("\n")
        lines = [
            line for each in words if (line := "".join(c if c.isprintable() else " " for c in each).strip())
        ]
        text = " | ".join(lines[-3:])
        return text if len(text) <= _TAIL else f"…{text[-_TAIL:]}"

    async def stop(self, patience: float) -> None:
        """End the process and whatever it started: its input closed, then SIGTERM, then SIGKILL after `patience`."""
        self._stopping = True
        if not self._attached:
            self.attach(lambda _line: None, lambda _why: None)
        assert self._end is not None
        noticed = self._end.noticed
        self._close_input()
        try:
            for seconds, number in ((_QUIET, signal.SIGTERM), (patience, signal.SIGKILL)):
                await asyncio.wait([noticed], timeout=seconds)
                if noticed.done():
                    break
                self._signal(number)
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole group, at once; reaps, and closes everything."""
        self._over = self._stopping = True
        if self.process.returncode is None:
            kill_group(self.process.pid)
        if self._end is not None:
            self._alone = self._alone or self._end.noticed.done()
            self._end.close()
            if not self._end.noticed.done():
                self._end.noticed.set_result(None)  # nobody need wait for it any more
        for number in (1, 2):
            if not self._file(number).closed:
                if self._attached:
                    self._loop.remove_reader(self._file(number).fileno())
                self._file(number).close()
        self._close_input()
        try:  # noqa: SIM105 - contextlib costs start time
            self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            pass

    def _file(self, number: int) -> IO[bytes]:
        file = (self.process.stdin, self.process.stdout, self.process.stderr)[number]
        assert file is not None
        return file

    def _signal(self, number: int) -> None:
        try:  # noqa: SIM105
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def _push(self) -> None:
        failure: OSError | None = None
        try:
            while self._unwritten:
                del self._unwritten[: os.write(self._file(0).fileno(), self._unwritten[:_CHUNK])]
        except BlockingIOError:
            return
        except OSError as error:
            failure = error
            self._unwritten.clear()
        self._loop.remove_writer(self._file(0).fileno())
        written, self._written = self._written, None
        if written is None or written.done():
            return
        if failure is None:
            written.set_result(None)
        else:
            written.set_exception(failure)

    def _close_input(self) -> None:
        if self._file(0).closed:
            return
        if self._written is not None:
            self._loop.remove_writer(self._file(0).fileno())
            if not self._written.done():
                self._written.set_exception(BrokenPipeError())
            self._written = None
        self._file(0).close()

    def _read_out(self) -> None:
        chunk = _some(self._file(1))
        if chunk is None:
            return
        for line in self._lines.feed(chunk):
            if not self._stopping:
                self._on_line(line)
        endless = self._lines.dropped > _ENDLESS
        if (not chunk or endless) and not self._file(1).closed:
            self._loop.remove_reader(self._file(1).fileno())
            self._file(1).close()
            if self._out is not None and not self._out.done():
                self._out.set_result(None)
            if not self._over:
                # A moment for the process to end too: its exit code says more than a closed pipe.
                why = "wrote without end" if endless else "closed the pipe unexpectedly"
                self._loop.call_later(0 if endless else _GRACE, self._tell, why)

    def _read_errors(self) -> None:
        chunk = _some(self._file(2))
        if chunk:
            self._errors += chunk
            del self._errors[:-KEPT_ERRORS]
        elif chunk is not None:
            self._loop.remove_reader(self._file(2).fileno())
            self._file(2).close()

    def _ended(self, _: object) -> None:
        """The process is gone: read what it left, wait a moment for what others hold, then tell."""
        if self._over:
            return
        for number, read in ((1, self._read_out), (2, self._read_errors)):
            for _ in range(64):
                if not self._file(number).closed:
                    read()
        assert self._out is not None
        if self._out.done():
            self._tell("")
        else:
            self._loop.call_later(_GRACE, self._tell, "")

    def _tell(self, why: str) -> None:
        if self._over:
            return
        stopping = self._stopping
        self.kill()
        self._over = True
        if not stopping:
            self._on_end(self._status() or why)

    def _status(self) -> str:
        """How the process ended by itself; empty when we had to end it."""
        status = self.process.returncode
        if not self._alone or status is None:
            return ""
        if status >= 0:
            return f"exit code {status}"
        try:
            return f"signal {signal.Signals(-status).name}"
        except ValueError:
            return f"signal {-status}"


def _seen(written: asyncio.Future[None]) -> None:
    if not written.cancelled():
        written.exception()


def _some(file: IO[bytes]) -> bytes | None:
    """What can be read now; empty at the end, None when there is nothing yet."""
    try:
        return os.read(file.fileno(), _CHUNK)
    except BlockingIOError:
        return None
    except OSError:
        return b""
