"""Where a value comes from: the text that is known of it at build, and the nodes that the rest is taken from.

A path is followed backwards: through templates, through nodes that copy a value (`json_select`, `condition`,
`switch`), and into literals that the types know. What cannot be followed further is data of a node or of the trigger.

    a template "https://a.example/orders/{{id}}" over trigger -> ("https://a.example/orders/", Data("trigger.id"))

`tainted` asks less and goes further: every node with an effect, and the trigger, that a value can have anything from.
A model's answer has something of its question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from agentdc.check.facts import RAW, TRIGGER
from agentdc.check.flow import Flow
from agentdc.check.links import split
from agentdc.ir.ops import Hole
from agentdc.model.node import NodeModel
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import TemplateField
from agentdc.nodes.template import inner_segments, parse
from agentdc.types import Literal, Type, follow, kinds
from agentdc.types.shape import members_of

MANY = 16  # alternatives; of more, nothing is told apart
_DEEPEST = 12  # of templates in templates


@dataclass(frozen=True, slots=True)
class Data:
    """A part that is only known at run time: the context path of it. `number`: it is a number, or true or false."""

    path: str
    number: bool = False

    @property
    def head(self) -> str:
        """The node it comes from, or `trigger`."""
        return split(self.path)[0]


Text: TypeAlias = tuple[str | Data, ...]
"""A text in parts; known parts are never empty, and no two stand side by side."""


def prefix(text: Text) -> str:
    """The known beginning."""
    return text[0] if text and isinstance(text[0], str) else ""


def whole(text: Text) -> str | None:
    """The text, when all of it is known."""
    return prefix(text) if len(text) < 2 and (not text or isinstance(text[0], str)) else None


def shown(text: Text) -> str:
    """The text for people: data as `{{path}}`."""
    return "".join(each if isinstance(each, str) else f"{{{{{each.path}}}}}" for each in text)


class Origins:
    """The origins of the values of one workflow."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._nodes = flow.steps.nodes
        self._tainted: dict[str, frozenset[str]] = {}

    def texts(self, path: str, at: str) -> tuple[Text, ...]:
        """Every text that the value at a context path can be before `at` runs; one of data when nothing is known."""
        return self._of(path, at, 0)

    def template(self, node: NodeModel, field: TemplateField) -> tuple[Text, ...]:
        """What a template of a node can render to."""
        return self._rendered(node, field, 0)

    def _of(self, path: str, at: str, depth: int) -> tuple[Text, ...]:
        known = _literals(self._type(path, at))
        if known is not None:
            return known
        head, segments = split(path)
        node = self._nodes.get(head)
        if node is not None and head != TRIGGER and depth < _DEEPEST and self._flow.reaches(head):
            spec = SPECS[node.type]
            for field in spec.templates:
                if field.gives is not None and segments == (field.gives,):
                    return self._rendered(node, field, depth)
            for alias in spec.aliases:
                if segments[:1] == (alias.value,):
                    inner = () if alias.inner is None else inner_segments(getattr(node, alias.inner))
                    source = (str(getattr(node, alias.source)), *inner, *segments[1:])
                    return self._of(".".join(source), head, depth + 1)
        return ((Data(path, _is_number(self._type(path, at))),),)

    def _type(self, path: str, at: str) -> Type:
        head, segments = split(path)
        return follow(self._flow.type_of(head, at), segments).type

    def _rendered(self, node: NodeModel, field: TemplateField, depth: int) -> tuple[Text, ...]:
        texts: list[Text] = [()]
        for part in parse(getattr(node, field.name)):
            ends = ((part,),) if isinstance(part, str) else self._hole(part, node, field, depth)
            texts = [_joined(start, end) for start in texts for end in ends]
            if len(texts) > MANY:
                return ((*_common(texts), Data(f"{node.id}.{field.gives or field.name}")),)
        return tuple(dict.fromkeys(texts))

    def _hole(self, hole: Hole, node: NodeModel, field: TemplateField, depth: int) -> tuple[Text, ...]:
        source = getattr(node, field.data)
        if source is None and field.absent == "null":
            return (
                (f"{{{{{hole.key}}}}}" if hole.segments else "null",),
            )  # nothing fills it: it stays as it is
        path = ".".join((TRIGGER if source is None else source, *hole.segments))
        if source is None:
            return ((Data(path),),)
        head, segments = split(path)
        if follow(self._flow.type_of(head, node.id), segments).doubt != "none":
            return ((Data(path),),)  # it may stay as it is
        return self._of(path, node.id, depth + 1)

    def tainted(self, path: str) -> frozenset[str]:
        """The nodes with an effect, and `trigger`, that the value at a path can have something from."""
        head, _ = split(path)
        return self._behind(TRIGGER if head == RAW else head)

    def _behind(self, head: str) -> frozenset[str]:
        """What is behind a head; nodes on a loop of copies have all that any of them has."""
        if head not in self._tainted:
            seen: set[str] = set()
            waiting = [head]
            found: set[str] = set()
            while waiting:
                name = waiting.pop()
                if name in seen:
                    continue
                seen.add(name)
                node = self._nodes.get(name)
                families = {effect.family for effect in SPECS[node.type].effects(node)} if node else set()
                if node is None or name == TRIGGER or families:
                    found.add(name)
                if node is not None and families <= {"model"}:  # an answer can have anything of the question
                    waiting.extend(sources(node))
            self._tainted[head] = frozenset(found)
        return self._tainted[head]


def sources(node: NodeModel) -> Iterator[str]:
    """The heads that a node reads from: of its paths, and the trigger where a template takes that."""
    spec = SPECS[node.type]
    for _, _, path in spec.paths_of(node):
        yield split(path)[0]
    for field in spec.templates:
        if getattr(node, field.data) is None and field.absent == "input":
            yield TRIGGER


def _is_number(value: Type) -> bool:
    found = kinds(value)
    return bool(found) and found is not None and found <= {"integer", "float", "boolean"}


def _literals(value: Type) -> tuple[Text, ...] | None:
    """The texts of a type of a few strings; None for any other."""
    found: list[Text] = []
    for each in members_of(value):
        if not isinstance(each, Literal) or not isinstance(each.value, str) or len(found) == MANY:
            return None
        found.append((each.value,) if each.value else ())
    return tuple(found) or None


def _joined(start: Text, end: Text) -> Text:
    if start and end and isinstance(start[-1], str) and isinstance(end[0], str):
        return (*start[:-1], start[-1] + end[0], *end[1:])
    return (*start, *end)


def _common(texts: Iterable[Text]) -> Text:
    """The known beginning that all have."""
    starts = [prefix(each) for each in texts]
    shortest, longest = min(starts), max(starts)
    length = next(
        (at for at, (a, b) in enumerate(zip(shortest, longest, strict=False)) if a != b), len(shortest)
    )
    return (shortest[:length],) if length else ()
