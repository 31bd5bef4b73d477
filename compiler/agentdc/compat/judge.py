"""Whether a run that stands at a point of one version goes on in another.

Theory of operation. From the point on, the new version's graph is what runs. Each path that it reads there leads to
an output that the new version gives after the point, or to one that is stored. Of the stored ones the type is known:
if no stored value can be what is read, the run errors there. That is certain for nodes that every run passes
(`check.resuming.needs`), and so a reason to refuse; elsewhere it is a warning. What is as doubtful in a new run is
not told: that is for `check`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agentdc.check import graph, resuming
from agentdc.check.facts import TRIGGER
from agentdc.check.flow import Flow
from agentdc.check.graph import Dominance
from agentdc.check.links import split
from agentdc.check.paths import fits
from agentdc.compat import reasons
from agentdc.compat.points import Point
from agentdc.compat.words import a_kind, a_node, a_value
from agentdc.ir.ops import Need
from agentdc.model.node import NodeModel
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import PathField
from agentdc.nodes.template import inner_segments, parse
from agentdc.types import UNKNOWN, Followed, Type, follow, kinds
from agentdc.types.shape import ALL_KINDS

Verdict = Literal["resumes", "warning", "cannot"]
Told = tuple[Verdict, str]


@dataclass(frozen=True, slots=True)
class Side:
    """One version: its name, what holds in its runs, and whether its app keeps any.

    `nexts`: the edges, whether or not a new run can take them; `after`: by node, all that can follow it. `needs`:
    see `check.resuming`.
    """

    workflow: str
    flow: Flow
    keeps: bool
    nexts: graph.Successors
    after: Mapping[str, Container[str]]
    needs: Mapping[str, Sequence[Need]]

    def has(self, node: str) -> bool:
        """Whether the app has the node: it is at a start, or behind one."""
        entries = self.flow.entries.values()
        return node in entries or any(node in self.after[entry] for entry in entries)


def side(workflow: str, flow: Flow, *, keeps: bool) -> Side:
    """A version."""
    nexts = graph.successors((name, way.to) for name, ways in flow.ways.items() for way in ways)
    after = {name: graph.reachable(nexts.get(name, ()), nexts) for name in flow.steps.nodes}
    return Side(workflow, flow, keeps, nexts, after, resuming.needs(flow))


@dataclass(frozen=True, slots=True)
class Judgement:
    """`reasons`: of a refusal the reasons to refuse alone, else what to know."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()


def judge(point: Point, old: Side, new: Side) -> Judgement:
    """What becomes of a run that stands there."""
    told = list(dict.fromkeys(_judged(point, old, new)))
    for verdict in ("cannot", "warning"):
        found = tuple(reason for level, reason in told if level == verdict)
        if found:
            return Judgement(verdict, found)
    return Judgement("resumes")


def _judged(point: Point, old: Side, new: Side) -> Iterator[Told]:
    if old.workflow != new.workflow:
        yield "cannot", reasons.other_workflow(old.workflow, new.workflow)
        return
    if not new.keeps:
        yield "cannot", reasons.keeps_nothing()
        return
    if point.resume is not None and not new.has(point.resume):
        yield "cannot", reasons.no_node(point.resume)
        return
    yield from _around(point, old.flow, new.flow)
    if point.resume is not None:
        yield from _Reads(point, new, point.resume).judged()


def _around(point: Point, old: Flow, new: Flow) -> Iterator[Told]:
    """What has changed where the run stands; the run goes on all the same."""
    before, now = (flow.steps.nodes.get(point.resume or "") for flow in (old, new))
    if before is not None and now is not None and before.type != now.type:
        yield "warning", reasons.kind_changed(now.id, a_node(before.type), a_node(now.type))
    if point.looped and _loop_edges(old) != _loop_edges(new):
        yield "warning", reasons.loops()
    if point.after is None:
        return
    if point.pauses and not _pauses(new.steps.nodes.get(point.after)):
        yield "warning", reasons.no_pause(point.after)
    following = list(dict.fromkeys(way.to for way in new.ways.get(point.after, ())))
    if point.after not in new.steps.nodes or point.resume in following:
        return
    if point.resume is None:
        if following and point.pauses:
            yield "warning", reasons.ends_early(point.after, following[0])
    elif following:
        yield "warning", reasons.passed_by(point.after, following[0], point.resume)
    else:
        yield "warning", reasons.no_longer_follows(point.after, point.resume)


def _pauses(node: NodeModel | None) -> bool:
    return node is not None and SPECS[node.type].end == "pause"


def _loop_edges(flow: Flow) -> list[tuple[str, str | None, str]]:
    return [(name, way.label, way.to) for name, ways in flow.ways.items() for way in ways if way.loop]


class _Reads:
    """What the new version reads after the point, against what is stored."""

    def __init__(self, point: Point, new: Side, resume: str) -> None:
        self._point = point
        self._new = new.flow
        self._after = new.after
        self._dominance: Dominance = graph.dominance([resume], new.nexts)
        self._came = frozenset(self._dominance.order)
        self._certain = {(need.node, need.path) for need in new.needs.get(resume, ())}

    def judged(self) -> Iterator[Told]:
        """Every read of every node that the run may come to, in the order of a run."""
        for name in self._dominance.order:
            for field, path in resuming.reads(self._new.steps, name):
                head = split(path)[0]
                if self._from_before(head, name):
                    yield from self._read(name, field, path, again=self._again(head, name))
            yield from self._templates(name)

    def _from_before(self, head: str, at: str) -> bool:
        """Whether the output that is read may be a stored one."""
        if head == TRIGGER:
            return True
        if head not in self._new.steps.nodes:
            return False
        return not (head in self._came and self._dominance.before(head, at) and head != at)

    def _again(self, head: str, at: str) -> bool:
        """Whether the node may also have run since."""
        return head in self._came and at in self._after[head]

    def _read(self, node: str, field: PathField, path: str, *, again: bool) -> Iterator[Told]:
        head, segments = split(path)
        needs = field.needs
        certain = (node, path) in self._certain and not again
        level: Verdict = "cannot" if certain else "warning"
        aborts = field.missing == "error"
        held = self._point.outputs.get(head)
        if held is None:
            if not again and (aborts or (self._new.reaches(node) and self._new.ran(head, node))):
                yield level, reasons.not_stored(node, path, head)
            return
        found = follow(held, segments)
        fresh = self._fresh(path, node)
        if not found.possible:
            if fresh.possible:
                yield level, reasons.no_key(node, path, head)
            return
        fit = "yes" if needs == "any" else fits(found.type, needs, nullable=not aborts)
        if fit == "no":
            yield level, reasons.wrong_kind(node, path, a_kind(needs), a_value(found.type))
            return
        known = self._new.reaches(node) and self._new.certain(path, node)
        if known and (head not in self._point.sure or found.certain < len(segments)) and not again:
            yield "warning", reasons.may_lack(node, path)
        elif fit == "yes" and not _kinds(found.type) <= _kinds(fresh.type):
            yield "warning", reasons.changed(node, path, a_value(found.type), a_value(fresh.type))
        if fit == "some" and fits(fresh.type, needs, nullable=not aborts) == "yes":
            yield "warning", reasons.may_be_wrong(node, path, a_kind(needs))

    def _fresh(self, path: str, node: str) -> Followed:
        """What a new run finds at a path; anything, where none comes by."""
        if self._new.reaches(node):
            return self._new.resolve(path, node)
        return follow(UNKNOWN, split(path)[1])

    def _templates(self, name: str) -> Iterator[Told]:
        node = self._new.steps.nodes[name]
        for template in SPECS[node.type].templates:
            path = getattr(node, template.data)
            if path is None or not self._from_before(split(path)[0], name):
                continue
            head, segments = split(path)
            held = self._point.outputs.get(head)
            data = None if held is None else follow(held, segments)
            if data is None or not data.possible:
                continue
            holes = [part for part in parse(getattr(node, template.name)) if not isinstance(part, str)]
            for key in dict.fromkeys(hole.key for hole in holes):
                inner = inner_segments(key)
                fresh = follow(self._fresh(path, name).type, inner)
                if not follow(data.type, inner).possible and fresh.possible:
                    yield "warning", reasons.placeholder(name, key)


def _kinds(value: Type) -> frozenset[str]:
    return frozenset(kinds(value) or ALL_KINDS)
