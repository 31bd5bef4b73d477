"""What surrounds every command: standard streams that are always open, signals, and no traceback.

`guarded` is the last line of defence: what no command expected becomes one report and an exit status.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

UNUSABLE, INTERRUPTED, INTERNAL = 2, 130, 70
TRACEBACK = "AGENTDC_TRACEBACK"


class OutputLost(Exception):
    """Standard output takes no more; the message is the system's reason, empty when the reader has gone."""


def prepare() -> None:
    """Open what was closed, so that no file of ours gets a standard number; escape what a stream cannot spell.

    SIGTERM ends the command in order from here on, so that unfinished files go.
    """
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # writing to it fails, as it would have
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def out(text: str) -> None:
    """Write to standard output; OutputLost when it cannot be written."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise OutputLost("") from None
    except OSError as problem:
        raise OutputLost(problem.strerror or str(problem)) from problem


def err(text: str) -> None:
    """Write to standard error; when that is gone there is nowhere left to tell."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _discard(2)


def guarded(command: Callable[[], int]) -> int:
    """The exit status of a command, whatever happens in it."""
    try:
        return command()
    except OutputLost as lost:
        _discard(1)
        if str(lost):
            err(f"agentdc: cannot write to standard output: {lost}\n")
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as problem:  # of the machine: no room for temporary files, a stream that typer writes to
        _discard(1)
        place = f": {problem.filename}" if problem.filename else ""
        err(f"agentdc: {problem.strerror or problem}{place}\n")
        return UNUSABLE
    except Exception as mistake:  # noqa: BLE001 - whatever it is, it is ours
        _report(mistake)
        return INTERNAL


def _report(mistake: Exception) -> None:
    from agentdc.diagnostics import code, error
    from agentdc.diagnostics.render import text

    first = str(mistake).partition("\n")[0]  # further lines may show the input
    said = f"{type(mistake).__name__}: {first}"
    found = error(
        code("internal"),
        f"a mistake of agentdc, not of the workflow: {said}",
        notes=[f"in {_place(mistake)}"],
        help=f"please report it with the workflow; {TRACEBACK}=1 shows how it came about",
    )
    if os.environ.get(TRACEBACK):
        import traceback

        err("".join(traceback.format_exception(mistake)))
    err(text.render([found]))


def _place(mistake: Exception) -> str:
    """Module and line of ours that was running, which names the stage."""
    place, trace = "an unknown stage", mistake.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.startswith("agentdc."):
            place = f"{module}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _discard(descriptor: int) -> None:
    """Let what is still buffered go nowhere, or the interpreter complains about it at its end."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
