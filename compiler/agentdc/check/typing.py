"""The type of every node's output, from the declarations of the kinds."""

from __future__ import annotations

from collections.abc import Mapping

from agentdc.check.facts import TRIGGER, TRIGGER_TYPE
from agentdc.model.node import NodeModel
from agentdc.nodes.registry import SPECS
from agentdc.types import UNKNOWN, Type, follow


def output_types(nodes: Mapping[str, NodeModel], order: tuple[str, ...]) -> dict[str, Type]:
    """Types by node id, computed in `order`; a path to a node not yet computed (a loop) is unknown."""
    types: dict[str, Type] = {}
    if TRIGGER not in nodes:
        types[TRIGGER] = TRIGGER_TYPE

    def type_of(path: str) -> Type:
        head, *segments = path.split(".")
        return follow(types.get(head, UNKNOWN), tuple(segments)).type

    for name in order:
        types[name] = SPECS[nodes[name].type].output(nodes[name], type_of)
    return types
