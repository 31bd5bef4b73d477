"""`agentdc compat`: reads two versions of a workflow, and the runs of a state directory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from agentdc.compat.judge import Judgement, Side, judge, side
from agentdc.compat.points import Point, points, stored_point
from agentdc.compat.render import Report
from agentdc.diagnostics import code, error
from agentdc.driver import rows
from agentdc.driver.diff import Incomparable, facts_of
from agentdc.link.needs import keeps_runs


def compat(old: str, new: str, folder: str | None) -> Report:
    """What becomes of runs of the old version in the new one; of all that it can have, and of those in a folder.

    Each version: a workflow file, a built app, or `git:REV:path`. Incomparable.
    """
    before, now = _side(old), _side(new)
    places = points(before.flow) if before.keeps else ()
    found = tuple((point, judge(point, before, now)) for point in places)
    if folder is None:
        return Report(old, new, found)
    return Report(old, new, found, folder, tuple(_runs(folder, before, now)))


def _side(text: str) -> Side:
    workflow, facts = facts_of(text)
    return side(workflow.name, facts.flow, keeps=keeps_runs(workflow))


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
