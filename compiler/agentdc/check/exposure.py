"""Flows of data that are worth a warning: private values that leave, and untrusted data that decides or persuades.

What a value has anything from is known by node (`origins.tainted`); which branch was taken counts for nothing here.
These are warnings about what a program lets happen, not proofs that it does.

*Private* is the value of an environment variable whose name is one of a secret; files and MCP resources too, where a
model sees them. *Untrusted* is what a request brings in, what other servers and tools answer, and in a child whatever
it is called with. A *way out* is a request, a tool call or a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from agentdc.check import effect_errors as errors
from agentdc.check import graph
from agentdc.check.effects import Touch, patterns, subject
from agentdc.check.facts import TRIGGER
from agentdc.check.flow import Flow
from agentdc.check.matching import rule, used
from agentdc.check.origins import Data, Origins, Text, prefix
from agentdc.diagnostics import Diagnostic
from agentdc.model.node import NodeModel
from agentdc.model.secrets import EnvSecret
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import Family
from agentdc.parse.positions import Places

_SECRET = re.compile(
    r"(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASS(WORD|WD|PHRASE)?|PWD|CREDENTIALS?|PRIVATE|AUTH|DSN)(_|\Z)",
    re.IGNORECASE,
)
_ANSWERS: frozenset[Family] = frozenset(("http", "mcp.tool", "mcp.resource"))
_PRIVATE: frozenset[Family] = frozenset(("fs.read", "env.read", "mcp.resource"))
_WAYS_OUT: frozenset[Family] = frozenset(("http", "mcp.tool", "shell"))
_FOLDER = re.compile(r"/[^/]+/")
_HOST = re.compile(r"https?://[^/?#@\s]+[/?#]", re.IGNORECASE)


def check(
    workflow: Workflow, touched: Sequence[Touch], flow: Flow, origins: Origins, at: Places, *, child: bool
) -> Iterator[Diagnostic]:
    """Findings by node. `touched`: the workflow's own effects, without those of its children."""
    checks = _Checks(workflow, touched, flow, origins, at, child=child)
    for index, node in enumerate(workflow.nodes):
        if flow.reaches(node.id):
            yield from checks.private(node, index)
            yield from checks.untrusted(node, index)
            yield from checks.exposed(node, index)


@dataclass(slots=True)
class _Checks:
    workflow: Workflow
    touched: Sequence[Touch]
    flow: Flow
    origins: Origins
    at: Places
    child: bool
    by_node: dict[str, list[Touch]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    """Nodes that run because somebody sent a request."""

    def __post_init__(self) -> None:
        routed = {route.start_node for route in self.workflow.http_routes}
        entries = [entry for start, entry in self.flow.entries.items() if start in routed]
        self.asked = graph.reachable(entries, self.flow.nexts)
        for touch in self.touched:
            self.by_node.setdefault(touch.node, []).append(touch)
        declared = {each.var for each in self.workflow.secrets if isinstance(each, EnvSecret)}
        for node in self.workflow.nodes:
            for effect in SPECS[node.type].effects(node):
                key = effect.constant
                if effect.family == "env.read" and key and (key in declared or _SECRET.search(key)):
                    self.secrets[node.id] = key

    def private(self, node: NodeModel, index: int) -> Iterator[Diagnostic]:
        """Secrets from the environment that go where others can read them."""
        for sink, where, seen in self._sinks(node):
            for name in sorted(seen & self.secrets.keys()):
                place = self.at.value(("nodes", index, where))
                yield errors.private_flow(node.id, self.secrets[name], name, sink, place)

    def _sinks(self, node: NodeModel) -> Iterator[tuple[str, str, frozenset[str]]]:
        """(what it is, field, heads behind it) for all that a node shows to others."""
        families = {touch.family for touch in self.by_node.get(node.id, ())}
        for template in SPECS[node.type].templates:
            if template.gives is None:
                behind = self._holes(self.origins.template(node, template))
                yield ("the prompt" if "model" in families else "the reply"), template.name, behind
        for touch in self.by_node.get(node.id, ()):
            field_of = {path: place for place, _, path in SPECS[node.type].paths_of(node)}
            for path in touch.effect.sends:
                behind = self.origins.tainted(path)
                if path == touch.effect.data:  # at its beginning it is the address, which is no secret
                    behind = self._holes(
                        text[1:] if text and isinstance(text[0], Data) else text for text in touch.texts
                    )
                place = str(field_of[path][0])
                yield _SINKS.get((touch.family, path == touch.effect.data), "what is sent"), place, behind

    def _holes(self, texts: Iterable[Text]) -> frozenset[str]:
        holes = {part.path for text in texts for part in text if isinstance(part, Data)}
        return frozenset().union(*map(self.origins.tainted, holes))

    def untrusted(self, node: NodeModel, index: int) -> Iterator[Diagnostic]:
        """Untrusted data as an argument of a command, or as the beginning of a path or URL that no policy narrows."""
        for touch in self.by_node.get(node.id, ()):
            if touch.family == "shell":
                for path in touch.effect.sends:
                    yield from self._told(
                        node, index, touch, "args_from", self._untrusted(self.origins.tainted(path), node.id)
                    )
            elif touch.family in {"fs.read", "fs.write", "http"} and not self._narrowed(touch):
                loose = [text for text in touch.texts if not _anchored(touch.family, prefix(text))]
                yield from self._told(
                    node, index, touch, touch.effect.field, self._untrusted(self._holes(loose), node.id)
                )

    def _told(
        self, node: NodeModel, index: int, touch: Touch, place: str, heads: Sequence[str]
    ) -> Iterator[Diagnostic]:
        if heads:
            where = self.at.value(("nodes", index, place))
            yield errors.untrusted_subject(node.id, touch.family, heads[0], where)

    def _narrowed(self, touch: Touch) -> bool:
        """Whether every pattern that could let the subject through says where it leads."""
        listed = patterns(self.workflow, touch)
        if listed is None:
            return False
        kind = subject(touch.family)
        meeting = [each for each in listed if any(used(kind, each, text) for text in touch.texts)]
        return all(_anchored(touch.family, rule(kind, each).start or f"{each}/") for each in meeting)

    def _untrusted(self, heads: Iterable[str], at: str) -> list[str]:
        return sorted(head for head in heads if self._is_untrusted(head, at))

    def _is_untrusted(self, head: str, at: str) -> bool:
        if head == TRIGGER:
            return self.child or at in self.asked
        return any(touch.family in _ANSWERS for touch in self.by_node.get(head, ()))

    def exposed(self, node: NodeModel, index: int) -> Iterator[Diagnostic]:
        """A model that sees private data and untrusted content, with a way out behind it."""
        mine = self.by_node.get(node.id, ())
        if not any(touch.family == "model" for touch in mine):
            return
        seen = frozenset().union(*(behind for _, _, behind in self._sinks(node)))
        tools = {touch.family for touch in mine if touch.effect.chosen}
        untrusted = self._untrusted(seen, node.id) or (["its tools"] if tools & _ANSWERS else [])
        private = [name for name in sorted(seen) if self._families(name) & _PRIVATE]
        private = private or (["its tools"] if tools & _PRIVATE else [])
        out = node.id if tools & _WAYS_OUT else self._way_out(node.id)
        if untrusted and private and out is not None:
            route = self._route(node.id, out)
            where = self.at.value(("nodes", index, "id"))
            yield errors.exposed_model(node.id, private[0], untrusted[0], out, route, where)

    def _families(self, name: str) -> set[Family]:
        return {touch.family for touch in self.by_node.get(name, ())}

    def _way_out(self, model: str) -> str | None:
        """The first effect behind a model that takes something from its answer out of the app."""
        behind = graph.reachable(self.flow.nexts.get(model, ()), self.flow.nexts)
        for touch in self.touched:
            if touch.node in behind and touch.family in _WAYS_OUT:
                taken = [touch.effect.data, *touch.effect.sends]
                if any(path is not None and model in self.origins.tainted(path) for path in taken):
                    return touch.node
        return None

    def _route(self, model: str, out: str) -> list[str]:
        before = graph.route(self.flow.entries.values(), self.flow.nexts, model, without="") or [model]
        after = graph.route([model], self.flow.nexts, out, without="") or [model]
        return [*before, *after[1:]]


_SINKS: dict[tuple[Family, bool], str] = {
    ("http", True): "the URL",
    ("http", False): "the body of the request",
    ("fs.write", False): "the file",
    ("shell", False): "the arguments of the command",
    ("mcp.tool", False): "the arguments of the tool",
    ("model", False): "the instructions of the model",
}


def _anchored(family: Family, start: str) -> bool:
    """Whether a known beginning says where a path or URL leads."""
    return bool((_HOST if family == "http" else _FOLDER).match(start))
