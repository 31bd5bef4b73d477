"""Routes one by one: is there a way to a node on which something does not hold?

`flow` knows what all routes have in common. Where that is not enough (an output is there on some routes only, a type
is a union of what different routes bring), this module looks for one route that shows it, shortest first, with what
the route itself has decided: a condition that was true cannot be false when it is asked again. No route means a
proof. The search is bounded; when it gives up, nothing is proven.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from agentdc.check import graph
from agentdc.check.facts import RAW, TRIGGER
from agentdc.check.flow import Flow, Way
from agentdc.check.steps import HEADS, decided_by
from agentdc.nodes.registry import SPECS
from agentdc.types import Object, Type

MAX_STEPS = 8_000
Route = tuple[tuple[str | None, str], ...]
"""Nodes in order, each with the label of the edge that leads to it."""


class OnRoute:
    """The view of a node at the end of one route. `done`: the heads that have run, among those that are followed."""

    def __init__(
        self, flow: Flow, at: str, followed: frozenset[str], done: frozenset[str], env: Mapping[str, Type]
    ) -> None:
        self.flow = flow
        self.at = at
        self.followed = followed
        self.done = done
        self.env = env

    def type_of(self, head: str) -> Type | None:
        """The type of an output on this route; None when it is not there."""
        if head not in self.followed or head in HEADS:
            found = self.env.get(head)
            return found or (self.flow.type_of(head, self.at))
        if head not in self.done:
            return None
        return self.env.get(head) or self.flow.type_of(head, self.at)

    def ran(self, head: str) -> bool:
        """Whether the output is there on this route."""
        if head not in self.followed:
            return self.flow.ran(head, self.at)
        return head in self.done and not self.flow.steps.doubtful(head)


Broken = Callable[[OnRoute], bool]
"""Whether something does not hold at the end of a route."""


class _State(NamedTuple):
    """Where a route has got to. `loops`: loop edges taken among those that go before a plain edge."""

    node: str
    done: frozenset[str]
    facts: frozenset[tuple[str, Type]]
    loops: frozenset[int]


class Routes:
    """Searches in one workflow, which share a budget of steps."""

    def __init__(self, flow: Flow, steps: int = MAX_STEPS) -> None:
        self.flow = flow
        self.left = steps
        self._first: dict[int, frozenset[int]] = {}
        self._backwards: dict[str, list[str]] = {}
        for source in flow.envs:
            self._first |= dict(_priorities(flow.ways.get(source, ())))
            for target in flow.nexts.get(source, ()):
                self._backwards.setdefault(target, []).append(source)
        self._watched = frozenset(each for loops in self._first.values() for each in loops)
        self._asked = _Asked(flow, self._backwards)

    def find(self, target: str, heads: frozenset[str], broken: Broken) -> Route | None:
        """A shortest route to `target` at whose end something about `heads` is broken.

        None is a proof that there is none; () is no answer, after too many steps.
        """
        closed = self._closed(heads)
        region = graph.reachable([target], self._backwards)
        before: dict[_State, tuple[str | None, _State] | None] = {}
        waiting: list[_State] = []
        for start, entry in self.flow.entries.items():
            if entry in region:
                first = _State(entry, frozenset(), frozenset(self.flow.started[start].items()), frozenset())
                if first not in before:
                    before[first] = None
                    waiting.append(first)
        for state in waiting:
            if self.left <= 0:
                return ()
            self.left -= 1
            followed = closed | self._asked.heads(state.node)
            view = OnRoute(self.flow, state.node, followed, state.done, dict(state.facts))
            if state.node == target and broken(view):
                return _told(state, before)
            for label, following in self._steps(state, view, closed, region):
                if following not in before:
                    before[following] = label, state
                    waiting.append(following)
        return None

    def _steps(
        self, state: _State, view: OnRoute, closed: frozenset[str], region: set[str]
    ) -> Iterator[tuple[str | None, _State]]:
        """Every state that one step leads to, with the label of the edge."""
        name = state.node
        learnt: dict[str | None, dict[str, Type] | None] = {}
        for way in self.flow.ways.get(name, ()):
            if way.to not in region or not self.flow.possible(name, way.label):
                continue
            if not self._first.get(way.number, frozenset()) <= state.loops:
                continue  # the loop edge of the same label goes first
            if way.label not in learnt:
                learnt[way.label] = self._facts(name, way.label, view)
            facts = learnt[way.label]
            if facts is not None:
                followed = closed | self._asked.heads(way.to)
                kept = frozenset(self._asked.of_use(facts, way.to, closed))
                done = (state.done | {name}) & followed
                loops = state.loops | {way.number} if way.number in self._watched else state.loops
                yield way.label, _State(way.to, done, kept, loops)

    def _facts(self, name: str, label: str | None, view: OnRoute) -> dict[str, Type] | None:
        found = self.flow.steps.taken(name, label, view, aborts=True)
        if found is None:
            return None
        whole = self.flow.outputs
        known = {head: each for head, each in view.env.items() if head != name}
        return known | {head: each for head, each in found.items() if each != whole.get(head)}

    def _closed(self, heads: Iterable[str]) -> frozenset[str]:
        """The heads, with those that their outputs are made of."""
        nodes = self.flow.steps.nodes
        seen: set[str] = set()
        waiting = list(heads)
        while waiting:
            head = waiting.pop()
            if head not in seen:
                seen.add(head)
                if head in nodes and head != TRIGGER and SPECS[nodes[head].type].aliases:
                    waiting.extend(self.flow.steps.reads(head))
        return frozenset(seen - {RAW})


class _Asked:
    """How far along the order of the nodes a value is asked about: behind that, it would only tell routes apart."""

    def __init__(self, flow: Flow, backwards: Mapping[str, list[str]]) -> None:
        self._flow = flow
        self._number = {name: at for at, name in enumerate(flow.dominance.order)}
        self._last: dict[str, dict[str | None, int]] = {}
        behind = self._furthest(backwards)
        for name in flow.dominance.order:
            node = flow.steps.nodes[name]
            if SPECS[node.type].decides is None:
                continue
            for head, part in flow.steps.links.places(decided_by(node)):
                parts = self._last.setdefault(head, {})
                parts[part] = max(parts.get(part, 0), behind[name])
        self._ends = sorted((max(parts.values()), head) for head, parts in self._last.items())
        self._known: dict[int, frozenset[str]] = {}

    def _furthest(self, backwards: Mapping[str, list[str]]) -> dict[str, int]:
        """For each node the greatest number of a node from which a route leads to it."""
        found = dict(self._number)
        changed = True
        while changed:
            changed = False
            for name in self._flow.dominance.order:
                most = max((found[each] for each in backwards.get(name, ())), default=0)
                if most > found[name]:
                    found[name], changed = most, True
        return found

    def heads(self, node: str) -> frozenset[str]:
        """The heads that some node from this one on asks about."""
        at = bisect_left(self._ends, (self._number[node], ""))
        if at not in self._known:
            self._known[at] = frozenset(head for _, head in self._ends[at:])
        return self._known[at]

    def of_use(
        self, facts: Mapping[str, Type], to: str, closed: frozenset[str]
    ) -> Iterator[tuple[str, Type]]:
        """The facts that a node from `to` on may ask about."""
        number = self._number[to]
        for head, known in facts.items():
            parts = self._last.get(head, {})
            if head in closed or parts.get(None, -1) >= number:
                yield head, known
            elif any(last >= number for last in parts.values()):
                yield head, self._cut(head, known, parts, number)

    def _cut(self, head: str, known: Type, parts: Mapping[str | None, int], number: int) -> Type:
        """What is known of the fields that matter."""
        whole = self._flow.outputs.get(head)
        if not isinstance(known, Object) or not isinstance(whole, Object) or len(known.fields) <= 1:
            return known
        for name, field in known.fields:
            if parts.get(name, -1) >= number:
                whole = whole.with_field(name, field)
        return whole


def _priorities(ways: Sequence[Way]) -> Iterator[tuple[int, frozenset[int]]]:
    """For a plain edge, the loop edges of its label: taken before it until they are spent (spec 01 §6.3)."""
    for way in ways:
        loops = frozenset(each.number for each in ways if each.loop and each.label == way.label)
        if not way.loop and loops:
            yield way.number, loops


def _told(state: _State, before: Mapping[_State, tuple[str | None, _State] | None]) -> Route:
    found: list[tuple[str | None, str]] = []
    step = before[state]
    while step is not None:
        label, previous = step
        found.append((label, state.node))
        state, step = previous, before[previous]
    return ((None, state.node), *reversed(found))
