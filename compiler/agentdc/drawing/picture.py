"""What a picture shows, whatever the format: nodes with kind and effects, edges with labels, and a run's path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from agentdc.check.shape import entries
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import Effect


@dataclass(frozen=True, slots=True)
class Box:
    """One node. `effects`: one line for each thing it touches. `visits`: positions in the run's path, from 1."""

    id: str
    kind: str
    effects: tuple[str, ...] = ()
    start: str = ""
    visits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrow:
    """One edge. `label`: its `when`, empty without one. `limit`: of a loop edge, else None. `taken`: by the run."""

    source: str
    target: str
    label: str = ""
    limit: int | None = None
    taken: int = 0

    @property
    def text(self) -> str:
        """The label, with the limit of a loop edge."""
        limit = "" if self.limit is None else f"at most {self.limit}×"
        return ", ".join(part for part in (self.label, limit) if part)


@dataclass(frozen=True, slots=True)
class Picture:
    """A graph in declaration order. `ran`: a run's path is shown."""

    name: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    ran: bool = False


class NotARecord(Exception):
    """A document that is no run record of the workflow; the message says why."""


def picture(workflow: Workflow, record: Any = None) -> Picture:
    """The picture of a workflow; with a run record (parsed JSON), the path that it took. NotARecord otherwise."""
    route = [] if record is None else _route(workflow, record)
    visits: dict[str, list[int]] = {}
    for position, (node, _) in enumerate(route, 1):
        visits.setdefault(node, []).append(position)
    starts: dict[str, list[str]] = {}
    for start, entry in entries(workflow).items():
        starts.setdefault(entry, []).append(start)
    boxes = tuple(
        Box(
            node.id,
            node.type,
            tuple(_effect(effect) for effect in SPECS[node.type].effects(node)),
            ", ".join(starts.get(node.id, ())),
            tuple(visits.get(node.id, ())),
        )
        for node in {node.id: node for node in workflow.nodes}.values()
    )
    return Picture(workflow.name, boxes, tuple(_arrows(workflow, route)), record is not None)


def _arrows(workflow: Workflow, route: Sequence[tuple[str, str | None]]) -> Iterable[Arrow]:
    known = {node.id for node in workflow.nodes}
    taken: dict[tuple[str, str | None, str], int] = {}
    for (node, branch), (following, _) in pairwise(route):
        key = (node, branch, following)
        taken[key] = taken.get(key, 0) + 1
    for edge in workflow.edges:
        if edge.from_ in known and edge.to in known:
            count = taken.get((edge.from_, edge.when, edge.to), 0)
            yield Arrow(edge.from_, edge.to, edge.when or "", edge.max_iterations, count)


def _route(workflow: Workflow, record: Any) -> list[tuple[str, str | None]]:
    """(node, branch) for each entry of the record's trace."""
    if not isinstance(record, Mapping) or not isinstance(record.get("trace"), Mapping):
        raise NotARecord("it is no run record: it has no trace")
    if record.get("workflow") != workflow.name:
        raise NotARecord(f'it is the record of the workflow "{record.get("workflow")}"')
    known = {node.id for node in workflow.nodes}
    route: list[tuple[str, str | None]] = []
    for entry in record["trace"].get("entries") or ():
        node = entry.get("node_id") if isinstance(entry, Mapping) else None
        if node not in known:
            raise NotARecord(f'it visits the node "{node}", which the workflow does not have')
        route.append((node, entry.get("branch")))
    return route


def _effect(effect: Effect) -> str:
    parts = [effect.family, *([effect.known] if effect.known else [])]
    return " ".join(parts) + (f" ← {effect.open}" if effect.open else "")
