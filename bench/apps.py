"""Workflow text to an app for measuring, through the compiler's own driver."""

from __future__ import annotations

from agentdc.check.validate import Options
from agentdc.diagnostics import SourceFile
from agentdc.diagnostics.render import text as shown
from agentdc.driver.check import check_source, failed
from agentdc.driver.compile import Compiled, Trust, compile_workflow

SOURCE = "workflow.toml"


def compiled(text: str) -> Compiled:
    """The app of a workload; a workload with errors is a mistake in `bench.workflows`."""
    report = check_source(SourceFile(SOURCE, text.encode()), Options())
    if failed(report.build_diagnostics):
        raise AssertionError(shown.render(report.build_diagnostics))
    assert report.decoded is not None
    assert report.workflow is not None
    assert report.facts is not None
    return compile_workflow(report, Trust())
