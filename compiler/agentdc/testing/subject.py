"""The workflow under test, its children included, as the checks and the coverage see it. No driver, no files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentdc.check.facts import Facts
from agentdc.model.node import NodeModel
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places


@dataclass(frozen=True, slots=True)
class Part:
    """One workflow file.

    `file`: its name in the trace. `shown`: its path as people know it. `digest`: of its bytes. `schemas`: JSON
    Schemas by the `output_schema` that names them.
    """

    file: str
    shown: str
    digest: str
    workflow: Workflow
    places: Places
    facts: Facts
    schemas: Mapping[str, Any] = field(default_factory=dict)

    def nodes(self, kind: str) -> Iterator[Any]:
        """The nodes of one kind that a run can reach."""
        reached = set(self.facts.dominance.order)
        return (node for node in self.workflow.nodes if node.type == kind and node.id in reached)


@dataclass(frozen=True, slots=True)
class Subject:
    """A workflow and its children, the main one first."""

    parts: tuple[Part, ...]

    @property
    def main(self) -> Part:
        """The workflow that a test names."""
        return self.parts[0]

    @property
    def starts(self) -> list[str]:
        """Names of the start nodes a run can begin at, in order."""
        return list(self.main.facts.entries)

    def nodes(self, kind: str) -> Iterator[tuple[Part, Any]]:
        """The nodes of one kind, with the file that has them."""
        return ((part, node) for part in self.parts for node in part.nodes(kind))

    def uses(self, kind: str, of: Any = None) -> int | None:
        """How often a run can use nodes of a kind at most; None when data decides.

        `of`: a function from a node to its uses in one visit, None = its attempts.
        """
        total = 0
        for part, node in self.nodes(kind):
            if part is not self.main or any(edge.max_iterations for edge in part.workflow.edges):
                return None
            total += attempts(node) if of is None else of(node)
        return total


def attempts(node: NodeModel) -> int:
    """How often a node is tried at most."""
    return 1 if node.retry is None else max(1, node.retry.max_attempts)
