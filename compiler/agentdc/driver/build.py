"""`agentdc build`: one checked workflow to a directory, a zipapp or a binary.

Progress is told through a callback, so that a terminal can show it and a log need not.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from agentdc.check.validate import Options
from agentdc.diagnostics import Diagnostic, SourceFile, code, error
from agentdc.driver import files, outputs
from agentdc.driver.check import Report, Signing, check_source, failed
from agentdc.driver.compile import Compiled, Trust, compile_workflow
from agentdc.freeze import pyinstaller
from agentdc.link import zipapp
from agentdc.link.third_party import OPTIONAL
from agentdc.link.vendor import vendored

Progress = Callable[[str], None]


class Format(Enum):
    """What a build makes."""

    DIRECTORY = "dir"
    ZIPAPP = "pyz"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What to build. `output`: as the user wrote it. `format`: None = as the output's name says.

    `source`: the workflow, when it has been read already.
    """

    workflow: str
    output: str
    format: Format | None = None
    options: Options = field(default_factory=Options)
    signing: Signing = field(default_factory=Signing)
    force: bool = False
    source: SourceFile | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One finished step: its name and how long it took, in seconds."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Built:
    """What a build made. `compiled`, `output`, `size` (bytes): None and 0 when it failed."""

    report: Report
    diagnostics: tuple[Diagnostic, ...]
    steps: tuple[Step, ...] = ()
    compiled: Compiled | None = None
    output: Path | None = None
    size: int = 0
    runs_on: str = ""

    @property
    def ok(self) -> bool:
        """True when the output is there."""
        return self.output is not None


def format_of(output: str) -> Format:
    """The format that an output's name asks for: `agent/`, `agent.pyz`, or a binary."""
    if output.endswith(("/", "\\")) or os.path.isdir(output):  # noqa: PTH112 - Path raises where this is False
        return Format.DIRECTORY
    return Format.ZIPAPP if output.endswith(".pyz") else Format.BINARY


def build(request: BuildRequest, on_progress: Progress = lambda _name: None) -> Built:
    """Build one workflow. FileProblem when a file cannot be read or written."""
    clock = _Clock(on_progress)
    with clock.step("check"):
        source = request.source or files.read_source(request.workflow)
        report = check_source(source, request.options, request.signing)
    found = report.build_diagnostics
    if failed(found) or report.decoded is None or report.workflow is None or report.facts is None:
        return Built(report, tuple(found), clock.steps)
    form = request.format or format_of(request.output)
    output = outputs.place_of(request.output, directory=form is Format.DIRECTORY)
    with clock.step("compile"):
        compiled = compile_workflow(report, _trust(report, request.signing))
    tree = {name.partition("/")[0] for name in compiled.files} if form is Format.DIRECTORY else None
    refusal = outputs.refusal(output, request.workflow, tree, force=request.force)
    if refusal is not None:
        raise files.FileProblem(refusal)
    return _write(compiled, report, form, output, clock)


def _trust(report: Report, signing: Signing) -> Trust:
    key = None if signing.key_file is None else files.read(signing.key_file, "the signing key").decode()
    fingerprint, linked = report.verdict.key_fingerprint, _links_signing(report, signing)
    return Trust(report.signature, fingerprint, linked, signing.required, key)


def _links_signing(report: Report, signing: Signing) -> bool:
    """The app verifies at start when the workflow declares signing, or the build was made to verify."""
    declared = report.workflow is not None and report.workflow.signing is not None
    return declared or signing.required or signing.key_file is not None


def _write(compiled: Compiled, report: Report, form: Format, output: Path, clock: _Clock) -> Built:
    found = tuple(report.build_diagnostics)
    runs_on = ""
    match form:
        case Format.DIRECTORY:
            with clock.step("write"):
                files.write_tree(output, compiled.files)
            size = sum(len(data) for data in compiled.files.values())
        case Format.ZIPAPP:
            linked = vendored(set(compiled.foreign) - OPTIONAL)
            if linked.native:
                return Built(report, (*found, _not_pure(linked.native)), clock.steps)
            with clock.step("pack"):
                packed = zipapp.pack({**linked.files, **compiled.files})
                files.write_file(output, packed, 0o755)
            size = len(packed)
        case Format.BINARY:
            files.make_parent(output)
            frozen = _freeze(compiled, output, clock)
            lost = [each for each in frozen.diagnostics if each.code.slug == "output_unwritable"]
            if lost:
                raise files.FileProblem(lost[0])
            if failed(frozen.diagnostics):
                return Built(report, (*found, *frozen.diagnostics), clock.steps)
            size, runs_on = frozen.size, frozen.runs_on
    return Built(report, found, clock.steps, compiled, output, size, runs_on)


def _freeze(compiled: Compiled, output: Path, clock: _Clock) -> pyinstaller.FreezeResult:
    with tempfile.TemporaryDirectory(prefix="agentdc-") as temporary, clock.step("freeze"):
        tree = Path(temporary) / "app"
        linked = vendored(compiled.foreign)
        content = {**linked.files, **compiled.files}
        files.write_tree(tree, content)
        plan = pyinstaller.plan_for(content, {*linked.packages, *linked.extensions, *compiled.foreign})
        plan = replace(plan, hidden=tuple(sorted({*plan.hidden, *linked.computed})))
        return pyinstaller.freeze(tree, output, plan, clock.progress)


def _not_pure(foreign: list[str]) -> Diagnostic:
    message = f"a .pyz holds pure Python only, and this workflow needs {', '.join(foreign)}"
    return error(code("not_pure_python"), message, help="build a binary or a directory instead")


class _Clock:
    """Times the steps and tells the progress."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._steps: list[Step] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        """The finished steps."""
        return tuple(self._steps)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step, told when it begins and timed to its end."""
        self.progress(name)
        began = time.perf_counter()
        yield
        self._steps.append(Step(name, time.perf_counter() - began))
