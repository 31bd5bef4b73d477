"""An app from its arguments to the mode it runs in, in the start-up order of spec 03 §1.8.

Whatever only some starts need (help, inspect, signatures) is imported when it is needed. What a mode does is not
known here: the app hands in `once` and, with a listener or a schedule, `serve`.
"""

from __future__ import annotations

import os
import time

from agentdc_runtime import abi
from agentdc_runtime.core.process import Process
from agentdc_runtime.errors import AgentError, InternalError
from agentdc_runtime.host.console import (
    FAILED,
    OK,
    USAGE,
    Refusal,
    line,
    print_out,
    read,
    read_plain,
    tell,
    write,
)
from agentdc_runtime.host.flags import Options, UsageError, parse
from agentdc_runtime.host.journal import Journal
from agentdc_runtime.jsontext import loads
from agentdc_runtime.observe.install import install
from agentdc_runtime.observe.log import AUDIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from agentdc_runtime.host.app import App
    from agentdc_runtime.models.registry import Models
    from agentdc_runtime.observe.log import Log
    from agentdc_runtime.secrets.registry import Registry

    Emit: TypeAlias = Callable[[int, str, Mapping[str, Any]], None]


class Started:
    """An app that is about to run in one of its modes. `program`: its name on standard error."""

    __slots__ = ("app", "log", "operands", "options", "process", "program")

    def __init__(
        self, app: App, options: Options, program: str, operands: dict[str, Any], log: Log, process: Process
    ) -> None:
        self.app = app
        self.options = options
        self.program = program
        self.operands = operands
        self.log = log
        self.process = process

    def run_time(self) -> float:
        """Seconds that one run may take: the flag, bounded by the budget."""
        seconds = float(self.options.timeout_secs)
        budget = self.process.budget
        return seconds if budget is None else budget.run_time(seconds)


def run_app(app: App, argv: list[str]) -> int:
    """Run the app once; the exit status (spec 03 §1.12)."""
    program = os.path.basename(argv[0]) or app.name
    if program == "__main__.py":
        program = app.name
    _open_streams()
    try:
        if len(argv) > 1 and argv[1] == "inspect":
            return _inspect(argv[2:], program)
        if len(argv) > 1 and argv[1] == "emit" and app.emit is not None:
            return app.emit(argv[2:], program)
        if len(argv) > 1 and argv[1] in app.verbs:
            return app.verbs[argv[1]](app, argv[2:], program, lambda: _begun(app, program))
        options = parse(argv[1:], os.environ, app.features)
        for line in options.warnings:
            tell(program, line)
        if options.list_checkpoints and app.state is not None and not (options.help or options.version):
            return int(app.state.list_checkpoints(app, options, program))
        said = _asked(app, options, program)
        if said is not None:
            return print_out(said, program)
        return run_with(app, options, program, _mode)
    except UsageError as error:
        from agentdc_runtime.host.usage import help_text

        tell(program, error.message)
        write(2, help_text(program, app.name, app.features).encode())
        return USAGE
    except Refusal as refusal:
        tell(program, refusal.message)
        return refusal.status
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - whatever it is, it is ours, and nobody wants a traceback
        tell(program, InternalError(error).display)
        return FAILED


def _begun(app: App, program: str) -> tuple[Options, dict[str, Any], Log]:
    """What a verb has in common with a run: the environment, the operands, and the log."""
    options = parse([], os.environ, app.features)
    for each in options.warnings:
        tell(program, each)
    operands = read_operands(app)
    return options, operands, _verified_log(app, options, operands, program)


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
    write(2, err.getvalue().encode("utf-8", "backslashreplace"))
    said = out.getvalue().encode("utf-8", "backslashreplace")
    return print_out(said, program) if status == OK else status


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
        return line({"ok": True, "workflow": app.name})
    return None


def _check_config(app: App, path: str) -> None:
    """A built app runs the workflow it was built from, and no other (design: operands)."""
    if read(path, "the workflow") != app.read_data("workflow.toml"):
        raise Refusal(
            f"{path} is not the workflow that this app was built from; build it again from this file", USAGE
        )


def run_with(app: App, options: Options, program: str, work: Callable[[Started], int]) -> int:
    """Do something with a started app: its log open, its limits applied, its policy and secrets at hand."""
    if app.abi != abi.ABI:
        raise Refusal(f"internal error: built for runtime ABI {app.abi}, linked with {abi.ABI}", FAILED)
    operands = read_operands(app)
    log = _verified_log(app, options, operands, program)
    try:
        process = _process(app, operands, log, options)
        started = Started(app, options, program, operands, log, process)
        return work(started)
    finally:
        log.close()


def _mode(started: Started) -> int:
    """What the flags ask for: a run that was begun before, one run, or serving."""
    app, options = started.app, started.options
    if app.models is not None:
        _ask_models(app.models, started)
    if options.mcp_serve == "stdio" and app.offer is not None:
        return app.offer(started)
    try:
        if app.state is not None and (options.resume is not None or options.resume_incomplete):
            return int(app.state.resume(started))
        default = "once" if app.serve is None else "serve"
        if options.mcp_serve != "http" and (options.mode or default) == "once":
            return app.once(started)
    except AgentError as error:  # the state directory cannot be used
        raise Refusal(error.display, FAILED) from error
    if app.serve is None:
        raise Refusal(
            "serve mode needs an [[http_routes]] entry, or a cron, interval or fs_watch trigger", USAGE
        )
    return app.serve(started)


def _process(app: App, operands: dict[str, Any], log: Log, options: Options) -> Process:
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
    process = Process(
        f"exec-{int(time.time()):x}-{os.getpid():x}",
        gate=gate,
        budget=budget,
        secrets=secrets,
        journal=lambda run, start, outer: Journal(log, run, start, outer),
        emit=emit,
    )
    if app.mcp is not None:
        process.kept["mcp"] = router = app.mcp(process, operands, options.mcp_stdio, app.version)
        router.idle = options.dry_run
    return process


def _ask_models(make: Callable[..., Models], started: Started) -> None:
    """The models, whose keys must be there at start (spec 03 §6.2)."""
    settings = started.operands.get("models") or []
    try:
        models = make(settings, started.options, started.process)
        if not started.options.dry_run:
            models.begin(settings)
        path, read_instructions = started.options.instructions, started.app.instructions
        if path is not None and read_instructions is not None:
            data = read(path, "the instructions")
            started.process.kept["instructions"] = read_instructions(path, data)
    except AgentError as error:
        raise Refusal(error.display, USAGE) from error
    started.process.models = models


def _secrets(make: Callable[..., Registry], specs: list[dict[str, Any]], log: Log, emit: Emit) -> Registry:
    """The secrets, each of which must be there at start; from then on the log hides their values."""
    registry = make(specs, os.environ, emit)
    log.scrub = registry.scrub
    registry.begin()
    return registry


def read_operands(app: App) -> dict[str, Any]:
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
    """The log, opened only after the signature has been checked; a refusal is logged before it ends the start.

    Where a workflow that is refused would log is not believed: then only the flags count, and standard error.
    """
    verdict = signature(app, options, operands["signing"])
    refused = verdict is not None and not verdict.ok
    try:
        log = install(
            None if refused else operands["logging"],
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
    if verdict is not None and refused:
        log.close()
        raise Refusal(verdict.display, FAILED)
    return log


def signature(app: App, options: Options, signing: dict[str, Any] | None) -> Any:
    """The verdict on the embedded bytes; None when nothing asks for one. Refusal when no verdict can be had."""
    if signing is None and not options.signing_required and options.signing_key_file is None:
        return None
    if app.signing is None:
        message = "workflow signature verification failed: this app was built without signing support"
        raise Refusal(message, FAILED)
    try:
        found: bytes | None = app.read_data("workflow.toml.sig")
    except FileNotFoundError:
        found = None
    override = None
    if options.signing_key_file is not None:
        override = read(options.signing_key_file, "the signing key", FAILED)
    return app.signing(
        signing=signing,
        forced=options.signing_required,
        workflow=app.read_data("workflow.toml"),
        signature=found,
        key_override=override,
        read_file=read_plain,
    )
