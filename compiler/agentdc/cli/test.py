"""`agentdc test`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentdc.cli import show, streams
from agentdc.cli.options import Allow, Dialect, options_of
from agentdc.diagnostics.render import text

if TYPE_CHECKING:  # loaded when the tests run: the rest of the command line is quicker without them
    from agentdc.testing.suite import Bars, Forecast, Suite

FAILED = 1


def command(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATHS", help="fixtures, scenarios, or folders of them; by default tests, else ."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="the report for machines, on standard output")] = False,
    junit: Annotated[
        str | None, typer.Option("--junit", metavar="FILE", help="write the report as JUnit XML too")
    ] = None,
    min_pass_rate: Annotated[
        float | None,
        typer.Option(
            "--min-pass-rate", min=0, max=1, metavar="0..1", help="share of trials that every test must pass"
        ),
    ] = None,
    min_edge_coverage: Annotated[
        float | None,
        typer.Option(
            "--min-edge-coverage", min=0, max=1, metavar="0..1", help="share of edges that tests must take"
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", metavar="FILE", help="a former report: a lower pass rate fails"),
    ] = None,
    save_baseline: Annotated[
        str | None, typer.Option("--save-baseline", metavar="FILE", help="write the report to compare with")
    ] = None,
    forecast_runs_per_day: Annotated[
        float | None,
        typer.Option("--forecast-runs-per-day", min=0, metavar="N", help="say what N runs a day cost"),
    ] = None,
    price_per_mtok: Annotated[
        float | None,
        typer.Option("--price-per-mtok", min=0, metavar="USD", help="price of a million tokens"),
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="ask the models that no mock scripts, and keep their answers")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="models answer from what was recorded, or the test errors")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="list every edge that no test took")] = False,
    allow: Allow = [],  # noqa: B006 - typer reads the default and never changes it
    dialect: Dialect = "agentdc",
) -> None:
    """Run fixtures and scenarios. Exit status 0 when all is well, 1 when not or none was found, 2 for usage."""
    from agentdc.driver.files import FileProblem, write_file
    from agentdc.driver.test import TestRequest, read_baseline, run_tests
    from agentdc.testing import junit as junit_report
    from agentdc.testing import report_json
    from agentdc.testing.suite import Bars

    if price_per_mtok is not None and forecast_runs_per_day is None:
        raise typer.BadParameter("it needs --forecast-runs-per-day", param_hint="--price-per-mtok")
    if record and replay:
        raise typer.BadParameter("it excludes --replay", param_hint="--record")
    options = options_of(allow, dialect, strict=False)
    progress = show.Progress(sys.stderr)
    try:
        then = None if baseline is None else read_baseline(baseline)
        suite = run_tests(TestRequest(tuple(paths or ()), options, record, replay), progress)
        progress.clear()
        forecast = None
        if forecast_runs_per_day is not None:
            forecast = suite.forecast(forecast_runs_per_day, price_per_mtok)
        report = report_json.render(suite, then, forecast)
        for path, content in ((save_baseline, report), (junit, junit_report.render(suite))):
            if path is not None:
                write_file(Path(path), content.encode("utf-8", "replace"), 0o644)
    except FileProblem as problem:
        progress.clear()
        show.diagnostics([problem.diagnostic], sys.stderr)
        raise typer.Exit(show.USAGE) from problem
    bars = Bars(min_pass_rate, min_edge_coverage, then)
    if json:
        streams.out(report)
        for line in suite.shortfalls(bars):
            streams.err(f"not good enough: {text.visible(line)}\n")
    else:
        drift = () if then is None else then.drift(suite.scenarios)
        streams.out(_text(suite, bars, drift, forecast, verbose=verbose))
    raise typer.Exit(FAILED if suite.shortfalls(bars) else show.OK)


def _text(suite: Suite, bars: Bars, drift: Sequence[str], forecast: Forecast | None, *, verbose: bool) -> str:
    from agentdc.testing.report_text import TextReport

    report = TextReport(colour=show.wants_colour(sys.stdout), verbose=verbose)
    return report.tests(suite) + report.sums(suite) + report.ending(drift, forecast, suite.shortfalls(bars))
