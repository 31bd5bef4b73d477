"""Run one command to its end, in a process group of its own. Links asyncio, and `subprocess` with it.

Theory of operation. The child leads a new session, so its group holds what it forks, unless that leaves on purpose.
Both pipes are drained to the end, and only the first `limit` bytes of each are kept, so a child that floods them is
never blocked. The end of the leader is noticed without reaping it: as long as it is a zombie, the kernel gives its
number to nobody, so killing the group cannot hit a stranger. After the leader's end the pipes get a short grace,
for what is still in them; a descendant that holds one open beyond it is killed with the group. Whatever happens,
time-out, cancellation or a mistake of ours, the group is killed, the leader reaped and every descriptor closed.

A background process that let go of the pipes is left alone after a regular end. One that moved to a session of
its own cannot be reached; it only finds its pipes closed.

asyncio's own subprocess transport is not used: it reaps on its own, and what its `wait` waits for differs
between versions of Python.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import IO

GRACE = 0.5  # seconds for what is left in the pipes, and for a killed group to be gone
_LONGEST = 365 * 86_400.0  # seconds; beyond, the clocks of event loops overflow
_CHUNK = 65_536


class Ended:
    """How a command ended.

    `status`: exit code, or minus the signal; None when it could not be killed. `stdout`, `stderr`: the bytes kept.
    `truncated`: some were dropped. `timed_out`: it was killed for its time. `elapsed_ms`: from start to end.
    """

    __slots__ = ("elapsed_ms", "status", "stderr", "stdout", "timed_out", "truncated")

    def __init__(
        self,
        status: int | None,
        stdout: bytes,
        stderr: bytes,
        *,
        truncated: bool,
        timed_out: bool,
        elapsed_ms: int,
    ) -> None:
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.truncated = truncated
        self.timed_out = timed_out
        self.elapsed_ms = elapsed_ms


async def run_command(
    argv: Sequence[str | bytes],
    *,
    timeout: float,
    limit: int,
    env: Mapping[str, str],
    executable: str | None = None,
    errors: bool = True,
    stop_when_full: bool = False,
) -> Ended:
    """Run `argv` with an empty standard input.

    `timeout`: seconds. `limit`: bytes kept of each stream. `executable`: the file to run when it is not
    `argv[0]`, which is looked up on `PATH` otherwise. `errors`: false drops standard error unread.
    `stop_when_full`: kill the command when it writes more than `limit`. OSError or ValueError when it cannot be
    started.
    """
    keep_statuses()
    started = monotonic()
    process = subprocess.Popen(  # noqa: S603 - as asyncio itself starts one; the gate decided about it
        argv,
        bufsize=0,
        executable=executable,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if errors else subprocess.DEVNULL,
        env=env,
        start_new_session=True,
    )
    command = _Command(process, limit, stop_when_full=stop_when_full)
    try:
        timed_out = await command.end(timeout)
    finally:
        command.close()
    kept = [bytes(pipe.kept) for pipe in command.pipes]
    return Ended(
        process.returncode,
        kept[0],
        kept[1] if errors else b"",
        truncated=any(pipe.truncated for pipe in command.pipes),
        timed_out=timed_out,
        elapsed_ms=int((monotonic() - started) * 1000),
    )


def plain_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child that inherits ours, without the library path that a frozen app's loader set."""
    plain = dict(environ)
    if getattr(sys, "frozen", False):
        for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH"):
            original = plain.pop(f"{name}_ORIG", None)
            plain.pop(name, None)
            if original is not None:
                plain[name] = original
    return plain


def keep_statuses() -> None:
    """SIGCHLD may have been ignored by whoever started us: exit statuses would be lost, and failures look fine."""
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        try:  # noqa: SIM105
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        except ValueError:
            pass  # not in the main thread


class _Command:
    """A started command: its group, its pipes, and the notice of its end."""

    __slots__ = ("_clean", "_end", "_full", "_process", "pipes")

    def __init__(self, process: subprocess.Popen[bytes], limit: int, *, stop_when_full: bool) -> None:
        loop = asyncio.get_running_loop()
        self._process = process
        self._clean = False
        self._full: asyncio.Future[None] | None = loop.create_future() if stop_when_full else None
        streams = [each for each in (process.stdout, process.stderr) if each is not None]
        self.pipes = [_Pipe(loop, stream, limit, self._overflow) for stream in streams]
        self._end = End(loop, process)

    async def end(self, timeout: float) -> bool:
        """Wait until the command is over, or make it so; True when its time was up."""
        over = [self._end.noticed] if self._full is None else [self._end.noticed, self._full]
        closed = [pipe.closed for pipe in self.pipes]
        await asyncio.wait(over, timeout=min(timeout, _LONGEST), return_when=asyncio.FIRST_COMPLETED)
        ended = self._end.noticed.done()
        if ended:
            await asyncio.wait(closed, timeout=GRACE)
        if ended and all(each.done() for each in closed):
            self._clean = True
            return False
        kill_group(self._process.pid)
        await asyncio.wait([self._end.noticed, *closed], timeout=GRACE)
        return not ended and not (self._full is not None and self._full.done())

    def close(self) -> None:
        """Reap the leader, the group killed before unless the command ended in order; close everything."""
        if not self._clean:
            kill_group(self._process.pid)
        self._end.close()
        for pipe in self.pipes:
            pipe.close()
        try:  # noqa: SIM105 - contextlib costs start time
            self._process.wait(
                GRACE
            )  # returns at once, but for a program of another user that may not be killed
        except subprocess.TimeoutExpired:
            pass

    def _overflow(self) -> None:
        if self._full is not None and not self._full.done():
            self._full.set_result(None)


def kill_group(leader: int) -> None:
    """SIGKILL to every process of the group; only while its leader is not reaped."""
    try:  # noqa: SIM105
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # gone, or only processes of other users are left


class _Pipe:
    """One end to read from: keeps the first bytes, drops the rest. `closed` is done at the end of the stream."""

    __slots__ = ("_file", "_limit", "_loop", "_overflow", "closed", "kept", "truncated")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, file: IO[bytes], limit: int, overflow: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._file = file
        self._limit = limit
        self._overflow = overflow
        self.kept = bytearray()
        self.truncated = False
        self.closed: asyncio.Future[None] = loop.create_future()
        os.set_blocking(file.fileno(), False)
        loop.add_reader(file.fileno(), self._read)

    def _read(self) -> None:
        try:
            chunk = os.read(self._file.fileno(), _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self.close()
            return
        room = self._limit - len(self.kept)
        self.kept += chunk[:room]
        if len(chunk) > room:
            self.truncated = True
            self._overflow()

    def close(self) -> None:
        """Stop reading; safe to call twice."""
        if not self._file.closed:
            self._loop.remove_reader(self._file.fileno())
            self._file.close()
        if not self.closed.done():
            self.closed.set_result(None)


class End:
    """Notices the end of a process without reaping it: by a descriptor of the process, else by asking repeatedly."""

    __slots__ = ("_delay", "_descriptor", "_loop", "_process", "_timer", "noticed")

    def __init__(self, loop: asyncio.AbstractEventLoop, process: subprocess.Popen[bytes]) -> None:
        self._loop = loop
        self._process = process
        self._delay = 0.001
        self._timer: asyncio.TimerHandle | None = None
        self.noticed: asyncio.Future[None] = loop.create_future()
        try:
            self._descriptor = os.pidfd_open(process.pid)
        except (AttributeError, OSError):  # not Linux, an old kernel, a sandbox, no descriptor left
            self._descriptor = -1
            self._ask()
        else:
            loop.add_reader(self._descriptor, self._notice)

    def close(self) -> None:
        """Stop watching; safe to call twice."""
        if self._timer is not None:
            self._timer.cancel()
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _notice(self) -> None:
        if not self.noticed.done():
            self.noticed.set_result(None)

    def _ask(self) -> None:
        if _over(self._process):
            self._notice()
            return
        self._timer = self._loop.call_later(self._delay, self._ask)
        self._delay = min(self._delay * 2, 0.05)


def _over(process: subprocess.Popen[bytes]) -> bool:
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
    except AttributeError:  # macOS has it since Python 3.13 only
        return process.poll() is not None
