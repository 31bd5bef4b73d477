"""Every context path against what holds where it is read: head, keys, kind of value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING
from typing import Literal as OneOf

from agentdc.check import graph
from agentdc.check import path_errors as errors
from agentdc.check.errors import effect
from agentdc.check.facts import RAW, TRIGGER
from agentdc.check.flow import Flow, never_stored
from agentdc.check.links import split
from agentdc.check.misread import (
    expression_path,
    expression_placeholder,
    flattened,
    misplaced,
    misread,
    misread_inner,
)
from agentdc.diagnostics import Diagnostic, Span
from agentdc.model.node import NodeModel
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import Needs, PathField
from agentdc.nodes.template import inner_segments, parse
from agentdc.parse.positions import Places
from agentdc.types import NULL, Array, Literal, Never, Object, Type, Union, Unknown, follow, kinds
from agentdc.types.narrow import Test, narrow
from agentdc.types.relate import subtype
from agentdc.types.shape import ALL_KINDS, Kind, members_of, union

if TYPE_CHECKING:
    from agentdc.check.routes import OnRoute, Route, Routes

Fit = OneOf["yes", "no", "some", "open"]
_NEEDS = {"string": Test("string"), "array": Test("array"), "strings": Test("strings")}
_MANY_KINDS = 5  # a value of so many kinds is as good as unknown


def check(workflow: Workflow, flow: Flow, at: Places) -> Iterator[Diagnostic]:
    """Findings for each path, template and inner path of each reachable node, in declaration order."""
    nexts = graph.successors((edge.from_, edge.to) for edge in workflow.edges)
    heads = [node.id for node in workflow.nodes]
    checks = _Checks(flow, nexts, heads)
    for index, node in enumerate(workflow.nodes):
        if not flow.reaches(node.id):
            continue  # a file without start nodes reaches nothing
        for place, field, path in SPECS[node.type].paths_of(node):
            where = at.value(("nodes", index, *place))
            yield from checks.path(node, field, path, where)
        yield from checks.inner(node, index, at)
        yield from checks.templates(node, index, at)


class _Checks:
    def __init__(self, flow: Flow, nexts: Mapping[str, Sequence[str]], heads: Sequence[str]) -> None:
        self.flow = flow
        self.nexts = nexts
        self.heads = heads

    @cached_property
    def routes(self) -> Routes:
        """Asked only when something is in doubt."""
        from agentdc.check.routes import Routes

        return Routes(self.flow)

    def path(self, node: NodeModel, field: PathField, path: str, where: Span) -> Iterator[Diagnostic]:
        """Whether the path leads somewhere, and what it leads to fits."""
        head, segments = split(path)
        aborts = field.missing == "error"
        if head != TRIGGER and head not in self.heads:
            heads = (TRIGGER, *self.heads)
            instead = misread(path, self.heads)
            yield errors.unknown_head(path, head, heads, where, aborts=aborts, instead=instead)
            return
        if never_stored(self.flow.steps, head):
            yield errors.no_output(path, head, self.flow.steps.nodes[head].type, where, aborts=aborts)
            return
        if not self.flow.ran(head, node.id):
            if node.id not in graph.reachable(self.nexts.get(head, ()), self.nexts):
                yield errors.not_upstream(path, head, node.id, where, aborts=aborts)
                return
            if self.flow.dominance.before(head, node.id):
                yield errors.undecided(path, head, where, aborts=aborts)
            else:
                yield from self._maybe_unset(node, path, head, where, aborts=aborts)
        found = follow(self.flow.type_of(head, node.id), segments)
        if not found.possible:
            known, segment = _dead_end(self.flow.type_of(head, node.id), segments)
            instead = misread(path, self.heads) or flattened(path, known)
            yield errors.unknown_key(path, segment, known, where, aborts=aborts, instead=instead)
            return
        if found.doubt == "open" and (instead := misread(path, self.heads)) is not None:
            yield expression_path(path, instead, effect(aborts=aborts), where)
        fit = "yes" if field.needs == "any" else fits(found.type, field.needs, nullable=not aborts)
        if found.doubt == "known" and fit != "no":
            yield from self._maybe_missing(node, path, head, segments, where, aborts=aborts)
        if fit == "no":
            inside = [
                key
                for key in _keys(found.type)
                if fits(follow(found.type, (key,)).type, field.needs, nullable=False) == "yes"
            ]
            yield errors.type_mismatch(
                path, _kinds(found.type, field.needs), field.needs, where, inside=inside
            )
        if fit == "some":
            yield from self._kind(node, field, path, found.type, where)
        if fit == "yes":
            yield from self._value(node, field, path, found.type, where)

    def _maybe_unset(
        self, node: NodeModel, path: str, head: str, where: Span, *, aborts: bool
    ) -> Iterator[Diagnostic]:
        shown = self.routes.find(node.id, frozenset((head,)), lambda view: view.type_of(head) is None)
        if shown is None:
            return
        route: Route = shown or ()
        if not route:
            entries = self.flow.entries.values()
            plain = graph.route(entries, self.flow.nexts, node.id, without=head) or ()
            route = tuple((None, each) for each in plain)
        yield errors.maybe_unset(path, head, node.id, route, where, aborts=aborts)

    def _maybe_missing(
        self, node: NodeModel, path: str, head: str, segments: tuple[str, ...], where: Span, *, aborts: bool
    ) -> Iterator[Diagnostic]:
        """A key that some values lack: an error if it is certain on some route, else a matter of the data."""

        def lacks(view: OnRoute) -> bool:
            start = view.type_of(head)
            return start is not None and not follow(start, segments).possible

        shown = self.routes.find(node.id, frozenset((head,)), lacks)
        if shown:
            yield errors.unset_on_route(path, node.id, shown, where, aborts=aborts)
        elif aborts:
            start = self.flow.type_of(head, node.id)
            yield errors.maybe_missing(path, _doubtful(start, segments), where)

    def _kind(
        self, node: NodeModel, field: PathField, path: str, found: Type, where: Span
    ) -> Iterator[Diagnostic]:
        """A value of which some kinds are refused: an error if one is certain on some route."""
        head, segments = split(path)
        nullable = field.missing == "null"

        def refused(view: OnRoute) -> bool:
            start = view.type_of(head)
            value = None if start is None else follow(start, segments)
            return (
                value is not None
                and value.possible
                and fits(value.type, field.needs, nullable=nullable) == "no"
            )

        shown = self.routes.find(node.id, frozenset((head,)), refused)
        wrong = _misfits(found, field.needs, nullable=nullable)
        if shown:
            yield errors.type_mismatch(path, wrong, field.needs, where, shown)
        else:
            yield errors.maybe_mismatch(path, wrong, field.needs, where)

    def _value(
        self, node: NodeModel, field: PathField, path: str, found: Type, where: Span
    ) -> Iterator[Diagnostic]:
        """A value of the right kind that is refused: an error if all are, on some route at least."""
        wrong, whole = _refused(found, node, field)
        if not wrong:
            return
        head, segments = split(path)

        def refused(view: OnRoute) -> bool:
            start = view.type_of(head)
            value = None if start is None else follow(start, segments)
            return value is not None and value.possible and _refused(value.type, node, field)[1]

        shown = None if whole else self.routes.find(node.id, frozenset((head,)), refused)
        if whole or shown:
            yield errors.value_mismatch(path, wrong, where, shown or ())
        else:
            yield errors.maybe_value(path, wrong, where)

    def inner(self, node: NodeModel, index: int, at: Places) -> Iterator[Diagnostic]:
        """Inner paths that lead nowhere in any value."""
        for alias in SPECS[node.type].aliases:
            if alias.inner is None:
                continue
            start = self._data(node, alias.source)
            written = getattr(node, alias.inner)
            segments = inner_segments(written)
            if start is not None and not follow(start, segments).possible:
                known, segment = _dead_end(start, segments)
                where = at.value(("nodes", index, alias.inner))
                yield errors.unknown_inner(written, segment, known, where, misread_inner(written))
            elif start is not None and follow(start, segments).doubt == "open":
                instead = misread_inner(written)
                if instead is not None:
                    yield expression_path(
                        written, instead, "never found", at.value(("nodes", index, alias.inner))
                    )

    def templates(self, node: NodeModel, index: int, at: Places) -> Iterator[Diagnostic]:
        """Placeholders that stay as they are, for lack of a value."""
        for template in SPECS[node.type].templates:
            start = self._data(node, template.data)
            if getattr(node, template.data) is None:
                start = NULL if template.absent == "null" else self.flow.type_of(RAW, node.id)
            holes = [part for part in parse(getattr(node, template.name)) if not isinstance(part, str)]
            if start is None or isinstance(start, Never):
                continue
            where = at.value(("nodes", index, template.name)) if holes else None
            for key in dict.fromkeys(hole.key for hole in holes):
                found = follow(start, inner_segments(key))
                if where is None or found.doubt == "none":
                    continue
                if found.doubt == "open":
                    instead = misplaced(key, (TRIGGER,))
                    if instead is not None:
                        yield expression_placeholder(key, instead, where)
                    continue
                if found.possible:
                    yield errors.doubtful_placeholder(key, where)
                else:
                    known, segment = _dead_end(start, inner_segments(key))
                    absent = start == NULL and getattr(node, template.data) is None
                    lacking = template.data if absent else None
                    instead = misplaced(key, (TRIGGER, *self.heads))
                    yield errors.dead_placeholder(key, segment, known, lacking, where, instead)

    def _data(self, node: NodeModel, field: str) -> Type | None:
        """The type of the value that a path field leads to; None when it leads nowhere, which is told there."""
        path = getattr(node, field)
        if path is None:
            return None
        head, segments = split(path)
        if head not in self.flow.outputs or not self.flow.outputs:
            return None
        found = follow(self.flow.type_of(head, node.id), segments)
        return found.type if found.possible else None


def fits(value: Type, needs: Needs, *, nullable: bool) -> Fit:
    """Whether a consumer takes every value of the type, none, some, or nobody knows."""
    if isinstance(value, Never):
        return "yes"
    taken = narrow(value, (), _NEEDS[needs])
    if nullable and "null" in (kinds(value) or ()):
        taken = union((taken, NULL))
    if isinstance(taken, Never):
        return "no"
    if subtype(value, taken):
        return "yes"
    return "open" if _open(value, needs) else "some"


def _refused(value: Type, node: NodeModel, field: PathField) -> tuple[str, bool]:
    """(why some value of the type is refused though its kind is right, or empty; whether all are)."""
    found = [_why(each, node, field) for each in members_of(value)]
    return next((each for each in found if each), ""), bool(found) and all(found)


def _why(value: Type, node: NodeModel, field: PathField) -> str:
    match value:
        case Literal("string", str(text)) if field.refuses is not None:
            return field.refuses(text)
        case Array(_, prefix) if field.most is not None:
            most: int = getattr(node, field.most)
            return (
                f"has at least {len(prefix)} items, and {field.most} is {most}" if len(prefix) > most else ""
            )
    return ""


def _open(value: Type, needs: Needs) -> bool:
    """Whether too little is known of a value to say that it may be wrong."""
    if isinstance(value, Unknown) or len(kinds(value) or ALL_KINDS) >= _MANY_KINDS:
        return True
    return needs == "strings" and any(
        isinstance(each, Array) and isinstance(each.any_item, Unknown)
        for each in (value.members if isinstance(value, Union) else (value,))
    )


def _kinds(value: Type, needs: Needs) -> list[str]:
    found = sorted(kinds(value) or ())
    return ["array of something else"] if needs == "strings" and found == ["array"] else list(found)


def _misfits(value: Type, needs: Needs, *, nullable: bool) -> list[str]:
    """The kinds that a value may have and must not."""
    wanted: Kind = "string" if needs == "string" else "array"
    accepted = {wanted, "null"} if nullable else {wanted}
    return sorted((kinds(value) or frozenset()) - accepted) or ["array of something else"]


def _dead_end(start: Type, segments: Sequence[str]) -> tuple[list[str], str]:
    """The keys known where a path stops resolving, and the segment that is not among them."""
    for length in range(1, len(segments) + 1):
        if not follow(start, tuple(segments[:length])).possible:
            return _keys(follow(start, tuple(segments[: length - 1])).type), segments[length - 1]
    raise AssertionError("the path resolves")


def _doubtful(start: Type, segments: Sequence[str]) -> str:
    """The first segment that some values lack."""
    lengths = range(1, len(segments) + 1)
    at = next((n for n in lengths if follow(start, tuple(segments[:n])).doubt == "known"), len(segments))
    return segments[at - 1]


def _keys(value: Type) -> list[str]:
    match value:
        case Object(fields):
            return [name for name, field in fields if not isinstance(field.type, Never)]
        case Union(members):
            return sorted({name for member in members for name in _keys(member)})
        case _:
            return []
