"""One run of an app, from its input to an exit status.

Standard output carries the outcome and nothing else; diagnostics go to standard error behind the program's name.
"""

from __future__ import annotations

import gc
import os
import sys
import time

from agentdc_runtime.core.report import counters, outcome
from agentdc_runtime.core.run import Run
from agentdc_runtime.errors import WorkflowError
from agentdc_runtime.host.console import (
    FAILED,
    OK,
    PAUSED,
    USAGE,
    Refusal,
    line,
    print_out,
    read,
    tell,
    write,
)
from agentdc_runtime.host.journal import Journal
from agentdc_runtime.jsontext import JsonError, loads, pretty
from agentdc_runtime.observe.lines import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Block, Ending, Json
    from agentdc_runtime.host.app import App
    from agentdc_runtime.host.start import Started

_STATUS = {"completed": OK, "paused": PAUSED}
_SECOND_SIGNAL = 0.5  # seconds after which a further signal counts as a second one


def once(started: Started) -> int:
    """Run the app once; the exit status (spec 03 §1.12)."""
    options, app = started.options, started.app
    start = _start(app, options.start)
    value = _input(options.input)
    keeper = None if app.state is None else app.state.opened(started)
    try:
        if keeper is not None:
            keeper.store.admit()
        program = app.program if keeper is None or not keeper.each_node else keeper.stepwise
        run = Run(
            program,
            started.process,
            "manual",
            value,
            deadline=time.monotonic() + started.run_time(),
            dry_run=options.dry_run,
            start=start,
        )
        return perform(started, run, program.starts[start][1])
    finally:
        if keeper is not None:
            keeper.close()


def _start(app: App, name: str | None) -> str:
    """The start node of a one-shot run (spec 03 §1.5)."""
    if name is not None:
        if name not in app.program.starts:
            raise Refusal(WorkflowError(app.name, f"unknown start node `{name}`").display, FAILED)
        return name
    manual = [each for each, (source, _) in app.program.starts.items() if source == "manual"]
    candidates = manual if len(manual) == 1 else list(app.program.starts)
    if len(candidates) != 1:
        counts = f"{len(manual)} manual of {len(app.program.starts)} start nodes"
        raise Refusal(f"cannot tell where to start: {counts}; pass --start NAME", USAGE)
    return candidates[0]


def _input(path: str | None) -> Json:
    """The trigger input: JSON, or any other UTF-8 text as `raw`; `-` is standard input (spec 03 §1.6)."""
    if path is None:
        return None
    data = _standard_input() if path == "-" else read(path, "the input")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Refusal(f"the input {path} is not UTF-8", USAGE) from error
    try:
        return loads(text)
    except JsonError:
        return {"raw": text}


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise Refusal("failed to read the input -: standard input is closed", USAGE)
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise Refusal(f"failed to read the input -: {error.strerror}", USAGE) from error


def perform(
    started: Started,
    run: Run,
    block: Block | None,
    ending: Ending | None = None,
    *,
    recorded: bool = True,
) -> int:
    """Walk a run to its end and tell of it; the exit status. `ending`: there is nothing to walk any more."""
    program, keeper = started.program, run.process.keeper
    journal = Journal(started.log, run, run.start)
    _stop_on_signals(run)
    journal.started()
    if keeper is not None:
        keeper.begun(run)
    if ending is None:
        kept = keeper is not None and (keeper.each_node or run.resumed is not None)
        drive = started.app.drive_kept if kept else None
        ending = (drive or started.app.drive)(run, block)
    if keeper is not None:
        ending = keeper.end_now(run, ending)
    gc.freeze()  # the process is about to end: spare it the last search for cycles through every object
    counts = counters(ending, run)
    run.process.count(counts)
    journal.ended(ending, counts["node_failures"] == 1)
    if recorded and started.options.record is not None:
        _record(started.options.record, program, ending, run)
    if run.stop_signal and (ending.status == "stopped" or ending.error is not None):
        # An error now is most often that of a retry that was cut short.
        why = "" if ending.error is None else f": {ending.error.display}"
        where = "after" if ending.error is None else "in"
        tell(program, f"stopped by signal {run.stop_signal} {where} node `{ending.last_node}`{why}")
        return 128 + run.stop_signal
    if ending.error is not None:
        tell(program, ending.error.display)
        for node in ending.error.trail:
            place = f"  --> {node.file}:{node.line}: node `{node.id}` ({node.kind})"
            write(2, f"{printable(place)}\n".encode())
        return FAILED
    status = print_out(line(outcome(ending, run)), program)
    return status or _STATUS.get(ending.status, FAILED)


def _stop_on_signals(run: Run) -> None:
    """SIGTERM and SIGINT end the run at the next node boundary; a later second one ends the process.

    A frozen app gets a signal to its process group twice, since the loader forwards its own; hence the pause.
    """
    # The C module: `signal` itself loads `enum` on top of it, which is a tenth of a start.
    import _signal as signal  # type: ignore[import-not-found]

    first = 0.0

    def stop(number: int, _frame: object) -> None:
        nonlocal first
        now = time.monotonic()
        if not first:
            first = now
            run.stop(number)
        elif now - first > _SECOND_SIGNAL:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _record(path: str, program: str, ending: Ending, run: Run) -> None:
    """Write the run record; a failure is told and changes nothing else (spec 01 §8.3)."""
    from agentdc_runtime.core.report import record
    from agentdc_runtime.host.files import os_reason, write_atomic

    text = pretty(record(ending, run, run.start, run.elapsed_ms()))
    if run.process.secrets is not None:
        text = run.process.secrets.scrub(text)
    try:
        write_atomic(path, f"{text}\n".encode(), 0o600)
    except OSError as error:
        tell(program, f"could not write the record {path}: {os_reason(error)}")
    else:
        tell(program, f"wrote the record {path}")
