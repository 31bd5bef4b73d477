"""The capability statement: everything that an app may touch, as a sorted list of plain records.

It is computed from checked workflows (`node_capabilities`, `section_capabilities`), travels in every build as
`capabilities.json`, and is what `agentdc diff` compares. It holds names and limits, never a secret's value. Which of
two statements allows more is not known here, but in `diffing.compare`.

    {"version": 1, "workflow": "orders", "records": [
      {"category": "http", "subject": "POST", "level": "URL from the trigger", "note": "send"}, …]}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentdc.check.ceilings import Ceilings
    from agentdc.check.node_capabilities import Part
    from agentdc.model.workflow import Workflow

VERSION = 1


class NotAStatement(ValueError):
    """A document that is no statement; the message follows "it"."""


@dataclass(frozen=True, slots=True, order=True)
class Record:
    """One thing that an app may do, or one thing that keeps it from more.

    `category`: of what sort. `of`: what it belongs to (`route POST /orders`), or empty. `subject`: what is meant;
    one of its category and owner. `level`: how far it goes. `note`: for people, such as node ids; not compared.
    """

    category: str
    of: str
    subject: str
    level: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """All records of an app, sorted, each key once. `workflow`: its name."""

    workflow: str
    records: tuple[Record, ...]

    def to_json(self) -> dict[str, Any]:
        """The document; a part that is empty is left out."""
        return {
            "version": VERSION,
            "workflow": self.workflow,
            "records": [_plain(each) for each in self.records],
        }


def stated(workflow: str, records: Iterable[Record]) -> Statement:
    """The statement of these records; of two with one key the notes are joined."""
    found: dict[tuple[str, str, str, str], set[str]] = {}
    for each in records:
        notes = found.setdefault((each.category, each.of, each.subject, each.level), set())
        notes |= {each.note} - {""}
    return Statement(workflow, tuple(Record(*key, ", ".join(sorted(found[key]))) for key in sorted(found)))


def from_bytes(data: bytes) -> Statement:
    """The statement of a document; NotAStatement when it is none, or of a version that is not known."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise NotAStatement("is not JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("records"), list):
        raise NotAStatement("is no list of capabilities")
    if document.get("version") != VERSION:
        raise NotAStatement(f"has a version that this agentdc does not know; it knows {VERSION}")
    return Statement(
        _text(document, "workflow"), tuple(sorted(_record(each) for each in document["records"]))
    )


def _plain(record: Record) -> dict[str, str]:
    parts = {"category": record.category, "of": record.of, "subject": record.subject, "level": record.level}
    return {key: value for key, value in (parts | {"note": record.note}).items() if value}


def _record(document: Any) -> Record:
    if not isinstance(document, dict) or not document.get("category"):
        raise NotAStatement("has an entry that is no capability")
    return Record(*(_text(document, key) for key in ("category", "of", "subject", "level", "note")))


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key, "")
    if not isinstance(value, str):
        raise NotAStatement(f'has a "{key}" that is not text')
    return value


def statement(
    workflow: Workflow,
    parts: Sequence[Part],
    most: Mapping[str, Ceilings],
    schemas: Mapping[str, Any],
) -> Statement:
    """The statement of a workflow. `parts`: it and its children, itself first. `schemas`: of its routes, by name.

    `most`: what a run can use up, by start.
    """
    from agentdc.check import node_capabilities, section_capabilities

    sections = section_capabilities.records(workflow, schemas)
    return stated(workflow.name, (*node_capabilities.records(parts), *_ceilings(most), *sections))


def _ceilings(most: Mapping[str, Ceilings]) -> Iterator[Record]:
    """Of visits and seconds nothing: each new node changes them, and what it may do is told by itself."""
    for start, found in most.items():
        for measure, ceiling in found.items():
            if measure not in {"node_visits", "wall_secs"}:
                level = "unlimited" if ceiling.most is None else str(ceiling.most)
                yield Record("ceiling", f"start {start}", measure, level)
