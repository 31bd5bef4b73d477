"""`agentdc infer`: types from samples. Reads the tests of a workflow; what they give in is what is known of the data.

A sample says what occurs, not what is possible: what comes out is a suggestion for `input_schema` and
`output_schema`, and never counts in a check.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentdc.check.facts import TRIGGER
from agentdc.check.schemas import Schema, uses
from agentdc.check.starts import sampled
from agentdc.check.validate import Options, find_facts
from agentdc.driver import files
from agentdc.driver.check import Report, check_source, failed
from agentdc.driver.schemas import read_all
from agentdc.driver.test_find import find
from agentdc.driver.test_load import Loader
from agentdc.model.workflow import Workflow
from agentdc.testing.models import Fixture, Scenario
from agentdc.types import Never, Type, Unknown
from agentdc.types.from_value import summed
from agentdc.types.text import entry
from agentdc.types.to_schema import to_schema

VERSION = 1


@dataclass(frozen=True, slots=True)
class Inferred:
    """What samples say. `triggers`: by start name, with how many samples. `answers`: of models; None without any."""

    report: Report
    triggers: Mapping[str, tuple[Type, int]]
    outputs: Mapping[str, Type]
    answers: Type | None = None

    def text(self) -> str:
        """For people: an entry for each start and each node."""
        titles: list[tuple[str, Type]] = [
            (f"start {start} ({count} sample{'' if count == 1 else 's'})", found)
            for start, (found, count) in self.triggers.items()
        ]
        if self.answers is not None:
            titles.append(("answers of models", self.answers))
        titles += self.outputs.items()
        return "".join(entry(title, found) for title, found in titles)

    def document(self) -> dict[str, Any]:
        """For machines: JSON Schemas, which let further keys through."""
        found = {start: to_schema(each, closed=False) for start, (each, _) in self.triggers.items()}
        outputs = {node: to_schema(each, closed=False) for node, each in self.outputs.items()}
        answers = None if self.answers is None else to_schema(self.answers, closed=False)
        return {
            "version": VERSION,
            "workflow": self.report.name,
            "triggers": found,
            "answers": answers,
            "outputs": outputs,
        }


def infer(workflow: str, tests: Sequence[str], options: Options) -> Inferred:
    """Types of what runs begin with and of every output; FileProblem when something cannot be read.

    `tests`: where to look for fixtures and scenarios; by default beside the workflow.
    """
    report = check_source(files.read_source(workflow), options)
    if report.workflow is None or report.facts is None or failed(report.diagnostics):
        return Inferred(report, {}, {})
    given, replies = _samples(workflow, tests, options)
    triggers = {
        start: (summed(given[start]), len(given[start])) for start in report.facts.entries if given.get(start)
    }
    answers = summed(replies) if replies else None
    schemas = _with_answers(report.workflow, read_all(report.workflow, workflow), answers)
    family = report.members[0].children
    samples = {start: sampled(found) for start, (found, _) in triggers.items()}
    facts = find_facts(report.workflow, family, schemas, options, samples)
    shown = {
        node.id: facts.outputs[node.id]
        for node in report.workflow.nodes
        if node.id in facts.outputs and not isinstance(facts.outputs[node.id], Never)
    }
    return Inferred(
        report, triggers, {head: each for head, each in shown.items() if head != TRIGGER}, answers
    )


def _with_answers(
    workflow: Workflow, schemas: Mapping[str, Schema], answers: Type | None
) -> dict[str, Schema]:
    """Schemas, with the samples for an `output_schema` that says no more than JSON."""
    known = dict(schemas)
    for _, name in uses(workflow):
        if answers is not None and isinstance(known.get(name, Schema()).type, Unknown):
            known[name] = replace(known.get(name, Schema()), type=answers)
    return known


def _samples(workflow: str, tests: Sequence[str], options: Options) -> tuple[dict[str, list[Any]], list[Any]]:
    """Inputs by start name, and the answers of models that are JSON."""
    loader = Loader(options)
    given: dict[str, list[Any]] = {}
    replies: list[Any] = []
    for each in find(list(tests) or _beside(workflow)):
        loaded = loader.load(each)
        report, case = loaded.report, loaded.case
        if report is None or case.subject is None or not _same(report.source.name, workflow):
            continue
        if isinstance(case.test, Fixture):
            given.setdefault(case.test.start, []).append(case.test.trigger.payload)
            replies += case.test.mocks.intel
        elif isinstance(case.test, Scenario):
            start = case.test.trigger.start or next(iter(case.subject.starts), "")
            given.setdefault(start, []).append(case.test.trigger.payload)
            for turn in case.test.intel.turns:
                replies += [each.content for each in turn.variants] or [turn.content]
    return given, [value for reply in replies for value in _json(reply)]


def _json(reply: str | None) -> list[Any]:
    try:
        return [] if reply is None else [json.loads(reply)]
    except (ValueError, RecursionError):
        return []


def _same(left: str, right: str) -> bool:
    return os.path.realpath(left) == os.path.realpath(right)


def _beside(workflow: str) -> list[str]:
    folder = Path(workflow).parent
    return [str(folder / "tests" if (folder / "tests").is_dir() else folder)]
