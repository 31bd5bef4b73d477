"""A one-shot app from arguments to exit status, in the start-up order of spec 03 §1.8.

Standard output carries the outcome and nothing else; diagnostics go to standard error behind the program's name.
Whatever only some starts need (help, inspect, signatures, writing a record) is imported when it is needed.
"""

from __future__ import annotations

import gc
import os
import sys
import time

from agentdc_runtime import abi
from agentdc_runtime.core.process import Process
from agentdc_runtime.core.report import counters, outcome
from agentdc_runtime.core.run import Run
from agentdc_runtime.errors import AgentError, InternalError, WorkflowError
from agentdc_runtime.host.flags import Options, UsageError, parse
from agentdc_runtime.host.journal import Journal
from agentdc_runtime.jsontext import JsonError, loads, pretty
from agentdc_runtime.observe.install import install
from agentdc_runtime.observe.lines import printable
from agentdc_runtime.observe.log import AUDIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from agentdc_runtime.core.run import Block, Ending, Json
    from agentdc_runtime.host.app import App
    from agentdc_runtime.observe.log import Log
    from agentdc_runtime.secrets.registry import Registry

    Emit: TypeAlias = Callable[[int, str, Mapping[str, Any]], None]

OK, USAGE, FAILED = 0, 2, 5
_SECOND_SIGNAL = 0.5  # seconds after which a further signal counts as a second one


class Refusal(Exception):
    """The start cannot go on: a message for standard error and the exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def run_app(app: App, argv: list[str]) -> int:
    """Run the app once; the exit status (spec 03 §1.12)."""
    program = os.path.basename(argv[0]) or app.name
    if program == "__main__.py":
        program = app.name
    _open_streams()
    try:
        if len(argv) > 1 and argv[1] == "inspect":
            return _inspect(argv[2:], program)
        options = parse(argv[1:], os.environ, app.features)
        for line in options.warnings:
            _tell(program, line)
        said = _asked(app, options, program)
        if said is not None:
            return _print(said, program)
        return _run(app, options, program)
    except UsageError as error:
        from agentdc_runtime.host.usage import help_text

        _tell(program, error.message)
        _write(2, help_text(program, app.name, app.features).encode())
        return USAGE
    except Refusal as refusal:
        _tell(program, refusal.message)
        return refusal.status
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - whatever it is, it is ours, and nobody wants a traceback
        _tell(program, InternalError(error).display)
        return FAILED


def _open_streams() -> None:
    """Give every closed standard descriptor something to be, or the first file opened would take its place.

    What is opened can only be read, so that writing to it fails as it would have.
    """
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)


def _inspect(argv: list[str], program: str) -> int:
    from io import StringIO

    from agentdc_runtime.host.inspect import inspect

    out, err = StringIO(), StringIO()
    status = inspect(argv, out, err, program)
    _write(2, err.getvalue().encode("utf-8", "backslashreplace"))
    said = out.getvalue().encode("utf-8", "backslashreplace")
    return _print(said, program) if status == OK else status


def _asked(app: App, options: Options, program: str) -> bytes | None:
    """The text of a flag that prints something and stops, or None."""
    if options.version:
        return f"{app.version}\n".encode()
    if options.help:
        from agentdc_runtime.host.usage import help_text

        return help_text(program, app.name, app.features).encode()
    if options.manifest:
        return app.read_data("manifest.json")
    if options.config is not None:
        _check_config(app, options.config)
    if options.validate_only:
        return _line({"ok": True, "workflow": app.name})
    return None


def _check_config(app: App, path: str) -> None:
    """A built app runs the workflow it was built from, and no other (design: operands)."""
    if _read(path, "the workflow") != app.read_data("workflow.toml"):
        raise Refusal(
            f"{path} is not the workflow that this app was built from; build it again from this file", USAGE
        )


def _run(app: App, options: Options, program: str) -> int:
    if app.abi != abi.ABI:
        raise Refusal(f"internal error: built for runtime ABI {app.abi}, linked with {abi.ABI}", FAILED)
    operands = _operands(app)
    log = _verified_log(app, options, operands, program)
    try:
        if options.mode == "serve":
            raise Refusal(
                "serve mode needs an [[http_routes]] entry, or a cron, interval or fs_watch trigger", USAGE
            )
        process = _process(app, operands, log)
        start, block = _start(app, options.start)
        timeout = float(options.timeout_secs)
        if process.budget is not None:
            timeout = process.budget.run_time(timeout)
        run = Run(
            app.program,
            process,
            "manual",
            _input(options.input),
            deadline=time.monotonic() + timeout,
            dry_run=options.dry_run,
        )
        return _walk(app, options, program, log, run, start, block)
    finally:
        log.close()


def _process(app: App, operands: dict[str, Any], log: Log) -> Process:
    """What all runs share: limits applied, policy compiled, secrets at hand."""

    def emit(level: int, event: str, fields: Mapping[str, Any]) -> None:
        log.emit(level, AUDIT, event, fields)

    budget = None
    if app.budget is not None:
        budget = app.budget(operands["budget"], emit)
        budget.apply_limits()
    try:
        secrets = None if app.secrets is None else _secrets(app.secrets, operands["secrets"], log, emit)
        gate = None if app.gate is None else app.gate(operands["policy"])
    except AgentError as error:
        raise Refusal(error.display, FAILED) from error
    return Process(
        f"exec-{int(time.time()):x}-{os.getpid():x}",
        gate=gate,
        budget=budget,
        secrets=secrets,
        journal=lambda run, start: Journal(log, run, start),
        emit=emit,
    )


def _secrets(make: Callable[..., Registry], specs: list[dict[str, Any]], log: Log, emit: Emit) -> Registry:
    """The secrets, each of which must be there at start; from then on the log hides their values."""
    registry = make(specs, os.environ, emit)
    log.scrub = registry.scrub
    registry.begin()
    return registry


def _operands(app: App) -> dict[str, Any]:
    """The built-in operands; a directory app can be edited, and then they may be anything."""
    try:
        operands = loads(app.read_data("operands.json").decode())
    except (OSError, ValueError) as error:
        raise Refusal(f"operands.json cannot be used: {error}", FAILED) from error
    parts = ("policy", "logging", "signing", "budget")
    if (
        not isinstance(operands, dict)
        or not all(isinstance(operands.get(each, ""), dict | None) for each in parts)
        or not isinstance(operands.get("secrets"), list)
    ):
        raise Refusal(f"operands.json cannot be used: it lacks one of {', '.join(parts)}, secrets", FAILED)
    return operands


def _verified_log(app: App, options: Options, operands: dict[str, Any], program: str) -> Log:
    """The log, opened only after the signature has been checked; a refusal is logged before it ends the start."""
    verdict = _signature(app, options, operands["signing"])
    try:
        log = install(
            operands["logging"],
            program=program,
            level=options.log_level,
            format=options.log_format,
            target=options.log_target,
            quiet=options.quiet,
            workflow=app.name,
        )
    except AgentError as error:
        raise Refusal(error.reason, FAILED) from error
    if verdict is not None and verdict.event is not None:
        from agentdc_runtime.observe import log as levels

        log.emit(getattr(levels, verdict.level), levels.AUDIT, verdict.event, verdict.fields)
    if verdict is not None and not verdict.ok:
        log.close()
        raise Refusal(verdict.display, FAILED)
    return log


def _signature(app: App, options: Options, signing: dict[str, Any] | None) -> Any:
    """The verdict on the embedded bytes; None when nothing asks for one."""
    if signing is None and not options.signing_required and options.signing_key_file is None:
        return None
    if app.signing is None:
        message = "workflow signature verification failed: this app was built without signing support"
        raise Refusal(message, FAILED)
    try:
        signature: bytes | None = app.read_data("workflow.toml.sig")
    except FileNotFoundError:
        signature = None
    override = None
    if options.signing_key_file is not None:
        override = _read(options.signing_key_file, "the signing key", FAILED)
    return app.signing(
        signing=signing,
        forced=options.signing_required,
        workflow=app.read_data("workflow.toml"),
        signature=signature,
        key_override=override,
        read_file=_read_plain,
    )


def _start(app: App, name: str | None) -> tuple[str, Block]:
    """The start node of a one-shot run (spec 03 §1.5)."""
    if name is not None:
        if name not in app.program.starts:
            raise Refusal(WorkflowError(app.name, f"unknown start node `{name}`").display, FAILED)
        return name, app.program.starts[name][1]
    manual = [each for each, (source, _) in app.program.starts.items() if source == "manual"]
    candidates = manual if len(manual) == 1 else list(app.program.starts)
    if len(candidates) != 1:
        counts = f"{len(manual)} manual of {len(app.program.starts)} start nodes"
        raise Refusal(f"cannot tell where to start: {counts}; pass --start NAME", USAGE)
    return candidates[0], app.program.starts[candidates[0]][1]


def _input(path: str | None) -> Json:
    """The trigger input: JSON, or any other UTF-8 text as `raw`; `-` is standard input (spec 03 §1.6)."""
    if path is None:
        return None
    data = _standard_input() if path == "-" else _read(path, "the input")
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


def _walk(app: App, options: Options, program: str, log: Log, run: Run, start: str, block: Block) -> int:
    journal = Journal(log, run, start)
    _stop_on_signals(run)
    journal.started()
    ending = app.drive(run, block)
    gc.freeze()  # the process is about to end: spare it the last search for cycles through every object
    counts = counters(ending, run)
    run.process.count(counts)
    journal.ended(ending, counts["node_failures"] == 1)
    if options.record is not None:
        _record(options.record, program, ending, run, start)
    if run.stop_signal and (ending.status == "stopped" or ending.error is not None):
        # An error now is most often that of a retry that was cut short.
        why = "" if ending.error is None else f": {ending.error.display}"
        where = "after" if ending.error is None else "in"
        _tell(program, f"stopped by signal {run.stop_signal} {where} node `{ending.last_node}`{why}")
        return 128 + run.stop_signal
    if ending.error is not None:
        _tell(program, ending.error.display)
        for node in ending.error.trail:
            place = f"  --> {node.file}:{node.line}: node `{node.id}` ({node.kind})"
            _write(2, f"{printable(place)}\n".encode())
        return FAILED
    status = _print(_line(outcome(ending, run)), program)
    return status if ending.status == "completed" else FAILED


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


def _record(path: str, program: str, ending: Ending, run: Run, start: str) -> None:
    """Write the run record; a failure is told and changes nothing else (spec 01 §8.3)."""
    from agentdc_runtime.core.report import record
    from agentdc_runtime.host.files import os_reason, write_atomic

    text = pretty(record(ending, run, start, run.elapsed_ms()))
    if run.process.secrets is not None:
        text = run.process.secrets.scrub(text)
    try:
        write_atomic(path, f"{text}\n".encode(), 0o600)
    except OSError as error:
        _tell(program, f"could not write the record {path}: {os_reason(error)}")
    else:
        _tell(program, f"wrote the record {path}")


def _read(path: str, what: str, status: int = USAGE) -> bytes:
    try:
        return _read_plain(path)
    except (OSError, ValueError) as error:
        from agentdc_runtime.host.files import os_reason

        raise Refusal(f"failed to read {what} {path}: {os_reason(error)}", status) from error


def _read_plain(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _line(value: Json) -> bytes:
    return f"{pretty(value)}\n".encode()


def _print(data: bytes, program: str) -> int:
    """Write to standard output; a reader that is gone or a full disk is an error, never silence."""
    try:
        _write_all(1, data)
    except OSError as error:
        from agentdc_runtime.host.files import os_reason

        _tell(program, f"could not write to standard output: {os_reason(error)}")
        return FAILED
    return OK


def _tell(program: str, message: str) -> None:
    _write(2, f"{program}: {printable(message)}\n".encode())


def _write(fd: int, data: bytes) -> None:
    """Write to standard error; when that is gone there is nowhere left to tell."""
    try:  # noqa: SIM105 - contextlib costs start time
        _write_all(fd, data)
    except OSError:
        pass


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
