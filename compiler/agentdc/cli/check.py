"""`agentdc check`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from agentdc.cli import show, streams
from agentdc.cli.options import Allow, Deny, Dialect, KeyFile, Required, Strict, options_of
from agentdc.diagnostics import Diagnostic, code, error
from agentdc.diagnostics.outcome import Outcome
from agentdc.diagnostics.render import json, text
from agentdc.driver import statement
from agentdc.driver.check import Report, Signing, check_source
from agentdc.driver.files import FileProblem, read_source, write_file

FORMATS = ("text", "json", "sarif", "github", "junit")


def check(
    workflows: Annotated[
        list[str], typer.Argument(metavar="WORKFLOW...", help="one or several workflows, TOML files")
    ],
    allow: Allow = [],  # noqa: B006 - typer reads the default and never changes it
    deny: Deny = [],  # noqa: B006 - as above
    dialect: Dialect = "agentdc",
    strict: Strict = False,
    signing_required: Required = False,
    signing_key_file: KeyFile = None,
    format: Annotated[
        str, typer.Option("--format", metavar="|".join(FORMATS), help="text for people, else for machines")
    ] = "text",
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="write the report to FILE, and show text here"),
    ] = None,
    explain_unknown: Annotated[
        bool,
        typer.Option("--explain-unknown", help="tell what could not be decided, and what would decide it"),
    ] = False,
    effects: Annotated[
        bool, typer.Option("--effects", help="list everything it can touch, and what the policy says of it")
    ] = False,
    ceilings: Annotated[bool, typer.Option("--ceilings", help="list what a run can use up at most")] = False,
    suggest_policy: Annotated[
        bool, typer.Option("--suggest-policy", help="print the least policy that lets it work, as TOML")
    ] = False,
) -> None:
    """Check workflows: every problem, with its line. Exit status 0 without errors, 5 with, 2 if unreadable."""
    if format not in FORMATS:
        raise typer.BadParameter(f'"{format}" is none of {", ".join(FORMATS)}', param_hint="--format")
    if suggest_policy and (len(workflows) > 1 or format != "text" or output is not None):
        raise typer.BadParameter("it takes one workflow and prints TOML", param_hint="--suggest-policy")
    options = replace(options_of(allow, dialect, strict=strict, deny=deny), explain_unknown=explain_unknown)
    signing = Signing(signing_required, signing_key_file)
    outcomes, reports = [], []
    for each in workflows:
        try:
            report = check_source(read_source(each), options, signing)
        except FileProblem as problem:
            outcomes.append(Outcome(each, None, (problem.diagnostic,), read=False))
        else:
            reports.append(report)
            tables = [*(["effects"] if effects else ()), *(["ceilings"] if ceilings else ())]
            outcomes.append(_outcome(each, report, tables))
    if suggest_policy and reports:
        _suggest(reports[0], workflows[0])
    unbuilt = {each.source.name for each in reports if each.unsupported}
    lost = None if output is None else _write(output, _render(format, outcomes, unbuilt), reports)
    if output is None and format != "text":
        streams.out(_render(format, outcomes, unbuilt))
    else:
        _tell(outcomes, unbuilt)
    if lost is not None:
        show.diagnostics([lost], sys.stderr)
    raise typer.Exit(show.USAGE if lost is not None else _status(outcomes))


def _suggest(report: Report, workflow: str) -> None:
    """Print the least policy and end; the findings go to stderr, since stdout is for a file."""
    policy = statement.least_policy(report)
    show.diagnostics(report.diagnostics, sys.stderr)
    if policy is None:
        streams.err(f"{text.visible(workflow)}: no policy can be told before these errors are gone\n")
        raise typer.Exit(show.FINDINGS)
    streams.out(policy)
    raise typer.Exit(show.OK)


def _outcome(file: str, report: Report, tables: Sequence[str]) -> Outcome:
    told = {name: statement.TABLES[name](report) for name in tables}
    return Outcome(file, report.name, tuple(report.diagnostics), told)


def _status(outcomes: Sequence[Outcome]) -> int:
    if not all(each.read for each in outcomes):
        return show.USAGE
    return show.FINDINGS if any(each.failed for each in outcomes) else show.OK


def _tell(outcomes: Sequence[Outcome], unbuilt: set[str]) -> None:
    """The text of each; what could not be read goes to standard error."""
    for each in outcomes:
        if each.read:
            streams.out(_text(each, unbuilt, colour=show.wants_colour(sys.stdout)))
        else:
            show.diagnostics(each.diagnostics, sys.stderr)


def _text(outcome: Outcome, unbuilt: set[str], *, colour: bool = False) -> str:
    found = outcome.diagnostics
    told = f"{text.render(found, colour=colour)}{text.summary(found)}\n" if found else ""
    tables = "".join(text.table(rows) for rows in outcome.tables.values())
    if outcome.failed:
        return told + tables
    note = "; this version cannot build it yet" if outcome.file in unbuilt else ""
    return f"{told}{text.visible(outcome.name or outcome.file)}: no errors{note}\n{tables}"


def _render(format: str, outcomes: Sequence[Outcome], unbuilt: set[str]) -> str:
    from agentdc.diagnostics.render import github, junit, sarif

    root = os.getcwd()  # noqa: PTH109 - a text
    renderers: dict[str, Callable[[], str]] = {
        "text": lambda: "".join(_text(each, unbuilt) for each in outcomes),
        "json": lambda: "".join(json.render(each.name, each.diagnostics, each.tables) for each in outcomes),
        "sarif": lambda: sarif.render(outcomes, root),
        "github": lambda: github.render(outcomes, root),
        "junit": lambda: junit.render(outcomes, root),
    }
    return renderers[format]()


def _write(output: str, report: str, checked: Sequence[Report]) -> Diagnostic | None:
    """Why the report cannot be written, or None when it is there."""
    place = os.path.realpath(output)
    read = [member.source.name for each in checked for member in each.members]
    if place in {os.path.realpath(each) for each in (*read, *(each.source.name for each in checked))}:
        return error(code("output_unwritable"), f"cannot write {output}: it is a workflow that is checked")
    try:
        write_file(Path(output), report.encode("utf-8", "backslashreplace"), 0o644)
    except FileProblem as problem:
        return problem.diagnostic
    return None
