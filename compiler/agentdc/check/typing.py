"""The type of every node's output, from the declarations of the kinds."""

from __future__ import annotations

from collections.abc import Mapping

from agentdc.check.facts import TRIGGER, TRIGGER_TYPE
from agentdc.model.node import NodeModel
from agentdc.nodes.registry import SPECS
from agentdc.types import UNKNOWN, Type, follow


def output_types(
    nodes: Mapping[str, NodeModel], order: tuple[str, ...], *, dry_run: bool = False
) -> dict[str, Type]:
    """Types by node id, computed in `order`; a path to a node not yet computed (a loop) is unknown.

    With `dry_run`, types that hold in dry runs too: outputs that lack their keys there are unknown.
    """
    types: dict[str, Type] = {}
    if TRIGGER not in nodes:
        types[TRIGGER] = TRIGGER_TYPE

    def type_of(path: str) -> Type:
        head, *segments = path.split(".")
        return follow(types.get(head, UNKNOWN), tuple(segments)).type

    for name in order:
        spec = SPECS[nodes[name].type]
        # A node called trigger: what is there before it has run is the trigger's, and the node's own afterwards.
        unknown = name == TRIGGER or (dry_run and spec.dry_run)
        types[name] = UNKNOWN if unknown else spec.output(nodes[name], type_of)
    return types
