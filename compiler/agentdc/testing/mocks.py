"""Mocks of a fixture against the nodes that will get them: names, shapes, and what the nodes could never give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from agentdc.diagnostics import Diagnostic
from agentdc.nodes.llm_infer import LlmInfer
from agentdc.parse.positions import Places
from agentdc.testing import errors, schemas
from agentdc.testing.fits import misfit
from agentdc.testing.models import Fixture
from agentdc.testing.subject import Part, Subject, attempts

_BLOCK = 'such as { type = "text", text = "…" }'


def check(it: Fixture, at: Places, subject: Subject) -> Iterator[Diagnostic]:
    """All findings about the mocks of one fixture."""
    if it.mocks.intel:
        yield from _intel(it, at, subject)
    yield from _tools(it, at, subject)
    yield from _resources(it, at, subject)


def calls(node: LlmInfer) -> int:
    """How often one visit of the node asks the model at most."""
    return (node.output_repairs + 1) * attempts(node)


def _intel(it: Fixture, at: Places, subject: Subject) -> Iterator[Diagnostic]:
    replies, used = it.mocks.intel, subject.uses("llm_infer", calls)
    if used is not None and len(replies) > used:
        yield errors.too_many("mocks.intel", len(replies), used, at.value(("mocks", "intel", used)))
        replies = replies[:used]
    askers = list(subject.nodes("llm_infer"))
    if it.expected.status == "errored" or it.dry_run or not askers:
        return  # a rejected reply may be the point of the fixture
    patient = any(calls(node) > 1 for _, node in askers)
    for index, content in enumerate(replies):
        if patient and index < len(it.mocks.intel) - 1:
            continue  # may be rejected and asked for again
        reasons = [_rejected(part, node, content) for part, node in askers]
        if None not in reasons:
            where = at.value(("mocks", "intel", index))
            what = f"an output of llm_infer from reply {index + 1}"
            yield errors.impossible(what, str(reasons[0]), where)


def _rejected(part: Part, node: LlmInfer, content: str) -> str | None:
    """Why the node gives no output for this reply, or None."""
    parsed: Any = None
    if node.output_schema is not None:
        try:
            parsed = json.loads(content, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return f'"{node.id}" has an output_schema, and the reply is not JSON'
        schema = part.schemas.get(node.output_schema)
        broken = None if schema is None else schemas.violation(schema, parsed)
        if broken is not None:
            return f'the reply breaks the schema of "{node.id}" at {broken}'
    output = {
        "content": content,
        "parsed": parsed,
        "stop_reason": None,
        "usage": {"completion_tokens": 0, "prompt_tokens": 0},
    }
    return misfit(output, part.facts.outputs[node.id])


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _tools(it: Fixture, at: Places, subject: Subject) -> Iterator[Diagnostic]:
    nodes = list(subject.nodes("call_mcp_tool"))
    free = any("call_mcp_tool" in node.tools for _, node in subject.nodes("agent_loop"))
    known = sorted({node.tool for _, node in nodes})
    for name, results in it.mocks.mcp_tools.items():
        path = ("mocks", "mcp_tools", name)
        if name not in known and not free:
            yield errors.uncalled("tool", name, known, at.key(path))
            continue
        used = subject.uses("call_mcp_tool", lambda node, name=name: attempts(node) * (node.tool == name))
        if used is not None and len(results) > used and not free:
            yield errors.too_many(f"mocks.mcp_tools.{name}", len(results), used, at.value((*path, used)))
        for index, result in enumerate(results):
            where = (*path, index, "content")
            yield from _blocks(result.content, f'a result of the tool "{name}"', where, at)


def _blocks(
    content: tuple[Any, ...], what: str, path: tuple[str | int, ...], at: Places
) -> Iterator[Diagnostic]:
    for index, block in enumerate(content):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            reason = "each entry of its content is a table with a `type`"
            yield errors.impossible(what, reason, at.value((*path, index)), help=_BLOCK)


def _resources(it: Fixture, at: Places, subject: Subject) -> Iterator[Diagnostic]:
    used = subject.uses("read_mcp_resource")
    for uri, readings in it.mocks.mcp_resources.items():
        path = ("mocks", "mcp_resources", uri)
        if used == 0:
            yield errors.uncalled("resource", uri, [], at.key(path))
            continue
        if used is not None and len(readings) > used:
            yield errors.too_many(f"mocks.mcp_resources.{uri}", len(readings), used, at.value((*path, used)))
        for index, reading in enumerate(readings):
            for position, part in enumerate(reading.contents):
                if not isinstance(part, dict):
                    where = at.value((*path, index, "contents", position))
                    reason = "each entry of its contents is a table"
                    yield errors.impossible(f'a reading of "{uri}"', reason, where)
