"""The type of every node's output as lowering may rely on it: in any run whatsoever.

The types of real runs, which the checker judges by, are those of `flow`.
"""

from __future__ import annotations

from collections.abc import Mapping

from agentdc.check.facts import TRIGGER, TRIGGER_TYPE
from agentdc.model.node import NodeModel
from agentdc.nodes.registry import SPECS
from agentdc.types import NULL, UNKNOWN, Type, follow, union
from agentdc.types.relate import shallow


def output_types(nodes: Mapping[str, NodeModel], order: tuple[str, ...]) -> dict[str, Type]:
    """Types by node id, computed in `order`; a path to a node not yet computed (a loop) is unknown.

    They hold in every run, a dry one too: outputs that lack their keys there are unknown, and so is what a child
    gives, since its nodes run dry as well. Nothing is known of the input.
    """
    upstream = Upstream()
    if TRIGGER not in nodes:
        upstream.types[TRIGGER] = TRIGGER_TYPE
    for name in order:
        spec = SPECS[nodes[name].type]
        # A node called trigger: what is there before it has run is the trigger's, and the node's own afterwards.
        unknown = name == TRIGGER or spec.dry_run
        upstream.types[name] = UNKNOWN if unknown else shallow(spec.output(nodes[name], upstream))
    return upstream.types


class Upstream:
    """The types that a node's output may depend on: earlier outputs."""

    def __init__(self) -> None:
        self.types: dict[str, Type] = {}

    def __call__(self, path: str) -> Type:
        """The type of the value at a context path, when it resolves."""
        head, *segments = path.split(".")
        return follow(self.types.get(head, UNKNOWN), tuple(segments)).type

    def or_null(self, path: str) -> Type:
        """The same, or null."""
        return union((self(path), NULL))

    def schema(self, name: str) -> Type:  # noqa: ARG002 - the shape of the hook
        """The type of what a JSON Schema accepts: what the app relies on without looking may not depend on it."""
        return UNKNOWN

    def tool(self, server: str | None, name: str) -> Type:  # noqa: ARG002 - the shape of the hook
        """The type of what an MCP tool answers."""
        return UNKNOWN

    def child(self, workflow: str, start: str | None) -> Type:  # noqa: ARG002 - the shape of the hook
        """The type of a child's final value."""
        return UNKNOWN
