"""Workflow text to an app: what the tests of generated code share. Knows the driver's functions and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path

from agentdc.check.validate import Options
from agentdc.diagnostics import SourceFile
from agentdc.diagnostics.render import text as shown
from agentdc.driver.check import Report, check_source
from agentdc.driver.compile import Compiled, Trust, compile_workflow
from agentdc.link.third_party import OPTIONAL
from agentdc.link.vendor import vendored

TESTS = Path(__file__).parent
RUNTIME = "agentdc_runtime/"
SOURCE = "workflow.toml"


def checked(text: str | bytes, name: str = SOURCE, options: Options | None = None) -> Report:
    """Everything the checker says about a text."""
    data = text if isinstance(text, bytes) else text.encode()
    return check_source(SourceFile(name, data), options or Options())


def compiled(text: str | bytes, name: str = SOURCE) -> Compiled:
    """The app of a text; fails with the report when it cannot be built."""
    report = checked(text, name)
    errors = [each for each in report.build_diagnostics if each.is_error]
    assert not errors, shown.render(errors)
    assert report.workflow is not None
    assert report.decoded is not None
    assert report.facts is not None
    return compile_workflow(report, Trust())


def checked_file(workflow: Path, options: Options | None = None) -> Report:
    """As `checked`, for a file whose children lie beside it: in its folder, as a user would."""
    with chdir(workflow.parent):
        return checked(workflow.read_bytes(), workflow.name, options)


def compiled_file(workflow: Path) -> Compiled:
    """As `compiled`, for a file whose children lie beside it."""
    with chdir(workflow.parent):
        return compiled(workflow.read_bytes(), workflow.name)


def write_app(app: Compiled, root: Path) -> Path:
    """The app tree on disk, below `root`, with the packages that it needs; returns `root`, which `python` can run."""
    write(app.files, root)
    foreign = app.closure.others - sys.stdlib_module_names - {app.package, "agentdc_runtime"} - OPTIONAL
    return write(vendored(foreign).files, root) if foreign else root


def write(files: Mapping[str, bytes], root: Path) -> Path:
    """Files on disk, below `root`."""
    for name, data in files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return root


def supported_workflows() -> list[Path]:
    """The workflow of every case that this version can build, sorted."""
    found = [*TESTS.glob("cases/valid/*/workflow.toml"), *TESTS.glob("cases/run/*/workflow.toml")]
    found += [each for each in TESTS.glob("nodes/*/workflow.toml") if each.with_name("exchange.txt").exists()]
    return sorted(found)
