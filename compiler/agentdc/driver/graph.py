"""`agentdc graph`: reads a workflow, and a run record on request, and draws it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from agentdc.diagnostics import Diagnostic, code, error
from agentdc.drawing import dot, mermaid, svg
from agentdc.drawing.picture import NotARecord, picture
from agentdc.driver import files
from agentdc.nodes.registry import MODELS
from agentdc.parse.decode import decode

RENDERERS = {"dot": dot.render, "mermaid": mermaid.render, "svg": svg.render}


@dataclass(frozen=True, slots=True)
class Drawn:
    """The text of the picture; None when the file is no workflow, and the findings say why."""

    text: str | None
    diagnostics: tuple[Diagnostic, ...] = ()


def draw(workflow: str, form: str, record: str | None) -> Drawn:
    """The picture of a workflow file, checked no further than that it is one. FileProblem for unusable files."""
    decoded = decode(files.read_source(workflow), MODELS)
    if decoded.workflow is None:
        return Drawn(None, decoded.diagnostics)
    try:
        drawn = picture(decoded.workflow, None if record is None else _record(record))
    except NotARecord as problem:
        raise files.FileProblem(_unusable(record or "", str(problem))) from problem
    return Drawn(RENDERERS[form](drawn))


def _record(path: str) -> Any:
    try:
        return json.loads(files.read(path, "the record"))
    except (ValueError, RecursionError) as problem:
        raise files.FileProblem(_unusable(path, "it is not JSON")) from problem


def _unusable(path: str, why: str) -> Diagnostic:
    return error(code("unreadable_file"), f"cannot use the record {path}: {why}")
