"""The wording of what can be wrong with fixtures, scenarios and baselines: facts in, diagnostic out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from agentdc.diagnostics import Diagnostic, Span, code, did_you_mean, error, warning


def reshaped(found: Diagnostic, what: str, slug: str) -> Diagnostic:
    """A finding about the shape of a workflow file, told of `what` ("the fixture") instead."""
    message = found.message.replace("the workflow", what, 1)
    notes = tuple(note.replace("the workflow", what, 1) for note in found.notes)
    return replace(found, code=code(slug), message=message, notes=notes)


def not_json(at: Span, what: str, slug: str) -> Diagnostic:
    """A date or a time where a JSON value is needed."""
    return error(code(slug), f"{what} has a date or a time, which JSON does not know", at, "put it in quotes")


def rule(slug: str, message: str, at: Span, label: str = "", help: str | None = None) -> Diagnostic:
    """Any other rule of a fixture or a scenario."""
    return error(code(slug), message, at, label, help=help)


def unknown_start(slug: str, start: str, known: Iterable[str], at: Span) -> Diagnostic:
    """A start node that the workflow does not have."""
    message = f'the workflow has no start node "{start}"'
    return error(code(slug), message, at, help=did_you_mean(start, known))


def unknown_node(node: str, known: Iterable[str], at: Span) -> Diagnostic:
    """An expected node that the workflow does not have."""
    message = f'no run can enter "{node}": the workflow has no such node'
    return warning(code("impossible_expectation"), message, at, help=did_you_mean(node, known))


def no_edge(before: str, after: str, nexts: Sequence[str], at: Span) -> Diagnostic:
    """Two expected nodes that no edge joins."""
    message = f'no run goes from "{before}" to "{after}": no edge leads there'
    ways = ", ".join(f'"{each}"' for each in nexts)
    notes = [f'"{before}" leads to {ways}' if ways else f'"{before}" leads nowhere']
    return warning(code("impossible_expectation"), message, at, notes=notes)


def wrong_entry(first: str, start: str, entry: str, at: Span) -> Diagnostic:
    """An expected path that does not begin where the run does."""
    message = f'no run from "{start}" begins at "{first}": it begins at "{entry}"'
    return warning(code("impossible_expectation"), message, at)


def uncalled(what: str, name: str, known: Sequence[str], at: Span) -> Diagnostic:
    """A mock of a tool or a resource that nothing asks for."""
    kind = {"tool": "call_mcp_tool", "resource": "read_mcp_resource"}[what]
    message = f'the {what} "{name}" has a mock, and no node asks for it'
    helped = did_you_mean(name, known) if known else f"the workflow has no {kind} node"
    return error(code("impossible_mock"), message, at, f"no {kind} node names it", help=helped)


def impossible(what: str, reason: str, at: Span, help: str | None = None) -> Diagnostic:
    """A mock from which the real node could never give an output."""
    return error(code("impossible_mock"), f"{what} could never come about: {reason}", at, help=help)


def too_many(what: str, given: int, used: int, at: Span) -> Diagnostic:
    """A queue that is longer than any run can use up."""
    asked = "never asks" if not used else "asks once at most" if used == 1 else f"asks {used} times at most"
    message = f"{what}: {given} answer{'s' if given > 1 else ''} for a run that {asked}"
    return warning(code("unused_mock"), message, at, "longer than can be used")


def bad_baseline(path: str, reason: str) -> Diagnostic:
    """A baseline that is not a report of `agentdc test --json`."""
    message = f"{path} is not a baseline: {reason}"
    return error(code("baseline_invalid"), message, help="`agentdc test --save-baseline FILE` writes one")


def schema_unreadable(name: str, reason: str, at: Span) -> Diagnostic:
    """An `output_schema` that looks like a path and cannot be read."""
    helped = "it is looked for from the working directory, then beside the workflow that names it"
    return error(code("unreadable_file"), f'the schema "{name}" cannot be read: {reason}', at, help=helped)


def schema_invalid(name: str, reason: str, at: Span) -> Diagnostic:
    """An `output_schema` that is no JSON Schema."""
    return error(code("constraint"), f'"{name}" is not a JSON Schema: {reason}', at)
