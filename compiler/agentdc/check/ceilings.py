"""What a run can use up at most: calls, tokens, requests, commands, files, bytes, visits, seconds waited.

Theory. A run is one walk. Loop edges are followed at most `max_iterations` times each, so a walk is at most that many
plain walks one after the other, each along an order of the nodes without a repetition. Within a loop (a strongly
connected component of all edges) the bound is therefore the dearest plain walk from its entry, and for every loop
edge the dearest from its target, times its iterations; along the components it is the dearest way. What a node costs
is what its kind declares for one attempt, times its attempts, and what its children may cost, times how often it
runs them. A cost that nothing bounds makes everything on its way unbounded, and is told with its reason.

Seconds are those that nodes wait for others; computing is not counted. `[budget] max_run_time_secs` ends a run at the
next node, or within it with `hard_deadline`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agentdc.check import graph
from agentdc.check.children import Children
from agentdc.check.flow import Flow
from agentdc.check.origins import Origins, whole
from agentdc.model.node import NodeModel
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import ANSWER_TOKENS, ChildUse, Measure

MEASURES: tuple[Measure, ...] = (
    "model_calls",
    "tokens",
    "http_requests",
    "shell_runs",
    "files_written",
    "bytes_written",
    "node_visits",
    "wall_secs",
)
MAX_VISITS = 10_000  # of one walk (spec 01 §6.2)
_MIB = 1 << 20
_FEW = 5  # reasons that are told
_MS = 1000


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most of one measure. `most`: None when nothing bounds it. `because`: what makes it so, the first few."""

    most: int | None
    because: tuple[str, ...] = ()

    def plus(self, other: Ceiling) -> Ceiling:
        """One after the other."""
        if self.most is None or other.most is None:
            return Ceiling(None, _some(self._reasons(), other._reasons()))
        return Ceiling(self.most + other.most, _some(self.because, other.because))

    def times(self, count: int) -> Ceiling:
        """Again and again."""
        if count == 0:
            return NOTHING
        return Ceiling(None if self.most is None else self.most * count, self.because)

    def or_(self, other: Ceiling) -> Ceiling:
        """The dearer of the two; of two that nothing bounds, both with their reasons."""
        if self.most is None and other.most is None:
            return Ceiling(None, _some(self.because, other.because))
        if self.most is None or other.most is None:
            return self if self.most is None else other
        return self if self.most >= other.most else other

    def _reasons(self) -> tuple[str, ...]:
        return self.because if self.most is None else ()


def _some(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """The first few reasons of both."""
    if not second or len(first) == _FEW:
        return first
    return tuple(dict.fromkeys((*first, *second)))[:_FEW]


NOTHING = Ceiling(0)
Ceilings = Mapping[Measure, Ceiling]


@dataclass(slots=True)
class _Graph:
    """The part of a workflow that runs can reach."""

    nodes: Mapping[str, NodeModel]
    plain: dict[str, list[str]] = field(default_factory=dict)
    all: dict[str, list[str]] = field(default_factory=dict)
    loops: list[tuple[str, str, int]] = field(default_factory=list)


def ceilings(
    workflow: Workflow, flow: Flow, family: Children, limits: Mapping[str, int]
) -> dict[str, Ceilings]:
    """The ceilings of a run, by start name. `limits`: the longest answer of each backend of the main workflow."""
    reached = _graph(workflow, flow)
    origins = Origins(flow)
    costs = {name: _costs(node, limits, family, origins) for name, node in reached.nodes.items()}
    around = _Components(reached)
    each = {measure: {name: cost[measure] for name, cost in costs.items()} for measure in MEASURES}
    return {
        start: {measure: _dearest(reached, around, each[measure], entry) for measure in MEASURES}
        for start, entry in flow.entries.items()
        if flow.reaches(entry)
    }


def budgeted(workflow: Workflow, found: Ceilings, flow: Flow, entry: str) -> Ceilings:
    """The ceilings of runs from one entry, with what the main workflow's budget bounds."""
    budget = workflow.budget
    if budget is None:
        return found
    made = dict(found)
    if budget.max_fs_write_mb:
        made["bytes_written"] = _lower(
            found["bytes_written"], budget.max_fs_write_mb * _MIB, "[budget] max_fs_write_mb"
        )
    if budget.max_run_time_secs:
        last = NOTHING if budget.hard_deadline else _longest(workflow, flow, entry)
        if last.most is not None:
            seconds = budget.max_run_time_secs + last.most
            made["wall_secs"] = _lower(found["wall_secs"], seconds, "[budget] max_run_time_secs")
    return made


def _lower(found: Ceiling, most: int, because: str) -> Ceiling:
    return Ceiling(most, (because,)) if found.most is None or found.most > most else found


def _longest(workflow: Workflow, flow: Flow, entry: str) -> Ceiling:
    """The longest wait of one node: it may begin right before the deadline."""
    limits = answer_limits(workflow)
    longest = NOTHING
    for name in graph.reachable([entry], flow.nexts):
        if flow.reaches(name):
            own = _own(flow.steps.nodes[name], limits, Origins(flow))
            longest = longest.or_(own.get("wall_secs", NOTHING))
    return longest


def _graph(workflow: Workflow, flow: Flow) -> _Graph:
    made = _Graph({node.id: node for node in workflow.nodes if flow.reaches(node.id)})
    for name in made.nodes:
        for way in flow.ways.get(name, ()):
            if way.to not in made.nodes or not flow.possible(name, way.label):
                continue
            made.all.setdefault(name, []).append(way.to)
            if way.loop:
                made.loops.append((name, way.to, workflow.edges[way.number].max_iterations or 0))
            else:
                made.plain.setdefault(name, []).append(way.to)
    return made


def answer_limits(workflow: Workflow) -> dict[str, int]:
    """The longest answer of each backend that says so."""
    backends = workflow.intelligence.backends if workflow.intelligence else ()
    return {each.name: each.max_tokens or ANSWER_TOKENS for each in backends}


def _own(node: NodeModel, limits: Mapping[str, int], origins: Origins) -> dict[Measure, Ceiling]:
    """What a node itself may cost, with its attempts."""
    attempts = 1
    waits = 0
    if node.retry is not None and SPECS[node.type].retryable:
        attempts = max(node.retry.max_attempts, 1)
        spread = 1 + min(max(node.retry.jitter, 0.0), 0.5)
        total = node.retry.backoff_ms * (attempts - 1) * attempts // 2
        waits = -int(-total * spread // _MS)
    found: dict[Measure, Ceiling] = {}
    for cost in SPECS[node.type].costs(node, limits):
        told = f'"{node.id}" ({node.type})' + (f": {cost.because}" if cost.because else "")
        most = _length(cost.length_of, node, origins) if cost.length_of is not None else cost.most
        most = None if most is None else most * attempts
        each = Ceiling(most, (told,) if most != 0 else ())
        found[cost.measure] = found.get(cost.measure, NOTHING).plus(each)
    if waits:
        found["wall_secs"] = found.get("wall_secs", NOTHING).plus(
            Ceiling(waits, (f'"{node.id}" waits to retry',))
        )
    return found


def _length(path: str, node: NodeModel, origins: Origins) -> int | None:
    """The bytes of the longest text that a path can lead to; None when that depends on data."""
    known = [whole(text) for text in origins.texts(path, node.id)]
    if None in known:
        return None
    return max(len((each or "").encode("utf-8", "surrogatepass")) for each in known)


def _costs(
    node: NodeModel, limits: Mapping[str, int], family: Children, origins: Origins
) -> dict[Measure, Ceiling]:
    """All that a visit of a node may cost."""
    own = _own(node, limits, origins)
    found = {measure: own.get(measure, NOTHING) for measure in MEASURES}
    found["node_visits"] = Ceiling(1)
    for use in SPECS[node.type].children(node):
        for measure in MEASURES:
            found[measure] = found[measure].plus(_child(node, use, family, measure))
    return found


def _child(node: NodeModel, use: ChildUse, family: Children, measure: Measure) -> Ceiling:
    child = family.get(use.workflow)
    start = None if child is None else use.start or next(iter(child.starts), None)
    if child is None or start is None or start not in child.ceilings:
        return Ceiling(
            None, (f'"{node.id}" ({node.type}): nothing is known of "{use.workflow}", or it runs itself',)
        )
    one = child.ceilings[start][measure]
    times = f"{use.times} × " if use.times != 1 else ""
    because = tuple(f'"{node.id}": {times}"{use.workflow}": {each}' for each in one.because)
    return Ceiling(one.most, because).times(use.times)


def _dearest(reached: _Graph, around: _Components, cost: Mapping[str, Ceiling], entry: str) -> Ceiling:
    """The dearest walk from an entry; at most MAX_VISITS nodes, whatever the loops say."""
    memo: dict[str, Ceiling] = {}
    for members in around.backwards(entry):
        plain = _plain(reached, cost, members)
        rounds = NOTHING
        for source, target, count in reached.loops:
            if source in plain and target in plain:
                rounds = rounds.plus(plain[target].times(count))
        beyond = _most(memo[to] for each in members for to in reached.all.get(each, ()) if to not in plain)
        beyond = rounds.plus(beyond)
        for name in members:
            memo[name] = plain[name].plus(beyond)
    return _capped(memo[entry], _most(cost[name] for name in memo))


def _capped(found: Ceiling, dearest: Ceiling) -> Ceiling:
    """A walk ends after so many visits."""
    if found.most is None or dearest.most is None or found.most <= MAX_VISITS * dearest.most:
        return found
    return Ceiling(MAX_VISITS * dearest.most, dearest.because)


class _Components:
    """The strongly connected components of the graph."""

    def __init__(self, reached: _Graph) -> None:
        self._nexts = reached.all
        self._around = graph.loops(reached.all)

    def backwards(self, entry: str) -> Iterator[Sequence[str]]:
        """Those that a walk can get to, each after all that are behind it."""
        seen: set[str] = set()
        stack: list[tuple[str, bool]] = [(entry, False)]
        while stack:
            name, done = stack.pop()
            members = self._around.get(name, (name,))
            if done:
                yield members
            elif name not in seen:
                seen.update(members)
                stack.append((name, True))
                stack.extend((to, False) for each in members for to in self._nexts.get(each, ()))


def _plain(reached: _Graph, cost: Mapping[str, Ceiling], members: Sequence[str]) -> dict[str, Ceiling]:
    """The dearest walk from each node along plain edges, which have no cycle, inside a component."""
    within = frozenset(members)
    memo: dict[str, Ceiling] = {}
    stack = [(name, False) for name in members]
    while stack:
        name, done = stack.pop()
        if name in memo:
            continue
        nexts = [to for to in reached.plain.get(name, ()) if to in within]
        if done:
            memo[name] = cost[name].plus(_most(memo[to] for to in nexts))
        else:
            stack.append((name, True))
            stack.extend((to, False) for to in nexts)
    return memo


def _most(found: Iterable[Ceiling]) -> Ceiling:
    most = NOTHING
    for each in found:
        most = most.or_(each)
    return most
