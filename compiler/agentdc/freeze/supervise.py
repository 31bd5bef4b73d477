"""Run one program so that it can always be ended: in its own process group, with a time limit.

Knows nothing of what it runs. A one-file binary is two processes and PyInstaller several; killing only the first
would leave the others behind, so the whole group goes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended. `status`: exit code, or minus the signal. `timed_out`: it was ended for its time."""

    status: int
    timed_out: bool

    @property
    def ok(self) -> bool:
        """True for exit code 0 in time."""
        return self.status == 0 and not self.timed_out

    def describe(self, seconds: float) -> str:
        """A clause for a message, without its subject; `seconds`: the limit that applied."""
        if self.timed_out:
            return f"did not end within {seconds:g} s"
        if self.status < 0:
            return f"was ended by {_signal_name(-self.status)}"
        return f"ended with exit code {self.status}"


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    seconds: float,
    on_line: Callable[[str], None],
    stdout: bool = True,
) -> Ended:
    """Run `command` to its end, feeding each line it writes to `on_line` (standard error, and output unless `stdout`
    is false). Raises OSError when it cannot be started.
    """
    process = subprocess.Popen(  # noqa: S603 - the command is ours, no shell
        command,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if stdout else subprocess.DEVNULL,
        stderr=subprocess.STDOUT if stdout else subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        _kill_group(process.pid)

    timer = threading.Timer(seconds, expire)
    timer.start()
    try:
        pipe = process.stdout if stdout else process.stderr
        for line in pipe or ():
            on_line(line.rstrip("\n"))
        return Ended(process.wait(), expired.is_set())
    finally:  # also on Ctrl-C, which does not reach the program's own group
        timer.cancel()
        if process.poll() is None:
            _kill_group(process.pid)
            process.wait()


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
