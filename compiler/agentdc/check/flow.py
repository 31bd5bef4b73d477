"""What holds on every route into a node: which outputs are there, and their types.

Theory of operation. For each node there is an *environment*, head to type, of what is known before it runs. It holds
only what is narrower than the type of the whole output (`outputs`), which holds wherever the output is there at
all; so most environments are small or empty, and a long chain shares one. An edge adds to it what a step teaches
(`steps`); where edges meet, a head keeps the union of its types if every edge knows one, and is forgotten if one does
not. An edge that no value can take contributes nothing, and a node that nothing contributes to is never reached.

Nodes are visited in reverse postorder until nothing changes. Without loops that is once. With loops, types begin
with what is known so far and grow; a node that is visited too often is taken to give anything its declaration allows,
and to teach nothing, so that every growth ends.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agentdc.check import graph
from agentdc.check.facts import RAW, TRIGGER
from agentdc.check.graph import Dominance
from agentdc.check.starts import Input
from agentdc.check.steps import HEADS, Nothing, Steps
from agentdc.types import NEVER, UNKNOWN, Followed, Never, Type, follow
from agentdc.types.relate import join, subtype

MAX_VISITS = 12
Env = Mapping[str, Type]
Source = tuple[str, str | None, str]
"""An edge, by the node it leaves, its label and the node it enters; or a start: ("", its name, its entry)."""


class Way(NamedTuple):
    """An edge that an outcome can take: its number among the edges, its label, where it leads."""

    number: int
    label: str | None
    to: str
    loop: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """The result.

    `envs`: what is known before a node runs, by node that some run reaches. `started`: the same for each start.
    `outputs`: types of whole outputs. `outcomes`: the output by node and label, None = it cannot be given.
    `dominance`, `nexts`: over the edges that can be taken.
    """

    steps: Steps
    entries: Mapping[str, str]
    envs: Mapping[str, Env]
    started: Mapping[str, Env]
    outputs: Mapping[str, Type]
    ways: Mapping[str, Sequence[Way]]
    outcomes: Mapping[tuple[str, str | None], Type | None]
    dominance: Dominance
    nexts: Mapping[str, Sequence[str]]

    def reaches(self, node: str) -> bool:
        """Whether any run gets to the node."""
        return node in self.envs

    def possible(self, node: str, label: str | None) -> bool:
        """Whether a node can give a label; of a label that nothing asked about, True."""
        return self.outcomes.get((node, label), UNKNOWN) is not None

    def ran(self, head: str, at: str) -> bool:
        """Whether the output of `head` is there on every route to `at`."""
        return head in HEADS or (self.dominance.before(head, at) and not self.steps.doubtful(head))

    def type_of(self, head: str, at: str) -> Type:
        """The type of an output before `at` runs, in the runs in which it is there."""
        return self.envs[at].get(head) or self.outputs.get(head, UNKNOWN)

    def view(self, at: str) -> Joined:
        """What is known before a node runs."""
        return Joined(self.envs[at], self.outputs, lambda head: self.ran(head, at))

    def resolve(self, path: str, at: str) -> Followed:
        """Where a context path leads before `at` runs; certain in full only if its head is there on every route."""
        head, *segments = path.split(".")
        return follow(self.type_of(head, at), tuple(segments))

    def certain(self, path: str, at: str) -> bool:
        """True when the path leads to a value in every run that gets to the node."""
        return self.ran(path.split(".", maxsplit=1)[0], at) and self.resolve(path, at).certain == path.count(
            "."
        )


class Joined:
    """The view of a node: what all routes to it have in common. `certainly`: whether all of them ran a head."""

    def __init__(self, env: Env, outputs: Mapping[str, Type], certainly: Callable[[str], bool]) -> None:
        self._env = env
        self._outputs = outputs
        self._certainly = certainly

    def type_of(self, head: str) -> Type | None:
        """The narrowest type known."""
        return self._env.get(head) or self._outputs.get(head)

    def ran(self, head: str) -> bool:
        """Whether it has run on every route."""
        return self._certainly(head)


def flow(
    steps: Steps,
    entries: Mapping[str, str],
    given: Mapping[str, Input],
    ways: Mapping[str, Sequence[Way]],
    dominance: Dominance,
) -> Flow:
    """The fixpoint; `dominance`: over all the ways."""
    work = _Work(steps, entries, given, ways, dominance)
    work.run()
    return work.result()


class _Work:
    """The fixpoint on its way."""

    def __init__(
        self,
        steps: Steps,
        entries: Mapping[str, str],
        given: Mapping[str, Input],
        ways: Mapping[str, Sequence[Way]],
        dominance: Dominance,
    ) -> None:
        self.steps = steps
        self.entries = entries
        self.given = given
        self.ways = ways
        self.dominance = dominance
        self.incoming: dict[str, dict[Source, Env]] = {}
        self.envs: dict[str, Env] = {}
        self.outputs: dict[str, Type] = {}
        self.outcomes: dict[tuple[str, str | None], Type | None] = {}
        self.number = {name: at for at, name in enumerate(self.dominance.order)}
        self.visits = dict.fromkeys(self.number, 0)
        self.waiting: list[int] = []
        self.queued: set[str] = set()
        self.readers: dict[str, list[str]] = {}
        for name in self.number:
            for head in self.steps.reads(name):
                self.readers.setdefault(head, []).append(name)
        for name in self.number:
            self.outputs[name] = NEVER  # has not run as far as is known
        inputs = [self.given[start] for start in self.entries]
        self.outputs[TRIGGER] = join([each.flat for each in inputs]) if inputs else UNKNOWN
        self.outputs[RAW] = join([each.raw for each in inputs]) if inputs else UNKNOWN
        if TRIGGER in self.steps.nodes:
            self.outputs[TRIGGER] = UNKNOWN
        self.started = {start: self._begun(self.given[start]) for start in self.entries}

    def _begun(self, given: Input) -> Env:
        both = {RAW: given.raw}
        if TRIGGER not in self.steps.nodes:
            both[TRIGGER] = given.flat
        return {head: found for head, found in both.items() if found != self.outputs[head]}

    def run(self) -> None:
        """Visit nodes until nothing changes."""
        for start, entry in self.entries.items():
            self.incoming.setdefault(entry, {})["", start, entry] = self.started[start]
            self._queue(entry)
        while self.waiting:
            name = self.dominance.order[heapq.heappop(self.waiting)]
            self.queued.discard(name)
            self._visit(name)

    def _queue(self, name: str) -> None:
        if name not in self.queued:
            self.queued.add(name)
            heapq.heappush(self.waiting, self.number[name])

    def _visit(self, name: str) -> None:
        came = self.incoming.get(name)
        if not came:
            self._leave(name)
            return
        if self.visits[name] > MAX_VISITS:
            if name not in self.envs:
                self._give_up(name)
            return
        self.visits[name] += 1
        self.envs[name] = self._meeting(list(came.values()))
        if self.visits[name] > MAX_VISITS:
            self._give_up(name)
            return
        view = Joined(self.envs[name], self.outputs, lambda head: self._ran(head, name))
        if self.steps.stores(name):
            self._store(name, self.steps.output(name, view))
        learnt: dict[str | None, dict[str, Type] | None] = {}
        for label in self._labels(name):
            learnt[label] = self.steps.taken(name, label, view)
            found = learnt[label]
            self.outcomes[name, label] = None if found is None else found.get(name, UNKNOWN)
        for way in self.ways.get(name, ()):
            self._send(name, way, self._after(name, learnt[way.label]))

    def _labels(self, name: str) -> Iterable[str | None]:
        ways = [way.label for way in self.ways.get(name, ())]
        return dict.fromkeys((*(self.steps.labels(name) or ()), *ways))

    def _ran(self, head: str, at: str) -> bool:
        return head in HEADS or (self.dominance.before(head, at) and not self.steps.doubtful(head))

    def _after(self, name: str, learnt: dict[str, Type] | None) -> Env | None:
        """The environment on an edge that leaves a node."""
        if learnt is None:
            return None
        env = self.envs[name]
        new = {head: found for head, found in learnt.items() if self._says(head, found)}
        if name not in env and not new:
            return env
        return {**{head: found for head, found in env.items() if head != name}, **new}

    def _says(self, head: str, found: Type) -> bool:
        """Whether a type says more than that of the output, about one that anything reads."""
        if head not in self.readers and head != RAW:
            return False
        whole = self.outputs[head]
        return found is not whole and found != whole

    def _send(self, name: str, way: Way, env: Env | None) -> None:
        source: Source = (name, way.label, way.to)
        came = self.incoming.setdefault(way.to, {})
        if env is None:
            if came.pop(source, None) is not None:
                self._queue(way.to)
        elif source not in came or (came[source] is not env and came[source] != env):
            came[source] = env
            self._queue(way.to)

    def _leave(self, name: str) -> None:
        """A node that turns out not to be reached after all."""
        if self.envs.pop(name, None) is not None:
            for way in self.ways.get(name, ()):
                self._send(name, way, None)

    def _store(self, name: str, found: Type) -> None:
        before = self.outputs[name]
        if found is not before and found != before:
            self.outputs[name] = found
            for reader in self.readers.get(name, ()):
                if self.incoming.get(reader):
                    self._queue(reader)

    def _give_up(self, name: str) -> None:
        self.envs[name] = {}
        if self.steps.stores(name):
            self._store(name, self.steps.output(name, Nothing()))
        for label in self._labels(name):
            self.outcomes[name, label] = self.outputs[name]
        for way in self.ways.get(name, ()):
            self._send(name, way, {})

    def _meeting(self, came: list[Env]) -> Env:
        first = came[0]
        if all(each is first for each in came):
            return first
        found: dict[str, Type] = {}
        for head in min(came, key=len):
            known = [each[head] for each in came if head in each]
            if len(known) < len(came):
                continue
            both = known[0] if all(each is known[0] for each in known) else join(known)
            if not subtype(self.outputs[head], both):
                found[head] = both
        return found

    def result(self) -> Flow:
        """What has been found, with dominance over the edges that can be taken."""
        nexts = graph.successors(
            (source, to)
            for to, came in self.incoming.items()
            for source, _, _ in came
            if source and source in self.envs
        )
        outputs = dict(self.outputs)
        for name in self.number:
            if name not in self.envs and self.steps.stores(name):
                outputs[name] = self.steps.output(name, Nothing())
        entries = list(dict.fromkeys(self.entries.values()))
        return Flow(
            self.steps,
            self.entries,
            self.envs,
            self.started,
            outputs,
            self.ways,
            self.outcomes,
            graph.dominance(entries, nexts),
            nexts,
        )


def never_stored(steps: Steps, name: str) -> bool:
    """Whether a node leaves no output at all: it ends the run, or waits."""
    return steps.stores(name) and isinstance(steps.output(name, Nothing()), Never)
