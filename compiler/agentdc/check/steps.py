"""One step of a run in types: a node runs, gives a label, and an edge is taken.

This is the transfer function of the data flow; `flow` applies it to what all routes have in common, `routes` to what
one route knows. On the way over an edge one learns

- what the node's output is with this label,
- that the node did not abort: the paths that it needs led to values that it accepts,
- for a node that decides by a value: that the value gives this label, and if it is a copy, that the original does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from agentdc.check.children import Children
from agentdc.check.facts import RAW, TRIGGER
from agentdc.check.links import Links, Said, split
from agentdc.model.node import NodeModel
from agentdc.nodes.registry import SPECS
from agentdc.types import NEVER, NULL, UNKNOWN, Never, Type, follow, union
from agentdc.types.narrow import FALSY, PRESENT, TRUTHY, Test, narrow
from agentdc.types.relate import shallow

_DEEPEST_COPY = 8  # of a copy of a copy: what is further back is not told apart
_NEEDS = {"any": PRESENT, "string": Test("string"), "array": Test("array"), "strings": Test("strings")}


class View(Protocol):
    """What is known before a node runs."""

    def type_of(self, head: str) -> Type | None:
        """The type of an output, if it is there; None when it certainly is not."""
        ...

    def ran(self, head: str) -> bool:
        """Whether the output is certainly there."""
        ...


class World:
    """What does not change during a run: the types that children, schemas and tools give.

    `tools`: by server as a node writes it, and name.
    """

    def __init__(
        self,
        children: Children | None = None,
        schemas: Mapping[str, Type] | None = None,
        tools: Mapping[tuple[str | None, str], Type] | None = None,
    ) -> None:
        self.children = children or {}
        self.schemas = schemas or {}
        self.tools = tools or {}


class Reader:
    """The types upstream as a node's declaration asks for them."""

    def __init__(self, view: View, world: World) -> None:
        self._view = view
        self._world = world

    def __call__(self, path: str) -> Type:
        """The type of the value at a context path, when it resolves."""
        head, segments = split(path)
        start = self._view.type_of(head)
        return NEVER if start is None else follow(start, segments).type

    def or_null(self, path: str) -> Type:
        """The type of the value at a context path, null included when it may not resolve."""
        head, segments = split(path)
        start = self._view.type_of(head)
        if start is None:
            return NULL
        found = follow(start, segments)
        if found.certain == len(segments) and self._view.ran(head):
            return found.type
        return union((found.type, NULL))

    def child(self, workflow: str, start: str | None) -> Type:
        """The type of a child's final value."""
        found = self._world.children.get(workflow)
        return UNKNOWN if found is None else found.result(start)

    def schema(self, name: str) -> Type:
        """The type of what a JSON Schema accepts."""
        return self._world.schemas.get(name, UNKNOWN)

    def tool(self, server: str | None, name: str) -> Type:
        """The type of what an MCP tool answers, as it was locked."""
        return self._world.tools.get((server, name), UNKNOWN)


class Nothing:
    """The view of somebody who knows nothing."""

    def type_of(self, head: str) -> Type | None:  # noqa: ARG002 - the shape of a view
        """Any."""
        return UNKNOWN

    def ran(self, head: str) -> bool:  # noqa: ARG002 - the shape of a view
        """Not certainly."""
        return False


class Steps:
    """The steps of one workflow."""

    def __init__(self, nodes: Mapping[str, NodeModel], links: Links, world: World) -> None:
        self.nodes = nodes
        self.links = links
        self.world = world

    def stores(self, name: str) -> bool:
        """Whether a node of this name leaves an output that has one type only: not one called trigger."""
        return name in self.nodes and name != TRIGGER

    def doubtful(self, name: str) -> bool:
        """Whether a node may have run and left nothing."""
        return self.stores(name) and SPECS[self.nodes[name].type].doubtful(self.nodes[name])

    def output(self, name: str, view: View) -> Type:
        """The type of a node's output, whatever its label."""
        node = self.nodes[name]
        return shallow(SPECS[node.type].output(node, Reader(view, self.world)))

    def labels(self, name: str) -> tuple[str | None, ...] | None:
        """Every label that a node can give, None among them for no label; None when there is no list."""
        spec = SPECS[self.nodes[name].type]
        if spec.final:
            return ()
        if spec.labels is None:
            return None
        return spec.labels if spec.always_labelled else (None, *spec.labels)

    def taken(
        self, name: str, label: str | None, view: View, *, aborts: bool = False
    ) -> dict[str, Type] | None:
        """What is learnt when a node gives a label: types by head, its own output among them; None when it cannot.

        With `aborts`, a node that certainly aborts gives none; else it is told, and what follows is looked at all
        the same.
        """
        node = self.nodes[name]
        spec = SPECS[node.type]
        own = self._own(node, label, view)
        if own is None:
            return None
        known = _Learnt(self, view, name)
        for _, path_field, path in spec.paths_of(node):
            if path_field.missing == "error":
                passed = known.learn(Said(*split(path), _NEEDS[path_field.needs]), strict=aborts)
                if not passed:
                    return None
        if spec.decides is not None:
            test = _test(spec.decides, str(label))
            if not known.learn(Said(*split(decided_by(node)), test), strict=True):
                return None
            own = narrow(own, (spec.aliases[0].value,), test)
            if isinstance(own, Never):
                return None
        if self.stores(name):
            known.found[name] = own
        return known.found

    def _own(self, node: NodeModel, label: str | None, view: View) -> Type | None:
        spec = SPECS[node.type]
        if spec.outcomes is None:
            return self.output(node.id, view)
        found = spec.outcomes(node, Reader(view, self.world))
        return shallow(found[label]) if label in found else None

    def reads(self, name: str) -> set[str]:
        """The heads that decide what a step of this node gives."""
        node = self.nodes[name]
        new = {split(path)[0] for _, _, path in SPECS[node.type].paths_of(node)}
        seen: set[str] = set()
        for _ in range(_DEEPEST_COPY + 1):
            seen |= new
            new = {source for head in new for source in self.links.sources(head)} - seen
        return seen


class _Learnt:
    """What one step teaches. `found`: types by head, of heads about which it teaches anything."""

    def __init__(self, steps: Steps, view: View, at: str) -> None:
        self.found: dict[str, Type] = {}
        self._steps = steps
        self._view = view
        self._at = at

    def learn(self, said: Said, *, strict: bool, depth: int = 0) -> bool:
        """Take a test for passed; False when it cannot be. Without `strict` such a test teaches nothing."""
        start = self.found.get(said.head) or self._view.type_of(said.head)
        if start is None:
            return said.test.missing or not strict
        left = narrow(start, said.segments, said.test)
        if isinstance(left, Never):
            unset = said.test.missing and not self._view.ran(said.head)
            return unset or not strict
        if left is not start and said.head != self._at:
            self.found[said.head] = left
        copied = self._view.ran(said.head) or not said.test.missing  # what has not run is a copy of nothing
        if copied and depth < _DEEPEST_COPY:
            for original in self._steps.links.original(said, self._at):
                if not self.learn(original, strict=strict, depth=depth + 1):
                    return False
        return True


def decided_by(node: NodeModel) -> str:
    """The path of the value by which a node of a deciding kind decides."""
    return str(getattr(node, "expr"))  # noqa: B009 - the kinds that decide have it


def _test(decides: str, label: str) -> Test:
    if decides == "truth":
        return TRUTHY if label == "true" else FALSY
    return Test("label", label)


HEADS = frozenset((TRIGGER, RAW))
"""Heads that are there from the beginning."""
