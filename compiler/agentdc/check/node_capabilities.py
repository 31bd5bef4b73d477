"""What the nodes of a workflow and its children may do, and which of it waits for a person's approval.

Subjects are what is written in the nodes; of what comes from data only the kind of source is told, so that renaming
a node is no change. An effect has an approval before it when a `pause_for_approval` stands on every way to each node
that has it, in the child or in those that call it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentdc.check.capabilities import Record
from agentdc.check.effects import Touch
from agentdc.check.facts import TRIGGER, Facts
from agentdc.check.origins import Data
from agentdc.model.node import NodeModel
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS

PAUSE = "pause_for_approval"
_SECRET = re.compile(r"\{\{\s*secret:\s*(.*?)\s*\}\}")
_SENT = {"args_from": "arguments", "body_from": "body"}
_NODE_LIMITS = ("max_items", "max_concurrent", "max_steps", "max_tokens", "output_repairs", "timeout_secs")


@dataclass(frozen=True, slots=True)
class Part:
    """A workflow of an app. `key`: empty for the main one. `children`: key of each by file name as written.

    `touches`: its own effects.
    """

    key: str
    workflow: Workflow
    facts: Facts
    children: Mapping[str, str]
    touches: Sequence[Touch]

    @property
    def nodes(self) -> Iterator[NodeModel]:
        """The nodes that some run reaches."""
        reached = set(self.facts.dominance.order)
        return (node for node in self.workflow.nodes if node.id in reached)

    def name(self, node: str) -> str:
        """How a node is called where all workflows of the app are told of."""
        return f"{self.key}:{node}" if self.key else node


@dataclass(frozen=True, slots=True)
class Use:
    """One effect of one node.

    `sources`: where its subject comes from, and what goes along. `approved`: a person is asked before.
    """

    family: str
    subject: str
    sources: tuple[str, ...]
    node: str
    approved: bool


def records(parts: Sequence[Part]) -> Iterator[Record]:
    """The records of all nodes; the main workflow comes first."""
    uses = list(_uses(parts))
    for family, subject in sorted({(each.family, each.subject) for each in uses}):
        same = [each for each in uses if (each.family, each.subject) == (family, subject)]
        sources = sorted({source for each in same for source in each.sources})
        nodes = ", ".join(sorted({each.node for each in same}))
        yield Record(f"use {family}", "", subject, "; ".join(sources), nodes)
        if all(each.approved for each in same):
            yield Record("approval before", f"use {family} {subject}", "a person", "asked on every way")
    for part in parts:
        yield from _limits(part)


def _uses(parts: Sequence[Part]) -> Iterator[Use]:
    approved = _approved_parts(parts)
    for part in parts:
        nodes = {node.id: node for node in part.nodes}
        for touch in part.touches:
            node = nodes[touch.node]
            if touch.family == "child":
                continue
            before = approved[part.key] or _paused(part, node.id)
            for subject, source in _subjects(touch):
                sources = (source, *_along(node))
                yield Use(touch.family, subject, sources, part.name(node.id), before)


def _approved_parts(parts: Sequence[Part]) -> dict[str, bool]:
    """Whether every call of a part, however deep, comes after an approval. The main workflow is called by nobody."""
    approved = {part.key: bool(part.key) for part in parts}
    for _ in parts:  # what is not approved spreads by one call in each round
        for part in parts:
            for node in part.nodes:
                before = approved[part.key] or _paused(part, node.id)
                for use in SPECS[node.type].children(node):
                    key = part.children.get(use.workflow)
                    if key is not None and not before:
                        approved[key] = False
    return approved


def _paused(part: Part, node: str) -> bool:
    pauses = (each.id for each in part.workflow.nodes if each.type == PAUSE)
    return any(part.facts.dominance.before(each, node) for each in pauses)


def _subjects(touch: Touch) -> Iterator[tuple[str, str]]:
    """What an effect is about, as far as it is known, and where the rest comes from."""
    if touch.effect.chosen:
        yield _named(touch, "any"), "chosen by a model"
    for text in touch.texts:
        parts = [each if isinstance(each, str) else "*" for each in text]
        heads = {_source(each.path) for each in text if isinstance(each, Data)}
        yield _named(touch, "".join(parts)), "; ".join(sorted(heads)) or "written here"


def _named(touch: Touch, subject: str) -> str:
    if touch.family == "http":
        return f"{touch.effect.method or 'any method'} {subject}"
    if touch.family.startswith("mcp."):
        return f"{subject} of {touch.effect.server or 'the only server'}"
    return subject


def _along(node: NodeModel) -> Iterator[str]:
    """What a node sends along: arguments and bodies from data, and secrets."""
    for field, name in _SENT.items():
        path = getattr(node, field, None)
        if path is not None:
            yield f"{name} {_source(path)}"
    for value in getattr(node, "headers", {}).values():
        for secret in _SECRET.findall(value):
            yield f"with secret {secret}"


def _source(path: str) -> str:
    return "from the trigger" if path.split(".", maxsplit=1)[0] == TRIGGER else "from other nodes"


def _limits(part: Part) -> Iterator[Record]:
    """Limits that nodes and loop edges state, those of the kinds included where they have a default."""
    for node in part.nodes:
        owner = f"node {part.name(node.id)}"
        if node.type == PAUSE:
            yield Record("approval", "", part.name(node.id), "a person decides")
        for key in _NODE_LIMITS:
            if key in type(node).model_fields:
                value = getattr(node, key)
                yield Record("node limit", owner, key, "unlimited" if value is None else str(value))
        if node.retry is not None and SPECS[node.type].retryable:
            yield Record("node limit", owner, "attempts", str(max(node.retry.max_attempts, 1)))
        elif SPECS[node.type].retryable:
            yield Record("node limit", owner, "attempts", "1")
    for edge in part.workflow.edges:
        if edge.max_iterations is not None:
            label = f" when {edge.when}" if edge.when is not None else ""
            name = f"{part.name(edge.from_)} to {edge.to}{label}"
            yield Record("loop", "", name, str(edge.max_iterations))
