"""One text through the whole compiler, and through the app if there is one: what must hold whatever the text is.

Everything here raises, and `tried` turns that into words.
"""

from __future__ import annotations

import json
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from time import monotonic
from typing import Any

import oracle

from agentdc.check.validate import Options
from agentdc.diagnostics import SourceFile
from agentdc.diagnostics.render import json as machine
from agentdc.diagnostics.render import text as people
from agentdc.driver.check import Report, check_source, failed
from agentdc.driver.compile import Compiled, Trust, compile_workflow
from agentdc.link import closure
from agentdc_runtime.core import drive, drive_async
from agentdc_runtime.core.process import Process
from agentdc_runtime.core.report import outcome, record
from agentdc_runtime.core.run import Ending, Program, Run
from agentdc_runtime.errors import InternalError
from agentdc_runtime.jsontext import compact, pretty
from agentdc_runtime.policy.gate import Gate

# Reading the imports of the runtime library is half of a compilation, and they are always the same.
_imports = closure.imports
closure.imports = cache(lambda source: tuple(_imports(source)))  # type: ignore[assignment]

SECONDS = 20  # for one text; more counts as a hang
INPUTS: tuple[Any, ...] = (
    None,
    {"name": "x", "items": [1, 2.5, {"a": None}], "value": "", "a": {"b": "{}"}, "input": '{"a": [1]}'},
    "text",
    [[], {"": 0}],
    {"kind": True, "": {"": []}},
)
FORBIDDEN = {chr(code) for code in (*range(9), *range(11, 32), 0x7F, 0x202E, 0x2028, 0x2029, 0x200B, 0xFEFF)}


class Broken(AssertionError):
    """Something that must hold does not."""


class Failure:
    """What went wrong: `kind` is the same for failures of one cause; `shown` is the traceback."""

    def __init__(self, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        last = next((each for each in reversed(frames) if "/agentdc" in each.filename), frames[-1])
        if isinstance(error, Broken):
            last = frames[-1]
        self.kind = f"{type(error).__name__} in {last.name}"
        self.shown = "".join(traceback.format_exception(error))


def tried(data: bytes) -> str | Failure:
    """How far the text came (see `probe`), or what it broke."""
    try:
        with _limited(SECONDS):
            return probe(data)
    except Exception as error:  # noqa: BLE001 - finding these is the purpose
        return Failure(error)


def probe(data: bytes) -> str:
    """How far the text came: `refused`, `checked`, `compiled` or `ran`. Raises when something does not hold."""
    report = check_source(SourceFile("workflow.toml", data), Options())
    _told_well(report, data)
    if failed(report.build_diagnostics):
        return "refused"
    if report.workflow is None or report.decoded is None or report.facts is None:
        raise Broken("no error was told, and there is nothing to build")
    trust = Trust(report.signature, report.verdict.key_fingerprint, report.workflow.signing is not None)
    app = compile_workflow(report, trust)
    _parses(app)
    return "ran" if _runs(app, report) else "compiled"


def _told_well(report: Report, data: bytes) -> None:
    found = report.build_diagnostics
    shown = people.render(found)
    if FORBIDDEN & set(shown):
        raise Broken(f"a report shows {sorted(FORBIDDEN & set(shown))!r}")
    shown.encode()
    lines = data.count(b"\n") + 1
    for each in json.loads(machine.render(report.name, found))["diagnostics"]:
        if each["line"] is not None and not 1 <= each["line"] <= lines + data.count(b"\r"):
            raise Broken(f"{each['slug']} stands at line {each['line']} of {lines}")
        if not each["message"].strip():
            raise Broken(f"{each['slug']} says nothing")


def _parses(app: Compiled) -> None:
    for name, text in app.files.items():
        if name.endswith(".py") and not name.startswith("agentdc_runtime/"):
            compile(text, name, "exec")
    for name in ("manifest.json", "operands.json"):
        json.loads(app.files[f"{app.package}/{name}"])


def _runs(app: Compiled, report: Report) -> bool:
    """Whether it was run: with placeholders for every effect, and beside the oracle where there are none."""
    names: dict[str, Any] = {"__name__": "workflow"}
    exec(compile(app.files[f"{app.package}/workflow.py"], "workflow.py", "exec"), names)
    program: Program = names["PROGRAM"]
    walk = drive_async.drive if app.bundle.awaits else drive.drive
    policy = json.loads(app.files[f"{app.package}/operands.json"])["policy"]
    document = report.decoded.document if report.decoded is not None else {}
    for start, (_, block) in program.starts.items():
        for given in INPUTS:
            process = Process("exec-1-1", gate=Gate(policy))
            run = Run(program, process, "manual", given, deadline=monotonic() + 0.5, dry_run=True)
            ending = _ended_well(run, walk(run, block), start, given)
            if oracle.knows(document) and ending.status != "timed_out":
                _same(ending, run, oracle.walk(document, start, given), given)
    return bool(program.starts)


def _same(ending: Ending, run: Run, expected: oracle.Walk, given: Any) -> None:
    """The compiled run and the interpreted one: outcome, reply and trace."""
    value = ending.reason if ending.status == "failed" else ending.value
    response = run.response if ending.status == "completed" else None
    told = {
        "status": ending.status,
        "last_node": ending.last_node,
        "value": value,
        "response": response,
        "trace": [[node.id, branch, output] for node, branch, output, _ in run.trace],
    }
    wanted = {
        "status": expected.status,
        "last_node": expected.last_node,
        "value": expected.value,
        "response": expected.response if expected.status == "completed" else None,
        "trace": [list(each) for each in expected.trace],
    }
    if compact(told) != compact(wanted):
        raise Broken(f"on {given!r} the app gives\n{compact(told)}\nand the specification\n{compact(wanted)}")


def _ended_well(run: Run, ending: Ending, start: str, given: Any) -> Ending:
    if isinstance(ending.error, InternalError):
        raise Broken(f"{ending.error.display} on {given!r}") from ending.error
    if ending.error is None:
        status = json.loads(pretty(outcome(ending, run)))["status"]
        if status not in {"completed", "failed", "timed_out"}:
            raise Broken(f"the outcome is {status}")
    told = json.loads(pretty(record(ending, run, start, 1)))
    if len(told["trace"]["entries"]) != len(run.trace):
        raise Broken("the record has lost a part of the trace")
    return ending


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """TimeoutError when the block takes longer."""

    def late(number: int, frame: object) -> None:
        raise TimeoutError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
