"""The type of every node's output, from the declarations of the kinds."""

from __future__ import annotations

from collections.abc import Mapping

from agentdc.check.children import Children
from agentdc.check.facts import TRIGGER, TRIGGER_TYPE
from agentdc.model.node import NodeModel
from agentdc.nodes.registry import SPECS
from agentdc.types import UNKNOWN, Type, follow


def output_types(
    nodes: Mapping[str, NodeModel], order: tuple[str, ...], children: Children, *, dry_run: bool = False
) -> dict[str, Type]:
    """Types by node id, computed in `order`; a path to a node not yet computed (a loop) is unknown.

    With `dry_run`, types that hold in dry runs too: outputs that lack their keys there are unknown, and so is what
    a child gives, since its nodes run dry as well.
    """
    upstream = Upstream({} if dry_run else children)
    if TRIGGER not in nodes:
        upstream.types[TRIGGER] = TRIGGER_TYPE
    for name in order:
        spec = SPECS[nodes[name].type]
        # A node called trigger: what is there before it has run is the trigger's, and the node's own afterwards.
        unknown = name == TRIGGER or (dry_run and spec.dry_run)
        upstream.types[name] = UNKNOWN if unknown else spec.output(nodes[name], upstream)
    return upstream.types


class Upstream:
    """The types that a node's output may depend on: earlier outputs, and what children give."""

    def __init__(self, children: Children) -> None:
        self.types: dict[str, Type] = {}
        self._children = children

    def __call__(self, path: str) -> Type:
        """The type of the value at a context path, when it resolves."""
        head, *segments = path.split(".")
        return follow(self.types.get(head, UNKNOWN), tuple(segments)).type

    def child(self, workflow: str, start: str | None) -> Type:
        """The type of a child's final value."""
        found = self._children.get(workflow)
        return UNKNOWN if found is None else found.result(start)
