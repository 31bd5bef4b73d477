"""Verdicts as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agentdc.compat.judge import Judgement
from agentdc.compat.points import Point

_WORDS = {"resumes": "resumes", "warning": "resumes with a warning", "cannot": "cannot resume"}


@dataclass(frozen=True, slots=True)
class Report:
    """`runs`: of a state directory by run id, None when none was asked for. `folder`: that directory."""

    old: str
    new: str
    points: tuple[tuple[Point, Judgement], ...]
    folder: str | None = None
    runs: tuple[tuple[str, Point, Judgement], ...] | None = None

    @property
    def judged(self) -> list[Judgement]:
        """What decides about the exit status: the runs there are; without a state directory, those there may be."""
        if self.runs is None:
            return [judgement for _, judgement in self.points]
        return [judgement for _, _, judgement in self.runs]


def as_text(report: Report) -> str:
    """For people."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    pauses = [each for each in report.points if each[0].pauses]
    others = [each for each in report.points if not each[0].pauses]
    yield f"runs of {report.old} in {report.new}"
    for title, found in (("paused at", pauses), ("with a checkpoint after each node, before", others)):
        if found:
            yield f"  {title}"
        for point, judgement in found:
            yield from _told(f"    {_place(point)}", judgement, "      ")
    if report.runs is not None:
        yield f"in {report.folder}: {_counted(len(report.runs), 'run')}"
        for run_id, point, judgement in report.runs:
            kind = "paused" if point.pauses else "recoverable"
            yield from _told(f"  {run_id}  {kind:<11}  {_place(point)}", judgement, "    ")
    verdicts = [each.verdict for each in report.judged]
    what = "run" if report.runs is not None else "place"
    yield (
        f"{_counted(len(verdicts), what)}: {verdicts.count('resumes')} resume,"
        f" {verdicts.count('warning')} with a warning, {verdicts.count('cannot')} cannot"
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _place(point: Point) -> str:
    resume = "the end" if point.resume is None else point.resume
    return f"{point.after} -> {resume}" if point.pauses else resume


def _told(where: str, judgement: Judgement, indent: str) -> Iterator[str]:
    yield f"{where}: {_WORDS[judgement.verdict]}"
    for reason in judgement.reasons:
        yield f"{indent}{reason}"


def as_json(report: Report) -> str:
    """For programs: one object."""
    document: dict[str, Any] = {
        "old": report.old,
        "new": report.new,
        "points": [
            {"kind": "pause" if point.pauses else "node", **_document(point, judgement)}
            for point, judgement in report.points
        ],
    }
    if report.runs is not None:
        document["state_dir"] = report.folder
        document["runs"] = [
            {"run_id": run_id, "awaiting_approval": point.pauses, **_document(point, judgement)}
            for run_id, point, judgement in report.runs
        ]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _document(point: Point, judgement: Judgement) -> dict[str, Any]:
    return {
        "paused_at": point.after,
        "resume_node": point.resume,
        "verdict": judgement.verdict,
        "reasons": list(judgement.reasons),
    }
