"""Findings as workflow commands, which GitHub-like build servers show beside the lines of a change.

::error file=w.toml,line=5,endLine=5,col=14,endColumn=21,title=ADC0308 dangling_edge::an edge ends nowhere
"""

from __future__ import annotations

from collections.abc import Iterable

from agentdc.diagnostics.diagnostic import Diagnostic, Severity
from agentdc.diagnostics.outcome import Outcome, once
from agentdc.diagnostics.render.places import relative
from agentdc.diagnostics.render.text import visible

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "notice"}


def render(outcomes: Iterable[Outcome], root: str) -> str:
    """One line for each finding; `root`: the folder that paths are told from."""
    return "".join(_command(file, each, root) for file, each in once(outcomes))


def _command(file: str, diagnostic: Diagnostic, root: str) -> str:
    properties = {"file": visible(relative(file, root)), **_place(diagnostic)}
    properties["title"] = f"{diagnostic.code.number} {diagnostic.code.slug}"
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    helped = diagnostic.help.split("\n") if diagnostic.help else []
    lines = [diagnostic.message, *(f"note: {each}" for each in diagnostic.notes)]
    lines += [f"help: {each}" for each in helped]
    return f"::{_COMMANDS[diagnostic.severity]} {told}::{_data(chr(10).join(map(visible, lines)))}\n"


def _place(diagnostic: Diagnostic) -> dict[str, str]:
    if diagnostic.primary is None:
        return {}
    span = diagnostic.primary.span
    line, column = span.file.position(span.start)
    end_line, end_column = span.file.position(span.end)
    place = {"line": str(line), "endLine": str(end_line), "col": str(column)}
    # The end is that of the last character; columns of a mark over several lines are not shown anywhere.
    return place if end_line != line else place | {"endColumn": str(max(column, end_column - 1))}


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
