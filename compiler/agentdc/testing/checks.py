"""What can be said about a fixture or a scenario before it runs: names it uses, and what it expects."""

from __future__ import annotations

from collections.abc import Iterator

from agentdc.diagnostics import Diagnostic
from agentdc.parse.positions import Places
from agentdc.testing import errors, mocks
from agentdc.testing.models import Fixture, FixtureExpected, Scenario
from agentdc.testing.subject import Subject

FIXTURE, SCENARIO = "fixture_invalid", "scenario_invalid"


def fixture(it: Fixture, at: Places, subject: Subject) -> Iterator[Diagnostic]:
    """Everything about one fixture."""
    yield from _start(it.start, FIXTURE, ("start",), at, subject)
    for name, value in it.env.items():
        if not name or "=" in name or "\0" in name + value:
            message = "[env] has a variable that no environment can have"
            yield errors.rule(FIXTURE, message, at.key(("env", name)))
    yield from mocks.check(it, at, subject)
    yield from _expected(it.expected, it.start, at, subject)


def alone(it: Scenario, at: Places) -> Iterator[Diagnostic]:
    """What a scenario says wrong, whatever its workflow."""
    if it.workflow.inline is None and it.workflow.path is None:
        message = 'the scenario needs a workflow: "inline" or "path" in [workflow]'
        yield errors.rule(SCENARIO, message, at.key(("workflow",)))
    for index, turn in enumerate(it.intel.turns):
        if turn.content is None and not turn.variants:
            where = at.value(("intel", "turns", index))
            yield errors.rule(SCENARIO, 'a turn needs "content" or "variants"', where)
    if it.faults.intel_error_on_call == 0:
        where = at.value(("faults", "intel_error_on_call"))
        yield errors.rule(SCENARIO, "calls of the model count from 1", where, "must be at least 1")


def scenario(it: Scenario, at: Places, subject: Subject) -> Iterator[Diagnostic]:
    """What a scenario says about its workflow."""
    start = it.trigger.start
    if start is not None:
        yield from _start(start, SCENARIO, ("trigger", "start"), at, subject)
    if it.intel.turns and subject.uses("llm_infer", mocks.calls) == 0:
        yield errors.too_many("intel.turns", len(it.intel.turns), 0, at.value(("intel", "turns")))
    yield from _expected(it.expected, start or next(iter(subject.starts), ""), at, subject)


def _start(
    start: str, slug: str, path: tuple[str, ...], at: Places, subject: Subject
) -> Iterator[Diagnostic]:
    if start not in subject.starts:
        yield errors.unknown_start(slug, start, subject.starts, at.value(path))


def _expected(it: FixtureExpected, start: str, at: Places, subject: Subject) -> Iterator[Diagnostic]:
    """Expectations that no run can meet."""
    workflow = subject.main.workflow
    known = [node.id for node in workflow.nodes]
    nexts: dict[str, list[str]] = {}
    for edge in workflow.edges:
        nexts.setdefault(edge.from_, []).append(edge.to)
    entry = subject.main.facts.entries.get(start)
    if it.last_node is not None and it.last_node not in known:
        yield errors.unknown_node(it.last_node, known, at.value(("expected", "last_node")))
    for index, node in enumerate(it.path):
        where = at.value(("expected", "path", index))
        before = it.path[index - 1] if index else None
        if node not in known:
            yield errors.unknown_node(node, known, where)
        elif before is None and entry is not None and node != entry:
            yield errors.wrong_entry(node, start, entry, where)
        elif before in known and node not in nexts.get(before, ()):
            yield errors.no_edge(before, node, list(dict.fromkeys(nexts.get(before, ()))), where)
