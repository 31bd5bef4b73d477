"""A family once more, from the main workflow down: children with the input that each call gives them.

Children are checked first, by themselves, since their parents need the types of their results. What goes the other
way, from parent to child, is looked at here: findings are about the child's file and name the call. A child that is
given anything has nothing new to tell.
"""

from __future__ import annotations

from dataclasses import replace

from agentdc.check import errors
from agentdc.check.calls import given
from agentdc.check.flow import Flow
from agentdc.check.validate import Options, check_given, level
from agentdc.diagnostics import Diagnostic
from agentdc.driver.children import Family, Member
from agentdc.types import UNKNOWN, Never, Type

MAX_LEVEL = 8  # spec 01 §5.15
MAX_CALLS = 400  # different inputs, all in all; what is more is left to the run


def check_calls(family: Family, options: Options) -> None:
    """Adds to each child what its callers' input does to it."""
    calls = _Calls(family, options)
    for member in family.members.values():
        if member.checked is not None and member.checked.facts is not None:
            calls.follow(member, member.checked.facts.flow, 0)
    calls.deep(family.main, (family.main.source.name,))


class _Calls:
    def __init__(self, family: Family, options: Options) -> None:
        self._options = options
        self._members = {member.key: member for member in family.members.values()}
        self._seen: set[tuple[str, str, Type]] = set()
        self._levels: set[tuple[str, int]] = set()

    def follow(self, parent: Member, flow: Flow, level: int) -> None:
        """The children of a workflow of which this holds."""
        workflow = parent.decoded.workflow
        if workflow is None or level > MAX_LEVEL:
            return
        for index, use, raw in given(workflow, flow):
            child = self._child(parent, use.workflow)
            if child is None or isinstance(raw, Never):
                continue
            assert child.decoded.workflow is not None
            if raw == UNKNOWN:
                self._by_itself(child)
                continue
            starts = [each.name for each in child.decoded.workflow.start_nodes]
            start = use.start if use.start is not None else next(iter(starts), "")
            call = (child.key, start, raw)
            if start in starts and call not in self._seen and len(self._seen) < MAX_CALLS:
                self._seen.add(call)
                note = f'called from {parent.source.name} (node "{workflow.nodes[index].id}"), with what it gives'
                self._again(child, start, raw, note, level)

    def _by_itself(self, child: Member) -> None:
        assert child.checked is not None
        assert child.checked.facts is not None
        if all(each is not child.checked.facts.flow for each in child.flows):
            child.flows.append(child.checked.facts.flow)

    def _again(self, child: Member, start: str, raw: Type, note: str, level: int) -> None:
        assert child.decoded.workflow is not None
        found, flow = check_given(
            child.decoded.workflow,
            child.decoded.places,
            self._options,
            child.children,
            child.known,
            start,
            raw,
        )
        told = {_place(each) for each in child.diagnostics}
        new = [each for each in found if _place(each) not in told]
        child.as_called += [replace(each, notes=(*each.notes, note)) for each in new]
        child.flows.append(flow)
        self.follow(child, flow, level + 1)

    def _child(self, parent: Member, workflow: str) -> Member | None:
        """A child that is sound by itself."""
        known = parent.children.get(workflow)
        member = None if known is None or known.problem else self._members.get(known.key)
        return None if member is None or member.checked is None or member.checked.facts is None else member

    def deep(self, parent: Member, chain: tuple[str, ...]) -> None:
        """Every chain of calls, each file once at each level."""
        checked, workflow = parent.checked, parent.decoded.workflow
        if (
            (parent.key, len(chain)) in self._levels
            or workflow is None
            or checked is None
            or checked.facts is None
        ):
            return
        self._levels.add((parent.key, len(chain)))
        for index, use, _ in given(workflow, checked.facts.flow):
            child = self._child(parent, use.workflow)
            if child is None or child.source.name in chain:
                continue  # one that runs itself is told as such
            if len(chain) > MAX_LEVEL:
                where = parent.decoded.places.value(("nodes", index, *use.field))
                deep = errors.nested_too_deep(use.workflow, (*chain, child.source.name), where)
                parent.as_called += level((deep,), self._options)
            else:
                self.deep(child, (*chain, child.source.name))


def _place(found: Diagnostic) -> tuple[str, object]:
    return found.code.slug, None if found.primary is None else found.primary.span
