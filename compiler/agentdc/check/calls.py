"""What a workflow gives its children (spec 01 §5.15 to §5.17): the type of each child's raw input.

A child is checked by itself, when nothing is known of its input, and again with what each call gives it.
"""

from __future__ import annotations

from collections.abc import Iterator

from agentdc.check.facts import RAW
from agentdc.check.flow import Flow
from agentdc.check.steps import Reader
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import ChildUse
from agentdc.types import UNKNOWN, Array, Type, Unknown, union
from agentdc.types.shape import members_of


def given(workflow: Workflow, flow: Flow) -> Iterator[tuple[int, ChildUse, Type]]:
    """(node index, use, raw input) for each child that a node which some run reaches runs."""
    for index, node in enumerate(workflow.nodes):
        if flow.reaches(node.id):
            for use in SPECS[node.type].children(node):
                yield index, use, _raw(use, node.id, flow)


def _raw(use: ChildUse, at: str, flow: Flow) -> Type:
    if use.given is None:
        return flow.type_of(RAW, at)
    found = Reader(flow.view(at), flow.steps.world).or_null(use.given)
    return _items(found) if use.each else found


def _items(value: Type) -> Type:
    members = members_of(value)
    if any(isinstance(each, Unknown) for each in members):
        return UNKNOWN
    return union(each.any_item for each in members if isinstance(each, Array))
