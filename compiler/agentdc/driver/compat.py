"""`agentdc compat`: reads two versions of a workflow, and the runs of a state directory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from agentdc.check.facts import Facts
from agentdc.check.validate import Options
from agentdc.compat.judge import Judgement, Side, judge
from agentdc.compat.points import Point, points, stored_point
from agentdc.compat.render import Report
from agentdc.diagnostics import Diagnostic, SourceFile, code, error
from agentdc.driver import files, rows
from agentdc.driver.children import Family
from agentdc.link.needs import keeps_runs
from agentdc.nodes.registry import MODELS
from agentdc.parse.decode import decode


class Incomparable(Exception):
    """One of the two sides cannot be judged; carries the findings, which say which one."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(diagnostics[0].message)
        self.diagnostics = diagnostics


def compat(old: str, new: str, folder: str | None) -> Report:
    """What becomes of runs of the old version in the new one; of all that it can have, and of those in a folder."""
    before, now = side(old), side(new)
    places = points(before.flow) if before.keeps else ()
    found = tuple((point, judge(point, before, now)) for point in places)
    if folder is None:
        return Report(old, new, found)
    return Report(old, new, found, folder, tuple(_runs(folder, before, now)))


def side(path: str) -> Side:
    """One version, a workflow file. Its findings do not matter, as long as its graph is known. Incomparable."""
    try:
        source = SourceFile(path, files.contents(path))
    except (OSError, ValueError) as problem:
        raise Incomparable([_unusable(path, files.reason(problem))]) from problem
    family = Family(Options())
    family.add(source, decode(source, MODELS))
    main = family.main
    facts: Facts | None = None if main.checked is None else main.checked.facts
    if facts is None or main.decoded.workflow is None:
        told = [each for member in family.members.values() for each in member.diagnostics if each.is_error]
        raise Incomparable([_unusable(path, "it has errors"), *told])
    workflow = main.decoded.workflow
    return Side(workflow.name, facts.flow, keeps_runs(workflow))


def _runs(folder: str, old: Side, new: Side) -> Iterator[tuple[str, Point, Judgement]]:
    """The runs of either version; what another workflow keeps in the same folder is none of our business."""
    try:
        found = rows.checkpoints(Path(folder))
    except rows.NoRows as problem:
        raise Incomparable([error(code("unreadable_file"), f"cannot read {folder}: {problem}")]) from problem
    for row in found:
        if row["workflow"] in {old.workflow, new.workflow}:
            point = stored_point(row)
            yield row["run_id"], point, judge(point, replace(old, workflow=row["workflow"]), new)


def _unusable(text: str, why: str) -> Diagnostic:
    return error(code("unreadable_file"), f"cannot compare {text}: {why}")
