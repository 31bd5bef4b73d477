"""The bytes of a fixture or a scenario to its record, every problem a diagnostic with its place.

>>> decode(SourceFile("fixture.toml", b'start = "go"'), Fixture, "the fixture", "fixture_invalid").value.start
'go'
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from agentdc.diagnostics import Diagnostic, SourceFile, in_order
from agentdc.model.base import Section
from agentdc.parse import errors as parse_errors
from agentdc.parse import mismatch, scan
from agentdc.parse.positions import Places
from agentdc.parse.syntax import document as read_document
from agentdc.testing import errors

Record = TypeVar("Record", bound=Section)

# Root keys of TOML files that lie beside tests and are none: workflows, projects, instructions, scripts of models.
_OTHERS = frozenset(
    {"nodes", "start_nodes", "workflows", "edges", "build-system", "tool", "project", "agent", "rules"}
)


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Record]):
    """`value`: None when the file does not have the shape of its record."""

    value: Record | None
    source: SourceFile
    places: Places
    diagnostics: tuple[Diagnostic, ...]


def decode(source: SourceFile, record: type[Record], what: str, slug: str) -> Decoded[Record]:
    """The record in `source`; `what` it is called in messages, `slug` the code of findings. Never raises."""
    places = Places(source)
    document = read_document(source)
    if isinstance(document, Diagnostic):
        return Decoded(None, source, places, (document,))
    numbers = dict(scan.bad_numbers(document))
    found = [
        parse_errors.out_of_range(places.value(path), mismatch.subject(document, path), rule)
        for path, rule in numbers.items()
    ]
    value = mismatch.problems(record, document)
    if not isinstance(value, Section):
        found += [
            mismatch.diagnostic(problem, record, (), document, places)
            for problem in mismatch.without_followers(value, record)
            if problem.path not in numbers
        ]
        return Decoded(None, source, places, _told(found, what, slug))
    assert isinstance(value, record)
    told = (*_told(found, what, slug), *_dates(document, places, what, slug))
    return Decoded(None if told else value, source, places, told)


def is_other(source: SourceFile) -> bool:
    """Whether a TOML file found in a folder is plainly something else than a scenario, such as a workflow."""
    document = read_document(source)
    return not isinstance(document, Diagnostic) and not _OTHERS.isdisjoint(document)


def _told(found: list[Diagnostic], what: str, slug: str) -> tuple[Diagnostic, ...]:
    return tuple(in_order(errors.reshaped(each, what, slug) for each in found))


def _dates(document: dict[str, Any], places: Places, what: str, slug: str) -> Iterator[Diagnostic]:
    for step, value in scan.leaves(document):
        if isinstance(value, dt.date | dt.time):
            yield errors.not_json(places.value(step.path()), what, slug)
