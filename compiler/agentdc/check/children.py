"""Child workflows as their parents see them: which starts they have and what they give (spec 01 §5.15).

Reading the files is the driver's work; here is what a checked child tells its parent, and what is wrong with a
reference to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agentdc.check import errors, graph
from agentdc.diagnostics import Diagnostic
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import ChildUse
from agentdc.parse.positions import Places
from agentdc.types import UNKNOWN, Type

if TYPE_CHECKING:
    from agentdc.check.ceilings import Ceilings
    from agentdc.check.effects import Touch
    from agentdc.check.flow import Flow


@dataclass(frozen=True, slots=True)
class Child:
    """A child workflow that a parent names.

    `key`: the file's name in the app. `starts`: its start nodes in order. `results`: the type of the final value
    for each start. `effects`: of its nodes and of its children; `touches`: their families. `ceilings`: of a run
    from each start. `pauses`: a node that waits, for each start that leads to one. `problem`: why it cannot be
    used, or empty; `invalid`: it was read and has errors of its own.
    """

    key: str
    starts: tuple[str, ...] = ()
    results: Mapping[str, Type] = field(default_factory=dict)
    touches: frozenset[str] = frozenset()
    effects: tuple[Touch, ...] = ()
    ceilings: Mapping[str, Ceilings] = field(default_factory=dict)
    pauses: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    invalid: bool = False

    def result(self, start: str | None) -> Type:
        """The type of the final value of a run from `start`."""
        name = self.start(start)
        return UNKNOWN if name is None else self.results.get(name, UNKNOWN)

    def start(self, named: str | None) -> str | None:
        """The start that a node means: the one it names, else the child's first."""
        return named if named is not None else next(iter(self.starts), None)


Children = Mapping[str, Child]
"""The children of one workflow, by the file name as the nodes write it."""


def uses(workflow: Workflow) -> Iterator[tuple[int, ChildUse]]:
    """(node index, use) for every child that a workflow names."""
    for index, node in enumerate(workflow.nodes):
        for use in SPECS[node.type].children(node):
            yield index, use


def check(workflow: Workflow, children: Children, at: Places) -> Iterator[Diagnostic]:
    """Children that cannot be read or used, and starts that they do not have."""
    for index, use in uses(workflow):
        child = children.get(use.workflow)
        where = at.value(("nodes", index, *use.field))
        if child is None or not use.workflow.strip():
            continue
        if child.problem and child.invalid:
            yield errors.child_invalid(use.workflow, child.problem, where)
        elif child.problem:
            yield errors.child_unreadable(use.workflow, child.problem, where)
        elif not child.starts:
            yield errors.child_invalid(use.workflow, "it has no start node", where)
        elif use.start is not None and use.start not in child.starts:
            start_at = at.value(("nodes", index, *use.field[:-1], "start"))
            yield errors.child_start(use.workflow, use.start, child.starts, start_at)
        elif (waits := child.pauses.get(child.start(use.start) or "")) is not None:
            yield errors.pause_in_child(use.workflow, waits, where, soft=use.soft)


def pauses(flow: Flow) -> dict[str, str]:
    """A node that waits for somebody, for each start from which a run can get there."""
    waits = [name for name in flow.envs if SPECS[flow.steps.nodes[name].type].end == "pause"]
    found: dict[str, str] = {}
    for start, entry in flow.entries.items():
        reached = graph.reachable([entry], flow.nexts) if waits else ()
        first = next((name for name in waits if name in reached), None)
        if first is not None:
            found[start] = first
    return found


def touched(workflow: Workflow, children: Children) -> frozenset[str]:
    """Effect families of a workflow's nodes and of everything below it."""
    own = {effect.family for node in workflow.nodes for effect in SPECS[node.type].effects(node)}
    below = (child.touches for child in children.values())
    return frozenset(own).union(*below) - {"child", "model"}


def effects(children: Children) -> tuple[Touch, ...]:
    """The effects of all children and of everything below them, each file's once, in the order of the files."""
    files: dict[str, list[Touch]] = {}
    for child in children.values():
        theirs: dict[str, list[Touch]] = {}
        for touch in child.effects:
            theirs.setdefault(touch.file, []).append(touch)
        files = theirs | files
    return tuple(touch for name in sorted(files) for touch in files[name])


def ends_without(workflow: Workflow, entry: str, avoided: set[str]) -> bool:
    """Whether some run from `entry` can end without passing any of the `avoided` nodes."""
    if entry in avoided:
        return False
    nexts = graph.successors(
        (edge.from_, edge.to)
        for edge in workflow.edges
        if edge.from_ not in avoided and edge.to not in avoided
    )
    kinds = {node.id: node.type for node in workflow.nodes}
    return any(can_end(name, kinds[name], workflow) for name in graph.reachable([entry], nexts))


def can_end(node: str, kind: str, workflow: Workflow) -> bool:
    """Whether a run can end at the node: by its kind, or because some outcome has no plain edge."""
    spec = SPECS[kind]
    if spec.final:
        return True
    plain = {edge.when for edge in workflow.edges if edge.from_ == node and edge.max_iterations is None}
    if spec.labels is None:
        return True
    outcomes: set[str | None] = set(spec.labels)
    if not spec.always_labelled:
        outcomes.add(None)
    return not outcomes <= plain
